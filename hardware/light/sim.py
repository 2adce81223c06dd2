"""A simulated ring that lights a simulated scene: `sim:`, or `sim:?latency=0.01`."""

import threading
import time
from collections import deque
from dataclasses import dataclass

from hardware.address import Address
from hardware.faults import TemporaryFault
from hardware.light.light import WATCHDOG_S
from protocol.ring import DARK, WHITE, Levels

_REMEMBERED = 64
"""The number of changes that are remembered; a scene asks for a moment that has just passed."""


@dataclass(frozen=True, slots=True)
class _Change:
    at: float
    levels: Levels
    stays: bool = False


class SimulatedLight:
    """All methods may be called from any thread."""

    def __init__(self, address: Address) -> None:
        """Raises BadAddress."""
        address.known("latency")
        self._latency = address.number("latency", 0.0, least=0, most=1)
        self._lock = threading.Lock()
        self._plugged = True
        self._changes: deque[_Change] = deque([_Change(0.0, WHITE, stays=True)], _REMEMBERED)

    @property
    def name(self) -> str:
        return "simulated ring"

    @property
    def latency(self) -> float:
        return self._latency

    def at(self, moment: float) -> Levels:
        """Returns the levels at a moment on the clock of `time.monotonic`."""
        with self._lock:
            last = next((each for each in reversed(self._changes) if each.at <= moment), None)
        if last is None or not (last.stays or moment < last.at + WATCHDOG_S):
            return WHITE
        return last.levels

    def show(self, levels: Levels) -> None:
        """See `Light.show`."""
        self._turn(levels)

    def off(self) -> None:
        """See `Light.off`."""
        self._turn(DARK, stays=True)

    def close(self) -> None:
        """Does nothing: there is nothing to release."""

    def unplug(self) -> None:
        """Pulls the cable: the ring goes dark and commands fail."""
        with self._lock:
            self._plugged = False
            self._changes.append(_Change(time.monotonic(), DARK, stays=True))

    def plug_in(self) -> None:
        with self._lock:
            self._plugged = True
            self._changes.append(_Change(time.monotonic(), WHITE))

    def _turn(self, levels: Levels, *, stays: bool = False) -> None:
        with self._lock:
            if not self._plugged:
                raise TemporaryFault(
                    "The light ring is unplugged.", "Plug it in; it is found by itself."
                )
            self._changes.append(_Change(time.monotonic() + self._latency, levels, stays))
