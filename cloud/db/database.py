"""SQLite with a write-ahead log, erased bytes overwritten and one writer at a time.

A transaction takes the write lock when it begins (BEGIN IMMEDIATE), so what it has read cannot
change before it ends. No transaction may therefore be open while the vault or a provider is asked.
"""

import sqlite3
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_MS = 5000


def migrate(path: Path) -> None:
    """Creates the database at `path`, or migrates it to the newest schema.

    Raises sqlalchemy.exc.DatabaseError when the file is not a database.
    """
    path.touch(mode=0o600, exist_ok=True)
    engine = create_engine(URL.create("sqlite", database=str(path)), hide_parameters=True)
    _prepare(engine, None)
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()


class Database:
    def __init__(self, path: Path, max_pages: int | None = None) -> None:
        # Parameters may be personal: they must not appear in an error.
        self._engine: AsyncEngine = create_async_engine(
            URL.create("sqlite+aiosqlite", database=str(path)), hide_parameters=True
        )
        _prepare(self._engine.sync_engine, max_pages)
        self.session = async_sessionmaker(self._engine, class_=AsyncSession, expire_on_commit=False)
        """Opens a session; use it as `async with database.session() as session`."""

    async def forget_erased(self) -> None:
        """Moves the write-ahead log into the database and empties it: then neither holds what a
        deletion has overwritten. While somebody reads it does nothing, and a later call does it."""
        async with self._engine.connect() as connection:
            raw = await connection.get_raw_connection()
            driver: Any = raw.driver_connection
            await driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    async def close(self) -> None:
        await self._engine.dispose()


def is_full(error: BaseException) -> bool:
    """Returns whether a statement failed because the disk or the database is full."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return (
        isinstance(original, sqlite3.Error)
        and getattr(original, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    )


def _prepare(engine: Engine, max_pages: int | None) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        # The driver must not begin transactions by itself: it would not use BEGIN IMMEDIATE.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout = {_BUSY_MS}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = ON",
            *([f"max_page_count = {max_pages}"] if max_pages else []),
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.execute(text("BEGIN IMMEDIATE"))

    del configure, begin
