"""What was erased is in no file of the database once somebody was told so."""

import asyncio
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, select, text

from cloud.db.migration import migrate
from cloud.db.sqlite import _PIECE, SqliteDatabase
from cloud.keys.tables import Person
from cloud.web.tables import Nonce
from tests.support.between_rows import leave_between_rows

ERASED = "person_" + "e" * 32


def holds(path: Path, name: str) -> bool:
    return any(name.encode() in each.read_bytes() for each in path.parent.glob("palms.db*"))


def work(path: Path, do: Callable[[SqliteDatabase], Awaitable[None]]) -> None:
    async def run() -> None:
        database = SqliteDatabase(path)
        await database.tidy_up()
        await do(database)
        await database.close()

    asyncio.run(run())


def test_the_log_is_empty_for_everybody_who_erases_at_once(tmp_path: Path):
    path = tmp_path / "palms.db"
    migrate(path)
    log = path.with_name("palms.db-wal")

    async def erase(database: SqliteDatabase) -> int:
        await database.forget_erased()
        return log.stat().st_size

    async def erase_at_once() -> list[int]:
        database = SqliteDatabase(path)
        sizes: list[int] = []
        for _ in range(20):
            async with database.session() as session:
                secret = Nonce(device_id="kiosk", nonce="a" * 9000, expires_at=datetime.now(UTC))
                session.add(secret)
                await session.commit()
                await session.execute(delete(Nonce))
                await session.commit()
            sizes += await asyncio.gather(*[erase(database) for _ in range(3)])
        await database.close()
        return sizes

    assert asyncio.run(erase_at_once()) == [0] * 60


async def keep(database: SqliteDatabase, person_id: str) -> None:
    async with database.session() as session:
        session.add(Person(id=person_id, wrapped_key=secrets.token_bytes(60)))
        await session.commit()


def test_a_copy_between_the_rows_of_a_page_is_erased_and_every_row_stays(tmp_path: Path):
    path = tmp_path / "palms.db"
    migrate(path)
    work(path, lambda database: keep(database, "person_" + "a" * 32))
    leave_between_rows(path, ERASED.encode())
    assert holds(path, ERASED)

    async def forget(database: SqliteDatabase) -> None:
        await database.forget_erased(ERASED)
        async with database.session() as session:
            assert (await session.scalars(select(Person.id))).all() == ["person_" + "a" * 32]
            assert await session.scalar(text("PRAGMA integrity_check")) == "ok"

    work(path, forget)
    assert not holds(path, ERASED)


def test_a_copy_that_cannot_be_erased_while_somebody_reads_is_erased_later(tmp_path: Path):
    path = tmp_path / "palms.db"
    migrate(path)
    leave_between_rows(path, ERASED.encode())

    async def forget(database: SqliteDatabase) -> None:
        with closing(sqlite3.connect(path)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM persons").fetchall()
            await database._ask("PRAGMA busy_timeout = 1")
            await database.forget_erased(ERASED)
            assert holds(path, ERASED)
        await database.tidy_up()
        assert not holds(path, ERASED)

    work(path, forget)


@pytest.mark.process
def test_a_command_that_ends_beside_a_service_that_has_erased_leaves_it_its_log(tmp_path: Path):
    path = tmp_path / "palms.db"
    migrate(path)
    kept = "person_" + "a" * 32

    async def forget(database: SqliteDatabase) -> None:
        await keep(database, kept)
        await database.forget_erased(ERASED)
        # Another process, as an operator's command is: what ends last takes the log away.
        reads = f"import sqlite3; c = sqlite3.connect({str(path)!r})"
        reads += "; c.execute('SELECT * FROM persons').fetchall(); c.close()"
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", reads], check=True)
        await keep(database, ERASED)
        with closing(sqlite3.connect(path)) as reader:
            stored = reader.execute("SELECT id FROM persons ORDER BY id").fetchall()
        assert stored == [(kept,), (ERASED,)]

    work(path, forget)


def test_what_stands_across_two_pieces_of_the_file_is_found(tmp_path: Path):
    path = tmp_path / "palms.db"
    path.write_bytes(b"x" * (_PIECE - 3) + ERASED.encode() + b"x" * _PIECE)

    async def look(database: SqliteDatabase) -> list[bool]:
        searched = [ERASED.encode(), b"person_" + b"f" * 32]
        found = [database._holds_any([trace]) for trace in searched]
        await database.close()
        return found

    assert asyncio.run(look(SqliteDatabase(path))) == [True, False]
