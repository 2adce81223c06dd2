"""Computes error rates from scores, and their confidence intervals.

Rates are those of ISO/IEC 19795-1: a comparison matches when its score reaches the threshold; FMR
is the share of impostor comparisons that match, FNMR the share of genuine ones that do not.

The comparisons of one person are not independent, so a binomial formula would give too narrow an
interval. Intervals are made by the subset bootstrap (Bolle, Ratha and Pankanti, "Error analysis of
pattern recognition systems: the subsets bootstrap", 2004), as ISO/IEC 19795-1 asks: subjects are
drawn with replacement, a comparison within a subject counts as often as the subject was drawn, one
between two subjects as often as the product of both counts, and the interval is the middle 95 % of
the resulting rates.

Resampling knows nothing of subjects unlike those who were there: where few made all errors, its
interval is too narrow, and where none did it has no width. So one subject more is added to each
resample, whom nobody has seen. All of its comparisons are errors for the upper end of the interval
and none for the lower one, and its weight is that of one among n + 1 in the Bayesian bootstrap
(Rubin, 1981), Beta(1, n). This is close to the bound of Gaffke, "Three test statistics for a
nonparametric one-sided hypothesis on the mean of a nonnegative variable" (2005), which assumes
nothing of what subjects are like, and to that of Clopper and Pearson where each subject has one
comparison. Where there was no error at all, the end is that of the rule of 3: 3 / n for n subjects,
because the subjects are independent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

RESAMPLES = 1000
TAIL = 0.1
"""The share of impostor comparisons that a resample keeps, those with the highest scores.

