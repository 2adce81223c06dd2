"""What every light ring is to the rest of the kiosk."""

from typing import Protocol, TypeAlias

SEGMENTS = 8
"""Segment k sits at 45 * k degrees clockwise from above the lens, as the camera sees it, on a
circle of 60 mm radius about the lens, and faces the hand."""

Levels: TypeAlias = tuple[tuple[int, int, int], ...]
"""Red, green and blue of each of the SEGMENTS, 0 to 255, linear in the light they give."""

WHITE: Levels = ((128, 128, 128),) * SEGMENTS
"""What a ring shows by itself when nobody tells it anything."""


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
