"""What the service sees of recognition, of attacks and of its own jobs, counted in memory until
housekeeping writes it down (`cloud.watch`).

To count here is all that a request does for it: that writes nothing, waits for nobody and cannot
fail. What a process has counted since its last round is lost with the process, which is seconds.
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
"""The largest number of different things that are counted between two rounds. More are left out:
whoever could make so many would otherwise fill the memory."""
RUNS_EVERY_S = 60.0
"""How often it is written down that jobs have run which had nothing to do, in seconds."""


class Kind(StrEnum):
    """What a person should look at; the worst is first."""

    TAMPERING = "tampering"
    """Somebody has tampered with a kiosk."""
    COPIED = "copied"
    """A palm that matched somebody in its lines, and not in what lies beneath."""
    LIFELESS = "lifeless"
    """What was shown was not seen to be a living hand."""
    CHALLENGES = "challenges"
    """A kiosk has asked for as many light challenges as allowed without meeting them."""
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
    """A palm that has an account was to be enrolled in another one."""
    ALIKE = "alike"
    """A palm was near two people, and digits had to tell them apart."""


class Light(StrEnum):
    """The light under which a palm was taken, as far as the service knows."""

    PLAIN = "plain"
    RING = "ring"
    """Light of a ring, which has answered a light challenge."""
    INFRARED = "infrared"
    BOTH = "both"


class Became(StrEnum):
    """What became of a palm that was shown."""

    RECOGNISED = "recognised"
    """It belongs to somebody, who may have to consent first or may have frozen their palms."""
    DIGITS = "digits"
    """It was near, and digits of the number were asked for."""
    LONGER = "longer"
    """It was asked for again with its pulse."""
    NOT_FOUND = "not_found"
    """It was asked for again, because nobody was found."""
    REFUSED = "refused"
    """Nobody was found, and no try is left."""
    LIFELESS = "lifeless"
    UNREADABLE = "unreadable"


class Quality(StrEnum):
    """How well a palm could be seen that was read: a class of the quality that the vault judges
    (`palm.hand.roi.Roi`), which is 0.6 or more then."""

    CLEAR = "clear"
    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"

    @classmethod
    def of(cls, quality: float) -> "Quality":
        return next((each for each, least in _LEAST.items() if quality >= least), cls.POOR)


TOOK = (0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
"""The bounds by which it is counted how long the service took for a palm, in seconds."""

_LEAST: Mapping[Quality, float] = {Quality.CLEAR: 0.9, Quality.GOOD: 0.8, Quality.FAIR: 0.7}
"""The quality from which on a palm is of a class, the best first."""
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
    """Something that a person should look at."""

    kind: Kind
    device_id: str
    about: str | None = field(default=None, repr=False)
    """What the limit counts that was reached: perhaps the id of a person."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A palm that was shown at a device."""

    device_id: str
    light: Light
    what: str
    """`Became`, `Quality`, or how long it took (`took`)."""


@dataclass(slots=True)
class Ran:
    """What became of a job since it was last written down."""

    removed: int = 0
    """How many rows it has deleted."""
    failed: int = 0
    fault: str | None = None
    """Why it has failed the last time; None when it has not failed since it was done."""


@dataclass(slots=True)
class Counts:
    happened: Counter[Happened] = field(default_factory=Counter[Happened])
    tried: Counter[Tried] = field(default_factory=Counter[Tried])
    ran: dict[str, Ran] = field(default_factory=dict[str, Ran])

    def __bool__(self) -> bool:
        return bool(self.happened or self.tried or self.ran)


def took(seconds: float) -> str:
    """Returns the name under which a duration is counted, which is that of its bound in TOOK."""
    return f"took {next((bound for bound in TOOK if seconds <= bound), 'longer')}"


class Seen:
    """What one process has seen since it was last written down."""

    def __init__(self) -> None:
        self._counts = Counts()
        self._are_runs_due = Seldom(RUNS_EVERY_S)

    def happened(self, kind: Kind, device_id: str, about: str | None = None) -> None:
        """Counts something that a person should look at."""
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
        """Counts a palm that was looked for, or was not seen to be alive, and how long it took."""
        what = became if isinstance(became, Became) else _BECAME[became]
        _add(self._counts.tried, Tried(device_id, light, what))
        _add(self._counts.tried, Tried(device_id, light, took(seconds)))

    def quality(self, device_id: str, light: Light, quality: float) -> None:
        """Counts how well a palm could be seen. `quality` is 0 to 1."""
        _add(self._counts.tried, Tried(device_id, light, Quality.of(quality)))

    def ran(self, job: str, *, removed: int = 0) -> None:
        """Counts that a job is done."""
        run = self._counts.ran.setdefault(job, Ran())
        run.removed += removed
        run.fault = None

    def failed(self, job: str, fault: str) -> None:
        """Counts that a job has failed. `fault` quotes nothing that was read."""
        run = self._counts.ran.setdefault(job, Ran())
        run.failed += 1
        run.fault = fault

    @contextmanager
    def taking(self) -> Generator[Counts]:
        """Yields what was counted, which is then forgotten, unless the block fails. Jobs of which
        nothing is to be told are left for a while."""
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
