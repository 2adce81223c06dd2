"""What the service would have decided, by its own policy and in galleries of its own sizes.

A search returns people; `cloud.policy.Policy.decide` makes of them what the shopper meets: the palm
is accepted, four digits are asked for, or the palm is asked for again. What comes of it depends on
who had shown the palm, so a decision is counted as a `Result`.

A presentation is one palm as the kiosk sends it, made into one template. A visit is up to ATTEMPTS
presentations of one hand, and ends with the first that is not asked for again: each counts by
itself, and only both hands count together (`lab.tries`). A presentation in which no palm is found
finds nobody, so the rates of people who are enrolled include failures to acquire, as FNIR and FRR
do (ISO/IEC 19795-1).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import numpy as np

from cloud.matching import Match
from cloud.policy import ATTEMPTS, Policy
from palm.calibration import CALIBRATIONS
from palm.rates import Estimate, share
from protocol.messages import Outcome

T = TypeVar("T")

LARGE = 10_000
"""The size of a gallery whose thresholds are asked for in any case."""

OWN = "own"
"""The person who shows the palm, in the matches of a search."""


class Result(StrEnum):
    """What comes of a decision."""

    ACCEPTED = "accepted"
    """As the person who showed the palm."""
    STEP_UP = "step_up"
    """Digits are asked for, and those of the person are among those that are taken."""
    NOT_FOUND = "not_found"
    """The palm is asked for again; at the end of a visit, nobody was found."""
    FALSE_STEP_UP = "false_step_up"
    """Digits are asked for, and only those of other people are taken."""
    FALSE_ACCEPT = "false_accept"
    """As another person."""


def policy() -> Policy:
    """Returns the policy of a service without settings of its own."""
    return Policy(CALIBRATIONS)


@dataclass(frozen=True, slots=True)
class Rules:
    """The policy, for the scores of one version in galleries of one size."""

    policy: Policy
    version: int
    size: int

    @property
    def scores(self) -> dict[str, float]:
        """The lowest score from which each decision is made, by its name."""
        rarities = {
            "step_up": self.policy.step_up(self.size),
            "accept": self.policy.accept(self.size),
            "verify": self.policy.verify(),
        }
        return {name: self.policy.score(self.version, at) for name, at in rarities.items()}

    def result(self, scores: Mapping[str, float]) -> Result:
        """Returns what comes of a search that found these scores, by person; OWN is who searched,
        and may be missing."""
        matches = [
            Match(person, "", self.version, self.policy.rarity(self.version, score))
            for person, score in scores.items()
            if np.isfinite(score)
        ]
        named = [match for match in matches if match.rarity >= self.policy.step_up(self.size)]
        named.sort(key=lambda match: -match.rarity)
        match self.policy.decide(named, self.size):
            case Outcome.ACCEPTED:
                mine = named[0].person_id == OWN
                return Result.ACCEPTED if mine else Result.FALSE_ACCEPT
            case Outcome.STEP_UP:
                mine = any(match.person_id == OWN for match in named)
                return Result.STEP_UP if mine else Result.FALSE_STEP_UP
            case _:
                return Result.NOT_FOUND


def visit(tries: Iterable[Result]) -> Result:
    """Returns what comes of a visit with these presentations, one after the other."""
    return next((each for each in tries if each is not Result.NOT_FOUND), Result.NOT_FOUND)


@dataclass(frozen=True, slots=True)
class Rates:
    """How often each result came, over people."""

    count: int
    people: int
    share: dict[Result, Estimate]

    def json(self) -> dict[str, object]:
        told: dict[str, object] = {"count": self.count, "people": self.people}
        for result, found in self.share.items():
            told[result.value] = found.rate
            told[f"{result.value}_ci95"] = [found.ci95.low, found.ci95.high]
        return told


def rates(results: Sequence[Result], people: Sequence[int]) -> Rates | None:
    """Counts results, given the person of each; None where there are none."""
    if not results:
        return None
    whose = np.array(people, np.intp)
    found = {
        result: share(np.array([each is result for each in results]), whose) for result in Result
    }
    return Rates(len(results), len(set(people)), found)


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of all searches under the rules of one size of the gallery."""

    size: int
    compared: int
    """The number of palms in the gallery that was searched in fact."""
    scores: dict[str, float]
    """The lowest score of each decision, by its name."""
    presentations: Rates | None
    """The rates at which people who are enrolled are accepted, presentation by presentation."""
    visits: Rates | None
    strangers: Rates | None
    """Presentations of people who are not enrolled."""
    strangers_visits: Rates | None

    def json(self) -> dict[str, object]:
        told = {
            "presentations": self.presentations,
            "visits": self.visits,
            "strangers": self.strangers,
            "strangers_visits": self.strangers_visits,
        }
        return {
            "gallery": self.size,
            "compared": self.compared,
            "scores": self.scores,
            **{name: each and each.json() for name, each in told.items()},
        }


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of comparing palms with one person alone, whose number was given."""

    score: float
    """The lowest score that is accepted."""
    missed: Estimate
    """The share of presentations that were not accepted as their person."""
    missed_visits: Estimate
    """The share of visits in which no presentation was."""
    false_matches: Estimate | None
    """The share of comparisons with other people that were accepted."""
    comparisons: int
    """With other people."""

    def json(self) -> dict[str, object]:
        told: dict[str, object] = {"score": self.score, "comparisons": self.comparisons}
        for name, found in (
            ("missed", self.missed),
            ("missed_visits", self.missed_visits),
            ("false_matches", self.false_matches),
        ):
            told[name] = found and found.rate
            told[f"{name}_ci95"] = found and [found.ci95.low, found.ci95.high]
        return told


@dataclass(frozen=True, slots=True)
class Searched:
    """The presentations of one visit, in their order."""

    person: int
    enrolled: bool
    """Whether the palm is in the gallery."""
    found: Sequence[Mapping[str, float]]
    """The scores of the best people of each search, by person; OWN is who searched."""


def decided(rules: Rules, visits: Sequence[Searched], compared: int) -> Decided:
    """Decides on the presentations of all visits."""
    met: dict[bool, tuple[Rates | None, Rates | None]] = {}
    for enrolled in (True, False):
        these = [each for each in visits if each.enrolled is enrolled]
        results = [[rules.result(scores) for scores in each.found] for each in these]
        single = [result for of_visit in results for result in of_visit]
        whose = [each.person for each in these for _ in each.found]
        met[enrolled] = (
            rates(single, whose),
            rates([visit(tries) for tries in results], [each.person for each in these]),
        )
    return Decided(rules.size, compared, rules.scores, *met[True], *met[False])


def missed(score: float, visits: Sequence[Searched]) -> tuple[Estimate, Estimate]:
    """Returns the shares of presentations, and of visits, of enrolled people that do not reach a
    score."""
    own = [
        (each.person, [scores.get(OWN, -np.inf) < score for scores in each.found])
        for each in visits
        if each.enrolled
    ]
    single = [(person, one) for person, failed in own for one in failed]
    whole = [(person, all(failed)) for person, failed in own]

    def counted(failed: list[tuple[int, bool]]) -> Estimate:
        people, events = zip(*failed, strict=True)
        return share(np.array(events), np.array(people, np.intp))

    return counted(single), counted(whole)


def in_visits(presentations: Sequence[T]) -> list[Sequence[T]]:
    """Splits the presentations of one hand into visits of ATTEMPTS.

    What is left over makes a visit of its own only where there is no other: a visit with fewer
    tries finds fewer people.
    """
    whole = len(presentations) - len(presentations) % ATTEMPTS or len(presentations)
    return [presentations[at : at + ATTEMPTS] for at in range(0, whole, ATTEMPTS)]
