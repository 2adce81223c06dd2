"""A calibration tells how rare a score is."""

import math

import pytest

from palm.calibration import LINE_FIELD_1, Calibration

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


def test_the_shipped_calibration_is_valid():
    (fmr, score), *_ = LINE_FIELD_1
    assert Calibration(LINE_FIELD_1).rarity(score) == pytest.approx(-math.log10(fmr))
