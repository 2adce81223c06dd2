"""What the vault needs of an examiner, which finds and judges palms in a burst."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from palm.hand.landmarks import Side
from palm.hand.roi import Roi
from palm.liveness.signed import Signs
from protocol.capture import Burst
from protocol.ring import Levels


class Flaw(StrEnum):
    """Why a capture cannot be used."""

    NOT_A_CAPTURE = "not a capture"
    TOO_LARGE = "more pixels than a palm needs"
    TOO_COSTLY = "more time or memory than a palm needs"
    NO_HAND = "no hand in view"
    MANY_HANDS = "more than one hand in view"
    NOT_A_PALM = "not the palm of a hand"
    CUT_OFF = "part of the palm out of view"
    UNCLEAR = "blurred, too dark or too bright"
    NOT_LIVE = "not seen to be a living hand"


class Unusable(Exception):
    """A capture shows no palm that a template can be made of."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.value)
        self.flaw = flaw


@dataclass(frozen=True, slots=True)
class Presentation:
    """One palm that was presented."""

    side: Side
    palms: tuple[Roi, ...]
    """The ROI of the palm in each usable frame; at least one."""
    score: float | None = None
    """The liveness score: the lowest of the judgements that were made. A living hand scores 0 or
    more. None when there was neither a light challenge nor near infrared to judge by."""
    pulse: bool = False
    """Whether the pulse was seen."""
    signs: Signs | None = None
    """What was seen beside lines; None when there was neither a light challenge nor near
    infrared."""


class Examiner(Protocol):
    """Runs in a process without files and sockets (`cloud.vault.reader`), so it loads whatever it
    needs when it is made."""

    def examine(self, burst: Burst, shown: Sequence[Levels]) -> Presentation:
        """Finds the palm in a burst and judges it.

        `shown` are the steps of the light challenge that the burst was taken under; empty without a
        challenge. Near infrared and pulse are judged when the burst holds them. Raises Unusable.
        """
        ...
