"""SQLite for SQLAlchemy's asynchronous engines, without a thread between the loop and the database.

A statement is short here: the operating system holds the database in memory, and inside of a
transaction nothing has to be waited for. SQLAlchemy's own driver for asyncio (aiosqlite) hands each
one to a thread and back four times (docs/decisions/0053-sqlite-on-the-loop.md). What does wait, for
other writers or for the disk, runs on a thread of the connection: beginning a transaction while
somebody else writes, committing it, and what is passed to `Connection.wait_for`.

The transactions of this process begin in the order in which they were asked for. SQLite has no
order: it lets whoever waits look again after ever longer pauses, and one of many may wait for
seconds.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.base import SQLiteExecutionContext
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import URL
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy
from sqlalchemy.pool import AsyncAdaptedQueuePool
from sqlalchemy.util.concurrency import await_

T = TypeVar("T")

DRIVER = "sqlite+direct"
"""What addresses of databases name."""
READING = "sqlite+reading"
"""What they name to read only."""
BUSY_S = 5.0
"""How long a transaction waits for others to end, in seconds."""


class Cursor(sqlite3.Cursor):
    async def _async_soft_close(self) -> None:
        """Closes it when its rows are read: SQLAlchemy asks that of cursors of asyncio."""
        self.close()


class Connection(sqlite3.Connection):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # One for each connection: a thread that waits for the lock must not keep the one who holds
        # it from committing.
        self._waiting = ThreadPoolExecutor(1, "database")
        self.writers = asyncio.Lock()
        """Held by whoever writes; the connections of a database have one together."""
        self._writes = False

    async def take_turn(self) -> None:
        """Waits until those who have asked before have had their turn to write. Raises
        sqlite3.OperationalError when that takes too long."""
        try:
            async with asyncio.timeout(BUSY_S):
                await self.writers.acquire()
        except TimeoutError:
            busy = sqlite3.OperationalError("database is locked")
            busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise busy from None
        self._writes = True

    def end_turn(self) -> None:
        if self._writes:
            self._writes = False
            self.writers.release()

    def begins_at_once(self) -> bool:
        """Begins a transaction unless somebody else writes. Returns whether it has begun."""
        (patience,) = self.execute("PRAGMA busy_timeout").fetchone()
        self.execute("PRAGMA busy_timeout = 0")
        try:
            self.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        finally:
            self.execute(f"PRAGMA busy_timeout = {patience}")
        return self.in_transaction

    async def wait_for(self, work: Callable[[], T]) -> T:
        """Does on a thread what waits, and returns its result. Who is cancelled meanwhile waits
        too: nothing else may use the connection before."""
        done = asyncio.get_running_loop().run_in_executor(self._waiting, work)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            await asyncio.wait([done])
            raise

    def cursor(self, factory: Any = Cursor) -> Any:
        return super().cursor(factory)

    def close(self) -> None:
        self._waiting.shutdown(wait=False)
        super().close()


class ExecutionContext(SQLiteExecutionContext):
    def post_exec(self) -> None:
        """Reads all rows at once. A statement whose rows are not read yet would go on reading the
        database after its transaction has ended, and nothing could be erased meanwhile."""
        super().post_exec()
        if self.cursor.description:
            self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(self.cursor)


class Dialect(SQLiteDialect_pysqlite):
    driver = "direct"
    is_async = True
    supports_statement_cache = True
    execution_ctx_cls = ExecutionContext

    @classmethod
    def get_pool_class(cls, url: URL) -> type[AsyncAdaptedQueuePool]:
        return AsyncAdaptedQueuePool

    def create_connect_args(self, url: URL) -> Any:
        arguments, options = super().create_connect_args(url)
        return arguments, {**options, "factory": Connection, "check_same_thread": False}

    def do_begin(self, dbapi_connection: Any) -> None:
        await_(self._begin(dbapi_connection))

    async def _begin(self, connection: Connection) -> None:
        await connection.take_turn()
        try:
            if not connection.begins_at_once():
                await connection.wait_for(partial(connection.execute, "BEGIN IMMEDIATE"))
        except sqlite3.Error:
            connection.end_turn()
            raise

    def do_commit(self, dbapi_connection: Any) -> None:
        await_(dbapi_connection.wait_for(dbapi_connection.commit))
        dbapi_connection.end_turn()

    def do_rollback(self, dbapi_connection: Any) -> None:
        try:
            super().do_rollback(dbapi_connection)
        finally:
            dbapi_connection.end_turn()

    def do_close(self, dbapi_connection: Any) -> None:
        try:
            super().do_close(dbapi_connection)
        finally:
            dbapi_connection.end_turn()


class ReadingDialect(Dialect):
    """For transactions that write nothing. They see the database as it was when they began to
    read, and neither wait for whoever writes nor keep anybody from writing."""

    driver = "reading"
    supports_statement_cache = True

    def do_begin(self, dbapi_connection: Any) -> None:
        dbapi_connection.execute("BEGIN")

    def do_commit(self, dbapi_connection: Any) -> None:
        dbapi_connection.commit()


for name, dialect in ((DRIVER, Dialect), (READING, ReadingDialect)):
    registry.register(name.replace("+", "."), __name__, dialect.__name__)
