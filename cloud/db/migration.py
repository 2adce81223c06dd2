"""Creates the database, or migrates it to the newest schema, in one transaction with a way back.

A new file is made by the statements of `migrations/newest.sql`, which make what all migrations
together make, in much less time. `python -m cloud.db.migration` writes that file anew after a
migration was added.

Before the first step of a migration the file is copied to one beside it, `palms.db.REVISION`. The
copy goes when this version is relied on, which is before anybody is served (`forget_before`). So as
long as there is one, nothing has been written that only the newer database holds, and a service of
the version before, when it meets the newer database, puts its own back. A copy that has the
revision of the database itself is one of a migration that was not finished, and is of no use.

The database of a server is made and migrated by the same numbered migrations, one process at a
time, and one that fails is rolled back with all its steps. It has no copy of before: a version that
is to be left again is left by restoring a backup.
"""

import logging
import sqlite3
import traceback
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from cloud.db import postgres
from cloud.db.database import (
    Address,
    DatabaseUnusable,
    is_busy,
    is_made,
    looking,
    said,
    shown,
    storage_fault,
)
from cloud.db.sqlite import begin, prepare
from protocol.files import remove_durably, rename_durably
from protocol.storage import CAUSES, REMEDIES

log = logging.getLogger(__name__)

_MIGRATIONS = Path(__file__).parent / "migrations"
_REVISIONS = sorted(p.name.partition("_")[0] for p in _MIGRATIONS.glob("versions/[0-9]*.py"))
"""All revisions that this version knows: the files of the migrations are named in their order."""
_NEWEST = _REVISIONS[-1]
NEWEST_SQL = _MIGRATIONS / "newest.sql"
_BETWEEN = "\n\n"
"""Between two statements of that file."""


def migrate(address: Address, *, alone: bool = True) -> None:
    """Creates the database, or migrates it to the newest schema.

    A new file appears only when it is complete, so an empty one is never ours. A database that
    cannot be migrated stays as it is. Where the caller is not `alone`, one that would have to be
    changed is refused. Nothing else may use a file meanwhile.

    Raises DatabaseUnusable, OSError, and sqlalchemy.exc.DatabaseError when the file is not a
    database or the server does not answer.
    """
    if isinstance(address, URL):
        _migrate_server(address, alone=alone)
    elif not is_made(address):
        _create(address)
    else:
        _migrate_file(address, alone=alone)


def try_migration(address: Address) -> str:
    """Tries a migration beside a service that uses the database, and returns in a sentence what
    would be done. A file is copied for that. On a server, a transaction is undone afterwards, and
    whoever uses the same tables waits meanwhile. Raises as `migrate` does."""
    if not is_made(address):
        return f"There is no {shown(address)}: the next start makes one."
    revision = _revision(address)
    if revision == _NEWEST:
        return f"{shown(address)} is of revision {_NEWEST} already."
    if revision is not None and revision not in _REVISIONS:
        raise _newer(address, revision)
    try:
        if isinstance(address, URL):
            with _changing_server(address) as connection:
                upgrade(connection)
                connection.rollback()
        else:
            _try_on_copy(address)
    except Exception as error:
        raise _not_migrated(address, revision, error) from None
    return f"{shown(address)} can be migrated from revision {revision} to {_NEWEST}."


def forget_before(address: Address) -> None:
    """Removes the copies of before: this version is relied on. Raises OSError."""
    if isinstance(address, Path):
        for copy in address.parent.glob(f"{address.name}.[0-9]*"):
            remove_durably(copy)


# A database on a server


def _migrate_server(address: URL, *, alone: bool) -> None:
    with _changing_server(address) as connection:
        # Another process may be about to do the same.
        connection.execute(postgres.advisory_lock(("migration",)))
        revision = revision_of(connection, address)
        if revision == _NEWEST:
            return
        if revision is not None and revision not in _REVISIONS:
            raise _newer(address, revision)
        if not alone and revision is not None:
            raise _of_another(address)
        try:
            upgrade(connection)
        except Exception as error:
            raise _not_migrated(address, revision, error) from None


@contextmanager
def _changing_server(address: URL) -> Generator[Connection]:
    """Opens a database and one transaction in it, in which all happens."""
    engine = postgres.engine(address)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def make_anew(connection: Connection, address: URL, revision: str) -> None:
    """Replaces all that a database on a server holds by empty tables of a revision, in the
    transaction of a connection. Raises DatabaseUnusable for a database that is not ours, and for a
    revision that this version does not know."""
    revision_of(connection, address)
    if revision not in _REVISIONS:
        raise DatabaseUnusable(
            f"what is to be put into {shown(address)} was made by a newer version of the service "
            f"(revision {revision}, and this version knows {_NEWEST}). Install that version."
        )
    for statement in postgres.dropping(connection):
        connection.execute(text(statement))
    upgrade(connection, revision)
    # Some have rows from the beginning.
    names = inspect(connection).get_table_names()
    quote = connection.dialect.identifier_preparer.quote
    emptied = ", ".join(quote(name) for name in names if name != "alembic_version")
    connection.execute(text(f"TRUNCATE {emptied}"))


# A file


def _migrate_file(path: Path, *, alone: bool) -> None:
    if path.stat().st_size == 0:
        raise DatabaseUnusable(
            f"{path} is empty. Restore it from a backup, or remove it if nobody has signed up yet."
        )
    revision = _revision(path)
    if not alone:
        if revision != _NEWEST:
            raise _of_another(path)
    elif revision == _NEWEST:
        remove_durably(_before(path, _NEWEST))
    elif revision is not None and revision not in _REVISIONS:
        _go_back(path, revision)
    else:
        _keep_before(path, revision)
        try:
            _upgrade_file(path)
        except Exception as error:
            raise _not_migrated(path, revision, error) from None