More are kept where the equal error rate is high.
"""
POINTS = 100
"""The largest number of points of a curve that is drawn."""


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
    """All comparisons; every array has one entry for each."""

    scores: npt.NDArray[np.float32]
    genuine: npt.NDArray[np.bool_]
    probe: Indices
    """The subject of the probe, counted from 0."""
    reference: Indices
    """The subject of the reference."""


@dataclass(frozen=True, slots=True)
class Curve:
    """FMR and FNMR at each threshold, highest threshold first; the first is above all scores."""

    thresholds: Floats
    fmr: Floats
    fnmr: Floats

    def eer(self) -> float:
        """Returns the mean of both rates where they cross, as the Fingerprint Verification
        Competition defines it (Maio et al., "FVC2000", 2002): at the last threshold at which the
        FMR is not above the FNMR or at the one below it, where their sum is lower."""
        last = int(np.flatnonzero(self.fmr <= self.fnmr)[-1])
        if self.fmr[last] == self.fnmr[last]:
            return float(self.fmr[last])
        return float(0.5 * (self.fmr + self.fnmr)[last : last + 2].min())

    def fnmr_at(self, fmr: float) -> float:
        """Returns the FNMR at the lowest threshold whose FMR is at most this one."""
        return float(self.fnmr[self._last(fmr)])

    def threshold_at(self, fmr: float) -> float:
        """Returns the lowest threshold whose FMR is at most this one."""
        return float(self.thresholds[self._last(fmr)])

    def thinned(self) -> list[tuple[float, float]]:
        """Returns (FMR, FNMR) at up to POINTS thresholds, for drawing the curve.

        The thresholds are evenly spaced over the logarithm of the FMR.
        """
        shown = np.flatnonzero((self.fmr > 0) & (self.fnmr > 0))
        if not len(shown):
            return []
        logs = np.log(self.fmr[shown])
        at = np.searchsorted(logs, np.linspace(logs[0], logs[-1], POINTS))
        kept = np.unique(shown[np.minimum(at, len(shown) - 1)])
        points = zip(self.fmr[kept].tolist(), self.fnmr[kept].tolist(), strict=True)
        return [(_seen(fmr), _seen(fnmr)) for fmr, fnmr in points]

    def _last(self, fmr: float) -> np.intp:
        # An FMR that is a whole number of comparisons must not be missed by a rounding error.
        return np.searchsorted(self.fmr, fmr * (1 + 1e-9), side="right") - 1


def _seen(rate: float) -> float:
    """Rounds a rate to the four digits that can be seen in a plot."""
    return float(f"{rate:.4g}")


def curve(comparisons: Comparisons) -> Curve:
    """Returns the curve of at least one genuine and one impostor comparison."""
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
    """Returns a curve from scores in falling order, and the weight of each as either kind."""
    # Equal scores match together.
    ends = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))
    return Curve(
        thresholds=np.append(np.inf, scores[ends].astype(np.float64)),
        fmr=np.append(0.0, np.cumsum(impostor)[ends] / all_impostor),
        fnmr=np.append(1.0, 1 - np.cumsum(genuine)[ends] / all_genuine),
    )


@dataclass(frozen=True, slots=True)
class Errors:
    """The error rates of an experiment."""

    eer: Estimate
    fnmr_at_fmr: dict[float, Estimate]


def estimate(comparisons: Comparisons, fmrs: Sequence[float], seed: int = 0) -> Errors:
    """Returns the equal error rate and the FNMR at each FMR, with their intervals."""
    whole = curve(comparisons)
    subjects = int(max(comparisons.probe.max(), comparisons.reference.max())) + 1
    resamples = draws(subjects, seed)

    # Impostor scores that are below all thresholds of interest are only counted.
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
    for drawn in resamples:
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
    """Returns the share of samples for which `events` is true, given the subject of each."""
    numbers, subject = np.unique(subject, return_inverse=True)
    happened = np.bincount(subject, weights=events.astype(np.float64))
    all_of = np.bincount(subject)
    drawn = draws(len(numbers), seed)
    return _estimate(float(events.mean()), (drawn @ happened) / (drawn @ all_of), len(numbers))


@dataclass(frozen=True, slots=True)
class Counted:
    """(subjects, subjects) numbers of comparisons, by the subjects of probe and reference."""

    events: Floats
    """The comparisons in which the event happened."""
    all: Floats

    @property
    def rate(self) -> float:
        return float(self.events.sum() / self.all.sum())

    def resampled(self, draws: Floats) -> Floats:
        """Returns (len(draws),) rates among the drawn subjects, NaN for no comparison."""
        with np.errstate(invalid="ignore"):
            return _drawn(self.events, draws) / _drawn(self.all, draws)

    def estimate(self, draws: Floats) -> Estimate:
        """Returns the rate and its interval. There has to be at least one comparison."""
        rates = self.resampled(draws)
        subjects = int(((self.all.sum(axis=0) + self.all.sum(axis=1)) > 0).sum())
        return _estimate(self.rate, rates[np.isfinite(rates)], subjects)


def counted(
    events: npt.NDArray[np.bool_], probe: Indices, reference: Indices, subjects: int
) -> Counted:
    """Counts in how many comparisons `events` is true, by the subjects of each."""
    table = np.zeros((2, subjects, subjects))
    np.add.at(table[0], (probe[events], reference[events]), 1)
    np.add.at(table[1], (probe, reference), 1)
    return Counted(*table)


def _drawn(table: Floats, draws: Floats) -> Floats:
    """Returns (len(draws),) numbers of comparisons, each weighted as the module describes."""
    own = table.diagonal()
    between = table - np.diag(own)
    return np.einsum("ds,ds->d", draws @ between, draws) + draws @ own


def draws(subjects: int, seed: int = 0) -> Floats:
    """Returns (RESAMPLES, subjects) numbers: how often each subject is drawn."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(subjects, np.full(subjects, 1 / subjects), RESAMPLES).astype(np.float64)


def _estimate(rate: float, resampled: Floats, subjects: int) -> Estimate:
    """Returns a rate with the interval that the module describes. `resampled` are the rates of the
    resamples, without somebody unseen."""
    unseen = np.random.default_rng(subjects).beta(1, subjects, len(resampled))
    seen = (1 - unseen) * resampled
    low, high = float(np.quantile(seen, 0.025)), float(np.quantile(seen + unseen, 0.975))
    rule_of_3 = min(3 / subjects, 1.0)
    if not resampled.any():
        high = rule_of_3
    if (resampled == 1).all():
        low = 1 - rule_of_3
    return Estimate(rate, Interval(min(low, rate), max(high, rate)))
