"""Error rates from scores, and how far they can be trusted.

Rates are those of ISO/IEC 19795-1: a comparison matches when its score reaches the threshold;
FMR is the share of impostor comparisons that match, FNMR that of genuine ones that do not.

The comparisons of one person are not independent, so no interval here comes from a binomial
formula. Subjects are drawn with replacement, all comparisons of a drawn subject come along as
often as it was drawn (those between two subjects as often as both together), and the middle 95 %
of the rates so found is the interval: the subset bootstrap of Bolle, Ratha and Pankanti ("Error
analysis of pattern recognition systems: the subsets bootstrap", 2004), as ISO/IEC 19795-1 asks.

Where no error was seen, resampling cannot see one either. There the rule of 3 sets the far end,
3 / n with n the number of subjects, who are independent where their comparisons are not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

RESAMPLES = 1000
TAIL = 0.1
"""Share of impostor comparisons, from the highest score down, that a resample looks at; more
where the equal error rate is not far below."""
POINTS = 100
"""Of a curve that is drawn."""


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A rate and the interval that holds it with 95 % confidence."""

    rate: float
    ci95: Interval


@dataclass(frozen=True, slots=True)
class Comparisons:
    """All comparisons, one entry each."""

    scores: npt.NDArray[np.float32]
    genuine: npt.NDArray[np.bool_]
    probe: Indices
    """Subject of the probe, counted from 0."""
    reference: Indices
    """Subject of the reference."""


@dataclass(frozen=True, slots=True)
class Curve:
    """FMR and FNMR at each threshold, thresholds falling; the first is above every score."""

    thresholds: Floats
    fmr: Floats
    fnmr: Floats

    def eer(self) -> float:
        """Mean of both rates where they are nearest each other."""
        return float(self._at_eer(0.5 * (self.fmr + self.fnmr)))

    def fnmr_at(self, fmr: float) -> float:
        """FNMR at the lowest threshold whose FMR is no higher than this one."""
        return float(self.fnmr[self._last(fmr)])

    def threshold_at(self, fmr: float) -> float:
        return float(self.thresholds[self._last(fmr)])

    def thinned(self) -> list[tuple[float, float]]:
        """(FMR, FNMR) at some POINTS thresholds, evenly spread over the logarithm of the FMR: as
        much of the curve as can be seen."""
        shown = np.flatnonzero((self.fmr > 0) & (self.fnmr > 0))
        if not len(shown):
            return []
        logs = np.log(self.fmr[shown])
        at = np.searchsorted(logs, np.linspace(logs[0], logs[-1], POINTS))
        kept = np.unique(shown[np.minimum(at, len(shown) - 1)])
        points = zip(self.fmr[kept].tolist(), self.fnmr[kept].tolist(), strict=True)
        return [(_seen(fmr), _seen(fnmr)) for fmr, fnmr in points]

    def _at_eer(self, values: Floats) -> np.float64:
        return values[np.abs(self.fmr - self.fnmr).argmin()]

    def _last(self, fmr: float) -> np.intp:
        # A rate that is a whole number of comparisons must not fall short by a rounding.
        return np.searchsorted(self.fmr, fmr * (1 + 1e-9), side="right") - 1


def _seen(rate: float) -> float:
    """As much of it as an eye can see on a plot."""
    return float(f"{rate:.4g}")


def curve(comparisons: Comparisons) -> Curve:
    """Of at least one genuine and one impostor comparison."""
    order = np.argsort(-comparisons.scores, kind="stable")
    genuine = comparisons.genuine[order].astype(np.float64)
    return _curve(
        comparisons.scores[order], genuine, 1 - genuine, genuine.sum(), (1 - genuine).sum()
    )


def _curve(
    scores: npt.NDArray[np.float32],
    genuine: Floats,
    impostor: Floats,
    all_genuine: float,
    all_impostor: float,
) -> Curve:
    """From scores in falling order and how often each comparison counts as what."""
    # Equal scores match together.
    ends = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))
    return Curve(
        thresholds=np.append(np.inf, scores[ends].astype(np.float64)),
        fmr=np.append(0.0, np.cumsum(impostor)[ends] / all_impostor),
        fnmr=np.append(1.0, 1 - np.cumsum(genuine)[ends] / all_genuine),
    )


@dataclass(frozen=True, slots=True)
class Errors:
    eer: Estimate
    fnmr_at_fmr: dict[float, Estimate]


