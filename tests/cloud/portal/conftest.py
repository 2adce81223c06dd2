from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cloud.merchants.tables import SiteRow
from cloud.web.problems import Refusal
from cloud.web.signed_request import Call
from cloud.web.tables import DeviceRow
from tests.support.portal import Portal, open_portal

Do = Callable[[Callable[[Call], Awaitable[Any]]], Awaitable[Any]]


@pytest.fixture
async def portal(tmp_path: Path, anyio_backend: str) -> AsyncGenerator[Portal]:
    async with open_portal(tmp_path) as portal:
        yield portal


@pytest.fixture
async def device(portal: Portal) -> Do:
    """Has a kiosk of the first merchant do something at the service, in one transaction that a
    refusal does not roll back, and returns the answer or the type of the refusal."""
    async with portal.database.session() as session:
        site = (await session.scalars(select(SiteRow.id))).one()
    await portal.add(
        DeviceRow(
            id="kiosk",
            public_key=b"",
            name="Kiosk",
            merchant_id="first",
            site_id=site,
            activated_at=portal.now,
            infrared=False,
        )
    )

    async def do(work: Callable[[Call], Awaitable[Any]]) -> Any:
        async with portal.database.session() as session:
            try:
                done = await work(Call(portal.context, session, "kiosk", portal.now, b""))
            except Refusal as refusal:
                done = refusal.problem.type
            await session.commit()
            return done

    return do
