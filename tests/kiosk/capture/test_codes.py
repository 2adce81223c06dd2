"""Bar and QR codes are read before the camera, and their pictures are wiped."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest
import zxingcpp

from hardware.camera import Colour, SimulatedCamera
from hardware.camera.feed import Feed
from hardware.faults import TemporaryFault
from kiosk.capture.codes import CodeReader
from tests.support.live_stage import SOON

pytestmark = pytest.mark.anyio

SIZE = (640, 360)
EAN = "2890000012343"


class Card:
    """A scene in which a card with a code is held up, or none."""

    def __init__(self) -> None:
        self.shown: Colour | None = None

    def hold(self, text: str, kind: zxingcpp.BarcodeFormat, turned: int = 0) -> None:
        drawn = np.array(zxingcpp.create_barcode(text, kind).to_image(scale=2))
        self.shown = np.repeat(np.rot90(drawn, turned)[..., None], 3, axis=2)

    def draw(self, out: Colour, at: float) -> None:
        del at
        out.fill(170)
        if (shown := self.shown) is not None:
            height, width = shown.shape[:2]
            out[60 : 60 + height, 20 : 20 + width] = shown


@pytest.fixture
def card() -> Card:
    return Card()


@pytest.fixture
def camera(card: Card) -> SimulatedCamera:
    return SimulatedCamera(card, size=SIZE)


@pytest.fixture
def feed(camera: SimulatedCamera) -> Iterator[Feed]:
    feed = Feed(camera, SIZE)
    feed.start()
    yield feed
    feed.stop()


async def read(feed: Feed, but: str | None = None) -> str:
    async with asyncio.timeout(SOON):
        return await CodeReader(feed).read(but)


async def a_picture(feed: Feed) -> None:
    """Waits for the next picture."""
    with closing(feed.subscribe()) as pictures:
        taken = await asyncio.to_thread(pictures.take, SOON)
        assert taken is not None
        taken.close()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (zxingcpp.BarcodeFormat.QRCode, "FL-20482/A"),
        (zxingcpp.BarcodeFormat.Code128, "FL-20482"),
        (zxingcpp.BarcodeFormat.EAN13, EAN),
        (zxingcpp.BarcodeFormat.Aztec, "8374629384756"),
    ],
    ids=lambda value: value.name if isinstance(value, zxingcpp.BarcodeFormat) else "",
)
@pytest.mark.parametrize("turned", [0, 1])
async def test_a_code_says_what_its_card_says_however_it_is_held(
    feed: Feed, card: Card, kind: zxingcpp.BarcodeFormat, text: str, turned: int
) -> None:
    card.hold(text, kind, turned)
    assert await read(feed) == text


async def test_nothing_is_read_until_a_card_is_held_up(feed: Feed, card: Card) -> None:
    reading = asyncio.create_task(read(feed))
    await a_picture(feed)
    assert not reading.done()
    card.hold(EAN, zxingcpp.BarcodeFormat.EAN13)
    assert await reading == EAN


async def test_a_code_that_was_refused_is_waited_past(feed: Feed, card: Card) -> None:
    card.hold(EAN, zxingcpp.BarcodeFormat.EAN13)
    assert await read(feed) == EAN
    reading = asyncio.create_task(read(feed, but=EAN))
    await asyncio.sleep(0)
    card.hold("another", zxingcpp.BarcodeFormat.QRCode)
    assert await reading == "another"


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[Colour]:
    """The pictures in which codes were looked for."""
    pictures: list[Colour] = []
    read_barcode = zxingcpp.read_barcode

    def look(picture: Colour, **how: Any) -> zxingcpp.Barcode | None:
        assert picture.any()
        pictures.append(picture)
        return read_barcode(picture, **how)

    monkeypatch.setattr("kiosk.capture.codes.zxingcpp.read_barcode", look)
    return pictures


@pytest.fixture
def wiped(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> list[Feed]:
    """The feed, each time that it is wiped."""
    wiped: list[Feed] = []
    monkeypatch.setattr(feed, "wipe", lambda: wiped.append(feed))
    return wiped


async def test_no_picture_of_the_card_is_left_in_memory(
    feed: Feed, card: Card, looked_at: list[Colour], wiped: list[Feed]
) -> None:
    card.hold(EAN, zxingcpp.BarcodeFormat.EAN13)
    await read(feed)
    assert wiped == [feed]
    assert looked_at
    assert not any(picture.any() for picture in looked_at)


async def test_who_goes_back_leaves_no_picture_either(
    feed: Feed, looked_at: list[Colour], wiped: list[Feed]
) -> None:
    reading = asyncio.create_task(read(feed))
    while not looked_at:
        await a_picture(feed)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert wiped == [feed]
    assert not any(picture.any() for picture in looked_at)


async def test_a_camera_that_goes_away_is_a_fault(feed: Feed, camera: SimulatedCamera) -> None:
    reading = asyncio.create_task(read(feed))
    await a_picture(feed)
    camera.unplug()
    with pytest.raises(TemporaryFault):
        await reading
