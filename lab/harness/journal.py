"""The log of a test: every presentation, whatever came of it, in the order of time.

A line is a JSON object that names the SHA-256 of the line before it, so that no line can be
changed, left out or put in without all that follow. What a chain cannot show is that its end was
cut off: write down the head that is told after each transaction. No picture, no template and no
score is in it.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from lab.harness.plan import Plan

START = "0" * 64
"""What the first line names as the digest of the line before it."""


class Purpose(StrEnum):
    ENROL = "enrol"
    VERIFY = "verify"


class Outcome(StrEnum):
    """What came of one presentation."""

    ACCEPTED = "accepted"
    NOT_ACQUIRED = "not acquired"
    """No palm could be read in it."""
    NOT_LIVE = "not live"
    NOT_MATCHED = "not matched"


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Begun(_Line):
    """The first line: the plan and the product."""

    kind: Literal["begun"] = "begun"
    plan: Plan
    plan_digest: str
    version: str
    build: str


class Presented(_Line):
    """One presentation."""

    kind: Literal["presented"] = "presented"
    transaction: int
    """Counted from 1."""
    attempt: int
    """The number of the presentation within its transaction, from 1."""
    purpose: Purpose
    subject: str
    """Whose hand it was, or who showed the artefact."""
    claimed: str
    """Who the subject claimed to be; an artefact imitates this person."""
    species: str | None = None
    """The species of the artefact; None for a living hand."""
    artefact: str | None = None
    """Which artefact of the species it was."""
    outcome: Outcome
    flaw: str | None = None
    """Why no palm could be read."""
    seconds: float
    strangers: int = 0
    """With how many other enrolled people the palm of a living subject was compared as well."""
    strangers_accepted: tuple[str, ...] = ()
    """By which of them it would have been accepted."""


class Ended(_Line):
    """The end of a transaction."""

    kind: Literal["ended"] = "ended"
    transaction: int
    accepted: bool
    attempts: int
    timed_out: bool = False


Line: TypeAlias = Annotated[Begun | Presented | Ended, Field(discriminator="kind")]
_LINE: TypeAdapter[Line] = TypeAdapter(Line)


class BrokenJournal(ValueError):
    """The log is not what was written; the message says where."""


class Journal:
    """A log that is open for writing."""

    def __init__(self, file: Path) -> None:
        """Opens a log, or makes a new one. Raises BrokenJournal."""
        self._file = file
        self.lines, self.head = read(file) if file.exists() else ([], START)

    def add(self, line: Line) -> None:
        """Writes one line, and makes sure that it is on the disk."""
        written = json.dumps(
            {"before": self.head, "at": _now(), **line.model_dump(mode="json")}, sort_keys=True
        ).encode()
        with self._file.open("ab") as file:
            file.write(written + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.lines.append(line)
        self.head = hashlib.sha256(written).hexdigest()

    @property
    def transactions(self) -> int:
        """How many transactions have begun."""
        numbers = [each.transaction for each in self.lines if not isinstance(each, Begun)]
        return max(numbers, default=0)


def read(file: Path) -> tuple[list[Line], str]:
    """Returns the lines of a log and the digest of its last one. Raises BrokenJournal."""
    lines: list[Line] = []
    head = START
    for number, written in enumerate(file.read_bytes().splitlines(), 1):
        try:
            told = json.loads(written)
            before = told.pop("before")
            told.pop("at")
            line = _LINE.validate_python(told)
        except (ValueError, KeyError, AttributeError, ValidationError):
            raise BrokenJournal(f"line {number} of {file} is not one of a log") from None
        if before != head:
            raise BrokenJournal(f"line {number} of {file} does not follow the line before it")
        lines.append(line)
        head = hashlib.sha256(written).hexdigest()
    if not lines or not isinstance(lines[0], Begun):
        raise BrokenJournal(f"{file} does not begin with its plan")
    return lines, head


def begun(lines: Sequence[Line]) -> Begun:
    first = lines[0]
    assert isinstance(first, Begun)
    return first


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
