"""A palm is followed from one frame of a burst to the next by its lines."""

import cv2
import numpy as np
import pytest

from palm.hand.align import align
from palm.hand.landmarks import Side
from palm.hand.roi import SIZE, Roi
from palm.image import Colour
from palm.liveness.same_palm import are_alike, followed, likeness, lines
from tests.support.posed import FRAME, hand


def skin(seed: int) -> Colour:
    """Returns a frame of random lines."""
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.normal(0, 1, FRAME), (0, 0), 6)
    grey = (128 + 40 * noise / noise.std()).clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)


def moved(image: Colour, right: float, down: float) -> Colour:
    by = np.array([[1, 0, right], [0, 1, down]], np.float64)
    return np.asarray(cv2.warpAffine(image, by, FRAME[::-1]), np.uint8)


@pytest.mark.parametrize("move", [(0.0, 0.0), (3.4, -2.0), (-30.0, 25.0)])
def test_a_hand_is_followed_to_where_its_lines_are(move: tuple[float, float]) -> None:
    frame, here = skin(1), hand(Side.LEFT)
    seen = lines(align(frame, here))
    later = moved(frame, *move)
    there, alike = followed(here, seen, later)
    assert np.allclose(there.landmarks - here.landmarks, move, atol=0.5)
    assert alike > 0.9
    assert likeness(seen, lines(align(later, there))) > 0.9


def test_what_shows_no_line_is_like_nothing() -> None:
    grey, palm = np.full((SIZE, SIZE), 128, np.uint8), align(skin(1), hand(Side.LEFT))
    blank = lines(Roi(grey, None, quality=1.0))
    for one, other in ((blank, lines(palm)), (lines(palm), blank), (blank, blank)):
        assert likeness(one, other) == 0
        assert not are_alike(one, other, 0.5)


def test_another_palm_in_its_place_is_seen_to_be_another() -> None:
    here = hand(Side.LEFT)
    _, alike = followed(here, lines(align(skin(1), here)), skin(2))
    assert alike < 0.5
