"""The welcome screen of an operator with a logo and pictures."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtQuick import QQuickItem
from pytestqt.qtbot import QtBot

from kiosk.screens import Logo, Notice, Welcome
from tests.support.screenful import Screenful, place

SHOP = "Corner Shop"


@pytest.fixture
def picture(tmp_path: Path) -> str:
    """The address of a picture that is twice as wide as high."""
    path = tmp_path / "picture.png"
    cv2.imwrite(str(path), np.full((100, 200, 3), 90, np.uint8))
    return path.as_uri()


def images(screenful: Screenful) -> list[QQuickItem]:
    return [item for item in screenful.everything() if item.inherits("QQuickImage")]


def turn(screenful: Screenful) -> int:
    return int(screenful.page.property("turn"))


def test_the_logo_stands_in_the_place_of_the_name(
    screenful: Screenful, qtbot: QtBot, picture: str
) -> None:
    screenful.ask(Welcome(SHOP, logo=Logo(picture)))
    qtbot.waitUntil(lambda: SHOP not in screenful.reads())
    (logo,) = images(screenful)
    assert place(logo).width() == pytest.approx(2 * place(logo).height())


@pytest.mark.qt_log_level_fail("CRITICAL")
def test_a_logo_that_is_not_there_leaves_the_name(
    screenful: Screenful, qtbot: QtBot, tmp_path: Path
) -> None:
    screenful.ask(Welcome(SHOP, logo=Logo((tmp_path / "gone.png").as_uri())))
    assert SHOP in screenful.reads()


@pytest.mark.parametrize(("ink", "plated"), [("light", True), ("dark", False), (None, False)])
def test_a_light_logo_has_a_dark_plate_on_a_light_panel(
    screenful: Screenful, qtbot: QtBot, picture: str, ink: str | None, plated: bool
) -> None:
    screenful.ask(Welcome(SHOP, logo=Logo(picture, ink)))  # pyright: ignore[reportArgumentType]
    qtbot.waitUntil(lambda: len(images(screenful)) == 1)
    plate = images(screenful)[0].parentItem()
    assert (plate.property("color").alpha() > 0) is plated
    assert (plate.width() > images(screenful)[0].width()) is plated


def test_pictures_are_shown_whole_by_turns_until_somebody_touches_the_screen(
    screenful: Screenful, qtbot: QtBot, picture: str
) -> None:
    screenful.ask(Welcome(SHOP, attract=(picture, picture)))
    assert not images(screenful)
    screenful.page.setProperty("turn", 1)
    qtbot.waitUntil(lambda: len(images(screenful)) == 1)
    (shown,) = images(screenful)
    assert shown.property("paintedWidth") == pytest.approx(2 * shown.property("paintedHeight"))
    screenful.page.metaObject().invokeMethod(screenful.page, "turnOver")
    assert turn(screenful) == 2
    screenful.page.metaObject().invokeMethod(screenful.page, "turnOver")
    assert turn(screenful) == 0
    screenful.page.setProperty("turn", 1)
    screenful.press(screenful.texts()[0])
    qtbot.waitUntil(lambda: turn(screenful) == 0)
    screenful.release(screenful.texts()[0])


@pytest.mark.qt_log_level_fail("CRITICAL")
def test_a_picture_that_cannot_be_read_is_left_out(
    screenful: Screenful, qtbot: QtBot, picture: str, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    screenful.ask(Welcome(SHOP, attract=(damaged.as_uri(), picture)))
    screenful.page.setProperty("turn", 1)
    qtbot.waitUntil(lambda: turn(screenful) == 2)


def test_a_kiosk_that_reads_no_palms_shows_no_pictures(screenful: Screenful, picture: str) -> None:
    screenful.ask(Welcome(SHOP, attract=(picture,)))
    screenful.page.setProperty("turn", 1)
    screenful.show(Welcome(SHOP, attract=(picture,), notice=Notice.OFFLINE))
    assert turn(screenful) == 0
