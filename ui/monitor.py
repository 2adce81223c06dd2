"""The monitor of a kiosk that has an X server for itself.

Without a window manager, nothing else arranges monitors. The kiosk uses one of the monitors that
are plugged in, rotated as its settings say, rotates the touch screen likewise, and keeps all other
monitors off. It checks that every two seconds, because a monitor or a touch screen may be unplugged
and plugged in again.
"""

import ctypes
import logging
import re
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

log = logging.getLogger(__name__)

LOOKS_S = 2.0
"""Seconds between two checks of the monitors and touch screens."""
ANSWERS_WITHIN_S = 10.0
"""Seconds in which the X server has to answer. It may have to ask a monitor first."""

Rotation: TypeAlias = Literal[0, 90, 180, 270]
DIRECTIONS: dict[Rotation, str] = {0: "normal", 90: "right", 180: "inverted", 270: "left"}
"""xrandr's name for a picture that is rotated clockwise by so many degrees."""
MATRICES: dict[Rotation, tuple[int, ...]] = {
    0: (1, 0, 0, 0, 1, 0, 0, 0, 1),
    90: (0, 1, 0, -1, 0, 1, 0, 0, 1),
    180: (-1, 0, 1, 0, -1, 1, 0, 0, 1),
    270: (0, -1, 1, 1, 0, 0, 0, 0, 1),
}
"""The matrix by which a touch is transformed for each rotation, row by row, in fractions of the
screen."""
MATRIX = "Coordinate Transformation Matrix"
"""The property of an X input device that holds its matrix (xorg.conf(5))."""

_OUTPUT = re.compile(
    r"(?P<name>\S+) (?P<plug>connected|disconnected|unknown connection)(?P<primary> primary)?"
    r"(?: (?P<place>\d+x\d+\+\d+\+\d+))?(?: (?P<turned>left|right|inverted))?"
)
_DEVICE = re.compile(r"\bid=(\d+)\s+\[(\w+)")


class _Failed(Exception):
    """A program of X has failed. The message says why."""


@dataclass(frozen=True, slots=True)
class Output:
    """A socket for a monitor."""

    name: str
    plugged_in: bool
    is_on: bool
    turned: str
    """As in DIRECTIONS."""
    has_mode: bool
    """Whether the monitor supports a mode of this output."""


def outputs(listed: str) -> Iterator[Output]:
    """Yields what `xrandr --current` lists, in its order."""
    found: re.Match[str] | None = None
    modes = ""
    for line in [*listed.splitlines(), "end"]:
        if line.startswith(" "):
            modes += line
            continue
        if found is not None:
            yield Output(
                found["name"],
                found["plug"] == "connected",
                found["place"] is not None,
                found["turned"] or DIRECTIONS[0],
                "*" in modes,
            )
        found, modes = _OUTPUT.match(line), ""


def arrangement(found: Sequence[Output], rotation: Rotation) -> list[str]:
    """Returns the arguments with which xrandr switches on one monitor, rotated, and all others off;
    none when that is so already, or when no monitor is plugged in.

    A monitor that is on already is preferred.
    """
    plugged = [output for output in found if output.plugged_in]
    if not plugged:
        return []
    one = next((output for output in plugged if output.is_on), plugged[0])
    others = [output for output in found if output is not one and output.is_on]
    direction = DIRECTIONS[rotation]
    if one.is_on and one.has_mode and one.turned == direction and not others:
        return []
    off = [word for output in others for word in ("--output", output.name, "--off")]
    mode = [] if one.is_on and one.has_mode else ["--auto"]
    on = [*mode, "--pos", "0x0", "--rotate", direction, "--primary"]
    return [*off, "--output", one.name, *on]


def touch_screens(listed: str) -> Iterator[str]:
    """Yields the number of each touch screen in the output of `xinput list --long`."""
    number = ""
    for line in listed.splitlines():
        if device := _DEVICE.search(line):
            # A master device has the properties of the device that was used last.
            number = "" if device[2] == "master" else device[1]
        elif number and line.strip() == "Touch mode: direct":
            yield number


class Monitor:
    """Keeps one monitor on, from the call of `keep` until the program ends."""

    def __init__(self, rotation: Rotation) -> None:
        self._rotation: Rotation = rotation
        self._tried = ""
        """xrandr's list before the latest change. A change that had no effect is not repeated."""
        self._told = ""
        self.look()

    def keep(self) -> None:
        threading.Thread(target=self._keep, name="monitor", daemon=True).start()

    def look(self) -> None:
        """Checks the monitors and touch screens once, and corrects them."""
        try:
            listed, change = self._wanted()
            if change and listed != self._tried:
                self._tried = listed
                _ask("xrandr", *change)
                log.info("monitors: xrandr %s", " ".join(change))
                _, change = self._wanted()
            if not change:
                self._tried = ""
            # Touches must not be rotated when the picture could not be.
            if self._rotation and not change:
                self._turn_touch_screens()
        except _Failed as why:
            if str(why) != self._told:
                self._told = str(why)
                log.warning("the monitor is left as it is: %s", why)

    def _wanted(self) -> tuple[str, list[str]]:
        """Returns xrandr's list, and the arguments for the change that it needs."""
        listed = _ask("xrandr", "--current")
        return listed, arrangement(list(outputs(listed)), self._rotation)

    def _turn_touch_screens(self) -> None:
        matrix = MATRICES[self._rotation]
        told = ", ".join(f"{value:f}" for value in matrix)
        for device in touch_screens(_ask("xinput", "list", "--long")):
            if told not in _ask("xinput", "list-props", device):
                _ask("xinput", "set-prop", device, MATRIX, *map(str, matrix))
                log.info("the touch screen %s is turned by %s degrees", device, self._rotation)

    def _keep(self) -> None:
        pause = threading.Event()
        while not pause.wait(LOOKS_S):
            self.look()


def has_server_for_itself() -> bool:
    """Returns whether there is an X server without a window manager: one would own the selection
    WM_S0 (ICCCM, section 2.8)."""
    try:
        x11 = ctypes.CDLL("libX11.so.6")
    except OSError:
        return False
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XInternAtom.restype = x11.XGetSelectionOwner.restype = ctypes.c_ulong
    display = ctypes.c_void_p(x11.XOpenDisplay(None))
    if not display:
        return False
    manager = ctypes.c_ulong(x11.XInternAtom(display, b"WM_S0", 0))
    owned = x11.XGetSelectionOwner(display, manager)
    x11.XCloseDisplay(display)
    return not owned


def _ask(*command: str) -> str:
    """Returns the output of a program of X. Raises _Failed."""
    try:
        ended = subprocess.run(  # noqa: S603 - names of outputs and numbers
            command, capture_output=True, text=True, check=False, timeout=ANSWERS_WITHIN_S
        )
    except OSError as error:
        raise _Failed(f"{command[0]}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise _Failed(f"{command[0]} does not end") from None
    if ended.returncode:
        raise _Failed(ended.stderr.strip())
    return ended.stdout
