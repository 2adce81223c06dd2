import numpy as np
import pytest

from palm.template.line_filter import REACH, across_and_along, line_filter

ANGLES = pytest.mark.parametrize("normal", np.radians([0, 30, 60, 90, 120, 150]))


@ANGLES
def test_plain_skin_has_no_answer(normal: float):
    assert line_filter(normal).sum() == pytest.approx(0, abs=1e-12)
    assert np.abs(line_filter(normal)).sum() == pytest.approx(1)


@ANGLES
def test_a_dark_line_answers_most_along_its_own_direction(normal: float):
    across, _ = across_and_along(REACH, normal)
    dark = -np.exp(-(across**2) / 2 / 2.0**2)
    own = (line_filter(normal) * dark).sum()
    crossing = (line_filter(normal + np.pi / 2) * dark).sum()
    assert own > 0
    assert own > 3 * abs(crossing)