def estimate(comparisons: Comparisons, fmrs: Sequence[float], seed: int = 0) -> Errors:
    """The equal error rate, and the FNMR at each FMR, with their intervals."""
    whole = curve(comparisons)
    subjects = int(max(comparisons.probe.max(), comparisons.reference.max())) + 1
    draws = _draws(subjects, np.random.default_rng(seed))

    # What no threshold of interest reaches is only counted.
    impostors = int((~comparisons.genuine).sum())
    tail = min(int(impostors * max(TAIL, 5 * whole.eer())) + 1, impostors)
    least = np.partition(comparisons.scores[~comparisons.genuine], impostors - tail)[-tail:].min()
    kept = np.flatnonzero(comparisons.genuine | (comparisons.scores >= least))
    kept = kept[np.argsort(-comparisons.scores[kept], kind="stable")]
    scores, genuine = comparisons.scores[kept], comparisons.genuine[kept]
    probe, reference = comparisons.probe[kept], comparisons.reference[kept]
    within = probe == reference

    mates = np.bincount(comparisons.probe[comparisons.genuine], minlength=subjects)
    strangers = np.zeros((subjects, subjects))
    impostor = ~comparisons.genuine
    np.add.at(strangers, (comparisons.probe[impostor], comparisons.reference[impostor]), 1)
    own = strangers.diagonal().copy()
    np.fill_diagonal(strangers, 0)

    curves: list[tuple[float, list[float]]] = []
    for drawn in draws:
        counts = np.where(within, drawn[probe], drawn[probe] * drawn[reference])
        all_genuine = float(drawn @ mates)
        all_impostor = float(drawn @ strangers @ drawn + drawn @ own)
        if all_genuine and all_impostor:
            resample = _curve(
                scores, counts * genuine, counts * ~genuine, all_genuine, all_impostor
            )
            curves.append((resample.eer(), [resample.fnmr_at(fmr) for fmr in fmrs]))
    return Errors(
        eer=_estimate(whole.eer(), np.array([eer for eer, _ in curves]), subjects),
        fnmr_at_fmr={
            fmr: _estimate(
                whole.fnmr_at(fmr), np.array([fnmrs[which] for _, fnmrs in curves]), subjects
            )
            for which, fmr in enumerate(fmrs)
        },
    )


def share(events: npt.NDArray[np.bool_], subject: Indices, seed: int = 0) -> Estimate:
    """How often something happened to samples, each of the subject given; at least one."""
    numbers, subject = np.unique(subject, return_inverse=True)
    happened = np.bincount(subject, weights=events.astype(np.float64))
    all_of = np.bincount(subject)
    draws = _draws(len(numbers), np.random.default_rng(seed))
    return _estimate(float(events.mean()), (draws @ happened) / (draws @ all_of), len(numbers))


@dataclass(frozen=True, slots=True)
class Counted:
    """Events among comparisons, by the subjects of probe and reference: (subjects, subjects)."""

    events: Floats
    all: Floats

    @property
    def rate(self) -> float:
        return float(self.events.sum() / self.all.sum())

    def resampled(self, draws: Floats) -> Floats:
        """(len(draws),) the rate among the subjects so drawn, NaN where none remains."""
        with np.errstate(invalid="ignore"):
            return _drawn(self.events, draws) / _drawn(self.all, draws)

    def estimate(self, draws: Floats) -> Estimate:
        """Of at least one comparison."""
        rates = self.resampled(draws)
        subjects = int(((self.all.sum(axis=0) + self.all.sum(axis=1)) > 0).sum())
        return _estimate(self.rate, rates[np.isfinite(rates)], subjects)


def counted(
    events: npt.NDArray[np.bool_], probe: Indices, reference: Indices, subjects: int
) -> Counted:
    """Of comparisons between the subjects given, whether something happened in each."""
    table = np.zeros((2, subjects, subjects))
    np.add.at(table[0], (probe[events], reference[events]), 1)
    np.add.at(table[1], (probe, reference), 1)
    return Counted(*table)


def _drawn(table: Floats, draws: Floats) -> Floats:
    """(len(draws),) comparisons that come along: between two subjects as often as both together."""
    own = table.diagonal()
    between = table - np.diag(own)
    return np.einsum("ds,ds->d", draws @ between, draws) + draws @ own


def draws(subjects: int, seed: int = 0) -> Floats:
    """(RESAMPLES, subjects) how often each subject was drawn."""
    return _draws(subjects, np.random.default_rng(seed))


def _draws(subjects: int, rng: np.random.Generator) -> Floats:
    """(RESAMPLES, subjects) how often each subject was drawn."""
    return rng.multinomial(subjects, np.full(subjects, 1 / subjects), RESAMPLES).astype(np.float64)


def _estimate(rate: float, resampled: Floats, subjects: int) -> Estimate:
    low, high = (float(end) for end in np.quantile(resampled, (0.025, 0.975)))
    rule_of_3 = min(3 / subjects, 1.0)
    if rate == 0:
        high = max(high, rule_of_3)
    if rate == 1:
        low = min(low, 1 - rule_of_3)
    return Estimate(rate, Interval(min(low, rate), max(high, rate)))
