from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from palm.hand.align import CENTRE, EXTENT, PALM, UNCLEAR_COSTS, NotAPalm, align
from palm.hand.landmarks import Hand, Landmark, Shown, Side
from palm.hand.roi import SIZE

LENGTH = 300.0
"""The distance from wrist to middle knuckle, in pixels."""
THUMB_BALL = 0.15 + 0.35j
"""A place on the ball of the thumb, in the coordinates of PALM."""


def plane_to_frame(turned: float, side: Side, where: tuple[float, float] = (500, 400)):
    """Returns the map from the palm's plane to a 1000 x 900 frame that shows it rotated
    clockwise."""

    def to_frame(place: complex) -> tuple[float, float]:
        z = (place - CENTRE) * LENGTH
        if side is Side.LEFT:
            z = complex(-z.real, z.imag)
        z *= np.exp(-1j * np.radians(turned))
        return where[0] + z.real, where[1] - z.imag

    return to_frame


def hand(turned: float = 0.0, side: Side = Side.RIGHT, where: tuple[float, float] = (500, 400)):
    landmarks = np.zeros((21, 2), np.float32)
    for landmark, (place, _) in PALM.items():
        landmarks[landmark] = plane_to_frame(turned, side, where)(place)
    return Hand(
        landmarks=landmarks,
        depth=np.zeros(21, np.float32),
        world=np.zeros((21, 3), np.float32),
        presence=1.0,
        side=side,
        shown=Shown.PALM,
    )


@cache
def skin(strength: float = 1.0) -> npt.NDArray[np.uint8]:
    """Returns a frame of random lines, coarse and fine."""
    grain = np.random.default_rng(3).standard_normal((900, 1000), np.float32)
    coarse, fine = (cv2.GaussianBlur(grain, (0, 0), sigma) for sigma in (6, 2))
    lines = 4 * coarse / coarse.std() + 4 * fine / fine.std()
    grey = (150 + strength * lines).astype(np.uint8)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)


def frame(turned: float = 0.0, side: Side = Side.RIGHT) -> npt.NDArray[np.uint8]:
    """Returns a grey palm with a dark spot on the ball of the thumb."""
    picture = skin().copy()
    x, y = plane_to_frame(turned, side)(THUMB_BALL)
    cv2.circle(picture, (round(x - 0.5), round(y - 0.5)), 12, (60, 60, 60), -1, cv2.LINE_AA)
    return picture


def spot(image: npt.NDArray[np.uint8]) -> tuple[float, float]:
    """Returns the centre of the dark pixels."""
    y, x = np.nonzero(image < 110)
    return float(x.mean()), float(y.mean())


EXPECTED = (
    SIZE / 2 + (THUMB_BALL - CENTRE).real / EXTENT * SIZE - 0.5,
    SIZE / 2 - (THUMB_BALL - CENTRE).imag / EXTENT * SIZE - 0.5,
)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("turned", [0, 35, 90, 180, -120])
def test_a_place_on_the_palm_is_at_the_same_place_of_the_roi(turned: float, side: Side):
    palm = align(frame(turned, side), hand(turned, side))
    assert spot(palm.image) == pytest.approx(EXPECTED, abs=0.5)
    assert palm.side is side


def test_the_thumb_lies_right_and_the_fingers_up():
    column, row = spot(align(frame(), hand()).image)
    assert column > SIZE / 2
    assert row > SIZE / 2


def test_a_jittering_landmark_moves_the_palm_by_a_fraction_of_that():
    jitter = 0.05 * LENGTH
    for landmark in PALM:
        shaken = hand()
        shaken.landmarks[landmark] += (jitter, 0)
        column, row = spot(align(frame(), shaken).image)
        moved = np.hypot(column - EXPECTED[0], row - EXPECTED[1]) * EXTENT * LENGTH / SIZE
        assert moved < jitter / 2


def test_bent_fingers_do_not_move_the_palm():
    fist = hand()
    for joint in Landmark:
        if joint not in PALM:
            fist.landmarks[joint] = (0, 0)
    assert spot(align(frame(), fist).image) == pytest.approx(EXPECTED, abs=0.5)


def test_grey_and_colour_give_the_same_roi():
    colour = frame()
    grey = np.asarray(cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY), np.uint8)
    np.testing.assert_array_equal(align(grey, hand()).image, align(colour, hand()).image)


def test_a_whole_and_well_lit_palm_has_full_quality():
    assert align(frame(), hand()).quality == 1


def test_quality_is_the_share_of_the_palm_in_the_frame():
    assert align(frame(), hand(where=(0, 400))).quality == pytest.approx(0.5, abs=0.02)


def test_burnt_out_and_black_skin_reduces_quality():
    burnt, black = frame(), frame()
    burnt[:, 500:], black[:400] = 255, 0
    assert align(burnt, hand()).quality == pytest.approx(0.5, abs=0.02)
    assert align(black, hand()).quality == pytest.approx(0.5, abs=0.02)


def test_the_roi_tells_which_part_of_the_palm_lay_in_the_frame():
    picture, shown = frame(), hand()
    assert align(picture, shown).visible is None
    # The frame ends at the middle of the palm.
    half = align(picture[:400], shown)
    assert half.visible is not None
    assert half.visible[: SIZE // 2 - 1].all()
    assert not half.visible[SIZE // 2 + 1 :].any()


@pytest.mark.parametrize("shown", [Shown.BACK, Shown.FIST])
def test_a_back_and_a_fist_have_no_palm_to_cut_out(shown: Shown):
    with pytest.raises(NotAPalm, match=f"a {shown} is not a palm"):
        align(frame(), replace(hand(), shown=shown))


def test_blur_and_low_contrast_show_in_the_quality() -> None:
    blurred = np.asarray(cv2.GaussianBlur(skin(), (0, 0), 5), np.uint8)
    clear, *unclear = (align(each, hand()).quality for each in (skin(), skin(0.1), blurred))
    assert clear == 1
    assert all(1 - UNCLEAR_COSTS <= quality < 0.95 for quality in unclear)
