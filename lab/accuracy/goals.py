"""The error rates that were to be reached, and whether they were."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lab.accuracy.figures import Found, attack_estimate, estimate, interval, percent
from lab.evaluate.decisions import LARGE, Result
from palm.rates import Estimate


class ErrorRate(Protocol):
    """An error rate that can be looked up in the figures of a measurement."""

    def __str__(self) -> str: ...

    def find(self, figures: Any) -> Estimate | None:
        """Returns the rate and its interval, or None where it was not measured."""
        ...


@dataclass(frozen=True, slots=True)
class Eer:
    """The equal error rate of the product."""

    def __str__(self) -> str:
        return "EER"

    def find(self, figures: Any) -> Estimate | None:
        return estimate(figures, "eer")


@dataclass(frozen=True, slots=True)
class Fnmr:
    """The false non-match rate of the product at a false-match rate."""

    fmr: str

    def __str__(self) -> str:
        return f"FNMR at FMR {self.fmr}"

    def find(self, figures: Any) -> Estimate | None:
        return estimate(figures, "fnmr_at_fmr", self.fmr)


@dataclass(frozen=True, slots=True)
class Fnir:
    """The false-negative identification rate at a false-positive identification rate."""

    fpir: str
    presentations: int
    """The number of times that a person may show the palm."""
    people: int = 10_000
    """The size of the gallery, at least."""

    def __str__(self) -> str:
        said = f"FNIR at FPIR {self.fpir} among {self.people:,}"
        return (
            said
            if self.presentations == 1
            else f"{said} in up to {self.presentations} presentations"
        )

    def find(self, figures: Any) -> Estimate | None:
        for gallery in figures["galleries"]:
            large = gallery["people"] >= self.people
            if large and gallery["presentations"] == self.presentations:
                return estimate(gallery, "fnir_at_fpir", self.fpir)
        return None


@dataclass(frozen=True, slots=True)
class ByPolicy:
    """How often the policy for LARGE galleries decides something, of as many images as were
    measured."""

    result: Result
    of: str
    """`presentations` or `visits`."""

    def __str__(self) -> str:
        name = self.result.value.replace("_", " ")
        return f"{name} by the policy for {LARGE:,}, of {self.of}"

    def find(self, figures: Any) -> Estimate | None:
        sizes: list[Any] = figures.get("decisions", [])
        if sizes and "sizes" in sizes[-1]:
            sizes = sizes[-1]["sizes"]
        found = [size for size in sizes if size["gallery"] == LARGE and size[self.of]]
        return estimate(found[0][self.of], self.result.value) if found else None


@dataclass(frozen=True, slots=True)
class Decision:
    """A way to decide on a presentation, in some circumstances."""

    by: str
    """The name of the judgement, as `lab.attacks` gives it."""
    circumstances: str | None
    """The name of the circumstances; None for those with the highest rate."""

    def __str__(self) -> str:
        return f"{self.circumstances or 'the worst circumstances'} by {self.by}"

    def judgements(self, figures: Any) -> list[Any]:
        return [
            judgement
            for circumstances in figures
            if self.circumstances in (None, circumstances["name"])
            for judgement in circumstances["judgements"]
            if judgement["name"] == self.by
        ]


@dataclass(frozen=True, slots=True)
class Apcer:
    """The attack presentation classification error rate of the worst instrument."""

    decision: Decision

    def __str__(self) -> str:
        return "APCER of the worst instrument"

    def find(self, figures: Any) -> Estimate | None:
        return _worst([each for one in self.decision.judgements(figures) for each in one["apcer"]])


@dataclass(frozen=True, slots=True)
class Bpcer:
    """The bona fide presentation classification error rate of all people together."""

    decision: Decision

    def __str__(self) -> str:
        return "BPCER"

    def find(self, figures: Any) -> Estimate | None:
        return _worst([one["bpcer"][0] for one in self.decision.judgements(figures)])


def _worst(rates: Sequence[Any]) -> Estimate | None:
    found = [each for each in map(attack_estimate, rates) if each]
    return max(found, key=lambda each: each.rate, default=None)


@dataclass(frozen=True, slots=True)
class Goal:
    """The highest value that an error rate in one measurement was to have."""

    measurement: str
    rate: ErrorRate
    limit: float

    def __str__(self) -> str:
        asked = f"{self.rate} ≤ {percent(self.limit)}"
        return f"{asked}, {self.rate.decision}" if isinstance(self.rate, Apcer | Bpcer) else asked


LIGHT = "light, then pulse"
"""How a kiosk without a near-infrared camera decides."""
INFRARED = "light and near infrared, then pulse"
"""How a kiosk with a near-infrared camera decides."""
USUAL = "usual circumstances"

_USUAL_BY_LIGHT = Decision(LIGHT, USUAL)
_USUAL_BY_INFRARED = Decision(INFRARED, USUAL)
_WORST_BY_LIGHT = Decision(LIGHT, None)

_BY_POLICY = (
    (ByPolicy(Result.STEP_UP, "presentations"), 0.02),
    (ByPolicy(Result.NOT_FOUND, "presentations"), 0.005),
    (ByPolicy(Result.NOT_FOUND, "visits"), 0.001),
)

GOALS = (
    *(
        Goal(name, rate, limit)
        for name in ("hands-rgb", "hands-rgb-dark-joined", "roi-contactless", "drawn")
        for rate, limit in _BY_POLICY
    ),
    Goal("roi-contactless", Eer(), 0.0002),
    Goal("roi-contactless", Fnmr("1e-5"), 0.002),
    Goal("hands-rgb", Eer(), 0.003),
    Goal("hands-rgb", Fnmr("1e-4"), 0.01),
    Goal("hands-rgb-dark", Eer(), 0.0005),
    Goal("hands-rgb-dark", Fnmr("1e-3"), 0.002),
    Goal("hands-rgb-dark-joined", Eer(), 0.0005),
    Goal("hands-rgb-dark-joined", Fnmr("1e-3"), 0.002),
    Goal("drawn", Fnir("1e-3", presentations=1), 0.01),
    Goal("drawn", Fnir("1e-3", presentations=2), 0.01),
    Goal("attacks", Apcer(_USUAL_BY_LIGHT), 0.05),
    Goal("attacks", Bpcer(_USUAL_BY_LIGHT), 0.01),
    Goal("attacks", Apcer(_USUAL_BY_INFRARED), 0.05),
    Goal("attacks", Bpcer(_USUAL_BY_INFRARED), 0.01),
    Goal("attacks", Apcer(_WORST_BY_LIGHT), 0.05),
    Goal("attacks", Bpcer(_WORST_BY_LIGHT), 0.01),
)


@dataclass(frozen=True, slots=True)
class GoalOutcome:
    """What came of a goal, in the words of the document."""

    goal: Goal
    measured: str
    verdict: str


def outcome(goal: Goal, found: Found) -> GoalOutcome:
    """Compares a goal with what was measured."""
    if goal.measurement not in found:
        return GoalOutcome(goal, "not measured", "**not shown**")
    rate = goal.rate.find(found[goal.measurement].figures)
    if rate is None:
        return GoalOutcome(goal, "not measured", "**not shown**")
    verdict = "met" if rate.rate <= goal.limit else "**not met**"
    if rate.rate <= goal.limit < rate.ci95.high or rate.ci95.low <= goal.limit < rate.rate:
        verdict += "; too few people to be sure"
    return GoalOutcome(goal, interval(rate), verdict)