def _try_on_copy(path: Path) -> None:
    trial = path.with_name(path.name + ".trial")
    try:
        copy(path, trial)
        _upgrade_file(trial)
    finally:
        remove(trial)


def _create(path: Path) -> None:
    partial = path.with_name(path.name + ".partial")
    remove(partial)
    partial.touch(mode=0o600)
    with _changing(partial) as connection:
        for statement in NEWEST_SQL.read_text(encoding="utf-8").split(_BETWEEN):
            connection.exec_driver_sql(statement)
    rename_durably(partial, path)


def _before(path: Path, revision: str | None) -> Path:
    return path.with_name(f"{path.name}.{revision or '0000'}")


def _keep_before(path: Path, revision: str | None) -> None:
    """Raises DatabaseUnusable, sqlalchemy's DatabaseError and OSError."""
    forget_before(path)
    partial = path.with_name(path.name + ".partial")
    try:
        copy(path, partial)
        rename_durably(partial, _before(path, revision))
    except (sqlite3.Error, OSError) as error:
        remove(partial)
        raise _not_migrated(path, revision, error) from None


def _go_back(path: Path, revision: str) -> None:
    """Puts the database of this version back in the place of a newer one that nobody has been
    served with. Raises DatabaseUnusable, sqlite3.Error and OSError."""
    before = _before(path, _NEWEST)
    if not before.exists():
        raise _newer(path, revision)
    # What is in the log belongs to the newer one, and must not be applied to another.
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    rename_durably(before, path)
    log.warning(
        "%s was migrated to %s by a version that has never served: it is again what it was",
        path,
        revision,
    )


def copy(path: Path, to: Path) -> None:
    """Copies a database, whatever else uses it meanwhile. Raises sqlite3.Error and OSError."""
    remove(to)
    to.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


def remove(path: Path) -> None:
    """Removes a database that nobody uses, with what SQLite keeps beside it. Raises OSError."""
    for end in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def made_by_all_migrations() -> str:
    """Returns the statements that make what all migrations make of an empty database."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "palms.db"
        _upgrade_file(path)
        with closing(sqlite3.connect(path)) as made:
            first, *statements, last = made.iterdump()
    assert (first, last) == ("BEGIN TRANSACTION;", "COMMIT;")
    return _BETWEEN.join(statements) + "\n"


def _upgrade_file(path: Path) -> None:
    with _changing(path) as connection:
        upgrade(connection)


def upgrade(connection: Connection, to: str = "head") -> None:
    """Migrates a database in the transaction of a connection."""
    # Most starts do not need these, and they take long to import.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    # A percent sign in a value of this configuration begins a reference to another.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, to)


@contextmanager
def _changing(path: Path) -> Generator[Connection]:
    """Opens a database and one transaction in it, in which all happens."""
    engine = create_engine(URL.create("sqlite", database=str(path)), hide_parameters=True)
    prepare(engine)
    event.listen(engine, "begin", begin)
    try:
        # Alembic begins no transaction of its own on a connection that has one, and the driver
        # neither (`prepare`).
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _revision(address: Address) -> str | None:
    """Returns the revision of a database without changing it (`revision_of`)."""
    with looking(address) as connection:
        return revision_of(connection, address)


def revision_of(connection: Connection, address: Address) -> str | None:
    """Returns of which revision a database is, None for one without tables. Raises DatabaseUnusable
    for one that is not ours."""
    tables = set(inspect(connection).get_table_names())
    if "alembic_version" in tables:
        return connection.scalar(text("SELECT version_num FROM alembic_version"))
    if tables:
        raise DatabaseUnusable(
            f"{shown(address)} is a database of another program. Restore the service's own from a "
            "backup, and move this one away."
        )
    return None


def _of_another(address: Address) -> DatabaseUnusable:
    return DatabaseUnusable(
        f"{shown(address)} is of another version, whose service is running. Start the service "
        "again."
    )


def _newer(address: Address, revision: str) -> DatabaseUnusable:
    return DatabaseUnusable(
        f"{shown(address)} was made by a newer version of the service (revision {revision}, and "
        f"this version knows {_NEWEST}). Install that version, or restore an older database from a "
        "backup."
    )


def _not_migrated(address: Address, revision: str | None, error: Exception) -> DatabaseUnusable:
    """Returns what an operator is told: the cause, without what was read, and the remedy."""
    fault = storage_fault(error)
    if fault is not None:
        cause, remedy = CAUSES[fault], REMEDIES[fault]
    elif is_busy(error):
        cause, remedy = "another program holds it", "End that."
    else:
        told = said(error) if isinstance(error, DBAPIError) else type(error).__name__
        cause = f"{_place(error)}: {told}"
        remedy = "Report this."
    return DatabaseUnusable(
        f"{shown(address)} cannot be migrated from revision {revision} to {_NEWEST}: {cause}. It "
        f"is as it was. {remedy} Until then, install the version before again: it goes on with it."
    )


def _place(error: Exception) -> str:
    """Returns the line of our migrations that has failed."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if file.is_relative_to(_MIGRATIONS):
            return f"{file.name}, line {frame.lineno}"
    return "Alembic"


if __name__ == "__main__":
    NEWEST_SQL.write_text(made_by_all_migrations(), encoding="utf-8")
