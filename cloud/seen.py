"""Counters of recognition, of attacks and of the service's own jobs, kept in memory until
housekeeping stores them (`cloud.watch`).

A request only counts here, which writes nothing, waits for nobody and cannot fail. When a process
is killed, what it has counted in the seconds since housekeeping last stored the counters is lost.
"""

from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from cloud.policy import Limit, Limits
from protocol.messages import Outcome, ProblemType
from protocol.seldom import Seldom

What = TypeVar("What")

MOST = 10_000
"""The largest number of different things that are counted before they are stored. Further ones are
left out, so that nobody can fill the memory with them."""
RUNS_EVERY_S = 60.0
"""The smallest time, in seconds, between two times that runs of jobs are stored of which none has
deleted anything or failed."""


class Kind(StrEnum):
    """The kinds of incident that a person should look at; the worst comes first."""

    TAMPERING = "tampering"
    """Somebody has tampered with a kiosk."""
    COPIED = "copied"
    """The lines of a palm matched somebody, but what lies beneath the skin did not."""
    LIFELESS = "lifeless"
    """Something was shown that is no living hand."""
    CHALLENGES = "challenges"
    """A kiosk has begun as many light challenges as allowed without finishing them."""
    GUESSES = "guesses"
    """As many wrong digits, codes and palms about one account as allowed."""
    GUESSES_HERE = "guesses_here"
    """As many wrong digits, codes and palms at one kiosk as allowed, whoever they are about."""
    CARDS = "cards"
    """As many attempts to add a card to one account as allowed."""
    PURCHASES = "purchases"
    """As many purchases with one palm as allowed."""
    CARD_SALES = "card_sales"
    """As many sales with cards at one kiosk as allowed."""
    SEARCHES = "searches"
    """As many palms at one kiosk as allowed."""
    CODES = "codes"
    """As many one-time codes, to one number or from one kiosk, as allowed."""
    TWICE = "twice"
    """Somebody with an account has tried to enrol the same palm in another one."""
    ALIKE = "alike"
    """A palm resembled those of two people, and digits had to tell them apart."""


class Light(StrEnum):
    """The light under which a palm was taken, as far as the service knows."""

    PLAIN = "plain"
    RING = "ring"
    """The light of a ring, with which a light challenge was answered."""
    INFRARED = "infrared"
    BOTH = "both"


class Became(StrEnum):
    """The result of a palm that was shown."""

    RECOGNISED = "recognised"
    """It was recognised as somebody's, who may have to consent first or may have frozen their
    palms."""
    DIGITS = "digits"
    """It resembled somebody's, and digits of the phone number were asked for."""
    LONGER = "longer"
    """The shopper was asked to show it again, with its pulse."""
    NOT_FOUND = "not_found"
    """Nobody was found, and the shopper was asked to show it again."""
    REFUSED = "refused"
    """Nobody was found, and the shopper has no try left."""
    LIFELESS = "lifeless"
    UNREADABLE = "unreadable"


class Quality(StrEnum):
    """How well a palm that was read could be seen: a class of the quality of
    `palm.hand.roi.Roi`, which is at least 0.6 for a palm that can be read."""

    CLEAR = "clear"
    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"

    @classmethod
    def of(cls, quality: float) -> "Quality":
        return next((each for each, least in _LEAST.items() if quality >= least), cls.POOR)


