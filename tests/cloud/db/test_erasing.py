"""What was erased is in no file of the database once somebody was told so."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import delete

from cloud.db.database import Database, migrate
from cloud.web.tables import Nonce


def test_the_log_is_empty_for_everybody_who_erases_at_once(tmp_path: Path):
    path = tmp_path / "palms.db"
    migrate(path)
    log = path.with_name("palms.db-wal")

    async def erase(database: Database) -> int:
        await database.forget_erased()
        return log.stat().st_size

    async def erase_at_once() -> list[int]:
        database = Database(path)
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
