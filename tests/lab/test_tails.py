"""The tail of impostor scores: what is fitted, and how sure it is."""

import numpy as np
import pytest

from lab import tails
from lab.tails import Impostors


def drawn(shape: float, count: int = 200_000, people: int = 300) -> Impostors:
    """Draws scores whose tail is a generalised Pareto distribution."""
    rng = np.random.default_rng(1)
    scores = np.expm1(-shape * np.log(rng.random(count))) / shape
    return Impostors(scores, rng.integers(0, people, (count, 2)))


def truly(shape: float, rate: float) -> float:
    return float(np.expm1(-shape * np.log(rate)) / shape)


@pytest.mark.parametrize("shape", [-0.2, 1e-3, 0.2], ids=["ends", "exponential", "heavy"])
def test_an_observed_rate_is_fitted_as_it_was_observed(shape: float):
    assert tails.fit([drawn(shape)]).score(1e-4) == pytest.approx(truly(shape, 1e-4), rel=0.1)


def test_an_interval_covers_what_nobody_has_observed():
    low, high = tails.interval([drawn(1e-3)], 1e-6, seed=1)
    assert low < truly(1e-3, 1e-6) < high


def test_a_tail_that_seems_to_end_can_be_taken_for_exponential():
    ends, goes_on = (tails.fit([drawn(-0.2)], at_least) for at_least in (-np.inf, 0))
    assert goes_on.shape == 0
    assert goes_on.score(1e-8) > ends.score(1e-8)


def test_every_set_counts_the_same():
    low = drawn(1e-3)
    high = Impostors(low.scores[:2_000] + 20, low.people[:2_000])
    assert tails.fit([low, high]).score(1e-3) > 20


def test_cllr_is_one_for_scores_that_tell_nothing_and_less_for_good_ones():
    nothing = np.zeros(10)
    assert tails.cllr(nothing, nothing) == pytest.approx(1)
    assert tails.cllr(np.full(10, 9.0), np.full(10, -9.0)) < 0.001
