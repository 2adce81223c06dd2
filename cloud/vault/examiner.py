"""The seam between the vault and the palm room."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from palm.hand import Side
from palm.recognition import Template
from protocol.capture import Burst


class Flaw(StrEnum):
    """Why a capture cannot be used."""

    NOT_A_CAPTURE = "not a capture"
    NO_HAND = "no hand in view"
    MANY_HANDS = "more than one hand in view"
    NOT_A_PALM = "not the palm of a hand"
    CUT_OFF = "part of the palm out of view"
    UNCLEAR = "blurred, too dark or too bright"


class Unusable(Exception):
    """The capture opened well, and shows no palm that can be signed."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.value)
        self.flaw = flaw


@dataclass(frozen=True, slots=True)
class Presentation:
    """One palm as it was shown."""

    side: Side
    template: Template


class Examiner(Protocol):
    def examine(self, burst: Burst) -> Presentation:
        """Judges and signs a burst. Raises Unusable."""
        ...
