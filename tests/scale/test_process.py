"""A service that keeps everything in a database on a server, as an operator runs it."""

import re
from pathlib import Path

import pytest

from cloud.__main__ import main
from protocol.messages import Enrolment
from tests.support.device import fresh_phone
from tests.support.postgres import migrated, server
from tests.support.served import Process

pytestmark = pytest.mark.process


def test_a_service_is_started_killed_and_started_again_with_its_database_on_a_server(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    address = migrated("process")
    with Process(tmp_path / "state", server=address) as first:
        kiosk = first.kiosk()
        assert not (tmp_path / "state" / "palms.db").exists()
        first.kill()
    with Process(tmp_path / "state", server=address) as again:
        again.follow(kiosk)
        assert isinstance(kiosk.begin_enrolment(fresh_phone()), Enrolment)
        words = ["--state", str(tmp_path / "state"), "--database", address.render_as_string()]
        assert main([*words, "staff", "activation-code"]) == 0
        assert re.search(r"^[0-9]{8}$", capfd.readouterr().out, re.MULTILINE)
        assert main([*words, "replace-master-key"]) == 2
        assert "Stop it first" in capfd.readouterr().err
    (tmp_path / "state" / "keys" / "master.key").unlink()
    assert main([*words, "staff", "activation-code"]) == 2
    assert "Restore it from the backup of the keys" in capfd.readouterr().err


def test_a_server_that_is_away_is_named_with_its_remedy(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    nowhere = server().address("no-such-database").render_as_string()
    assert main(["--state", str(tmp_path), "--database", nowhere, "staff", "activation-code"]) == 2
    said = capfd.readouterr().err
    assert "no-such-database" in said
    assert "lets this service in" in said
