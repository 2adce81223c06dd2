"""The seam between the vault and the palm room."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from palm.hand.landmarks import Side
from palm.hand.roi import Roi
from protocol.capture import Burst
from protocol.ring import Levels


class Flaw(StrEnum):
    """Why a capture cannot be used."""

    NOT_A_CAPTURE = "not a capture"
    NO_HAND = "no hand in view"
    MANY_HANDS = "more than one hand in view"
    NOT_A_PALM = "not the palm of a hand"
    CUT_OFF = "part of the palm out of view"
    UNCLEAR = "blurred, too dark or too bright"
    NOT_LIVE = "not seen to be a living hand"


class Unusable(Exception):
    """The capture opened well, and shows no palm that can be signed."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.value)
        self.flaw = flaw


@dataclass(frozen=True, slots=True)
class Presentation:
    """One palm as it was shown."""

    side: Side
    palms: tuple[Roi, ...]
    """The same palm, once for each frame that can be signed; at least one."""
    score: float | None = None
    """How surely it is alive, by the least sure of the judgements made; 0 is the threshold. None
    where neither a light challenge nor near infrared was there to be judged by."""
    pulse: bool = False
    """Its pulse was seen."""


class Examiner(Protocol):
    def examine(self, burst: Burst, shown: Sequence[Levels]) -> Presentation:
        """Judges and signs a burst. `shown` are the steps of the light challenge it was taken
        under, none where there was none; near infrared and pulse are judged where the burst brings
        them. Raises Unusable."""
        ...