TOOK = (0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
"""The upper bounds, in seconds, of the classes in which the service counts its time for a palm."""

_LEAST: Mapping[Quality, float] = {Quality.CLEAR: 0.9, Quality.GOOD: 0.8, Quality.FAIR: 0.7}
"""The smallest quality of each class, the best first; smaller ones are POOR."""
_BECAME: Mapping[Outcome, Became] = {
    Outcome.ACCEPTED: Became.RECOGNISED,
    Outcome.ASK_CONSENT: Became.RECOGNISED,
    Outcome.FROZEN: Became.RECOGNISED,
    Outcome.STEP_UP: Became.DIGITS,
    Outcome.HOLD_LONGER: Became.LONGER,
    Outcome.ASK_AGAIN: Became.NOT_FOUND,
    Outcome.REFUSED: Became.REFUSED,
}
_REACHED: Mapping[str, Kind] = {
    Limits.CHALLENGES_BY_DEVICE.kind: Kind.CHALLENGES,
    Limits.CHALLENGES_AT_DOOR.kind: Kind.CHALLENGES,
    Limits.FAILED_PROOFS.kind: Kind.GUESSES,
    Limits.FAILED_PROOFS_BY_DEVICE.kind: Kind.GUESSES_HERE,
    Limits.CARDS.kind: Kind.CARDS,
    Limits.PURCHASES.kind: Kind.PURCHASES,
    Limits.CARD_PURCHASES_BY_DEVICE.kind: Kind.CARD_SALES,
    Limits.SEARCHES_BY_DEVICE.kind: Kind.SEARCHES,
    Limits.SEARCHES_AT_DOOR.kind: Kind.SEARCHES,
    Limits.CODES_TO_PHONE.kind: Kind.CODES,
    Limits.CODES_BY_DEVICE.kind: Kind.CODES,
    Limits.LIFELESS_IN_ENROLMENT.kind: Kind.LIFELESS,
}
_REFUSED: Mapping[ProblemType, Kind] = {
    ProblemType.PALM_NOT_LIVE: Kind.LIFELESS,
    ProblemType.PALM_KNOWN: Kind.TWICE,
}


@dataclass(frozen=True, slots=True)
class Happened:
    """An incident that a person should look at."""

    kind: Kind
    device_id: str
    about: str | None = field(default=None, repr=False)
    """The subject of the limit that was reached, which may be the id of a person; None for an
    incident without a limit."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A palm that was shown at a device."""

    device_id: str
    light: Light
    what: str
    """A value of Became or Quality, or the name of a time (`took`)."""


@dataclass(slots=True)
class Ran:
    """The runs of a job since they were last stored."""

    removed: int = 0
    """How many rows it has deleted."""
    failed: int = 0
    fault: str | None = None
    """Why the latest run has failed; None when it has not."""


@dataclass(slots=True)
class Counts:
    happened: Counter[Happened] = field(default_factory=Counter[Happened])
    tried: Counter[Tried] = field(default_factory=Counter[Tried])
    ran: dict[str, Ran] = field(default_factory=dict[str, Ran])

    def __bool__(self) -> bool:
        return bool(self.happened or self.tried or self.ran)


def took(seconds: float) -> str:
    """Returns the name under which a duration is counted, which contains its bound of TOOK."""
    return f"took {next((bound for bound in TOOK if seconds <= bound), 'longer')}"


class Seen:
    """The counters of one process since they were last stored."""

    def __init__(self) -> None:
        self._counts = Counts()
        self._are_runs_due = Seldom(RUNS_EVERY_S)

    def happened(self, kind: Kind, device_id: str, about: str | None = None) -> None:
        """Counts an incident that a person should look at."""
        _add(self._counts.happened, Happened(kind, device_id, about))

    def reached(self, limit: Limit, subject: str, device_id: str) -> None:
        """Counts that a request of a device was refused because a limit was reached."""
        kind = _REACHED.get(limit.kind)
        if kind is not None:
            self.happened(kind, device_id, subject)

    def refused(self, problem: ProblemType, device_id: str, light: Light | None) -> None:
        """Counts that a request of a device was refused for another reason. `light` is that of the
        palm that was sent, None without one."""
        kind = _REFUSED.get(problem)
        if kind is not None:
            self.happened(kind, device_id)
        if problem is ProblemType.PALM_UNUSABLE and light is not None:
            _add(self._counts.tried, Tried(device_id, light, Became.UNREADABLE))

    def palm(self, device_id: str, light: Light, became: Became | Outcome, seconds: float) -> None:
        """Counts the result of a palm that was searched for, or showed no sign of life, and the
        time that it took."""
        what = became if isinstance(became, Became) else _BECAME[became]
        _add(self._counts.tried, Tried(device_id, light, what))
        _add(self._counts.tried, Tried(device_id, light, took(seconds)))

    def quality(self, device_id: str, light: Light, quality: float) -> None:
        """Counts how well a palm could be seen. `quality` is 0 to 1."""
        _add(self._counts.tried, Tried(device_id, light, Quality.of(quality)))

    def ran(self, job: str, *, removed: int = 0) -> None:
        """Counts that a job was completed. `removed` is how many rows it has deleted."""
        run = self._counts.ran.setdefault(job, Ran())
        run.removed += removed
        run.fault = None

    def failed(self, job: str, fault: str) -> None:
        """Counts that a job has failed. `fault` must not quote any data."""
        run = self._counts.ran.setdefault(job, Ran())
        run.failed += 1
        run.fault = fault

    @contextmanager
    def taking(self) -> Generator[Counts]:
        """Yields the counters and begins new ones. If the block fails, the counters are added to
        the new ones. Runs of jobs are left out while none has deleted anything or failed, up to
        RUNS_EVERY_S."""
        taken, self._counts = self._counts, Counts()
        is_told = any(run.removed or run.failed for run in taken.ran.values())
        if taken.ran and not is_told and not self._are_runs_due():
            self._counts.ran, taken.ran = taken.ran, {}
        try:
            yield taken
        except BaseException:
            self._give_back(taken)
            raise

    def _give_back(self, taken: Counts) -> None:
        for each, count in taken.happened.items():
            _add(self._counts.happened, each, count)
        for tried, count in taken.tried.items():
            _add(self._counts.tried, tried, count)
        for job, run in taken.ran.items():
            since = self._counts.ran.setdefault(job, run)
            if since is not run:
                since.removed += run.removed
                since.failed += run.failed


def _add(counter: Counter[What], what: What, count: int = 1) -> None:
    if what in counter or len(counter) < MOST:
        counter[what] += count
