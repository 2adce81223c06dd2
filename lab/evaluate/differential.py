"""Whether a palm's group decides how often it fails, in the manner of NIST IR 8280 (Grother, Ngan
and Hanaoka, "Face recognition vendor test part 3: demographic effects", 2019): every group's error
rates at the one threshold that all have in common.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lab.evaluate import dataset
from lab.evaluate.dataset import Sample
from lab.evaluate.pairing import Indices
from lab.evaluate.rates import Comparisons, Counted, Estimate, Interval, counted, draws

FEW = 30
"""Comparisons below which a group's rate says nothing."""
ALIKE = 1.25
"""Times the FNMR of all that the FNMR of the worst group may be."""
MIXED = "mixed"
"""The group of comparisons between two groups."""


@dataclass(frozen=True, slots=True)
class GroupRates:
    name: str
    subjects: int
    genuine: int
    impostor: int
    fnmr: Estimate | None
    """None where there are too few comparisons to say, as below."""
    fmr: Estimate | None
    """Among strangers of this group."""
    median: float | None
    """Score of a genuine comparison."""


@dataclass(frozen=True, slots=True)
class Differential:
    """Error rates by one property at one threshold, and the FNMR of the worst group over that of
    all who were told by it."""

    by: str
    threshold: float
    fnmr: float
    """Of all who were told by it."""
    groups: list[GroupRates]
    worst: str | None
    """The group with the highest FNMR; None where no two groups can be compared, or none failed."""
    ratio: Estimate | None

    @property
    def verdict(self) -> str:
        told = [group.fnmr for group in self.groups if group.fnmr and group.name != MIXED]
        if len(told) < 2:
            return f"too few to say: fewer than two groups have {FEW} genuine comparisons"
        if self.worst is None or self.ratio is None:
            return "too few to say: no genuine comparison failed within any group"
        within = self.ratio.rate <= ALIKE
        # A group that has not failed yet may still be the worst.
        sure = (
            all(fnmr.ci95.high <= ALIKE * self.fnmr for fnmr in told)
            if within
            else self.ratio.ci95.low > ALIKE
        )
        said = (
            f"{'within' if within else 'not within'} {ALIKE} times the FNMR of all: {self.worst} "
            f"{self.ratio.rate:.2f} [{self.ratio.ci95.low:.2f}, {self.ratio.ci95.high:.2f}]"
        )
        return said if sure else f"{said}; too few to be sure"


def differentials(
    samples: Sequence[Sample],
    comparisons: Comparisons,
    probe: Indices,
    reference: Indices,
    threshold: float,
) -> list[Differential]:
    """One for each property of palms that the set tells of; `probe` and `reference` are the
    samples of each comparison."""
    found: list[Differential] = []
    for by in dataset.GROUPS:
        value = np.array([sample.groups.get(by, "") for sample in samples])
        both = np.where(value[probe] == value[reference], value[probe], MIXED)
        told = (value[probe] != "") & (value[reference] != "")
        if (told & comparisons.genuine).any():
            found.append(_differential(by, both, told, comparisons, threshold))
    return found


def _differential(
    by: str,
    group: npt.NDArray[np.str_],
    told: npt.NDArray[np.bool_],
    comparisons: Comparisons,
    threshold: float,
) -> Differential:
    matched = comparisons.scores >= threshold
    subjects = int(max(comparisons.probe.max(), comparisons.reference.max())) + 1
    drawn = draws(subjects)

    def count(which: npt.NDArray[np.bool_], events: npt.NDArray[np.bool_]) -> Counted:
        return counted(
            events[which], comparisons.probe[which], comparisons.reference[which], subjects
        )

    groups: list[GroupRates] = []
    missed: dict[str, Counted] = {}
    for name in sorted(set(group[told].tolist())):
        these = told & (group == name)
        genuine, impostor = these & comparisons.genuine, these & ~comparisons.genuine
        if enough := int(genuine.sum()) >= FEW:
            missed[name] = count(genuine, ~matched)
        groups.append(
            GroupRates(
                name=name,
                subjects=len(np.unique(comparisons.probe[genuine])),
                genuine=int(genuine.sum()),
                impostor=int(impostor.sum()),
                fnmr=missed[name].estimate(drawn) if enough else None,
                fmr=count(impostor, matched).estimate(drawn) if impostor.sum() >= FEW else None,
                median=float(np.median(comparisons.scores[genuine])) if enough else None,
            )
        )
    missed.pop(MIXED, None)
    all_of = count(told & comparisons.genuine, ~matched)
    worst = max(missed, key=lambda name: missed[name].rate, default=None)
    if worst is None or len(missed) < 2 or missed[worst].rate == 0:
        return Differential(by, threshold, all_of.rate, groups, None, None)
    ratio = _ratio(missed[worst], all_of, drawn)
    return Differential(by, threshold, all_of.rate, groups, worst, ratio)


def _ratio(part: Counted, whole: Counted, drawn: npt.NDArray[np.float64]) -> Estimate:
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = part.resampled(drawn) / whole.resampled(drawn)
    low, high = np.quantile(ratios[np.isfinite(ratios)], (0.025, 0.975)).tolist()
    ratio = part.rate / whole.rate
    return Estimate(ratio, Interval(min(low, ratio), max(high, ratio)))
