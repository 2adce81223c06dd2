"""The report of a test, made from its log alone.

Rates are those of ISO/IEC 19795-1 and 30107-3, with intervals of 95 % over people (`palm.rates`).
A transaction counts as accepted when any of its tries was. One that was broken off has no outcome,
but its presentations count. The rates of a species are those of all its artefacts; beside them
stands the worst artefact, where there are several.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

import numpy as np

from lab.harness.journal import Ended, Line, Outcome, Presented, Purpose, begun
from lab.harness.people import person_of
from palm.rates import Estimate, share

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Counted:
    """An error rate, and what it was counted from."""

    name: str
    events: int
    of: int
    people: int
    rate: Estimate | None
    """None where there was nothing to count."""

    def row(self) -> str:
        return f"| {self.name} | {self.events} of {self.of} | {self.people} | {self._told()} |"

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
    worst: tuple[Counted, ...]
    """APCER and IAPAR of the artefact for which each is highest; empty where there is only one."""


@dataclass(frozen=True, slots=True)
class Report:
    plan: str
    plan_digest: str
    version: str
    build: str
    head: str
    broken_off: int
    """The number of transactions that have no end, because a device failed or somebody ended
    them."""
    bona_fide: list[Counted]
    species: list[SpeciesReport]

    def markdown(self) -> str:
        lines = [
            f"# {self.plan}",
            "",
            f"Product {self.version}, build `{self.build}`; plan `{self.plan_digest}`; the log "
            f"ends with `{self.head}`. Intervals are of 95 %, over people. Transactions that were "
            f"broken off: {self.broken_off}.",
            "",
            "| living hands | counted | people | rate |",
            "| --- | --- | --- | --- |",
            *(each.row() for each in self.bona_fide),
        ]
        if self.species:
            lines += [
                "",
                "| artefacts | counted | people | rate |",
                "| --- | --- | --- | --- |",
            ]
        for each in self.species:
            lines += [c.row() for c in (each.apcer, each.iapar, each.apnrr, *each.worst)]
        return "\n".join([*lines, ""])

    def figures(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Transaction:
    """A transaction with at least one presentation."""

    tries: list[Presented]
    accepted: bool | None
    """None where it was broken off before anything was accepted."""

    @property
    def first(self) -> Presented:
        return self.tries[0]


def report(lines: Sequence[Line], head: str) -> Report:
    first = begun(lines)
    every = _transactions(lines)
    living = [each for each in every if each.first.species is None]
    ended = [each for each in living if each.accepted is not None]
    enrolled = [each for each in ended if each.first.purpose is Purpose.ENROL]
    verified = [each for each in ended if each.first.purpose is Purpose.VERIFY]
    mated = [each for each in verified if each.first.subject == each.first.claimed]
    claims = [
        each for each in verified if person_of(each.first.subject) != person_of(each.first.claimed)
    ]
    tries = _tries(living)
    read = [each for each in tries if not _not_acquired(each)]
    return Report(
        plan=first.plan.name,
        plan_digest=first.plan_digest,
        version=first.version,
        build=first.build,
        head=head,
        broken_off=sum(each.accepted is None for each in every),
        bona_fide=[
            _counted("FTE: not enrolled", enrolled, _who, _not_accepted),
            _counted("FTA: no palm read", tries, _whose, _not_acquired),
            _counted("BPCER: not judged alive", read, _whose, lambda each: not _judged_alive(each)),
            _counted("FRR: transactions rejected", mated, _who, _not_accepted),
            _counted("FAR: other people's claims", claims, _who, _accepted),
            _strangers([each for each in tries if each.purpose is Purpose.VERIFY]),
        ],
        species=[
            _species(name, [each for each in every if each.first.species == name])
            for name in first.plan.species
            if any(each.first.species == name for each in every)
        ],
    )


def _transactions(lines: Iterable[Line]) -> list[_Transaction]:
    tries: dict[int, list[Presented]] = {}
    accepted: dict[int, bool] = {}
    for line in lines:
        if isinstance(line, Presented):
            tries.setdefault(line.transaction, []).append(line)
            if line.outcome is Outcome.ACCEPTED:
                accepted[line.transaction] = True
        elif isinstance(line, Ended):
            accepted[line.transaction] = line.accepted
    return [_Transaction(tries[number], accepted.get(number)) for number in tries]


def _species(name: str, transactions: Sequence[_Transaction]) -> SpeciesReport:
    made = sorted({each.first.artefact or "" for each in transactions})

    def worst(rate: Callable[[Sequence[_Transaction], str], Counted]) -> Counted:
        of_each = [
            rate(
                [each for each in transactions if (each.first.artefact or "") == artefact],
                f"{name}, {artefact or 'without a name'}",
            )
            for artefact in made
        ]
        return max(of_each, key=lambda each: -1.0 if each.rate is None else each.rate.rate)

    return SpeciesReport(
        species=name,
        artefacts=len(made),
        apcer=_apcer(transactions, name),
        iapar=_iapar(transactions, name),
        apnrr=_counted(f"APNRR: {name}", _tries(transactions), _imitated, _not_acquired),
        worst=(worst(_apcer), worst(_iapar)) if len(made) > 1 else (),
    )


def _apcer(transactions: Sequence[_Transaction], what: str) -> Counted:
    read = [each for each in _tries(transactions) if not _not_acquired(each)]
    return _counted(f"APCER: {what}", read, _imitated, _judged_alive)


def _iapar(transactions: Sequence[_Transaction], what: str) -> Counted:
    ended = [each for each in transactions if each.accepted is not None]
    return _counted(f"IAPAR: {what}", ended, lambda each: _imitated(each.first), _accepted)


def _tries(transactions: Iterable[_Transaction]) -> list[Presented]:
    return [each for transaction in transactions for each in transaction.tries]


def _strangers(tries: Iterable[Presented]) -> Counted:
    """Counts, in tries of living people, the others as whom they would have been accepted."""
    events: list[bool] = []
    who: list[str] = []
    for each in tries:
        taken = len(each.strangers_accepted)
        events += [True] * taken + [False] * (each.strangers - taken)
        who += [_whose(each)] * each.strangers
    return _rate("FMR: compared with all others", events, who)


def _accepted(transaction: _Transaction) -> bool:
    return transaction.accepted is True


def _not_accepted(transaction: _Transaction) -> bool:
    return transaction.accepted is False


def _not_acquired(presented: Presented) -> bool:
    return presented.outcome is Outcome.NOT_ACQUIRED


def _judged_alive(presented: Presented) -> bool:
    """Of a presentation that was read."""
    return presented.outcome is not Outcome.NOT_LIVE


def _who(transaction: _Transaction) -> str:
    return _whose(transaction.first)


def _whose(presented: Presented) -> str:
    return person_of(presented.subject)


def _imitated(presented: Presented) -> str:
    return person_of(presented.claimed)


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
