"""Backups of a database on a server, by the tests of those of a file."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL

from cloud import __main__ as main_module
from cloud import bootstrap
from cloud.db.database import looking
from cloud.state import State
from tests.cloud.jobs.test_backups import (
    kek,
    portal,
    root,
    running,
    test_a_backup_opens_nothing_without_its_key_and_no_number_without_the_master_key,
    test_whoever_has_left_since_is_not_brought_back,
)
from tests.support import engine
from tests.support.postgres import migrated, server

pytestmark = pytest.mark.anyio

__all__ = [
    "kek",
    "portal",
    "root",
    "running",
    "test_a_backup_opens_nothing_without_its_key_and_no_number_without_the_master_key",
    "test_whoever_has_left_since_is_not_brought_back",
]


@pytest.fixture(autouse=True)
def on_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(engine.VARIABLE, engine.POSTGRESQL)


def test_the_commands_save_and_restore_a_database_of_a_server(
    tmp_path: Path, kek: str, capfd: pytest.CaptureFixture[str]
):
    address = migrated("backup")
    bootstrap.open_store(State.open(tmp_path / "state", address))

    def run(*words: str, database: URL | None = address) -> tuple[int, str]:
        named = ["--database", database.render_as_string()] if database else []
        status = main_module.main(["--state", str(tmp_path / "state"), *named, *words])
        said = capfd.readouterr()
        return status, said.out + said.err

    with looking(address) as connection:
        connection.execute(text("SELECT setval('ledger_id_seq', 41)"))
        connection.commit()
    status, path = run("backup", "--to", str(tmp_path / "backups"), "--wrapped-by", kek)
    assert status == 0
    assert "--replace" in run("restore", path.strip())[1]
    assert "Name one with --database" in run("restore", path.strip(), database=None)[1]
    elsewhere = server().make("restored")
    status, said = run("restore", path.strip(), database=elsewhere)
    assert (status, said.partition(".")[0]) == (0, "The database is restored")
    with looking(elsewhere) as connection:
        numbers_go_on = text("SELECT nextval('ledger_id_seq')")
        assert connection.scalar(numbers_go_on) == 42
    listed = tmp_path / "deletions.jsonl"
    assert run("delete-again", str(listed))[0] == 2
    listed.touch()
    status, said = run("delete-again", str(listed))
    assert (status, said.partition(".")[0]) == (0, "People deleted again: 0")
