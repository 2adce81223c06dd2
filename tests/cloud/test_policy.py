"""From scores to decisions."""

from itertools import pairwise

import pytest

from cloud.gallery import Match
from cloud.policy import FMR_AT_MOST, FPIR_ACCEPT, LINE_FIELD_1, Calibration, Policy
from protocol.messages import Outcome

POINTS = ((1e-2, 0.1), (1e-4, 0.3), (1e-6, 0.7))
POLICY = Policy(Calibration(POINTS))


def near(*scores: float) -> list[Match]:
    return [Match(f"person {number}", score) for number, score in enumerate(scores)]


@pytest.mark.parametrize(("fmr", "score"), POINTS)
def test_a_threshold_is_the_score_measured_at_its_rate(fmr: float, score: float):
    assert Calibration(POINTS).threshold(fmr) == pytest.approx(score)


@pytest.mark.parametrize(
    ("fmr", "score"),
    [(1e-3, 0.2), (1e-5, 0.5), (1e-7, 0.9), (1e-1, 0.0)],
    ids=["between", "between", "beyond the last", "before the first"],
)
def test_between_and_beyond_the_points_it_goes_on_in_a_line(fmr: float, score: float):
    assert Calibration(POINTS).threshold(fmr) == pytest.approx(score)


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
    assert Calibration(LINE_FIELD_1).threshold(fmr) == pytest.approx(score)


def test_more_people_need_a_higher_score():
    sizes = [10, 100, 1_000, 10_000, 1_000_000]
    for threshold in (POLICY.accept, POLICY.step_up):
        assert all(threshold(a) <= threshold(b) for a, b in pairwise(sizes))
    assert POLICY.accept(10_000) == pytest.approx(
        POLICY.calibration.threshold(FPIR_ACCEPT / 10_000)
    )


def test_few_people_do_not_make_it_lax():
    assert POLICY.accept(0) == POLICY.accept(1) == POLICY.calibration.threshold(FMR_AT_MOST)


@pytest.mark.parametrize("size", [1, 100, 100_000])
def test_who_is_asked_for_digits_is_less_certain_than_who_is_accepted(size: int):
    assert POLICY.step_up(size) < POLICY.accept(size)


def test_one_who_is_certain_is_accepted():
    assert POLICY.decide(near(0.9), 10) is Outcome.ACCEPTED
    assert POLICY.decide(near(0.9, 0.3), 10) is Outcome.ACCEPTED


def test_two_who_are_both_certain_are_asked_for_digits():
    assert POLICY.decide(near(0.9, 0.8), 10) is Outcome.STEP_UP


def test_one_who_is_near_is_asked_for_digits():
    assert POLICY.decide(near(POLICY.accept(10) - 0.001), 10) is Outcome.STEP_UP


def test_nobody_near_is_asked_again():
    assert POLICY.decide([], 10) is Outcome.ASK_AGAIN
