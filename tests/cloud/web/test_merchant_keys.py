"""Keys of tills and systems expire when they were made so, and the operator hears of it before."""

from datetime import timedelta
from pathlib import Path

import pytest

from cloud.merchants.tables import FIRST
from cloud.policy import KEY_NOTICE
from cloud.web.merchant_keys import KeyUse, make_key, merchant_with, remind, remove_key
from tests.support.portal import open_portal

pytestmark = pytest.mark.anyio

LIFE = timedelta(days=365)


async def test_a_key_is_known_until_it_expires_or_is_removed(tmp_path: Path):
    async with open_portal(tmp_path) as portal, portal.database.session() as session:
        master, now = portal.context.master, portal.now
        lasting = await make_key(session, master, KeyUse.TILL, FIRST, now)
        expiring = await make_key(session, master, KeyUse.TILL, FIRST, now, life=LIFE)
        last = now + LIFE - timedelta(seconds=1)
        assert await merchant_with(session, master, KeyUse.TILL, expiring, last) == FIRST
        assert await merchant_with(session, master, KeyUse.TILL, expiring, now + LIFE) is None
        assert await merchant_with(session, master, KeyUse.TILL, lasting, now + 9 * LIFE) == FIRST
        assert await merchant_with(session, master, KeyUse.ACCESS, lasting, now) is None
        name = lasting.partition(".")[0]
        assert await remove_key(session, name)
        assert not await remove_key(session, name)
        assert await merchant_with(session, master, KeyUse.TILL, lasting, now) is None


async def test_the_operator_is_told_before_a_key_expires_once_a_day(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    async with open_portal(tmp_path) as portal:
        async with portal.database.session() as session:
            master, now = portal.context.master, portal.now
            lasting = await make_key(session, master, KeyUse.TILL, FIRST, now)
            expiring = await make_key(session, master, KeyUse.TILL, FIRST, now, life=LIFE)
            await session.commit()
        name = expiring.partition(".")[0]
        await remind(portal.context)
        assert name not in caplog.text
        portal.pass_time(LIFE - KEY_NOTICE)
        for _ in range(3):
            await remind(portal.context)
        assert caplog.text.count(f"the till key {name} of merchant first expires on") == 1
        portal.pass_time(KEY_NOTICE)
        await remind(portal.context)
        assert caplog.text.count(f"the till key {name} of merchant first has expired on") == 1
        for secret in (lasting.partition(".")[0], expiring.partition(".")[2]):
            assert secret not in caplog.text
