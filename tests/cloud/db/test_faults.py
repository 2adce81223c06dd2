"""What keeps the database from working is told apart, by errors that SQLite itself raises."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from cloud.db import migration, sqlite
from cloud.db.database import DatabaseUnusable, cause_of, is_busy, storage_fault
from cloud.db.migration import migrate
from cloud.db.sqlite import SqliteDatabase
from cloud.web.problems import unexpected_refusal
from protocol.messages import Problem, ProblemType
from protocol.storage import StorageFault

Break = Callable[[sqlite3.Connection, Path], None]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    migrate(tmp_path / "palms.db")
    connection = sqlite3.connect(tmp_path / "palms.db", isolation_level=None)
    connection.execute("CREATE TABLE filled (bytes)")
    yield connection
    connection.close()


def fill(connection: sqlite3.Connection, path: Path) -> None:
    del path
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    connection.execute("INSERT INTO filled VALUES (zeroblob(1000000))")


def write_to_read_only(connection: sqlite3.Connection, path: Path) -> None:
    del connection
    read_only = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        read_only.execute("INSERT INTO filled VALUES (1)")
    finally:
        read_only.close()


def corrupt(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("INSERT INTO filled VALUES (zeroblob(100000))")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    with sqlite3.connect(path) as again:
        again.execute("SELECT sum(length(bytes)) FROM filled").fetchone()


def replace_by_text(connection: sqlite3.Connection, path: Path) -> None:
    connection.close()
    path.write_bytes(b"this is not a database" * 1000)
    sqlite3.connect(path).execute("SELECT 1 FROM filled")


def remove_the_folder(connection: sqlite3.Connection, path: Path) -> None:
    connection.close()
    sqlite3.connect(path.parent / "gone" / "palms.db").execute("SELECT 1")


@pytest.mark.parametrize(
    ("way", "fault"),
    [
        (fill, StorageFault.FULL),
        (write_to_read_only, StorageFault.READ_ONLY),
        (corrupt, StorageFault.BROKEN),
        (replace_by_text, StorageFault.BROKEN),
        (remove_the_folder, StorageFault.BROKEN),
    ],
)
def test_what_is_wrong_with_the_disk_is_answered_and_logged(
    connection: sqlite3.Connection,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    way: Break,
    fault: StorageFault,
):
    with pytest.raises(sqlite3.Error) as raised:
        way(connection, tmp_path / "palms.db")
    error = DBAPIError.instance("INSERT", {}, raised.value, sqlite3.Error)
    assert storage_fault(error) is fault
    assert not is_busy(error)
    response = unexpected_refusal(error, "GET /").response()
    problem = Problem.model_validate_json(bytes(response.body))
    assert (problem.type, problem.status) == (ProblemType.STORAGE_FULL, 507)
    assert problem.storage is fault
    assert cause_of(error) in caplog.text


def test_a_file_that_cannot_be_written_is_of_the_same_family():
    assert storage_fault(OSError(30, "Read-only file system")) is StorageFault.READ_ONLY


def test_a_log_whose_index_finds_no_room_means_a_full_disk():
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    assert storage_fault(error) is StorageFault.FULL


def test_a_database_that_others_hold_is_busy_and_asked_again(connection: sqlite3.Connection):
    connection.execute("BEGIN IMMEDIATE")
    other = sqlite3.connect(
        connection.execute("PRAGMA database_list").fetchone()[2], timeout=0, isolation_level=None
    )
    with pytest.raises(sqlite3.OperationalError, match="locked") as raised:
        other.execute("BEGIN IMMEDIATE")
    other.close()
    error = DBAPIError.instance("BEGIN IMMEDIATE", {}, raised.value, sqlite3.Error)
    assert is_busy(error)
    assert storage_fault(error) is None
    response = unexpected_refusal(error, "GET /").response()
    problem = Problem.model_validate_json(bytes(response.body))
    assert (problem.type, problem.status) == (ProblemType.BUSY, 503)
    assert response.headers["retry-after"] == "1"


@pytest.mark.anyio
async def test_a_writer_waits_for_the_database_and_then_says_that_it_is_busy(
    connection: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sqlite, "_BUSY_MS", 1)
    store = SqliteDatabase(tmp_path / "palms.db")
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(DBAPIError) as raised:
        async with store.session() as session:
            await session.connection()
    await store.close()
    assert is_busy(raised.value)


def test_any_other_error_is_neither(connection: sqlite3.Connection):
    with pytest.raises(sqlite3.Error) as raised:
        connection.execute("SELECT * FROM nothing")
    error = DBAPIError.instance("SELECT", {}, raised.value, sqlite3.Error)
    assert storage_fault(error) is None
    assert not is_busy(error)
    assert unexpected_refusal(error, "GET /").problem.status == 500


# A database that is made, or is not ours


class Killed(BaseException):
    """Stands for the end of the process."""


def test_a_database_appears_only_when_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def killed(*_: object) -> None:
        raise Killed

    path = tmp_path / "palms.db"
    with monkeypatch.context() as patched:
        patched.setattr(migration, "rename_durably", killed)
        with pytest.raises(Killed):
            migrate(path)
    assert not path.exists()
    migrate(path)
    assert path.stat().st_mode & 0o077 == 0
    assert [each.name for each in tmp_path.iterdir()] == ["palms.db"]


def test_an_empty_file_is_not_taken_for_a_new_database(tmp_path: Path):
    (tmp_path / "palms.db").touch()
    with pytest.raises(DatabaseUnusable, match="is empty"):
        migrate(tmp_path / "palms.db")
    assert (tmp_path / "palms.db").read_bytes() == b""


def test_a_database_of_another_program_is_left_alone(tmp_path: Path):
    path = tmp_path / "palms.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE books (title)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(DatabaseUnusable, match="another program"):
        migrate(path)
    assert path.read_bytes() == before


def test_a_database_of_a_newer_version_is_told(connection: sqlite3.Connection, tmp_path: Path):
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseUnusable, match="newer version"):
        migrate(tmp_path / "palms.db")
