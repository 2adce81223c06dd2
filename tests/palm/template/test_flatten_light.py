import numpy as np
import pytest

from palm.hand.roi import SIZE
from palm.template.flatten_light import flatten_light
from tests.support.creases import palm


def test_plain_skin_becomes_zero():
    assert np.abs(flatten_light(np.full((SIZE, SIZE), 140, np.uint8))).max() == pytest.approx(
        0, abs=1e-4
    )


def test_the_same_palm_in_half_the_light_is_nearly_the_same():
    bright = palm(1)
    dim = (bright * 0.5).astype(np.uint8)
    assert np.corrcoef(flatten_light(bright).ravel(), flatten_light(dim).ravel())[0, 1] > 0.98


def test_light_from_one_side_is_removed():
    lit = (palm(1) * np.linspace(0.4, 1, SIZE)).astype(np.uint8)
    assert np.corrcoef(flatten_light(palm(1)).ravel(), flatten_light(lit).ravel())[0, 1] > 0.95


def test_a_burnt_out_palm_gives_finite_numbers():
    burnt = palm(1)
    burnt[:, 40:] = 255
    assert np.isfinite(flatten_light(burnt)).all()
