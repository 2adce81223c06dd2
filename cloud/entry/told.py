"""What a kiosk was told of somebody at a door, as it is kept for them."""

from typing import Literal

from pydantic import BaseModel

from cloud.entry.tables import EntryRow
from cloud.keys.persons import OpenPerson
from protocol.entry import Admission, EntryRefusal
from protocol.messages import Direction

Outcome = Literal["passed", "not_passed", "checked_in", "unknown"] | EntryRefusal
"""What came of somebody at a door. It is unknown when the kiosk has not told."""


class Told(BaseModel):
    """What a kiosk was told of somebody at a door, sealed. With what they may pass is left out."""

    door: str
    area: str | None
    direction: Direction
    admission: Admission
    refusal: EntryRefusal | None
    passed: bool | None = None
    """Whether they could pass; None while the kiosk has not told."""

    @property
    def outcome(self) -> Outcome:
        if self.refusal is not None:
            return self.refusal
        if self.admission is Admission.CHECKED_IN:
            return "checked_in"
        if self.passed is None:
            return "unknown"
        return "passed" if self.passed else "not_passed"


def seal_told(person: OpenPerson, row: EntryRow, told: Told) -> None:
    row.sealed = person.seal(told, _place(row.id))


def open_told(person: OpenPerson, row: EntryRow) -> Told:
    return person.open(Told, row.sealed, _place(row.id))


def outcome_of(person: OpenPerson, entry_id: str, sealed: bytes) -> tuple[Outcome, str]:
    """Returns what came of somebody at a door, and the name of the door."""
    told = person.open(Told, sealed, _place(entry_id))
    return told.outcome, told.door


def _place(entry_id: str) -> str:
    return f"entries.sealed/{entry_id}"
