"""A migration that fails leaves the database of before, and a version that never served leaves no
trace in it."""

import itertools
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from cloud.db import migration
from cloud.db.database import DatabaseUnusable
from tests.cloud.db.test_migrations import database_of
from tests.support.forks import run_forked

OLD = "0029"
SEVERAL = 25
"""After so many statements a migration is killed: all are of one transaction, of which the disk has
seen nothing or all, and each later kill has all before it done again."""
MARK = "INSERT INTO merchants (id, name, country, currency) VALUES ('m', ?, 'US', 'USD')"


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("old") / "palms.db"
    database_of(OLD, path).close()
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, old: bytes) -> Path:
    """A database that a service of an older revision has left."""
    (tmp_path / "palms.db").write_bytes(old)
    return tmp_path / "palms.db"


def content(path: Path) -> list[str]:
    """Returns all that a database holds, as statements that make it again."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def revision(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]


def write(path: Path, name: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(MARK, (name,))


def files(path: Path) -> set[str]:
    return {each.name for each in path.parent.iterdir()}


def as_before(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the service is of the older version."""
    known = [each for each in migration._REVISIONS if each <= OLD]  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(migration, "_REVISIONS", known)
    monkeypatch.setattr(migration, "_NEWEST", OLD)


@pytest.mark.parametrize("table", ["support_bundles", "device_reports", "operator_acts"])
def test_a_migration_that_fails_half_way_changes_nothing_and_says_why(path: Path, table: str):
    """A table that is there already is an obstacle at one of its steps."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE TABLE {table} (id)")
    before = content(path)
    with pytest.raises(DatabaseUnusable) as raised:
        migration.migrate(path)
    assert content(path) == before
    said = str(raised.value)
    assert "0031_fleet.py, line " in said
    assert f": table {table} already exists. " in said
    assert "It is as it was." in said
    assert "install the version before again" in said


def fill_up(mount: str) -> None:
    """Migrates again and again, with some kilobytes more room on the disk each time, until that is
    enough. Runs where `mount` is a small file system."""
    path, filler = Path(mount) / "palms.db", Path(mount) / "filler"
    database_of(OLD, path).close()
    before = content(path)
    for refused in itertools.count():
        filler.unlink(missing_ok=True)
        disk = os.statvfs(mount)
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, disk.f_bavail * disk.f_frsize - refused * 2**16)
        said = ""
        try:
            migration.migrate(path)
        except DatabaseUnusable as error:
            said = str(error)
        if not said:
            print(refused)  # noqa: T201 - the test reads it
            return
        assert "the disk is full. It is as it was. Make room on it." in said
        assert content(path) == before


@pytest.mark.process
def test_a_database_is_not_migrated_on_a_full_disk(tmp_path: Path):
    namespace = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*namespace, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let a test mount a file system of its own")
    call = "import sys, tests.cloud.db.test_going_back as t; t.fill_up(sys.argv[1])"
    mount = f"mount -t tmpfs -o size=8m tmpfs {tmp_path} && exec {sys.executable} -c '{call}'"
    ran = subprocess.run(
        [*namespace, "sh", "-c", f"{mount} {tmp_path}"], check=False, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    # No room for the copy, and no room for the migration.
    assert int(ran.stdout) > 5


def kill_at_each_step() -> None:
    """Runs in a process of its own. Its argument is the folder of a database. Migrates again and
    again, and is killed a step later each time. Ends when a migration gets to its end.

    A step is a commit, a file that gets or loses its name, and what comes of SEVERAL statements.
    """
    path = Path(sys.argv[1]) / "palms.db"
    before = content(path)
    for step in range(1000):
        child = os.fork()
        if child == 0:
            left, statements = step, 0

            def count(*_: object) -> None:
                nonlocal left
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            def count_some(*_: object) -> None:
                nonlocal statements
                statements += 1
                if statements % SEVERAL == 0:
                    count()

            sys.addaudithook(
                lambda name, _: count() if name in ("os.rename", "os.remove") else None
            )
            event.listen(Engine, "before_cursor_execute", count_some)
            event.listen(Engine, "commit", count)
            migration.migrate(path)
            migration.forget_before(path)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status == 0:
            print(step)  # noqa: T201 - the test reads it
            return
        if revision(path) == OLD:
            assert content(path) == before, step


@pytest.mark.process
def test_a_migration_that_is_killed_at_any_step_is_done_or_not(path: Path):
    ran = run_forked(kill_at_each_step, path.parent)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) > 8
    assert revision(path) == migration._NEWEST  # pyright: ignore[reportPrivateUsage]
    assert files(path) == {"palms.db"}


@pytest.mark.process
def test_the_version_before_puts_its_database_back(path: Path, monkeypatch: pytest.MonkeyPatch):
    """Also one that a kill has left in the newer one's log."""
    write(path, "before")
    before = content(path)
    migration.migrate(path)
    left = "import sqlite3, os, sys; c = sqlite3.connect(sys.argv[1])\n"
    left += f"c.execute({MARK!r}.replace(\"'m'\", \"'n'\"), ('newer',)); c.commit(); os._exit(0)"
    subprocess.run([sys.executable, "-c", left, path], check=True)
    assert path.with_name("palms.db-wal").stat().st_size > 0
    as_before(path, monkeypatch)
    migration.migrate(path)
    assert content(path) == before
    assert files(path) == {"palms.db"}


def test_it_does_not_once_the_newer_version_was_relied_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    migration.migrate(path)
    migration.forget_before(path)
    write(path, "written by the newer one")
    after = content(path)
    as_before(path, monkeypatch)
    with pytest.raises(DatabaseUnusable, match=r"newer version .* Install that version"):
        migration.migrate(path)
    assert content(path) == after


def test_what_a_migration_that_was_not_finished_has_left_is_never_put_back(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE operator_acts (id)")
    with pytest.raises(DatabaseUnusable):
        migration.migrate(path)
    as_before(path, monkeypatch)
    migration.migrate(path)
    assert files(path) == {"palms.db"}
    write(path, "served meanwhile")
    assert "served meanwhile" in str(content(path))


def test_a_copy_is_tried_beside_a_service_that_uses_the_database(path: Path):
    with closing(sqlite3.connect(path, isolation_level=None)) as service:
        service.execute("BEGIN IMMEDIATE")
        before = path.read_bytes()
        assert "from revision 0029 to" in migration.try_migration(path)
        assert path.read_bytes() == before
        service.execute("ROLLBACK")
    assert files(path) == {"palms.db"}
    migration.migrate(path)
    assert "already" in migration.try_migration(path)


def test_a_copy_that_cannot_be_migrated_says_so(path: Path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE operator_acts (id)")
    with pytest.raises(DatabaseUnusable, match="operator_acts already exists"):
        migration.try_migration(path)
    assert files(path) == {"palms.db"}


def test_nobody_migrates_beneath_a_service_that_runs(path: Path):
    before = content(path)
    with pytest.raises(DatabaseUnusable, match="Start the service again"):
        migration.migrate(path, alone=False)
    assert content(path) == before
