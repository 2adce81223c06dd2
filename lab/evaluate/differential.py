"""Error rates of groups of people at one common threshold, in the manner of NIST IR 8280.

Grother, Ngan and Hanaoka, "Face recognition vendor test part 3: demographic effects", 2019.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lab.evaluate import dataset
from lab.evaluate.dataset import Sample
from lab.evaluate.pairing import Indices
from palm.rates import Comparisons, Counted, Estimate, Interval, counted, draws

FEW = 30
"""The fewest comparisons for which the rate of a group is given."""
ALIKE = 1.25
"""The highest allowed ratio of the FNMR of the worst group to the FNMR of all."""
MIXED = "mixed"
"""The name of the group of comparisons between two groups."""


@dataclass(frozen=True, slots=True)
class GroupRates:
    """The error rates of one group."""

    name: str
    subjects: int
    genuine: int
    impostor: int
    fnmr: Estimate | None
    """None where there are fewer than FEW comparisons, as for `fmr` and `median`."""
    fmr: Estimate | None
    """The false-match rate between different people of this group."""
    median: float | None
    """The median score of genuine comparisons."""


@dataclass(frozen=True, slots=True)
class Differential:
    """Error rates by one property, and how the worst group compares with all."""

    by: str
    threshold: float
    fnmr: float
    """The FNMR of all comparisons for which the property is known."""
    groups: list[GroupRates]
    worst: str | None
    """The group with the highest FNMR; None where no two groups can be compared, or none failed."""
    ratio: Estimate | None
    """The FNMR of the worst group over the FNMR of all."""

    @property
    def verdict(self) -> str:
        """Whether the worst group is within ALIKE times the FNMR of all, and how sure that is."""
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
    """Returns the error rates by each property that is known of the samples.

    `probe` and `reference` are the samples of each comparison, by their index.
    """
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
