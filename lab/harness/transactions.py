"""One transaction: a person tries as often and as long as the plan says."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lab.harness.journal import Ended, Journal, Outcome, Presented, Purpose
from lab.harness.people import People, person_of
from lab.harness.plan import Plan
from lab.harness.product import NOT_LIVE, Acquired, AskLonger, Product, Refused, Shown


class Source(Protocol):
    """Where presentations come from."""

    async def present(self, *, again: bool, longer: bool) -> Shown | None:
        """Returns the next presentation, or None when there is none any more. It is shown `again`
        after one that was not accepted; `longer` asks for one with a pulse."""
        ...


Keep = Callable[[int, int, Shown], None]
"""Is given every presentation, with the numbers of its transaction and attempt."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who presents what, and as whom."""

    purpose: Purpose
    subject: str
    claimed: str
    species: str | None = None
    artefact: str | None = None


class NotInPlan(ValueError):
    """The claim is not one that the plan allows, or cannot be made now."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What a test is made with."""

    plan: Plan
    product: Product
    people: People
    journal: Journal
    source: Source
    keep: Keep | None = None

    async def transaction(self, claim: Claim) -> bool:
        """Returns whether the product accepted. Raises NotInPlan and DeviceFault."""
        self._check(claim)
        number = self.journal.transactions + 1
        accepted = timed_out = False
        attempt = 0
        until = time.monotonic() + self.plan.timeout_s
        while not (accepted or timed_out) and attempt < self.plan.tries:
            began = time.monotonic()
            try:
                async with asyncio.timeout(until - began):
                    found = await self._presented(number, attempt)
            except TimeoutError:
                found, timed_out = Missed(), True
            if found is None:
                break
            attempt += 1
            decided = self._decided(claim, found)
            accepted = decided.outcome is Outcome.ACCEPTED
            self.journal.add(
                Presented(
                    transaction=number,
                    attempt=attempt,
                    purpose=claim.purpose,
                    subject=claim.subject,
                    claimed=claim.claimed,
                    species=claim.species,
                    artefact=claim.artefact,
                    outcome=decided.outcome,
                    flaw=decided.flaw,
                    seconds=round(time.monotonic() - began, 2),
                    strangers=decided.strangers,
                    strangers_accepted=decided.taken_for,
                )
            )
        self.journal.add(
            Ended(transaction=number, accepted=accepted, attempts=attempt, timed_out=timed_out)
        )
        return accepted

    def _check(self, claim: Claim) -> None:
        if claim.species is not None and claim.species not in self.plan.species:
            allowed = ", ".join(self.plan.species) or "none"
            raise NotInPlan(f"the plan has no species '{claim.species}'; it has: {allowed}")
        if claim.purpose is Purpose.ENROL and claim.species is not None:
            raise NotInPlan("only living hands are enrolled")
        if claim.purpose is Purpose.VERIFY and claim.claimed not in self.people.subjects():
            raise NotInPlan(f"nobody is enrolled as '{claim.claimed}'")

    async def _presented(self, number: int, attempt: int) -> "Acquired | Refused | None":
        """Returns what the product made of the next presentation, None when there is none."""
        longer = False
        while True:
            shown = await self.source.present(again=attempt > 0 and not longer, longer=longer)
            if shown is None:
                return NOT_LIVE if longer else None
            if self.keep is not None:
                self.keep(number, attempt + 1, shown)
            try:
                return self.product.examine(shown)
            except AskLonger:
                if longer:
                    return NOT_LIVE
                longer = True

    def _decided(self, claim: Claim, found: "Acquired | Refused | Missed") -> "_Decided":
        match found:
            case Missed():
                return _Decided(Outcome.NOT_ACQUIRED, "nothing was captured in time")
            case Refused(outcome, why):
                return _Decided(outcome, why)
            case Acquired(side, kept):
                pass
        if claim.purpose is Purpose.ENROL:
            self.people.enrol(claim.subject, side, kept)
            return _Decided(Outcome.ACCEPTED)
        living = claim.species is None
        own = {person_of(claim.claimed), person_of(claim.subject)}
        strangers = [
            (name, enrolled)
            for name in (self.people.subjects() if living else ())
            if person_of(name) not in own and (enrolled := self.people.kept(name, side))
        ]
        taken_for = tuple(
            n
            for n, enrolled in strangers
            if self.product.accepts(kept, enrolled) and self.product.confirms(kept, enrolled)
        )
        enrolled = self.people.kept(claim.claimed, side)
        if enrolled is None or not self.product.accepts(kept, enrolled):
            return _Decided(Outcome.NOT_MATCHED, None, len(strangers), taken_for)
        if not self.product.confirms(kept, enrolled):
            return _Decided(NOT_LIVE.outcome, NOT_LIVE.why, len(strangers), taken_for)
        return _Decided(Outcome.ACCEPTED, None, len(strangers), taken_for)


class Missed:
    """Nothing was captured before the transaction's time was over."""


@dataclass(frozen=True, slots=True)
class _Decided:
    outcome: Outcome
    flaw: str | None = None
    strangers: int = 0
    """The enrolled people beside the claimed one with whom a living palm was compared."""
    taken_for: tuple[str, ...] = ()
