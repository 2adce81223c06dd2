"""The database, whichever it is: a file of SQLite, or a database on a server of PostgreSQL.

What differs between the two stands in `cloud.db.sqlite`, `cloud.db.postgres` and
`cloud.db.migration`. Nothing else in the service knows which of them it works with.
"""

import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import inspect, select, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.db import postgres, sqlite
from cloud.db.postgres import PostgresDatabase
from cloud.db.reserve import Reserve
from cloud.db.sqlite import SqliteDatabase
from cloud.db.turns import TurnTaken
from protocol.storage import CAUSES, StorageFault

Address = Path | URL
"""The file of a database, or where its server has it."""


class DatabaseUnusable(RuntimeError):
    """A file is not a database of ours, or of a newer version: the message tells cause and
    remedy."""


def server_at(address: str) -> URL:
    """Returns the address of a database on a server, as an operator writes it. Raises
    DatabaseUnusable."""
    example = f"{postgres.DRIVER}://palm@db.example.com/palm"
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.drivername not in (postgres.DRIVER, postgres.DIALECT):
        raise DatabaseUnusable(
            f"--database names no database of PostgreSQL. Write it like {example}, or leave it out "
            "for a file in the state directory."
        )
    if not url.database:
        raise DatabaseUnusable(
            f"--database does not say which database of the server it is. Write it like {example}."
        )
    return url.set(drivername=postgres.DRIVER)


def shown(address: Address) -> str:
    """Returns an address for an operator, without a password."""
    return str(address) if isinstance(address, Path) else address.render_as_string()


def open_database(
    address: Address, max_pages: int | None = None
) -> SqliteDatabase | PostgresDatabase:
    """Opens a database that was made. `max_pages` limits the size of a file. Raises OSError."""
    if isinstance(address, Path):
        return SqliteDatabase(address, max_pages)
    return PostgresDatabase(address)


def reserve_room(address: Address) -> None:
    """Makes the reserve for deletions beside a file, before it is used (`cloud.db.reserve`)."""
    if isinstance(address, Path):
        Reserve(address).prepare()


def is_made(address: Address) -> bool:
    """Returns whether there is a database already. Raises sqlalchemy.exc.DatabaseError."""
    if isinstance(address, Path):
        return os.path.lexists(address)
    with looking(address) as connection:
        return bool(inspect(connection).get_table_names())


def is_used(address: Address) -> bool:
    """Returns whether something was stored that the keys of its service open. Raises
    sqlalchemy.exc.DatabaseError."""
    if isinstance(address, Path):
        return os.path.lexists(address)
    return has_rows(address, "persons") or has_rows(address, "errands")


def has_rows(address: Address, table: str) -> bool:
    """Returns whether a table of the database holds anything; False when there is no database.
    Raises sqlalchemy.exc.DatabaseError."""
    if not _is_there(address):
        return False
    with looking(address) as connection:
        if not inspect(connection).has_table(table):
            return False
        return connection.execute(select(text("1")).select_from(text(table))).first() is not None


def only_value(address: Address, table: str, column: str) -> Any:
    """Returns the value in the only row of a table of the database; None when there is no database,
    no such table or no row. Raises sqlalchemy.exc.DatabaseError."""
    if not _is_there(address):
        return None
    with looking(address) as connection:
        if not inspect(connection).has_table(table):
            return None
        return connection.scalar(select(text(column)).select_from(text(table)))


def _is_there(address: Address) -> bool:
    return not isinstance(address, Path) or address.exists()


def rewrite(address: Address) -> None:
    """Writes all rows of a database anew that nobody uses, and nothing that lies between them.
    Raises sqlite3.DatabaseError and sqlalchemy's DatabaseError."""
    if isinstance(address, Path):
        sqlite.rewrite(address)
    else:
        postgres.rewrite(address)


@contextmanager
def looking(address: Address) -> Generator[Connection]:
    """Opens a database to read of it, as it is."""
    is_file = isinstance(address, Path)
    engine = sqlite.engine(address) if is_file else postgres.engine(address)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


async def takes_changes(session: AsyncSession) -> bool:
    """Begins the transaction of a session, and returns whether something can be written in it.
    Where it cannot, a file begins none at all. Raises sqlalchemy's DatabaseError."""
    if session.get_bind().dialect.name != postgres.DIALECT:
        await session.execute(select(1))
        return True
    return await session.scalar(text("SHOW transaction_read_only")) == "off"


def storage_fault(error: BaseException) -> StorageFault | None:
    """Returns which fault of the disk made a statement or a file fail, None for any other error.

    A file that has reached its largest size counts as a full disk.
    """
    return postgres.storage_fault(error) or sqlite.storage_fault(error)


def was_overtaken(error: BaseException) -> bool:
    """Returns whether a transaction failed because another one was quicker: what it was for is done
    again, and meets what the other has done. On SQLite no transaction is overtaken."""
    return postgres.was_overtaken(error)


def is_busy(error: BaseException) -> bool:
    """Returns whether something failed only because others were at it: it may succeed when it is
    repeated."""
    return (
        isinstance(error, PoolTimeoutError | TurnTaken)
        or sqlite.is_busy(error)
        or postgres.is_busy(error)
        or postgres.was_overtaken(error)
    )


def cause_of(error: BaseException) -> str:
    """Returns what a log may say about an error. Its message is left out: it may quote what was
    read."""
    fault = storage_fault(error)
    if fault is not None:
        return f"{type(error).__name__}: {CAUSES[fault]}"
    if is_busy(error):
        return f"{type(error).__name__}: the database is busy"
    return type(error).__name__


def said(error: DBAPIError | sqlite3.Error) -> str:
    """Returns what the engine has said about a statement or a connection, which names tables and
    columns, and no values."""
    if isinstance(error, sqlite3.Error):
        return str(error)
    return postgres.said(error) or str(error.orig)
