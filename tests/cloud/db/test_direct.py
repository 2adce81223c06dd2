"""The driver of the embedded database: what waits does not hold up the loop."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import text
from sqlalchemy.pool import AsyncAdaptedQueuePool

from cloud.db.database import Database
from cloud.db.migration import migrate

pytestmark = pytest.mark.anyio

AS_MANY_AS_THE_POOL_HAS = 15


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    path = tmp_path / "palms.db"
    migrate(path)
    database = Database(path)
    yield database
    await database.close()


async def write(database: Database, name: str) -> None:
    async with database.session.begin() as session:
        await session.execute(text("CREATE TABLE IF NOT EXISTS written (name TEXT)"))
        await session.execute(text("INSERT INTO written VALUES (:name)"), {"name": name})


async def written(database: Database) -> list[str]:
    async with database.session() as session:
        return list(await session.scalars(text("SELECT name FROM written ORDER BY name")))


async def begun(database: Database) -> None:
    """Returns when a connection is in use."""
    pool = cast(AsyncAdaptedQueuePool, database._engine.pool)
    while not pool.checkedout():  # noqa: ASYNC110 - the pool has no event
        await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_the_loop_goes_on_while_another_process_writes(database: Database, tmp_path: Path):
    with closing(sqlite3.connect(tmp_path / "palms.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        waits = asyncio.create_task(write(database, "later"))
        await begun(database)
        # What held up the loop has failed by now, since SQLite has given up.
        assert not waits.done()
        other.rollback()
    await waits
    assert await written(database) == ["later"]


async def test_who_waits_does_not_keep_from_committing_who_writes(database: Database):
    names = [f"{number:02}" for number in range(AS_MANY_AS_THE_POOL_HAS)]
    await asyncio.gather(*(write(database, name) for name in names))
    assert await written(database) == names


async def test_who_is_cancelled_while_waiting_holds_no_lock(database: Database, tmp_path: Path):
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


async def test_rows_that_nobody_reads_keep_nothing_from_being_erased(database: Database):
    await write(database, "one")
    await write(database, "two")
    async with database.session() as session:
        rows = await session.execute(text("SELECT name FROM written ORDER BY name"))
        await session.commit()
        assert not await database._empty_log()
        assert list(rows.scalars()) == ["one", "two"]
