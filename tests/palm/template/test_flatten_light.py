import numpy as np
import pytest

from palm.hand.roi import SIZE
from palm.image import Grey
from palm.template.flatten_light import Blur, Floats, box, flatten_light, gaussian
from tests.support.creases import palm


@pytest.fixture(params=[box(13), gaussian(6.0)], ids=["box", "gaussian"])
def blur(request: pytest.FixtureRequest) -> Blur:
    return request.param


def flattened(palm: Grey, blur: Blur) -> Floats:
    return flatten_light(palm, blur, blur)


def test_plain_skin_becomes_zero(blur: Blur):
    assert np.abs(flattened(np.full((SIZE, SIZE), 140, np.uint8), blur)).max() == pytest.approx(
        0, abs=1e-4
    )


def test_the_same_palm_in_half_the_light_is_nearly_the_same(blur: Blur):
    bright = palm(1)
    dim = (bright * 0.5).astype(np.uint8)
    assert np.corrcoef(flattened(bright, blur).ravel(), flattened(dim, blur).ravel())[0, 1] > 0.98


def test_light_from_one_side_is_removed(blur: Blur):
    lit = (palm(1) * np.linspace(0.4, 1, SIZE)).astype(np.uint8)
    assert np.corrcoef(flattened(palm(1), blur).ravel(), flattened(lit, blur).ravel())[0, 1] > 0.95


def test_a_burnt_out_palm_gives_finite_numbers(blur: Blur):
    burnt = palm(1)
    burnt[:, 40:] = 255
    assert np.isfinite(flattened(burnt, blur)).all()
