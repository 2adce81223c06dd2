"""The driver of the embedded database: what waits does not hold up the loop."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import AsyncAdaptedQueuePool

from cloud.db import direct
from cloud.db.database import is_busy
from cloud.db.migration import migrate
from cloud.db.sqlite import SqliteDatabase

pytestmark = pytest.mark.anyio

AS_MANY_AS_THE_POOL_HAS = 15


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    path = tmp_path / "palms.db"
    migrate(path)
    database = SqliteDatabase(path)
    yield database
    await database.close()


async def write(database: SqliteDatabase, name: str) -> None:
    async with database.session.begin() as session:
        await session.execute(text("CREATE TABLE IF NOT EXISTS written (name TEXT)"))
        await session.execute(text("INSERT INTO written VALUES (:name)"), {"name": name})


async def written(database: SqliteDatabase) -> list[str]:
    async with database.session() as session:
        return list(await session.scalars(text("SELECT name FROM written ORDER BY name")))


async def begun(database: SqliteDatabase) -> None:
    """Returns when a connection is in use."""
    pool = cast(AsyncAdaptedQueuePool, database._engine.pool)
    while not pool.checkedout():  # noqa: ASYNC110 - the pool has no event
        await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_the_loop_goes_on_while_another_process_writes(
    database: SqliteDatabase, tmp_path: Path
):
    with closing(sqlite3.connect(tmp_path / "palms.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        waits = asyncio.create_task(write(database, "later"))
        await begun(database)
        # What held up the loop has failed by now, since SQLite has given up.
        assert not waits.done()
        other.rollback()
    await waits
    assert await written(database) == ["later"]


async def test_who_waits_does_not_keep_from_committing_who_writes(database: SqliteDatabase):
    names = [f"{number:02}" for number in range(AS_MANY_AS_THE_POOL_HAS)]
    await asyncio.gather(*(write(database, name) for name in names))
    assert await written(database) == names


async def test_who_is_cancelled_while_waiting_holds_no_lock(
    database: SqliteDatabase, tmp_path: Path
):
    with closing(sqlite3.connect(tmp_path / "palms.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        waits = asyncio.create_task(write(database, "never"))
        await begun(database)
        waits.cancel()
        await asyncio.sleep(0)
        other.rollback()
        with pytest.raises(asyncio.CancelledError):
            await waits
        other.execute("BEGIN IMMEDIATE")
    await write(database, "next")
    assert await written(database) == ["next"]


async def test_rows_that_nobody_reads_keep_nothing_from_being_erased(database: SqliteDatabase):
    await write(database, "one")
    await write(database, "two")
    async with database.session() as session:
        rows = await session.execute(text("SELECT name FROM written ORDER BY name"))
        await session.commit()
        assert not await database._empty_log()
        assert list(rows.scalars()) == ["one", "two"]


async def test_who_reads_waits_for_nobody_who_writes(database: SqliteDatabase, tmp_path: Path):
    await write(database, "before")
    with closing(sqlite3.connect(tmp_path / "palms.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO written VALUES ('not committed')")
        async with database.reading() as session:
            assert list(await session.scalars(text("SELECT name FROM written"))) == ["before"]
        other.execute("ROLLBACK")


async def test_who_opens_the_database_to_read_cannot_write(database: SqliteDatabase):
    await write(database, "before")
    async with database.reading() as session:
        with pytest.raises(DBAPIError, match="readonly"):
            await session.execute(text("DELETE FROM written"))


async def test_transactions_begin_in_the_order_in_which_they_were_asked_for(
    database: SqliteDatabase,
):
    order: list[int] = []

    async def enter(number: int) -> None:
        async with database.session.begin() as session:
            await session.execute(text("SELECT 1"))
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*map(enter, range(10)))
    assert order == list(range(10))


async def test_who_waits_too_long_for_others_of_the_same_process_is_told_that_they_are_at_it(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(direct, "BUSY_S", 0.001)
    async with database.session.begin() as first:
        await first.execute(text("SELECT 1"))
        with pytest.raises(DBAPIError) as raised:
            await write(database, "second")
    assert is_busy(raised.value)
    await write(database, "third")
