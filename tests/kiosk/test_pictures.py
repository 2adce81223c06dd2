"""Pictures that the operator has a kiosk show: new ones when all are there, else the last ones."""

import asyncio
import errno
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

import cv2
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk import pictures
from kiosk.operator import REPORT_S, Operator
from kiosk.pictures import AGAIN_S, Pictures
from kiosk.screens import Logo, Welcome
from kiosk.service.client import SignatureService
from protocol.encoding import to_base64
from protocol.fleet import MAX_PICTURE, Orders, Picture
from protocol.fleet import Logo as NamedLogo
from protocol.messages import ProblemType
from tests.support.canned import DEVICE, CannedService, Reply, problem
from tests.support.clocks import HurriedClock
from tests.support.ordered import ordered
from tests.support.scripted import WAITS
from tests.support.sealed import sealed
from tests.support.stand import MakeStand, Stand

pytestmark = pytest.mark.anyio

KEY = Ed25519PrivateKey.generate()
TOLD = "PUT /device/report"


def png(shade: int) -> bytes:
    return cv2.imencode(".png", np.full((8, 8, 3), shade, np.uint8))[1].tobytes()


OLD, NEW, LOGO = png(1), png(2), png(3)


def named(content: bytes) -> Picture:
    return Picture(sha256=sha256(content).hexdigest(), size=len(content))


def asked_for(content: bytes) -> str:
    return f"GET /device/pictures/{named(content).sha256}"


Tell = Callable[..., Orders]
"""Returns orders with these attract pictures, by number."""


@pytest.fixture
def tell(service: SignatureService) -> Tell:
    def make(number: int, *attract: bytes, key: Ed25519PrivateKey = KEY, **values: Any) -> Orders:
        usual = {"device_id": service.device_id, "attract": [named(each) for each in attract]}
        return ordered(key, number, **(usual | values))

    return make


def serve(canned: CannedService, *pictures: bytes) -> None:
    for picture in pictures:
        canned.will(asked_for(picture), *[Reply(200, picture)] * 9)


def uris(here: Stand, *pictures: bytes) -> tuple[str, ...]:
    folder = here.kiosk.settings.state.absolute() / "pictures"
    return tuple((folder / f"{named(each).sha256}.png").as_uri() for each in pictures)


def files(here: Stand) -> set[str]:
    return {path.name for path in (here.kiosk.settings.state / "pictures").iterdir()}


async def until(here: Stand, come: Callable[[], bool]) -> None:
    while not come():
        await here.clock.turn(0)


def shown(here: Stand) -> tuple[str, ...]:
    latest = here.stage.shown[-1] if here.stage.shown else None
    return latest.attract if isinstance(latest, Welcome) else ()


async def test_pictures_are_shown_without_a_restart_and_after_one(
    stand: MakeStand, canned: CannedService, tell: Tell
) -> None:
    logo = NamedLogo(**named(LOGO).model_dump(), ink="light")
    canned.will(TOLD, tell(1, OLD, logo=logo), tell(2, NEW), tell(3))
    serve(canned, OLD, NEW, LOGO)
    here = stand((Welcome, WAITS))
    async with here.running():
        await here.stage.reached()
        await until(here, lambda: shown(here) == uris(here, OLD))
        assert here.kiosk.pictures.logo == Logo(*uris(here, LOGO), ink="light")
        again = stand((Welcome, WAITS)).kiosk.pictures
        assert (again.attract, again.logo) == (uris(here, OLD), here.kiosk.pictures.logo)
        await here.clock.turn(REPORT_S)
        await until(here, lambda: shown(here) == uris(here, NEW))
        assert here.kiosk.pictures.logo is None
        assert files(here) == {f"{named(NEW).sha256}.png", "shown.json"}
        await here.clock.turn(REPORT_S)
        await until(here, lambda: shown(here) == ())
        assert files(here) == {"shown.json"}


