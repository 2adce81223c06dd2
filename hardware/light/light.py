"""The protocol that every light ring driver implements."""

from typing import Protocol

from protocol.ring import Levels

WATCHDOG_S = 1.0
"""Seconds without a command after which a ring shows WHITE by itself."""


class Light(Protocol):
    """A light ring, which is found again by itself after it was unplugged. Thread-safe."""

    @property
    def name(self) -> str:
        """The name the operator knows it by."""
        ...

    @property
    def latency(self) -> float:
        """Seconds after `show` returns until the hand is certainly lit as asked."""
        ...

    def show(self, levels: Levels) -> None:
        """Lights every segment with its level and waits for the ring's answer. After WATCHDOG_S
        without a further command the ring shows WHITE by itself.

        Raises TemporaryFault when the ring is not there or does not answer, PermanentFault when
        somebody has to do something first.
        """
        ...

    def off(self) -> None:
        """Turns the light off until the next `show`. Raises what `show` raises."""
        ...

    def close(self) -> None:
        """Closes the device; the next command opens it again."""
        ...
