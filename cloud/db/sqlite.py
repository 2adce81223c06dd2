"""SQLite with a write-ahead log, erased bytes overwritten and one writer at a time.

A transaction takes the write lock when it begins (BEGIN IMMEDIATE), so what it has read cannot
change before it ends. No transaction may therefore be open while the vault or a provider is asked.
One that writes nothing takes no lock, and sees the database as it was when it began to read.
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncGenerator, Collection, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

import protocol.storage
from cloud.db.direct import DRIVER, READING
from cloud.db.reserve import Reserve
from cloud.db.turns import Turns
from protocol.storage import StorageFault

_BUSY_MS = 5000
_PIECE = 1 << 20
_ROOM_PAGES = 16
"""The number of pages that must be unused before a database that has reached its limit takes more
than deletions again: what one deletion gives back is no room for others."""
_ANY_PAGES = 2**32 - 2
"""The largest limit that SQLite knows for the pages of a database."""


def rewrite(path: Path) -> None:
    """Writes all rows of a database anew that nobody uses, and nothing that lies between them.
    Raises sqlite3.DatabaseError."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class SqliteDatabase:
    """A database in a file (`cloud.context.Database`)."""

    copies = None
    """What is deleted is overwritten."""

    def __init__(self, path: Path, max_pages: int | None = None) -> None:
        """`max_pages` limits the size of the database, but for those who leave. Raises OSError."""
        # Whoever closes a file lets all locks of the process on it go, those of SQLite as well, and
        # another process that ends then takes the write-ahead log away
        # (https://sqlite.org/howtocorrupt.html, section 2.2): this one stays open until the end.
        self._file = os.open(path, os.O_RDONLY)
        self._reserve = Reserve(path)
        self._turns = Turns()
        self._max_pages = max_pages
        self._erasing = asyncio.Lock()
        """Held while the write-ahead log is emptied: SQLite does that for one connection at a time,
        and does not let a second one wait."""
        self._erased_remains = False
        """Whether the write-ahead log may hold what was erased."""
        self._erased: set[bytes] = set()
        """Traces of erased rows that the database may still hold."""
        # Parameters may be personal: they must not appear in an error.
        self._engine: AsyncEngine = create_async_engine(
            URL.create(DRIVER, database=str(path)), hide_parameters=True
        )
        prepare(self._engine.sync_engine, asyncio.Lock())
        if max_pages:
            event.listen(self._engine.sync_engine, "begin", self._limit_pages)
        self.session = async_sessionmaker(self._engine, class_=AsyncSession, expire_on_commit=False)
        """Opens a session; use it as `async with database.session() as session`."""
        # Whoever reads waits neither for the lock nor for a connection of those who wait for it.
        self._reading: AsyncEngine = create_async_engine(
            URL.create(READING, database=str(path)), hide_parameters=True
        )
        _prepare_to_read(self._reading.sync_engine)
        self.reading = async_sessionmaker(self._reading, class_=AsyncSession)
        """Opens a session that writes nothing."""

    def turn(self, *names: str) -> asyncio.Lock:
        """Waits until nobody has the turn of this name. The file has one process that serves."""
        return self._turns.turn(*names)

    async def told(self, channel: str) -> AsyncGenerator[None]:
        """Ends at once: nobody else uses the file."""
        del channel
        for nothing in ():
            yield nothing

    async def tell(self, channel: str) -> None:
        """Does nothing: nobody else listens."""

    async def hold(self, *, alone: bool) -> bool:
        """Returns True: who uses the file holds its directory (`cloud.state.State.held`)."""
        del alone
        return True

    async def forget_erased(self, *traces: str | bytes) -> None:
        """Moves the write-ahead log into the database and empties it: then neither holds what a
        deletion has overwritten. While somebody reads it does nothing, and a later call does it.

        `traces` stood in rows that were erased and in no other: their ids, or what was sealed in
        them (`cloud.keys.person_keys.trace_of`). SQLite overwrites the rows, but not the copies
        that it left between the rows of a page when it moved them to another page: about one
        deletion in a thousand leaves one. When the database still holds one of the traces, all of
        it is written anew. On a full disk that waits until there is room.

        Raises sqlite3.DatabaseError.
        """
        self._erased_remains = True
        self._erased.update(trace.encode() if isinstance(trace, str) else trace for trace in traces)
        async with self._erasing:
            searched = frozenset(self._erased)
            remains = await self._empty_log()
            if not remains and searched and await asyncio.to_thread(self._holds_any, searched):
                if self.is_for_deletions_only:
                    return
                await self.rewrite()
                remains = await self._empty_log()
            if not remains:
                self._erased -= searched
            self._erased_remains = remains

    async def rewrite(self) -> None:
        """Writes all rows anew, and nothing that lies between them. Raises
        sqlite3.DatabaseError."""
        await self._ask("VACUUM")

    async def _empty_log(self) -> bool:
        """Returns whether the log has to be emptied later, because somebody reads."""
        try:
            is_busy, *_ = await self._ask("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.DatabaseError as error:
            if not self.let_go(error):
                raise
            is_busy, *_ = await self._ask("PRAGMA wal_checkpoint(TRUNCATE)")
        return bool(is_busy)

    def _holds_any(self, traces: Collection[bytes]) -> bool:
        overlap = max(map(len, traces)) - 1
        return any(trace in piece for piece in self.pieces(overlap) for trace in traces)

    def pieces(self, overlap: int) -> Iterator[bytes]:
        """Yields the bytes of the database's file, in pieces: each begins with the last `overlap`
        bytes of the one before. Raises OSError."""
        place = 0
        while piece := os.pread(self._file, _PIECE + overlap, place):
            yield piece
            place += _PIECE

    async def answer(self) -> None:
        """Returns when a connection is free and its thread answers, even if it refuses. Raises
        sqlalchemy's TimeoutError when none is free for half a minute."""
        with suppress(sqlite3.DatabaseError, DBAPIError):
            await self._ask("SELECT 1")

    @property
    def is_for_deletions_only(self) -> bool:
        """Whether what room is left on the disk is kept for those who leave
        (`cloud.db.reserve`)."""
        return self._reserve.is_let_go

    def let_go(self, error: BaseException) -> bool:
        """Lets the reserve go when an error says that the disk stores nothing more. Returns whether
        what has failed may succeed now."""
        fault = storage_fault(error)
        return fault is not None and self._reserve.let_go(fault)

    async def tidy_up(self) -> None:
        """Erases what could not be erased before, and makes the reserve when there is room for it.
        Raises sqlite3.DatabaseError."""
        if self._erased_remains or self.is_for_deletions_only:
            # It also keeps the log from growing into the room that is left.
            await self.forget_erased()
        if not (self.is_for_deletions_only and await self._is_at_its_limit()):
            await asyncio.to_thread(self._reserve.make)

    async def _is_at_its_limit(self) -> bool:
        if self._max_pages is None:
            return False
        (pages,) = await self._ask("PRAGMA page_count")
        (unused,) = await self._ask("PRAGMA freelist_count")
        return pages - unused + _ROOM_PAGES > self._max_pages

    def _limit_pages(self, connection: Connection) -> None:
        limit = _ANY_PAGES if self.is_for_deletions_only else self._max_pages
        connection.execute(text(f"PRAGMA max_page_count = {limit}"))

    async def _ask(self, statement: str) -> Any:
        """Returns the row that a statement answers, outside of any transaction."""
        async with self._engine.connect() as connection:
            raw = await connection.get_raw_connection()
            driver: Any = raw.driver_connection
            return await driver.wait_for(lambda: driver.execute(statement).fetchone())

    async def close(self) -> None:
        await self._engine.dispose()
        await self._reading.dispose()
        os.close(self._file)


_STORAGE_FAULTS = {
    sqlite3.SQLITE_FULL: StorageFault.FULL,
    sqlite3.SQLITE_READONLY: StorageFault.READ_ONLY,
    sqlite3.SQLITE_IOERR: StorageFault.BROKEN,
    sqlite3.SQLITE_CORRUPT: StorageFault.BROKEN,
    sqlite3.SQLITE_NOTADB: StorageFault.BROKEN,
    sqlite3.SQLITE_CANTOPEN: StorageFault.BROKEN,
}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def storage_fault(error: BaseException) -> StorageFault | None:
    """Returns which fault of the disk made a statement or a file fail, None for any other error.

    A database that has reached `max_pages` counts as a full disk.
    """
    if _code(error) == sqlite3.SQLITE_IOERR_SHMSIZE:
        # The index of the write-ahead log found no room. SQLite calls that an input/output error.
        return StorageFault.FULL
    return _STORAGE_FAULTS.get(_primary_code(error)) or protocol.storage.storage_fault(error)


def is_busy(error: BaseException) -> bool:
    """Returns whether a statement failed only because others held the database for too long."""
    return _primary_code(error) in _BUSY


def _primary_code(error: BaseException) -> int:
    return _code(error) & 0xFF


def _code(error: BaseException) -> int:
    """Returns SQLite's extended result code (https://www.sqlite.org/rescode.html), 0 for an error
    that is not SQLite's."""
    original = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(original, "sqlite_errorcode", None)
    return code if isinstance(code, int) else 0


def begin(connection: Connection) -> None:
    """Begins the transaction of a connection as the file says."""
    connection.execute(text("BEGIN IMMEDIATE"))


def engine(path: Path) -> Engine:
    """Returns an engine that reads a database as it is."""
    return create_engine(URL.create("sqlite", database=str(path)), hide_parameters=True)


def _prepare_to_read(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        connection.isolation_level = None
        for pragma in (f"busy_timeout = {_BUSY_MS}", "query_only = ON"):
            connection.execute(f"PRAGMA {pragma}")

    del configure


def prepare(engine: Engine, writers: asyncio.Lock | None = None) -> None:
    """Has an engine open its connections as the file says. Those of `cloud.db.direct` hold
    `writers` while they write."""

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        # The driver must not begin transactions by itself: it would not use BEGIN IMMEDIATE.
        connection.isolation_level = None
        if writers is not None:
            connection.writers = writers
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout = {_BUSY_MS}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = ON",
            # VACUUM copies everything to a temporary file elsewhere otherwise.
            "temp_store = MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    del configure
