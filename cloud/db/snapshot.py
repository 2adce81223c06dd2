"""A copy of a whole database on a server, as it was at one moment, and what puts it back.

It is a stream of bytes: a line of JSON that says of which revision the tables are, which rows
follow and how far the rows were counted; then each table's rows in turn, as PostgreSQL copies them
in its binary format, in blocks that begin with their length in four bytes, the last of which is
empty. It needs no program of the server's and no rights beside those of the service, and all of it
is put back in one transaction, with whatever else has to be true before anybody is served.
"""

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from cloud.db import migration, postgres

_LENGTH_BYTES = 4
_LONGEST_HEAD = 1 << 20
_NOT_COPIED = "alembic_version"
"""The table that says of which revision a database is."""


class SnapshotDamaged(ValueError):
    """The bytes are not those of a snapshot."""


class _Rows(BaseModel):
    """Precedes the rows of a table: names it, and what its rows consist of."""

    table: str
    columns: list[str]


class _Head(BaseModel):
    model_config = ConfigDict(extra="forbid")

    revision: str
    tables: list[_Rows]
    """In an order in which rows refer to rows that are there already."""
    counts: dict[str, int]
    """The last number that each sequence has given."""


def pieces(address: URL, size: int) -> Iterator[bytes]:
    """Yields a snapshot, beside whoever uses the database, in pieces of `size` bytes, of which the
    last may be shorter. Raises DatabaseUnusable for a database that is not ours, and sqlalchemy's
    DatabaseError."""
    rest = bytearray()
    for block in _blocks(address):
        rest += block
        while len(rest) >= size:
            yield bytes(rest[:size])
            del rest[:size]
    yield bytes(rest)


def _blocks(address: URL) -> Iterator[bytes]:
    engine = postgres.engine(address)
    # All that is read was so when the first of it was read.
    at_once = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with at_once.connect() as connection:
        head = _head_of(connection, address)
        yield head.model_dump_json().encode() + b"\n"
        driver: Any = connection.connection.driver_connection
        for rows in head.tables:
            with driver.cursor() as cursor, cursor.copy(_copying(rows, "TO STDOUT")) as copied:
                for block in copied:
                    yield len(block).to_bytes(_LENGTH_BYTES) + bytes(block)
            yield bytes(_LENGTH_BYTES)


def _head_of(connection: Connection, address: URL) -> _Head:
    revision = migration.revision_of(connection, address)
    here = inspect(connection)
    columns = here.get_multi_columns()
    tables = [
        _Rows(table=name, columns=[column["name"] for column in columns[None, name]])
        for name, _ in here.get_sorted_table_and_fkc_names()
        if name is not None and name != _NOT_COPIED
    ]
    counted = (
        "SELECT sequencename, last_value FROM pg_sequences"
        " WHERE schemaname = current_schema() AND last_value IS NOT NULL"
    )
    counts = {row.sequencename: row.last_value for row in connection.execute(text(counted))}
    return _Head(revision=revision or "", tables=tables, counts=counts)


@asynccontextmanager
async def putting_back(address: URL, snapshot: Iterable[bytes]) -> AsyncGenerator[AsyncSession]:
    """Puts a snapshot in the place of all that a database holds, and yields a session in which more
    can be changed. When the block ends, all of it is committed; when it fails, nothing has changed.
    Nobody else may use the database meanwhile.

    Raises SnapshotDamaged, DatabaseUnusable for a database that is not ours and for a snapshot of a
    newer version, what reading `snapshot` raises, and sqlalchemy's DatabaseError.
    """
    stream = _Stream(snapshot)
    try:
        head = _Head.model_validate_json(stream.line())
    except ValidationError:
        raise SnapshotDamaged from None
    engine = postgres.async_engine(address)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(migration.make_anew, address, head.revision)
            # What they would write is a part of the snapshot.
            await _let_triggers(connection, head, "DISABLE")
            for rows in head.tables:
                await _copy_in(connection, rows, stream)
            await _let_triggers(connection, head, "ENABLE")
            if not stream.is_at_its_end:
                raise SnapshotDamaged
            await connection.run_sync(_count_on, head.counts)
            await connection.run_sync(migration.upgrade)
            async with AsyncSession(connection, expire_on_commit=False) as session:
                yield session
                await session.flush()
    finally:
        await engine.dispose()


async def _let_triggers(connection: AsyncConnection, head: _Head, what: str) -> None:
    """Disables or enables the triggers of all tables, but those of foreign keys."""
    for rows in head.tables:
        await connection.execute(text(f"ALTER TABLE {_quoted(rows.table)} {what} TRIGGER USER"))


async def _copy_in(connection: AsyncConnection, rows: _Rows, stream: "_Stream") -> None:
    driver: Any = (await connection.get_raw_connection()).driver_connection
    async with driver.cursor() as cursor, cursor.copy(_copying(rows, "FROM STDIN")) as copying:
        while length := int.from_bytes(stream.take(_LENGTH_BYTES)):
            await copying.write(stream.take(length))


def _count_on(connection: Connection, counts: dict[str, int]) -> None:
    for name, last in counts.items():
        setting = text("SELECT setval(quote_ident(:name)::regclass, :last)")
        connection.execute(setting, {"name": name, "last": last})


def _copying(rows: _Rows, where: str) -> str:
    columns = ", ".join(_quoted(column) for column in rows.columns)
    return f"COPY {_quoted(rows.table)} ({columns}) {where} (FORMAT BINARY)"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class _Stream:
    """Bytes that come in pieces, of which as many are taken as are wanted."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""
        self._at = 0

    def take(self, count: int) -> bytes:
        """Raises SnapshotDamaged when there are fewer."""
        while len(self._rest) - self._at < count:
            self._more()
        taken = self._rest[self._at : self._at + count]
        self._at += count
        return taken

    def line(self) -> bytes:
        """Raises SnapshotDamaged when there is none."""
        while (end := self._rest.find(b"\n")) < 0:
            if len(self._rest) > _LONGEST_HEAD:
                raise SnapshotDamaged
            self._more()
        return self.take(end + 1)

    @property
    def is_at_its_end(self) -> bool:
        try:
            self.take(1)
        except SnapshotDamaged:
            return True
        return False

    def _more(self) -> None:
        piece = next(self._pieces, b"")
        if not piece:
            raise SnapshotDamaged
        self._rest, self._at = self._rest[self._at :] + piece, 0
