"""Enrolled palms and matches, as the gallery and those who use it name them."""

from dataclasses import dataclass
from typing import NamedTuple

from palm.search.protection import ProtectedTemplate
from protocol.messages import Side


@dataclass(frozen=True, slots=True)
class Entry:
    """One enrolled palm."""

    palm_id: str
    person_id: str
    side: Side
    template: ProtectedTemplate

    @property
    def code(self) -> "Code":
        template = self.template
        return Code(
            self.palm_id,
            self.person_id,
            self.side,
            template.version,
            template.transform,
            template.search_code,
        )


class Code(NamedTuple):
    """What a gallery keeps of an enrolled palm. A tuple is made fastest, and there may be a million
    of them."""

    palm_id: str
    person_id: str
    side: Side
    version: int
    transform: str
    search_code: bytes


@dataclass(frozen=True, slots=True)
class Match:
    """A person, and the one of their palms that matched best."""

    person_id: str
    palm_id: str
    version: int
    """The version of the templates that were compared."""
    rarity: float
    """-log10 of the false-match rate at the score (`cloud.policy`). It means the same in every
    version; higher is better."""
    incomplete: bool = False
    """Whether the enrolled palm lacks a sign (`palm.liveness.signed`) that was now seen."""


class SignsDisagree(Exception):
    """What a palm has beside its lines is not what the enrolled palm has, whose lines it shows."""
