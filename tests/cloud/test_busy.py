"""A database that others hold for too long delays a request and fails none for good."""

import sqlite3
from pathlib import Path

import pytest

from cloud.settings import Settings
from protocol.encoding import to_base64
from protocol.messages import Challenge, Commitment, ProblemType
from tests.support.device import refusal
from tests.support.served import PLAIN, Served

pytestmark = pytest.mark.sqlite

COMMITMENT = Commitment(commitment=to_base64(bytes(32)))


def test_a_locked_database_is_a_503_with_a_pause_and_the_same_request_succeeds_later(
    tmp_path: Path,
):
    with Served(tmp_path, Settings(recognition=PLAIN)) as served:
        kiosk = served.kiosk()
        other = sqlite3.connect(served.state.database, isolation_level=None, timeout=60)
        other.execute("BEGIN IMMEDIATE")
        message = COMMITMENT.model_dump_json().encode()
        # Who only reads is answered meanwhile.
        assert kiosk.http.get("/v1/receipt-log").status_code == 200
        busy = kiosk.send("POST", "/challenges", message, key="challenge-key")
        other.execute("ROLLBACK")
        other.close()
        problem = refusal(busy)
        assert (problem.type, problem.status) == (ProblemType.BUSY, 503)
        assert busy.headers["retry-after"] == "1"
        assert kiosk.post("/challenges", COMMITMENT, Challenge, key="challenge-key").challenge_id
