"""The one monitor of a kiosk that has an X server for itself.

Where no window manager is there, nobody else arranges monitors: the kiosk uses one of those that
are plugged in, turned as its settings say, with the touch screen turned likewise, and keeps all
others off. It looks every two seconds, since a monitor, and a touch screen, may be pulled and
plugged in again.
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
"""Seconds between two looks at what is plugged in."""
ANSWERS_WITHIN_S = 10.0
"""Seconds in which the X server answers: it may have to ask a monitor."""

Rotation: TypeAlias = Literal[0, 90, 180, 270]
DIRECTIONS: dict[Rotation, str] = {0: "normal", 90: "right", 180: "inverted", 270: "left"}
"""What xrandr calls a picture that is turned clockwise by so many degrees."""
MATRICES: dict[Rotation, tuple[int, ...]] = {
    0: (1, 0, 0, 0, 1, 0, 0, 0, 1),
    90: (0, 1, 0, -1, 0, 1, 0, 0, 1),
    180: (-1, 0, 1, 0, -1, 1, 0, 0, 1),
    270: (0, -1, 1, 1, 0, 0, 0, 0, 1),
}
"""Where a touch falls in the turned picture: rows of a matrix in parts of the screen."""
MATRIX = "Coordinate Transformation Matrix"
"""The property of a device of X by which its matrix is known (xorg.conf(5))."""

_OUTPUT = re.compile(
    r"(?P<name>\S+) (?P<plug>connected|disconnected|unknown connection)(?P<primary> primary)?"
    r"(?: (?P<place>\d+x\d+\+\d+\+\d+))?(?: (?P<turned>left|right|inverted))?"
)
_DEVICE = re.compile(r"\bid=(\d+)\s+\[(\w+)")


class _Failed(Exception):
    """A program of X has failed: the message says why."""


@dataclass(frozen=True, slots=True)
class Output:
    """A socket for a monitor."""

    name: str
    plugged_in: bool
    is_on: bool
    turned: str
    """As in DIRECTIONS."""
    has_mode: bool
    """Whether it shows something that the monitor in it can show."""


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
    """Returns the arguments by which xrandr leaves one monitor on, and that one turned; none when
    it is so already, or when no monitor is plugged in.

    The monitor that is on stays the one.
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
    """Yields the number of each device that is touched where it shows, as `xinput list --long`
    lists it."""
    number = ""
    for line in listed.splitlines():
        if device := _DEVICE.search(line):
            # A master has the properties of what it was used by last.
            number = "" if device[2] == "master" else device[1]
        elif number and line.strip() == "Touch mode: direct":
            yield number


class Monitor:
    """Keeps one monitor on, from `keep` on until the program ends."""

    def __init__(self, rotation: Rotation) -> None:
        self._rotation: Rotation = rotation
        self._tried = ""
        """What was listed when something was changed last: what does not work is not repeated."""
        self._told = ""
        self.look()

    def keep(self) -> None:
        threading.Thread(target=self._keep, name="monitor", daemon=True).start()

    def look(self) -> None:
        """Looks once, and changes what is not as it has to be."""
        try:
            listed, change = self._wanted()
            if change and listed != self._tried:
                self._tried = listed
                _ask("xrandr", *change)
                log.info("monitors: xrandr %s", " ".join(change))
                _, change = self._wanted()
            if not change:
                self._tried = ""
            # A touch does not follow a picture that cannot be turned.
            if self._rotation and not change:
                self._turn_touch_screens()
        except _Failed as why:
            if str(why) != self._told:
                self._told = str(why)
                log.warning("the monitor is left as it is: %s", why)

    def _wanted(self) -> tuple[str, list[str]]:
        """Returns what xrandr lists, and by which arguments it has to be changed."""
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
    """Returns what a program of X says. Raises _Failed."""
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
