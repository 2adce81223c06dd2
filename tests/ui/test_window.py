"""The window in full screen where there is no window manager, and the screen that stays lit."""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from PySide6.QtCore import QCoreApplication, QRect
from PySide6.QtGui import QColor, QGuiApplication
from pytestqt.qtbot import QtBot

from kiosk.screens import Work, Working
from tests.support.screenful import Screenful
from ui.awake import Awake

SAVED, NOT_SAVED = 1, 0
"""States of a screen saver that is on and off (MIT-SCREEN-SAVER extension)."""


def test_full_screen_covers_the_screen_to_its_last_corner(
    qapp: QGuiApplication, qtbot: QtBot
) -> None:
    screen = qapp.primaryScreen()
    with closing(Screenful(qtbot, drawn=True)) as screenful:
        screenful.kiosk.show(full_screen=True)
        screenful.show(Working(Work.CHECKING_SERVICE))

        def covered() -> bool:
            QCoreApplication.processEvents()
            picture = screen.grabWindow(0).toImage()
            ground = QColor("#fbfaf6").rgb()
            right, low = picture.width() - 1, picture.height() - 1
            corners = ((0, 0), (right, 0), (0, low), (right, low))
            return all(picture.pixel(x, y) == ground for x, y in corners)

        qtbot.waitUntil(covered)
        assert screenful.kiosk.window.geometry() == screen.geometry()


def test_full_screen_follows_a_screen_that_is_turned(qapp: QGuiApplication, qtbot: QtBot) -> None:
    screen = qapp.primaryScreen()
    with closing(Screenful(qtbot)) as screenful:
        screenful.kiosk.show(full_screen=True)
        screenful.kiosk.window.setGeometry(QRect(0, 0, 300, 200))
        screen.geometryChanged.emit(screen.geometry())
        qtbot.waitUntil(lambda: screenful.kiosk.window.geometry() == screen.geometry())


class _Info(ctypes.Structure):
    _fields_ = (
        ("window", ctypes.c_ulong),
        ("state", ctypes.c_int),
        ("kind", ctypes.c_int),
        ("til_or_since", ctypes.c_ulong),
        ("idle", ctypes.c_ulong),
        ("event_mask", ctypes.c_ulong),
    )


@pytest.fixture
def saver(qapp: QGuiApplication) -> Iterator[Callable[[], tuple[int, int]]]:
    """Has the screen blank after a second without a touch. Returns a function that tells the state
    of the screen saver and for how many milliseconds nothing was touched."""
    if qapp.platformName() != "xcb":
        pytest.skip("needs an X server")
    x11, xss = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXss.so.1")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    display = ctypes.c_void_p(x11.XOpenDisplay(None))
    root = ctypes.c_ulong(x11.XDefaultRootWindow(display))
    before = [ctypes.c_int() for _ in range(4)]
    x11.XGetScreenSaver(display, *map(ctypes.byref, before))
    x11.XSetScreenSaver(display, 1, 0, 0, 0)
    x11.XForceScreenSaver(display, 0)

    def tell() -> tuple[int, int]:
        info = _Info()
        xss.XScreenSaverQueryInfo(display, root, ctypes.byref(info))
        return info.state, info.idle

    yield tell
    x11.XForceScreenSaver(display, 0)
    x11.XSetScreenSaver(display, *before)
    x11.XCloseDisplay(display)


def test_the_screen_stays_lit_while_nobody_touches_it(
    saver: Callable[[], tuple[int, int]], qtbot: QtBot
) -> None:
    awake = Awake()
    qtbot.waitUntil(lambda: saver()[1] > 1500)
    assert saver()[0] == NOT_SAVED
    awake.let_go()
    qtbot.waitUntil(lambda: saver()[0] == SAVED)
