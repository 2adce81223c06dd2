"""The policy makes rarities of scores, and decisions of rarities."""

import math
from itertools import pairwise

import pytest

from cloud.matching import Match
from cloud.policy import FMR_AT_MOST, FPIR_ACCEPT, Policy
from palm.calibration import Calibration
from protocol.messages import Outcome

POINTS = ((1e-2, 0.1), (1e-4, 0.3), (1e-6, 0.7))
POLICY = Policy({1: Calibration(POINTS)})


def matches(*rarities: float) -> list[Match]:
    return [Match(f"person {n}", f"palm {n}", 1, each) for n, each in enumerate(rarities)]


def test_each_version_is_judged_by_its_own_calibration():
    policy = Policy({1: Calibration(POINTS), 2: Calibration(((1e-2, 10), (1e-6, 30)))})
    assert policy.rarity(1, 0.3) == pytest.approx(policy.rarity(2, 20))


def test_a_larger_gallery_needs_a_rarer_match():
    sizes = [10, 100, 1_000, 10_000, 1_000_000]
    for threshold in (POLICY.accept, POLICY.step_up):
        assert all(threshold(a) <= threshold(b) for a, b in pairwise(sizes))
    assert POLICY.accept(10_000) == pytest.approx(-math.log10(FPIR_ACCEPT / 10_000))


def test_a_small_gallery_does_not_lower_the_threshold():
    assert POLICY.accept(0) == POLICY.accept(1) == pytest.approx(-math.log10(FMR_AT_MOST))


@pytest.mark.parametrize("size", [1, 100, 100_000])
def test_digits_are_asked_for_below_the_threshold_of_acceptance(size: int):
    assert POLICY.step_up(size) < POLICY.accept(size)


def test_one_certain_match_is_accepted():
    assert POLICY.decide(matches(9), 10) is Outcome.ACCEPTED
    assert POLICY.decide(matches(9, 3), 10) is Outcome.ACCEPTED


def test_two_certain_matches_are_asked_for_digits():
    assert POLICY.decide(matches(9, 8), 10) is Outcome.STEP_UP


def test_a_doubtful_match_is_asked_for_digits():
    assert POLICY.decide(matches(POLICY.accept(10) - 0.001), 10) is Outcome.STEP_UP


def test_without_a_match_the_palm_is_asked_for_again():
    assert POLICY.decide([], 10) is Outcome.ASK_AGAIN


def test_a_threshold_says_whether_anybody_has_seen_a_score_near():
    intervals = ((0.1, 0.1), (0.28, 0.32), (0.5, 0.9))
    policy = Policy({1: Calibration(POINTS, observed=1e-4, intervals=intervals)})
    seen, beyond = (policy.threshold(1, rarity) for rarity in (4, 6))
    assert seen.score == pytest.approx(0.3)
    assert seen.interval == pytest.approx((0.28, 0.32))
    assert not seen.extrapolated
    assert beyond.interval == pytest.approx((0.5, 0.9))
    assert beyond.extrapolated


def test_a_calibration_of_an_operators_own_has_no_interval():
    assert POLICY.threshold(1, 4).interval is None
