"""The protocol that every driver of a loudspeaker implements, and the two sounds there are."""

from enum import StrEnum
from typing import Protocol


class Tone(StrEnum):
    """Two sounds that differ in pitch, in direction and in length, so that they are told apart in a
    noisy hall, also by who hears high tones badly."""

    PASS = "pass"  # noqa: S105 - no password
    """Two short tones, the second one higher."""
    STOP = "stop"
    """Two longer, low tones."""


class Sound(Protocol):
    volume: float
    """How loud it is, from 0 to 1 of what it can be."""

    @property
    def name(self) -> str:
        """The name the operator knows it by."""
        ...

    async def buzz(self, seconds: float) -> None:
        """Sounds as the buzzer of a card reader does. Raises TemporaryFault when it cannot be
        heard."""
        ...

    async def play(self, tone: Tone) -> None:
        """Plays a sound to its end. Raises TemporaryFault when it cannot be heard."""
        ...
