"""Pictures for kiosks: what is made of an operator's files, and who gets it."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.fleet import orders, picture_files, picture_making, pictures
from cloud.fleet.picture_making import MAX_FILE
from protocol.fleet import MAX_PICTURE, MAX_SIDE, PNG, Orders
from protocol.messages import ProblemType
from protocol.pictures import NoPicture, check
from tests.cloud.fleet.test_fleet import change, told, within
from tests.support.device import TestDevice, refusal
from tests.support.served import Served


def written(name: str, picture: NDArray[np.uint8]) -> bytes:
    """Returns a picture as a file of the kind that the name says."""
    done, file = cv2.imencode(Path(name).suffix, picture)
    assert done
    return file.tobytes()


def drawn(value: int, *, ground: int = 0) -> NDArray[np.uint8]:
    """Returns a logo of one brightness in the middle of its ground, BGRA."""
    picture = np.zeros((60, 200, 4), np.uint8)
    picture[..., 3] = ground
    picture[20:40, 50:150] = (value, value, value, 255)
    return picture


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)


def read(content: bytes) -> NDArray[np.uint8]:
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    return np.asarray(picture, np.uint8)


@pytest.mark.parametrize("name", ["photo.png", "photo.jpg", "photo.webp"])
def test_each_kind_of_file_becomes_a_png_that_kiosks_take(name: str):
    made = picture_files.attract(written(name, np.full((30, 20, 3), 90, np.uint8)))
    check(made.content)
    assert read(made.content).shape == (30, 20, 3)


def test_a_picture_is_no_larger_than_kiosks_take_it():
    made = picture_files.attract(written("noise.png", noise(1400, 1300)))
    check(made.content)
    height, width, _ = read(made.content).shape
    assert len(made.content) <= MAX_PICTURE
    assert max(height, width) < MAX_SIDE
    assert height / width == pytest.approx(1400 / 1300, rel=0.01)


def test_what_a_camera_has_noted_does_not_travel():
    jpeg = written("photo.jpg", np.full((30, 20, 3), 90, np.uint8))
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    length = (len(exif) + 2).to_bytes(2)
    made = picture_files.attract(jpeg[:2] + b"\xff\xe1" + length + exif + jpeg[2:])
    assert b"Exif" not in made.content
    assert b"eXIf" not in made.content
    # It said that it was to be turned by a quarter.
    assert read(made.content).shape == (20, 30, 3)


@pytest.mark.parametrize(
    ("picture", "ink"),
    [
        (drawn(20), "dark"),
        (drawn(240), "light"),
        (drawn(20, ground=255), None),
        (drawn(20)[..., :3], None),
        (drawn(20)[..., 0], None),
        (np.zeros((20, 20, 4), np.uint8), None),
    ],
    ids=["dark", "light", "opaque", "no ground", "grey", "nothing"],
)
def test_a_logo_says_whether_it_is_dark_or_light(picture: NDArray[np.uint8], ink: str | None):
    assert picture_files.logo(written("logo.png", picture)).ink == ink


def test_a_logo_loses_the_margins_in_which_nothing_is_drawn():
    assert read(picture_files.logo(written("logo.png", drawn(20))).content).shape == (20, 100, 4)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no PNG, JPEG or WebP"),
        (b"<svg/>", "no PNG, JPEG or WebP"),
        (b"BM" + bytes(99), "no PNG, JPEG or WebP"),
        (bytes(MAX_FILE + 1), "20 MiB"),
    ],
    ids=["empty", "SVG", "bitmap", "large"],
)
@pytest.mark.anyio
async def test_what_is_no_picture_is_refused(content: bytes, why: str):
    with pytest.raises(NoPicture, match=why):
        await picture_making.make("logo", content)


def test_a_damaged_picture_is_refused():
    with pytest.raises(NoPicture, match="no PNG, JPEG or WebP"):
        picture_files.logo(b"\x89PNG\r\n\x1a\n" + bytes(99))


@pytest.mark.anyio
async def test_a_picture_is_made_in_a_process_that_can_do_nothing_else():
    content = written("logo.png", drawn(20))
    made = await picture_making.make("logo", content)
    assert made == picture_files.logo(content)


def a_png(shade: int) -> bytes:
    return cv2.imencode(".png", np.full((8, 8, 3), shade, np.uint8))[1].tobytes()


def keep(served: Served, content: bytes, ink: Any = None) -> str:
    async def do(session: AsyncSession) -> str:
        return await pictures.keep(session, content, ink)

    return within(served, do)


def test_orders_name_pictures_and_the_kiosk_gets_them(served: Served, kiosk: TestDevice):
    logo, one, other = (
        keep(served, a_png(1), "dark"),
        keep(served, a_png(2)),
        keep(served, a_png(3)),
    )
    before = told(kiosk)
    change(served, kiosk.id, logo=logo, attract=f"{one} {other}")
    given = told(kiosk)
    assert given.number > before.number
    assert given.logo is not None
    assert (given.logo.sha256, given.logo.ink, given.logo.size) == (logo, "dark", len(a_png(1)))
    assert [each.sha256 for each in given.attract] == [one, other]
    for picture in given.pictures:
        answer = kiosk.send("GET", f"/device/pictures/{picture.sha256}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, PNG)
        assert sha256(answer.content).hexdigest() == picture.sha256


def test_a_kiosk_gets_no_picture_that_it_is_not_told_to_show(served: Served, kiosk: TestDevice):
    digest = keep(served, a_png(4))
    other = served.kiosk(served.merchant())
    change(served, other.id, attract=digest)
    assert other.send("GET", f"/device/pictures/{digest}").status_code == 200
    for asked in (digest, "0" * 64):
        answer = kiosk.send("GET", f"/device/pictures/{asked}")
        assert refusal(answer).type is ProblemType.NOT_FOUND


def test_a_picture_that_no_setting_names_is_deleted(served: Served, kiosk: TestDevice):
    kept, dropped = keep(served, a_png(5)), keep(served, a_png(6))
    change(served, kiosk.id, attract=f"{kept} {dropped}")
    change(served, kiosk.id, attract=kept)
    within(served, pictures.forget_unnamed)
    change(served, kiosk.id, attract=f"{kept} {dropped}")
    assert [each.sha256 for each in told(kiosk).attract] == [kept]
    change(served, kiosk.id, attract=None)


def test_only_some_pictures_and_only_pngs_are_kept(served: Served, kiosk: TestDevice):
    with pytest.raises(ValueError, match="at most 6"):
        change(served, kiosk.id, attract=" ".join(["0" * 64] * 7))
    with pytest.raises(NoPicture):
        keep(served, b"GIF89a")
    assert orders.SETTINGS["attract"]("0" * 64) == ["0" * 64]


def test_orders_of_before_pictures_still_count_as_they_were_signed(kiosk: TestDevice):
    """A kiosk keeps them: an upgrade must not end a lock."""
    given = told(kiosk)
    dumped = given.model_dump(mode="json")
    assert not {"logo", "attract"} & set(dumped)
    assert Orders.model_validate(dumped) == given
