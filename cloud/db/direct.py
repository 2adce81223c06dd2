"""SQLite for SQLAlchemy's asynchronous engines, without a thread between the loop and the database.

A statement is short here: the operating system holds the database in memory, and inside of a
transaction nothing has to be waited for. SQLAlchemy's own driver for asyncio (aiosqlite) hands each
one to a thread and back four times (docs/decisions/0053-sqlite-on-the-loop.md). What does wait, for
other writers or for the disk, runs on a thread of the connection: beginning a transaction while
somebody else writes, committing it, and what is passed to `Connection.wait_for`.
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
        if not dbapi_connection.begins_at_once():
            begin = partial(dbapi_connection.execute, "BEGIN IMMEDIATE")
            await_(dbapi_connection.wait_for(begin))

    def do_commit(self, dbapi_connection: Any) -> None:
        await_(dbapi_connection.wait_for(dbapi_connection.commit))


registry.register(DRIVER.replace("+", "."), __name__, Dialect.__name__)
