"""Keeps the screen lit. Somebody who holds a palm before the reader touches nothing, and a screen
that turns off without touches would turn off meanwhile."""

import ctypes
import logging
import os

from PySide6.QtDBus import QDBusConnection, QDBusMessage
from PySide6.QtGui import QGuiApplication

log = logging.getLogger(__name__)

SAVER = "org.freedesktop.ScreenSaver"


class Awake:
    """Keeps the screen from blanking, and the display from saving power, until it is let go.

    It asks the X server (XScreenSaverSuspend of the MIT-SCREEN-SAVER extension) and the desktop
    (Idle Inhibition Service of freedesktop.org, over the session bus). Both end that with this
    process. A compositor that supports neither has to be configured not to blank
    (docs/operating.md).
    """

    def __init__(self) -> None:
        self._x = _Server.open() if QGuiApplication.platformName() == "xcb" else None
        asked = _ask_desktop()
        if self._x is None and not asked:
            log.warning("the screen may blank: set up the session not to (docs/operating.md)")

    def let_go(self) -> None:
        if self._x is not None:
            self._x.close()
            self._x = None


class _Server:
    """A connection to the X server, for as long as its screen saver is suspended."""

    def __init__(self, x11: ctypes.CDLL, display: int) -> None:
        self._x11 = x11
        self._display = display

    @classmethod
    def open(cls) -> "_Server | None":
        """Suspends the screen saver. Returns None where the libraries, the display or the
        extension is missing."""
        try:
            x11, saver = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXss.so.1")
        except OSError:
            return None
        x11.XOpenDisplay.restype = ctypes.c_void_p
        x11.XCloseDisplay.argtypes = x11.XFlush.argtypes = [ctypes.c_void_p]
        saver.XScreenSaverQueryVersion.argtypes = [
            ctypes.c_void_p,
            ctypes.POINTER(ctypes.c_int),
            ctypes.POINTER(ctypes.c_int),
        ]
        saver.XScreenSaverSuspend.argtypes = [ctypes.c_void_p, ctypes.c_int]
        display = x11.XOpenDisplay(None)
        if not display:
            return None
        server = cls(x11, display)
        major, minor = ctypes.c_int(), ctypes.c_int()
        known = saver.XScreenSaverQueryVersion(display, ctypes.byref(major), ctypes.byref(minor))
        if not known or (major.value, minor.value) < (1, 1):
            server.close()
            return None
        saver.XScreenSaverSuspend(display, 1)
        x11.XFlush(display)
        return server

    def close(self) -> None:
        self._x11.XCloseDisplay(self._display)


def _ask_desktop() -> bool:
    """Asks the desktop on the session bus not to blank the screen. Returns whether it was asked."""
    if "DBUS_SESSION_BUS_ADDRESS" not in os.environ:
        return False
    bus = QDBusConnection.sessionBus()
    known = bus.interface() and bus.interface().isServiceRegistered(SAVER).value()
    if not known:
        return False
    inhibit = QDBusMessage.createMethodCall(SAVER, "/org/freedesktop/ScreenSaver", SAVER, "Inhibit")
    inhibit.setArguments(["palm-kiosk", "A palm before the reader touches nothing."])
    return bus.send(inhibit)
