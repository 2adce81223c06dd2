"""What every light ring is to the rest of the kiosk."""

from typing import Protocol

from protocol.ring import Levels

WATCHDOG_S = 1.0
"""Seconds after which a ring that is told nothing goes back to WHITE."""


class Light(Protocol):
    """A ring that is found again by itself when it has been away. Thread-safe."""

    @property
    def name(self) -> str:
        """What the operator knows it by."""
        ...

    @property
    def latency(self) -> float:
        """Seconds from the return of `show` until the hand is surely lit so."""
        ...

    def show(self, levels: Levels) -> None:
        """Lights every segment so. Returns when the ring has said that it does; told nothing more
        for WATCHDOG_S, it goes back to WHITE by itself.

        Raises TemporaryFault when it is not there or does not answer, PermanentFault when it never
        will without somebody's help.
        """
        ...

    def off(self) -> None:
        """Dark, and stays so until told otherwise. Raises as `show` does."""
        ...

    def close(self) -> None:
        """Lets go of the device; what is told it next opens it again."""
        ...