WRONG: dict[str, tuple[bytes, Any]] = {
    "altered": (NEW, Reply(200, OLD)),
    "cut": (NEW, Reply(200, NEW[:-9])),
    "too large": (NEW, Reply(200, NEW + bytes(MAX_PICTURE))),
    "no PNG": (b"GIF89a", Reply(200, b"GIF89a")),
    "gone": (NEW, problem(ProblemType.NOT_FOUND, 404)),
    "failing": (NEW, problem(ProblemType.INTERNAL, 500)),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_the_last_pictures_stay_until_all_new_ones_are_there(
    stand: MakeStand,
    canned: CannedService,
    tell: Tell,
    wrong: tuple[bytes, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    picture, answer = wrong
    canned.will(TOLD, tell(1, OLD), *[tell(2, LOGO, picture)] * 99)
    serve(canned, OLD, LOGO)
    canned.will(asked_for(picture), *[answer] * 99)
    here = stand((Welcome, WAITS))
    async with here.running():
        await here.stage.reached()
        await until(here, lambda: shown(here) == uris(here, OLD))
        await here.clock.turn(REPORT_S)
        await until(here, lambda: "the pictures stay as they are" in caplog.text)
        assert shown(here) == uris(here, OLD)
        again = stand((Welcome, WAITS)).kiosk.pictures
        assert again.attract == uris(here, OLD)


async def test_a_picture_that_could_not_be_had_is_fetched_again(
    stand: MakeStand, canned: CannedService, tell: Tell
) -> None:
    canned.will(TOLD, *[tell(1, NEW)] * 99)
    canned.will(asked_for(NEW), Reply(200, OLD), Reply(200, NEW))
    here = stand((Welcome, WAITS))
    async with here.running():
        await here.stage.reached()
        await until(here, lambda: any(named(NEW).sha256 in each.path for each in canned.asked))
        await here.clock.turn(AGAIN_S)
        await until(here, lambda: shown(here) == uris(here, NEW))


def full(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


class Cut(BaseException):
    """The power is gone."""


def tidied_once() -> Callable[..., None]:
    """Returns what tidies nothing, and finds the power gone the second time."""
    times = 0

    def tidy(*_: object) -> None:
        nonlocal times
        times += 1
        if times == 2:
            raise Cut

    return tidy


async def fetched(here: Stand, orders: Orders) -> None:
    await here.kiosk.pictures._show(orders)  # pyright: ignore[reportPrivateUsage]


async def test_a_full_disk_leaves_the_last_pictures(
    stand: MakeStand, canned: CannedService, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(canned, OLD, NEW)
    here = stand((Welcome, WAITS))
    await fetched(here, tell(1, OLD))
    with monkeypatch.context() as patch:
        patch.setattr("kiosk.pictures.write_private", full)
        with pytest.raises(OSError, match="space"):
            await fetched(here, tell(2, NEW))
    assert here.kiosk.pictures.attract == uris(here, OLD)
    assert stand((Welcome, WAITS)).kiosk.pictures.attract == uris(here, OLD)


@pytest.mark.parametrize("writes", [0, 1, 2])
async def test_power_that_is_cut_leaves_the_last_pictures_or_the_new_ones(
    stand: MakeStand,
    canned: CannedService,
    tell: Tell,
    monkeypatch: pytest.MonkeyPatch,
    writes: int,
) -> None:
    """Two files are written: the picture, and which are shown. It is cut before each of them, and
    before what is not needed any more is removed."""
    serve(canned, OLD, NEW)
    here = stand((Welcome, WAITS))
    await fetched(here, tell(1, OLD))
    write, left = pictures.write_private, writes

    def cut(path: Path, content: bytes) -> None:
        nonlocal left
        if left == 0:
            (path.parent / f"{path.name}.partial").write_bytes(content[:5])
            raise Cut
        left -= 1
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(pictures, "write_private", cut)
        if writes == 2:
            patch.setattr(here.kiosk.pictures, "_tidy", tidied_once())
        with pytest.raises(Cut):
            await fetched(here, tell(2, NEW))
    again = stand((Welcome, WAITS))
    expected = uris(here, NEW) if writes == 2 else uris(here, OLD)
    assert again.kiosk.pictures.attract == expected
    await fetched(again, tell(3, NEW))
    assert files(again) == {f"{named(NEW).sha256}.png", "shown.json"}


async def test_what_was_changed_on_the_disk_is_not_shown(
    stand: MakeStand, canned: CannedService, tell: Tell
) -> None:
    serve(canned, OLD)
    here = stand((Welcome, WAITS))
    await fetched(here, tell(1, OLD))
    folder = here.kiosk.settings.state / "pictures"
    (folder / f"{named(OLD).sha256}.png").write_bytes(NEW)
    assert stand((Welcome, WAITS)).kiosk.pictures.attract == ()
    await fetched(here, tell(2, OLD))
    assert stand((Welcome, WAITS)).kiosk.pictures.attract == uris(here, OLD)
    forged = tell(3, OLD).model_copy(update={"number": 4})
    (folder / "shown.json").write_bytes(forged.model_dump_json().encode())
    assert stand((Welcome, WAITS)).kiosk.pictures.attract == ()
    other = tell(3, OLD, key=Ed25519PrivateKey.generate())
    (folder / "shown.json").write_bytes(other.model_dump_json().encode())
    known = to_base64(KEY.public_key().public_bytes_raw())
    here.kiosk.service.identity.become(DEVICE.model_copy(update={"orders_key": known}))
    assert stand((Welcome, WAITS)).kiosk.pictures.attract == ()


async def test_the_folder_may_have_any_name(
    service: SignatureService, tell: Tell, tmp_path: Path
) -> None:
    folder = tmp_path / "a #1 100%"
    operator = Operator(sealed(tmp_path / "orders.json"), service, HurriedClock())
    shown = Pictures(folder, operator, service, HurriedClock())
    shown._shown = tell(1, OLD)  # pyright: ignore[reportPrivateUsage]
    assert "%231%20100%25" in shown.attract[0]


async def test_nothing_is_fetched_without_orders(stand: MakeStand, canned: CannedService) -> None:
    here = stand((Welcome, WAITS))
    async with here.running():
        await here.stage.reached()
        await asyncio.sleep(0)
    assert not any("/pictures/" in each.path for each in canned.asked)
