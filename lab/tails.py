"""Fits the upper tail of impostor scores, and tells how sure the fit is.

Rates that nobody has observed are extrapolated by a generalised Pareto distribution, to which the
excesses of any well-behaved distribution over a high threshold tend (Pickands, "Statistical
inference using extreme order statistics", 1975). It is fitted by probability-weighted moments
(Hosking and Wallis, "Parameter and quantile estimation for the generalized Pareto distribution",
Technometrics 1987). The comparisons of one person are not independent, so the uncertainty is that
of drawing other people.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

BEYOND = 1e-3
"""The share of impostor comparisons that the tail is fitted to."""
ROUNDS = 200
"""The number of times other people are drawn."""


@dataclass(frozen=True, slots=True)
class Impostors:
    """The comparisons of different palms of one set."""

    scores: Floats
    """(comparisons,)."""
    people: Indices
    """(comparisons, 2) who was compared with whom, from 0 on."""


@dataclass(frozen=True, slots=True)
class Tail:
    """A generalised Pareto distribution of the scores above a threshold."""

    threshold: float
    beyond: float
    """The share of comparisons above the threshold."""
    scale: float
    shape: float
    """Above zero the tail is heavier than exponential, below zero it ends somewhere."""

    def score(self, rate: float) -> float:
        """Returns the score that a share `rate` of the comparisons reaches; `rate` is at most
        `beyond`."""
        ratio = np.log(self.beyond / rate)
        if abs(self.shape) < 1e-6:
            return self.threshold + self.scale * float(ratio)
        return self.threshold + self.scale * float(np.expm1(self.shape * ratio)) / self.shape


def fit(sets: Sequence[Impostors], at_least: float = -np.inf) -> Tail:
    """Fits the tail of several sets, of which each counts the same.

    A shape below `at_least` is taken for `at_least`.
    """
    return _fit(
        [each.scores for each in sets], [np.ones(len(each.scores)) for each in sets], at_least
    )


def interval(
    sets: Sequence[Impostors], rate: float, seed: int, at_least: float = -np.inf
) -> tuple[float, float]:
    """Returns the 95 % confidence interval of the score at a rate: a bootstrap over people."""
    rng = np.random.default_rng(seed)
    # Only high scores can reach a tail, whoever is drawn.
    kept = [_highest(each, 50 * BEYOND) for each in sets]
    scores: list[float] = []
    for _ in range(ROUNDS):
        weights: list[Floats] = []
        for (high, share), whole in zip(kept, sets, strict=True):
            count = int(whole.people.max()) + 1
            drawn = np.bincount(rng.integers(0, count, count), minlength=count)
            weight = drawn[high.people].prod(axis=1).astype(np.float64)
            weights.append(weight / (len(high.scores) / share))
        tail = _fit([high.scores for high, _ in kept], weights, at_least, absolute=True)
        scores.append(tail.score(rate))
    low, high = np.quantile(scores, (0.025, 0.975)).tolist()
    return low, high


def _highest(impostors: Impostors, share: float) -> tuple[Impostors, float]:
    lowest = np.quantile(impostors.scores, 1 - share)
    high = impostors.scores > lowest
    return Impostors(impostors.scores[high], impostors.people[high]), float(high.mean())


def _fit(
    scores: Sequence[Floats],
    weights: Sequence[Floats],
    at_least: float,
    *,
    absolute: bool = False,
) -> Tail:
    """Fits the tail of weighted scores. With `absolute`, the weights of a set are shares of all of
    its comparisons; else they are scaled so that they add up to one."""
    mass = [each if absolute else each / each.sum() for each in weights]
    every, weight = np.concatenate(scores), np.concatenate(mass) / len(scores)
    order = np.argsort(every)[::-1]
    every, above = every[order], np.cumsum(weight[order])
    first = int(np.searchsorted(above, BEYOND)) + 1
    threshold = float(every[min(first, len(every) - 1)])
    excess, weight = every[:first] - threshold, weight[order][:first]
    beyond = float(weight.sum())
    weight = weight / beyond
    # The share of the excesses that are higher.
    higher = np.cumsum(weight) - weight / 2
    mean = float((weight * excess).sum())
    spread = float((weight * higher * excess).sum())
    shape = 2 - mean / (mean - 2 * spread)
    scale = 2 * mean * spread / (mean - 2 * spread)
    if shape < at_least:
        # The scale under which the mean excess stays what it is.
        shape, scale = at_least, mean * (1 - at_least)
    return Tail(threshold, beyond, scale, shape)


def cllr(genuine: Floats, impostor: Floats) -> float:
    """Returns the cost of log-likelihood ratios (Brümmer and du Preez, "Application-independent
    evaluation of speaker detection", 2006): 0 for perfect ones, 1 for those that tell nothing."""
    missed = np.logaddexp(0, -genuine).mean()
    false = np.logaddexp(0, impostor).mean()
    return float(missed + false) / 2 / float(np.log(2))
