"""An Xorg with a screen in memory, and a keyboard, a mouse and a touch screen made of sockets.

Xorg's driver `inputtest` takes what a program writes to its socket for what a device has sent, so
keys, buttons and fingers come the way they come from real ones (inputtestdrv(4); the messages are
those of xf86-input-inputtest-protocol.h of xorg-server 21.1).
"""

import ctypes
import os
import socket
import struct
import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from palm.image import Colour

XORG = "/usr/bin/Xorg"
CONFIGURED = Path(__file__).parents[1] / "packaging" / "files" / "90-palm-kiosk-xorg.conf"
"""What the packages tell Xorg."""
DEVICES = {"keys": "Keyboard", "mouse": "Pointer", "touch": "Touch"}
FULL = 65535.0
"""The largest position on the touch screen."""

_MOTION, _BUTTON, _KEY, _TOUCH = 2, 4, 5, 6
_VERSION, _SYNC = 0, 1
BEGIN, UPDATE, END = 18, 19, 20
"""What a finger does (XI2proto.h)."""
_VALUATORS = 64

_SCREEN = """
Section "Device"
    Identifier "memory"
    Driver "dummy"
    VideoRam 256000
EndSection
Section "Monitor"
    Identifier "monitor"
    HorizSync 1-1000
    VertRefresh 1-500
    Option "ReducedBlanking"
    {modeline}
EndSection
Section "Screen"
    Identifier "screen"
    Device "memory"
    Monitor "monitor"
    DefaultDepth 24
    SubSection "Display"
        Depth 24
        Modes "{mode}"
    EndSubSection
EndSection
Section "ServerLayout"
    Identifier "layout"
    Screen "screen"
    Option "AutoAddDevices" "false"
    InputDevice "keys" "CoreKeyboard"
    InputDevice "mouse" "CorePointer"
    InputDevice "touch" "SendCoreEvents"
EndSection
"""
_DEVICE = """
Section "InputDevice"
    Identifier "{name}"
    Driver "inputtest"
    Option "DeviceType" "{kind}"
    Option "SocketPath" "{folder}/{name}"
EndSection
"""


class Devices:
    """What people touch: everything is sent to the X server at once."""

    def __init__(self, folder: Path) -> None:
        self._lines = {name: _connected(folder / name) for name in DEVICES}

    def key(self, code: int, *, down: bool) -> None:
        """`code` is a keycode of X, from 8 to 255."""
        self._send("keys", _KEY, struct.pack("=iI", code, down))

    def move(self, x: float, y: float) -> None:
        """Moves the mouse by so many pixels."""
        self._send("mouse", _MOTION, struct.pack("=I4x", 0) + _values(x, y))

    def button(self, number: int, *, down: bool) -> None:
        self._send("mouse", _BUTTON, struct.pack("=iiI4x", 0, number, down) + _values())

    def touch(self, finger: int, does: int, x: float, y: float) -> None:
        """`x` and `y` are parts of the screen, 0 to 1."""
        place = _values(x * FULL, y * FULL)
        self._send("touch", _TOUCH, struct.pack("=II", finger, does) + place)

    def settle(self) -> None:
        """Returns when the X server has taken all that was sent."""
        for name, line in self._lines.items():
            self._send(name, _SYNC, b"")
            line.recv(64)

    def close(self) -> None:
        for line in self._lines.values():
            line.close()

    def _send(self, device: str, kind: int, content: bytes) -> None:
        self._lines[device].sendall(struct.pack("=II", 8 + len(content), kind) + content)


def _connected(path: Path) -> socket.socket:
    line = socket.socket(socket.AF_UNIX)
    line.connect(str(path))
    line.sendall(struct.pack("=IIHH", 12, _VERSION, 1, 1))
    line.recv(64)
    return line


def _values(*values: float) -> bytes:
    # The paddings are those of a C compiler.
    mask = (1 << len(values)) - 1
    padded = [*values, *[0.0] * (_VALUATORS - len(values))]
    return struct.pack(f"=IQ4x{2 * _VALUATORS}d", 0, mask, *padded, *padded)


@contextmanager
def x_server(folder: Path, size: tuple[int, int]) -> Generator[tuple[str, Devices]]:
    """Yields the name of the display and its devices. `folder` is empty and for the server alone.
    The server is started as the kiosk's session starts it, but for the terminal."""
    width, height = size
    mode = f"{width}x{height}"
    timings = f"{width} {width + 48} {width + 80} {width + 160}"
    timings += f" {height} {height + 3} {height + 9} {height + 40}"
    modeline = f'ModeLine "{mode}" {(width + 160) * (height + 40) * 60 / 1e6:.2f} {timings}'
    parts = [_DEVICE.format(name=name, kind=kind, folder=folder) for name, kind in DEVICES.items()]
    parts += [_SCREEN.format(mode=mode, modeline=modeline), CONFIGURED.read_text()]
    configuration = folder / "xorg.conf"
    configuration.write_text("".join(parts))
    told, tells = os.pipe()
    server = subprocess.Popen(
        [
            *(XORG, "-displayfd", str(tells), "-config", str(configuration)),
            *("-logfile", str(folder / "xorg.log"), "-novtswitch", "-sharevts"),
            *("-nolisten", "tcp", "-nocursor", "-noreset"),
        ],
        pass_fds=[tells],
        stderr=subprocess.DEVNULL,
    )
    os.close(tells)
    try:
        with os.fdopen(told) as names:
            number = names.readline().strip()
        if not number:
            raise RuntimeError(f"Xorg has not started: {folder / 'xorg.log'} says why")
        devices = Devices(folder)
        try:
            yield f":{number}", devices
        finally:
            with suppress(OSError):
                devices.close()
    finally:
        server.terminate()
        server.wait()


