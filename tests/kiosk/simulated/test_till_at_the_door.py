"""The dock's till rings up sales through the door, at a real one on loopback."""

import asyncio
import logging
from pathlib import Path

import pytest

from kiosk.screens import Points
from kiosk.settings import TillDoor
from kiosk.simulated.till_at_the_door import TillAtTheDoor
from kiosk.till.nexo.keys import read_keys
from kiosk.till.till import Collection, SaleResult
from protocol.messages import Age, Money
from tests.support.doors import OpenDoor
from tests.support.sealed import sealed, state_of

pytestmark = pytest.mark.anyio

COFFEE = Money(minor=450, currency="USD")


def beside(kiosk: OpenDoor) -> TillAtTheDoor:
    door = TillDoor(host="127.0.0.1", port=kiosk.door.port)
    return TillAtTheDoor(state_of(kiosk.folder).files, door)


async def test_a_sale_is_rung_up_withdrawn_and_answered(tmp_path: Path) -> None:
    kiosk = OpenDoor(tmp_path)
    async with kiosk.open():
        dock = beside(kiosk)
        dock.ring_up(COFFEE, "Corner Shop")
        sale = await kiosk.takes()
        assert sale.amount == COFFEE
        dock.withdraw()
        await kiosk.till.withdrawn(sale.reference)
        await kiosk.till.answer(sale.reference, SaleResult.NOT_PAID)


async def test_points_are_collected_and_an_age_is_asked_for(tmp_path: Path) -> None:
    kiosk = OpenDoor(tmp_path)
    async with kiosk.open():
        dock = beside(kiosk)
        dock.collect(Points(12, 1262), "Corner Shop")
        asked = await kiosk.till.next_request()
        assert isinstance(asked, Collection)
        assert asked.points == Points(12, 1262)
        await kiosk.till.tell_shopper(asked.reference, None)
        dock.ring_up(COFFEE, "Corner Shop", Age.EIGHTEEN)
        assert (await kiosk.sells(SaleResult.NOT_PAID)).over is Age.EIGHTEEN


async def test_a_kiosk_without_a_key_is_given_one(tmp_path: Path) -> None:
    kiosk = OpenDoor(tmp_path)
    async with kiosk.open():
        kiosk.keys.unlink()
        beside(kiosk).ring_up(COFFEE, "Corner Shop")
        assert (await kiosk.sells()).amount == COFFEE
    assert len(read_keys(sealed(kiosk.keys))) == 1


async def test_a_door_that_is_shut_is_told_to_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kiosk = OpenDoor(tmp_path)
    dock = TillAtTheDoor(state_of(tmp_path).files, TillDoor(host="127.0.0.1", port=1))
    with caplog.at_level(logging.WARNING):
        dock.ring_up(COFFEE, "Corner Shop")
        await asyncio.gather(*dock._asking.values())
    assert "Nobody answers there" in caplog.text
    kiosk.certificate.unlink()
    TillAtTheDoor(state_of(tmp_path).files, TillDoor()).ring_up(COFFEE, "Corner Shop")
    assert "cannot speak with the door" in caplog.text
