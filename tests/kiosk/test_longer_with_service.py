"""A kiosk with a light ring and a near-infrared camera, and a service that demands both: a drawn
hand with a pulse, the real reader, and the real service with its vault."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kiosk.screens import (
    Approved,
    Choice,
    ConfirmPurchase,
    HoldPalm,
)
from tests.kiosk.test_with_service import Shop
from tests.support.scripted import WAITS
from tests.support.unhurried import unhurried
from tests.support.warm import warm_starts

pytestmark = [pytest.mark.process, pytest.mark.anyio]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    state: Path = tmp_path_factory.mktemp("careful")
    (state / "service").mkdir(mode=0o700)
    asks = 'liveness = "required"\npulse_above = 400\n'
    (state / "service" / "settings.toml").write_text(asks)
    with unhurried(), warm_starts():
        shop = Shop(state, infrared="sim:")
        await shop.activated()
        yield shop
        await shop.close()


async def test_a_hand_is_seen_in_near_infrared_held_longer_for_a_large_sale_and_charged_once(
    shop: Shop,
) -> None:
    shop.hand(seed=7)
    await shop.sign_up("2025550107")
    await shop.visit(
        Choice.TRY_PURCHASE,
        (HoldPalm, WAITS),
        (ConfirmPurchase, Choice.CONFIRM),
        (Approved, Choice.DONE),
    )
    assert shop.last(HoldPalm).longer
    assert (await shop.leave()).purchases == 1
