"""A drawn hand in front of a near-infrared camera: bright, grey, and seen from beside."""

from dataclasses import replace

import numpy as np
import pytest

from drawn.burst import FRAME
from drawn.identity import identity
from drawn.lit import BESIDE, GRID, LENS, Room, Specimen, in_infrared, living, seen_from_beside
from drawn.presentation import Presentation
from drawn.shopper import Shopper
from drawn.sprite import Sprite
from palm.hand.landmarks import Side
from palm.image import Colour

pytestmark = pytest.mark.slow

PALM = identity(4, Side.LEFT)
SHOWN = Presentation(span=0.45)


@pytest.fixture(scope="module")
def hand() -> Specimen:
    return living(PALM, SHOWN).palm_alone()


def seen(specimen: Specimen, shown: Presentation = SHOWN) -> Sprite:
    return in_infrared(specimen, PALM.side, shown, Room(), FRAME)


def middle(sprite: Sprite) -> float:
    """Returns the mean linear level at the palm's centre."""
    x, y = (int(at / 2) for at in sprite.centre)
    return float(np.mean((sprite.half[y - 10 : y + 10, x - 10 : x + 10, 1] / 255.0) ** 2.2))


def test_a_nearer_hand_is_brighter_in_near_infrared(hand: Specimen) -> None:
    near, far = (middle(seen(hand, replace(SHOWN, span=span))) for span in (0.5, 0.35))
    assert near / far == pytest.approx((0.5 / 0.35) ** 2, rel=0.15)


def test_veins_are_dark_in_near_infrared_only(hand: Specimen) -> None:
    without = replace(hand, infrared=np.full_like(hand.infrared, hand.infrared.max()))
    assert middle(seen(hand)) < middle(seen(without))


def test_the_second_camera_sees_a_nearer_hand_further_left(hand: Specimen) -> None:
    moved = [
        SHOWN.x - seen_from_beside(hand.joints, replace(SHOWN, span=span), LENS, FRAME).x
        for span in (0.3, 0.45)
    ]
    assert 0 < moved[0] < moved[1]
    assert moved[1] == pytest.approx(1.5 * moved[0])


def test_higher_parts_of_the_palm_show_more_parallax(hand: Specimen) -> None:
    """By parallax two cameras can tell a palm from a sheet."""
    stripe = np.where(np.abs(hand.at[:, 0]) < 2, 0.6, 0.05).astype(np.float32)
    striped = replace(hand, infrared=stripe, gloss=0.0)

    def found(height: float) -> float:
        """Returns the column of the stripe in mm."""
        level = replace(striped, at=striped.at * (1, 1, 0) + np.array((0, 0, height), np.float32))
        bright = seen(level).half[..., 1].mean(axis=0) ** 4
        return float(bright @ np.arange(len(bright)) / bright.sum()) / GRID

    away = LENS * 95.6 / SHOWN.span
    assert found(0) - found(10) == pytest.approx(10 * BESIDE / away, rel=0.25)


def test_a_shoppers_hand_shows_in_near_infrared_and_a_film_of_it_does_not() -> None:
    shopper = Shopper(4, Side.LEFT, lambda _: ((128, 128, 128),) * 8)
    shopper.wish = replace(shopper.wish, present=True)
    shopper.prepare()
    colour = np.zeros((720, 1280, 3), np.uint8)
    for n in range(60):
        shopper.draw(colour, n / 15)
    shown = drawn(shopper)
    shopper.wish = replace(shopper.wish, recording=True)
    assert np.ptp(shown, axis=2).max() == 0
    assert np.abs(shown.astype(int) - drawn(shopper)).max() > 40


def drawn(shopper: Shopper) -> Colour:
    out = np.zeros((720, 1280, 3), np.uint8)
    shopper.in_infrared().draw(out, 4.0)
    return out
