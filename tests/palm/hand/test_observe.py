"""The measurements of a frame, on hands that are drawn with known values."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from drawn import Drawing, Presentation, draw, identity
from lab.sets import PALM_SETS
from palm.hand.find import HandFinder
from palm.hand.landmarks import Side
from palm.hand.observation import Observation
from palm.hand.observe import observe
from palm.image import Colour
from palm.models import ModelMissing
from tests.support.real_palms import needs_palm_sets

STILL = Presentation(noise=0.0)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finder() -> HandFinder:
    try:
        return HandFinder()
    except ModelMissing as missing:
        pytest.skip(str(missing))


def drawn(shown: Presentation) -> Drawing:
    """Draws a hand. The light turns with it, so that it is drawn once for all turns."""
    lit = replace(shown, light=shown.light + shown.turn)
    return draw(identity(3, Side.LEFT), lit, np.random.default_rng(1))


def seen(shown: Presentation, at: float = 0.0, before: Observation | None = None) -> Observation:
    drawing = drawn(shown)
    return observe(drawing.image, [drawing.hand], at, before)


def test_an_empty_frame_has_no_hand() -> None:
    assert observe(drawn(STILL).image, [], 3.0, None) == Observation(at=3.0, hands=0)


def test_two_hands_are_counted_and_neither_is_measured() -> None:
    drawing = drawn(STILL)
    both = observe(drawing.image, [drawing.hand, drawing.hand], 3.0, None)
    assert both == Observation(at=3.0, hands=2)


@pytest.mark.parametrize("span", [0.2, 0.4, 0.6])
def test_the_span_is_the_palms_length_over_the_frames_shorter_side(span: float) -> None:
    assert seen(replace(STILL, span=span)).span == pytest.approx(span, rel=0.1)


def test_the_offset_is_right_and_down_from_the_centre() -> None:
    right, down = seen(replace(STILL, x=0.75, y=0.5)).offset
    assert right == pytest.approx(0.5, abs=0.05)
    assert down == pytest.approx(0.0, abs=0.15)
    assert seen(replace(STILL, y=0.7)).offset[1] > down + 0.3


@pytest.mark.parametrize(
    ("place", "cut_off"),
    [
        ({}, False),
        ({"x": 0.03}, True),
        ({"x": 0.97}, True),
        ({"y": 0.05}, True),
        ({"y": 0.98}, True),
    ],
)
def test_a_palm_partly_outside_the_frame_is_cut_off(place: dict[str, float], cut_off: bool) -> None:
    assert seen(replace(STILL, **place)).cut_off is cut_off


@pytest.mark.parametrize("way", ["pitch", "yaw"])
@pytest.mark.parametrize("sign", [-1, 1])
def test_the_further_a_palm_leans_the_more_it_is_tilted(way: str, sign: int) -> None:
    flat, leaning, steep = (
        seen(replace(STILL, **{way: sign * degrees})).tilt for degrees in (0, 35, 55)
    )
    assert flat < 25 < leaning < steep < 80


@pytest.mark.parametrize("seed", [1, 8])
def test_a_flat_palm_is_not_tilted(seed: int) -> None:
    drawing = draw(identity(seed, Side.RIGHT), STILL, np.random.default_rng(1))
    assert observe(drawing.image, [drawing.hand], 0.0, None).tilt < 8


@pytest.mark.parametrize("turn", [-150, -90, -20, 0, 45, 120])
def test_the_turn_is_clockwise_from_fingers_up(turn: float) -> None:
    assert seen(replace(STILL, turn=turn)).turn == pytest.approx(turn, abs=8)


def test_a_flat_hand_is_open_and_a_fist_is_not() -> None:
    flat, half, fist = (seen(replace(STILL, curl=curl)).openness for curl in (0, 0.5, 1))
    assert flat > 0.95
    assert fist < 0.3
    assert fist < half < flat


@pytest.mark.parametrize(
    "shown",
    [
        STILL,
        replace(STILL, span=0.25),
        replace(STILL, brightness=0.4),
        replace(STILL, noise=8.0),
        replace(STILL, turn=90),
    ],
    ids=["as it is", "far", "dim", "noisy", "turned"],
)
def test_a_blurred_palm_is_less_sharp_the_more_it_is_blurred(shown: Presentation) -> None:
    sharp, soft, gone = (
        seen(replace(shown, blur=blur * shown.span)).sharpness for blur in (0, 8, 20)
    )
    assert sharp > 0.8
    assert sharp > soft > gone
    assert gone < 0.35


def spoilt(image: Colour, *, blur: float = 0, noise: float = 0, jpeg: int = 0) -> Colour:
    """Returns the picture after a lens, a sensor and a compression."""
    grain = np.random.default_rng(0).normal(0, noise, image.shape) if noise else 0
    soft = cv2.GaussianBlur(image, (0, 0), blur) if blur else image
    spoilt = np.clip(soft + grain, 0, 255).astype(np.uint8)
    if jpeg:
        written = cv2.imencode(".jpg", spoilt, [cv2.IMWRITE_JPEG_QUALITY, jpeg])[1]
        spoilt = np.asarray(cv2.imdecode(written, cv2.IMREAD_COLOR), np.uint8)
    return spoilt


@pytest.mark.parametrize("span", [0.18, 0.28, 0.42])
def test_neither_noise_nor_blocks_pass_for_a_sharp_palm(span: float) -> None:
    drawing = drawn(replace(STILL, span=span))

    def sharpness(**how: float) -> float:
        image = spoilt(drawing.image, **how)  # type: ignore[arg-type]
        return observe(image, [drawing.hand], 0.0, None).sharpness

    sharp, soft = sharpness(), sharpness(blur=12 * span)
    assert sharp > 0.7
    assert soft < sharp - 0.3
    for noise in (5, 10):
        assert sharpness(blur=12 * span, noise=noise) < soft + 0.15, "noise is no ridge"
    assert sharpness(jpeg=95) > sharp - 0.1
    assert sharpness(jpeg=5) < 0.15, "blocks are no ridges"
    assert sharpness(blur=12 * span, jpeg=5) < 0.15


@needs_palm_sets("hands-rgb", "hands-rgb-dark")
@pytest.mark.slow
def test_photographed_flat_hands_read_flat_and_sharp_until_they_are_spoilt(
    finder: HandFinder,
) -> None:
    tilts: list[float] = []
    for file in [*sorted(PALM_SETS.glob("hands-rgb/*/palmar-*.jpg"))[::25]]:
        image = np.asarray(cv2.imread(str(file), cv2.IMREAD_REDUCED_COLOR_2), np.uint8)
        (hand,) = finder.find(image)
        plain, soft, softer, blocks, noisy = (
            observe(spoilt(image, **how), [hand], 0.0, None)  # type: ignore[arg-type]
            for how in ({}, {"blur": 3}, {"blur": 6}, {"jpeg": 5}, {"blur": 6, "noise": 8})
        )
        assert plain.sharpness > soft.sharpness > softer.sharpness, file.name
        assert plain.sharpness > 0.6, file.name
        assert max(softer.sharpness, blocks.sharpness) < 0.4, file.name
        assert noisy.sharpness < softer.sharpness + 0.2, file.name
        tilts.append(plain.tilt)
    assert np.median(tilts) < 8
    assert max(tilts) < 35


def test_a_palm_that_moves_while_the_shutter_is_open_is_not_sharp() -> None:
    assert seen(replace(STILL, smear=(30.0, 0.0))).sharpness < seen(STILL).sharpness - 0.2


def test_brightness_and_clipping_follow_the_light() -> None:
    dim, lit, burnt = (seen(replace(STILL, brightness=light)) for light in (0.3, 1.0, 3.0))
    assert dim.brightness < lit.brightness < burnt.brightness <= 1
    assert lit.clipped < 0.05
    assert burnt.clipped > 0.5


def test_a_palm_in_the_dark_is_clipped_too() -> None:
    assert seen(replace(STILL, brightness=0.001)).clipped > 0.9


def test_motion_is_in_palm_lengths_a_second() -> None:
    before = seen(replace(STILL, x=0.5), at=1.0)
    palm_lengths = 0.05 * 1280 / (0.4 * 720)
    after = seen(replace(STILL, x=0.55), at=1.1, before=before)
    assert after.motion == pytest.approx(palm_lengths / 0.1, rel=0.1)


def test_a_landmark_that_jitters_does_not_race_when_frames_come_together() -> None:
    before = seen(replace(STILL, x=0.5), at=1.0)
    jitter = 0.005 * 0.4 * 720 / 1280
    assert seen(replace(STILL, x=0.5 + jitter), at=1.001, before=before).motion < 0.3


def test_motion_needs_an_earlier_frame_with_a_hand() -> None:
    empty = Observation(at=1.0, hands=0)
    same_moment = seen(replace(STILL, x=0.3), at=1.1)
    for before in (None, empty, same_moment):
        assert seen(STILL, at=1.1, before=before).motion == 0.0
