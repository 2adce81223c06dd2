"""Whatever tills send, in whatever order: a proper answer, no charge that nobody asked for, and a
kiosk that goes on selling. `./run bench till_fuzz` sends ten thousand messages."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, example, given, settings

from tests.support.hostile_tills import SEQUENCES, Hearing, Sent
from tests.support.tills import abort, payment

pytestmark = pytest.mark.slow


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SEQUENCES)
@example([Sent(abort("1"), None, waits=True), Sent(payment(), None, waits=True)])
@example([Sent(payment(), None, waits=False), Sent(payment(), None, waits=True)] * 2)
@example([Sent(payment(), None, waits=False), Sent(abort("1"), None, waits=False)])
def test_whatever_tills_send_is_answered_and_charges_nothing_that_was_not_asked_for(
    sequence: list[Sent],
) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(Hearing(Path(folder)).plays(sequence))
