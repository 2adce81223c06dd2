"""The report of a test, made from its log alone.

Rates are those of ISO/IEC 19795-1 and 30107-3, with intervals of 95 % over subjects
(`palm.rates`). A transaction counts as accepted when any of its tries was. The rates of a
species are those of its worst artefact.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

import numpy as np

from lab.harness.journal import Ended, Line, Outcome, Presented, Purpose, begun
from palm.rates import Estimate, share

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Counted:
    """An error rate, and what it was counted from."""

    name: str
    events: int
    of: int
    subjects: int
    rate: Estimate | None
    """None where there was nothing to count."""

    def row(self) -> str:
        return f"| {self.name} | {self.events} of {self.of} | {self.subjects} | {self._told()} |"

    def _told(self) -> str:
        if self.rate is None:
            return "-"
        low, high = self.rate.ci95.low, self.rate.ci95.high
        return f"{100 * self.rate.rate:.2f} % [{100 * low:.2f}, {100 * high:.2f}]"


@dataclass(frozen=True, slots=True)
class SpeciesReport:
    """The attacks with one species."""

    species: str
    artefacts: int
    apcer: Counted
    """Presentations judged alive, of those that were read."""
    iapar: Counted
    """Transactions accepted as the person that the artefact imitates."""
    apnrr: Counted
    """Presentations in which no palm was read."""


@dataclass(frozen=True, slots=True)
class Report:
    plan: str
    plan_digest: str
    version: str
    build: str
    head: str
    bona_fide: list[Counted]
    species: list[SpeciesReport]

    def markdown(self) -> str:
        lines = [
            f"# {self.plan}",
            "",
            f"Product {self.version}, build `{self.build}`; plan `{self.plan_digest}`; the log "
            f"ends with `{self.head}`. Intervals are of 95 %, resampled over people.",
            "",
            "| living hands | counted | people | rate |",
            "| --- | --- | --- | --- |",
            *(each.row() for each in self.bona_fide),
        ]
        if self.species:
            lines += [
                "",
                "| artefacts, the worst of each species | counted | people | rate |",
                "| --- | --- | --- | --- |",
            ]
        for each in self.species:
            lines += [each.apcer.row(), each.iapar.row(), each.apnrr.row()]
        return "\n".join([*lines, ""])

    def figures(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Transaction:
    """A transaction that has ended."""

    tries: list[Presented]
    accepted: bool

    @property
    def first(self) -> Presented:
        return self.tries[0]


def report(lines: Sequence[Line], head: str) -> Report:
    first = begun(lines)
    whole = _transactions(lines)
    living = [each for each in whole if each.first.species is None]
    enrolled = [each for each in living if each.first.purpose is Purpose.ENROL]
    verified = [each for each in living if each.first.purpose is Purpose.VERIFY]
    mated = [each for each in verified if each.first.subject == each.first.claimed]
    claims = [each for each in verified if each.first.subject != each.first.claimed]
    tries = [each for transaction in living for each in transaction.tries]
    read = [each for each in tries if each.outcome is not Outcome.NOT_ACQUIRED]
    return Report(
        plan=first.plan.name,
        plan_digest=first.plan_digest,
        version=first.version,
        build=first.build,
        head=head,
        bona_fide=[
            _counted("FTE: not enrolled", enrolled, _who, lambda each: not each.accepted),
            _counted(
                "FTA: no palm read", tries, _whose, lambda e: e.outcome is Outcome.NOT_ACQUIRED
            ),
            _counted(
                "BPCER: not judged alive", read, _whose, lambda e: e.outcome is Outcome.NOT_LIVE
            ),
            _counted("FRR: transactions rejected", mated, _who, lambda each: not each.accepted),
            _counted("FAR: other people's claims", claims, _who, lambda each: each.accepted),
            _strangers(verified),
        ],
        species=[
            _species(name, [each for each in whole if each.first.species == name])
            for name in first.plan.species
            if any(each.first.species == name for each in whole)
        ],
    )


def _transactions(lines: Iterable[Line]) -> list[_Transaction]:
    """Returns the transactions with at least one presentation."""
    tries: dict[int, list[Presented]] = {}
    ended: list[_Transaction] = []
    for line in lines:
        if isinstance(line, Presented):
            tries.setdefault(line.transaction, []).append(line)
        elif isinstance(line, Ended) and line.transaction in tries:
            ended.append(_Transaction(tries[line.transaction], line.accepted))
    return ended


def _species(name: str, transactions: Sequence[_Transaction]) -> SpeciesReport:
    made = {each.first.artefact or "" for each in transactions}
    of = {
        artefact: [each for each in transactions if (each.first.artefact or "") == artefact]
        for artefact in sorted(made)
    }

    def worst(counted: Callable[[list[_Transaction], str], Counted]) -> Counted:
        return max(
            (
                counted(some, f"{name}{artefact and ', ' + artefact}")
                for artefact, some in of.items()
            ),
            key=lambda each: -1.0 if each.rate is None else each.rate.rate,
        )

    def tries(some: list[_Transaction]) -> list[Presented]:
        return [each for transaction in some for each in transaction.tries]

    def read(some: list[_Transaction]) -> list[Presented]:
        return [each for each in tries(some) if each.outcome is not Outcome.NOT_ACQUIRED]

    return SpeciesReport(
        species=name,
        artefacts=len(made),
        apcer=worst(
            lambda some, what: _counted(
                f"APCER: {what}", read(some), _imitated, lambda e: e.outcome is not Outcome.NOT_LIVE
            )
        ),
        iapar=worst(
            lambda some, what: _counted(
                f"IAPAR: {what}", some, lambda e: e.first.claimed, lambda each: each.accepted
            )
        ),
        apnrr=worst(
            lambda some, what: _counted(
                f"APNRR: {what}",
                tries(some),
                _imitated,
                lambda e: e.outcome is Outcome.NOT_ACQUIRED,
            )
        ),
    )


def _strangers(verified: Sequence[_Transaction]) -> Counted:
    """Counts, in tries of living people, the others as whom they would have been accepted."""
    events: list[bool] = []
    who: list[str] = []
    for each in (one for transaction in verified for one in transaction.tries):
        taken = len(each.strangers_accepted)
        events += [True] * taken + [False] * (each.strangers - taken)
        who += [each.subject] * each.strangers
    return _rate("FMR: compared with all others", events, who)


def _who(transaction: _Transaction) -> str:
    return transaction.first.subject


def _whose(presented: Presented) -> str:
    return presented.subject


def _imitated(presented: Presented) -> str:
    return presented.claimed


def _counted(
    name: str, those: Sequence[T], who: Callable[[T], str], event: Callable[[T], bool]
) -> Counted:
    return _rate(name, [event(each) for each in those], [who(each) for each in those])


def _rate(name: str, events: Sequence[bool], who: Sequence[str]) -> Counted:
    people = sorted(set(who))
    rate = None
    if events:
        of = np.array([people.index(each) for each in who])
        rate = share(np.array(events), of)
    return Counted(name, sum(events), len(events), len(people), rate)