class _Attributes(ctypes.Structure):
    """XWindowAttributes of Xlib.h."""

    _fields_ = (
        *((name, ctypes.c_int) for name in ("x", "y", "width", "height", "border", "depth")),
        ("visual", ctypes.c_void_p),
        ("root", ctypes.c_ulong),
        *((name, ctypes.c_int) for name in ("kind", "bit_gravity", "win_gravity", "backing")),
        *((name, ctypes.c_ulong) for name in ("planes", "pixel")),
        ("save_under", ctypes.c_int),
        ("colormap", ctypes.c_ulong),
        *((name, ctypes.c_int) for name in ("installed", "map_state")),
        *((name, ctypes.c_long) for name in ("all_masks", "mask", "not_propagated")),
        ("override", ctypes.c_int),
        ("screen", ctypes.c_void_p),
    )


class _CursorImage(ctypes.Structure):
    """XFixesCursorImage of Xfixes.h."""

    _fields_ = (
        *((name, ctypes.c_short) for name in ("x", "y")),
        *((name, ctypes.c_ushort) for name in ("width", "height", "hot_x", "hot_y")),
        ("serial", ctypes.c_ulong),
        ("pixels", ctypes.POINTER(ctypes.c_ulong)),
    )


class _Image(ctypes.Structure):
    """The beginning of XImage of Xlib.h."""

    _fields_ = (
        *((name, ctypes.c_int) for name in ("width", "height", "offset", "format")),
        ("data", ctypes.POINTER(ctypes.c_char)),
        *((name, ctypes.c_int) for name in ("order", "unit", "bit_order", "pad", "depth", "line")),
    )


_VIEWABLE = 2
_Handler = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


def _ignore(_display: int, _error: int) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Window:
    """A window on the screen, with none but the root below it."""

    number: int
    x: int
    y: int
    width: int
    height: int


class Onlooker:
    """Sees what is on the screen of an X server."""

    def __init__(self, display: str) -> None:
        self._x11, self._fixes = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXfixes.so.3")
        self._x11.XOpenDisplay.restype = ctypes.c_void_p
        self._x11.XDefaultRootWindow.restype = ctypes.c_ulong
        self._x11.XGetImage.restype = ctypes.POINTER(_Image)
        self._x11.XGetImage.argtypes = [
            *(ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int, ctypes.c_int),
            *(ctypes.c_uint, ctypes.c_uint, ctypes.c_ulong, ctypes.c_int),
        ]
        self._fixes.XFixesGetCursorImage.restype = ctypes.POINTER(_CursorImage)
        # A window may be gone before it is asked for.
        self._calm = _Handler(_ignore)
        self._x11.XSetErrorHandler(self._calm)
        self._display = ctypes.c_void_p(self._x11.XOpenDisplay(display.encode()))
        if not self._display:
            raise RuntimeError(f"the display {display} cannot be opened")
        self._root = ctypes.c_ulong(self._x11.XDefaultRootWindow(self._display))

    def size(self) -> tuple[int, int]:
        """Returns the size of the whole screen, in pixels."""
        root = self._attributes(self._root.value)
        return (0, 0) if root is None else (root.width, root.height)

    def windows(self) -> list[Window]:
        """Returns the windows that are seen, the lowest first."""
        above, parent, count = ctypes.c_ulong(), ctypes.c_ulong(), ctypes.c_uint()
        children = ctypes.POINTER(ctypes.c_ulong)()
        told = (above, parent, children, count)
        self._x11.XQueryTree(self._display, self._root, *map(ctypes.byref, told))
        found: list[Window] = []
        for number in children[: count.value]:
            its = self._attributes(number)
            if its is not None and its.map_state == _VIEWABLE:
                found.append(Window(number, its.x, its.y, its.width, its.height))
        if children:
            self._x11.XFree(children)
        return found

    def focus(self) -> int:
        """Returns the number of the window that has the keys."""
        window, revert = ctypes.c_ulong(), ctypes.c_int()
        self._x11.XGetInputFocus(self._display, ctypes.byref(window), ctypes.byref(revert))
        return window.value

    def pointer_is_seen(self) -> bool:
        """Returns whether the pointer has a picture that is not empty."""
        image = self._fixes.XFixesGetCursorImage(self._display)
        seen = any(image.contents.pixels[: image.contents.width * image.contents.height])
        self._x11.XFree(image)
        return seen

    def picture(self) -> Colour:
        """Returns what is seen."""
        width, height = self.size()
        planes = ctypes.c_ulong(-1).value
        image = self._x11.XGetImage(self._display, self._root, 0, 0, width, height, planes, 2)
        line = image.contents.line
        seen = ctypes.string_at(image.contents.data, line * height)
        self._x11.XDestroyImage(image)
        rows = np.frombuffer(seen, np.uint8).reshape(height, line)
        return np.ascontiguousarray(rows[:, : 4 * width].reshape(height, width, 4)[..., :3])

    def close(self) -> None:
        self._x11.XCloseDisplay(self._display)

    def _attributes(self, number: int) -> _Attributes | None:
        told = _Attributes()
        window = ctypes.c_ulong(number)
        known = self._x11.XGetWindowAttributes(self._display, window, ctypes.byref(told))
        return told if known else None
