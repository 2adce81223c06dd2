"""A calibration tells how rare a score is."""

import math

import pytest

from palm.calibration import CALIBRATIONS, FUSED_2, LEVELLED_3, LINE_FIELD_1, Calibration

POINTS = ((1e-2, 0.1), (1e-4, 0.3), (1e-6, 0.7))


@pytest.mark.parametrize(("fmr", "score"), POINTS)
def test_a_calibration_point_has_the_measured_rarity(fmr: float, score: float):
    assert Calibration(POINTS).rarity(score) == pytest.approx(-math.log10(fmr))


@pytest.mark.parametrize(
    ("rarity", "score"),
    [(3, 0.2), (5, 0.5), (7, 0.9), (1, 0.0)],
    ids=["between", "between", "beyond the last", "before the first"],
)
def test_rarity_is_interpolated_between_points_and_extrapolated_beyond(rarity: float, score: float):
    assert Calibration(POINTS).rarity(score) == pytest.approx(rarity)
    assert Calibration(POINTS).score(rarity) == pytest.approx(score)


@pytest.mark.parametrize(
    "points",
    [(), ((1e-3, 0.3),), ((1e-3, 0.3), (1e-4, 0.3)), ((1e-4, 0.2), (1e-3, 0.3))],
    ids=["none", "one", "level", "falling"],
)
def test_points_that_are_no_calibration_are_refused(points: tuple[tuple[float, float], ...]):
    with pytest.raises(ValueError, match="calibration"):
        Calibration(points)


def test_a_rarity_that_nobody_has_seen_counts_as_extrapolated():
    calibration = Calibration(POINTS, observed=1e-4)
    assert not calibration.is_extrapolated(0.3)
    assert calibration.is_extrapolated(0.31)


@pytest.mark.parametrize(("version", "points"), [(1, LINE_FIELD_1), (2, FUSED_2), (3, LEVELLED_3)])
def test_each_template_version_has_its_calibration(
    version: int, points: tuple[tuple[float, float], ...]
):
    (fmr, score), *_, (_, beyond) = points
    calibration = CALIBRATIONS[version]
    assert calibration.rarity(score) == pytest.approx(-math.log10(fmr))
    assert not calibration.is_extrapolated(score)
    assert calibration.is_extrapolated(beyond)


def test_the_interval_of_a_score_is_interpolated_like_the_score():
    calibration = Calibration(POINTS, intervals=((0.1, 0.1), (0.2, 0.4), (0.3, 1.1)))
    assert calibration.interval(5) == pytest.approx((0.25, 0.75))
    assert Calibration(POINTS).interval(5) is None


def test_the_current_calibration_lies_within_its_intervals():
    for rarity in range(3, 9):
        low, high = CALIBRATIONS[3].interval(rarity) or (0, 0)
        assert low < CALIBRATIONS[3].score(rarity) < high
