"""From scores to decisions."""

import math
from itertools import pairwise

import pytest

from cloud.matching import Match
from cloud.policy import FMR_AT_MOST, FPIR_ACCEPT, LINE_FIELD_1, Calibration, Policy
from protocol.messages import Outcome

POINTS = ((1e-2, 0.1), (1e-4, 0.3), (1e-6, 0.7))
POLICY = Policy({1: Calibration(POINTS)})


def near(*rarities: float) -> list[Match]:
    return [Match(f"person {n}", f"palm {n}", 1, each) for n, each in enumerate(rarities)]


@pytest.mark.parametrize(("fmr", "score"), POINTS)
def test_a_score_is_as_rare_as_was_measured(fmr: float, score: float):
    assert Calibration(POINTS).rarity(score) == pytest.approx(-math.log10(fmr))


@pytest.mark.parametrize(
    ("rarity", "score"),
    [(3, 0.2), (5, 0.5), (7, 0.9), (1, 0.0)],
    ids=["between", "between", "beyond the last", "before the first"],
)
def test_between_and_beyond_the_points_it_goes_on_in_a_line(rarity: float, score: float):
    assert Calibration(POINTS).rarity(score) == pytest.approx(rarity)


@pytest.mark.parametrize(
    "points",
    [(), ((1e-3, 0.3),), ((1e-3, 0.3), (1e-4, 0.3)), ((1e-4, 0.2), (1e-3, 0.3))],
    ids=["none", "one", "level", "falling"],
)
def test_what_is_no_calibration_is_refused(points: tuple[tuple[float, float], ...]):
    with pytest.raises(ValueError, match="calibration"):
        Calibration(points)


def test_the_calibration_that_is_shipped_is_one():
    (fmr, score), *_ = LINE_FIELD_1
    assert Calibration(LINE_FIELD_1).rarity(score) == pytest.approx(-math.log10(fmr))


def test_each_version_is_judged_by_its_own_calibration():
    policy = Policy({1: Calibration(POINTS), 2: Calibration(((1e-2, 10), (1e-6, 30)))})
    assert policy.rarity(1, 0.3) == pytest.approx(policy.rarity(2, 20))


def test_more_people_need_a_rarer_likeness():
    sizes = [10, 100, 1_000, 10_000, 1_000_000]
    for threshold in (POLICY.accept, POLICY.step_up):
        assert all(threshold(a) <= threshold(b) for a, b in pairwise(sizes))
    assert POLICY.accept(10_000) == pytest.approx(-math.log10(FPIR_ACCEPT / 10_000))


def test_few_people_do_not_make_it_lax():
    assert POLICY.accept(0) == POLICY.accept(1) == pytest.approx(-math.log10(FMR_AT_MOST))


@pytest.mark.parametrize("size", [1, 100, 100_000])
def test_who_is_asked_for_digits_is_less_certain_than_who_is_accepted(size: int):
    assert POLICY.step_up(size) < POLICY.accept(size)


def test_one_who_is_certain_is_accepted():
    assert POLICY.decide(near(9), 10) is Outcome.ACCEPTED
    assert POLICY.decide(near(9, 3), 10) is Outcome.ACCEPTED


def test_two_who_are_both_certain_are_asked_for_digits():
    assert POLICY.decide(near(9, 8), 10) is Outcome.STEP_UP


def test_one_who_is_near_is_asked_for_digits():
    assert POLICY.decide(near(POLICY.accept(10) - 0.001), 10) is Outcome.STEP_UP


def test_nobody_near_is_asked_again():
    assert POLICY.decide([], 10) is Outcome.ASK_AGAIN
