"""Measures how the hand in a frame is held, lit and moving.

All measurements are made on the landmarks and one small grey picture of the palm, so they cost
little compared with finding the hand.
"""

import cv2
import numpy as np
import numpy.typing as npt

from palm.hand.align import CENTRE, EXTENT
from palm.hand.crop import Crop, Points, unit
from palm.hand.landmarks import KNUCKLES, Hand, Landmark, straightness
from palm.hand.observation import Observation
from palm.image import Colour, Grey

PATCH = 96
"""The side of the picture of the palm on which light is measured, in pixels. Bands of sharpness are
in multiples of one of its pixels, so they are the same on every palm."""

PATCH_SHARE = 0.6
"""The side of that picture in palm lengths: it holds creases and no background."""

BURNT, BLACK = 250, 10
"""The grey levels from which on, and up to which, a pixel is clipped."""

BLOCK = 8
"""The side of a block of a JPEG in pixels."""
BLOCKS = (3.0, 7.0)
"""The strength of the edges between blocks (`_blocks`) up to which a picture shows the palm, and
from which on it shows blocks only."""

CAUTION = 1.25
"""The noise that is taken out of the ridge band over what is estimated: noise that an estimate
misses would pass for ridges in a blurred palm."""

FAINT = 0.25
"""The least variance of the crease band, in squares of grey levels: below it there is only the
rounding to whole levels."""

BLURRED, SHARP = 0.36, 0.72
"""The ratio of ridge band to crease band in a palm that is blurred beyond use, and in a sharp
one."""

PROPORTION = 0.64
"""The ratio of width to length of a palm that faces the camera, measured at the landmarks. For nine
people in ten it lies between 0.56 and 0.73."""

PEOPLE_DIFFER = 0.115
"""The difference of that ratio, as its logarithm, beyond which it is rarely a person's own."""

APART = 1 / 30
"""The least time in seconds that is taken to lie between two frames. Frames that were held up on
the way come together, and even a landmark that jitters would seem to race."""

_PALM = [Landmark.THUMB_CMC, *KNUCKLES]


def observe(image: Colour, hands: list[Hand], at: float, before: Observation | None) -> Observation:
    """Returns the measurements of the frame with the time stamp `at`, in seconds.

    `hands` are those found in this frame; `before` is the observation of the previous frame.
    """
    if len(hands) != 1:
        return Observation(at=at, hands=len(hands))
    hand = hands[0]
    height, width = image.shape[:2]
    size = np.array([width, height], np.float32)
    across, down = (hand.palm_centre / size * 2 - 1).clip(-1, 1)
    palm = np.vstack([hand.landmarks[_PALM], _heel(hand)])
    inside = (palm >= 0) & (palm < size)
    right, up = hand.landmarks[Landmark.MIDDLE_MCP] - hand.landmarks[Landmark.WRIST]
    patch = _patch(image, hand)
    return Observation(
        at=at,
        hands=1,
        hand=hand,
        span=hand.palm_length / min(width, height),
        offset=(float(across), float(down)),
        cut_off=not bool(inside.all()),
        tilt=_tilt(hand),
        turn=float(np.degrees(np.arctan2(right, -up))),
        openness=float(straightness(hand.world).mean()),
        sharpness=_sharpness(image, hand),
        brightness=float(patch.mean()) / 255,
        clipped=float(((patch >= BURNT) | (patch <= BLACK)).mean()),
        motion=_motion(hand, at, before),
    )


def _heel(hand: Hand) -> Points:
    """Returns the middle of the ROI's lower edge: (2,), in pixels. The wrist itself may lie outside
    the frame."""
    wrist, knuckle = hand.landmarks[[Landmark.WRIST, Landmark.MIDDLE_MCP]]
    return wrist + (knuckle - wrist) * (CENTRE.imag - EXTENT / 2)


def _patch(image: Colour, hand: Hand) -> Grey:
    """Returns the (PATCH, PATCH) middle of the palm, fingers up."""
    fingers = unit(hand.landmarks[Landmark.MIDDLE_MCP] - hand.landmarks[Landmark.WRIST])
    centre = (hand.palm_centre + fingers * hand.palm_length * 0.1).astype(np.float32)
    cut = Crop(centre, fingers, hand.palm_length * PATCH_SHARE).cut(image, PATCH)
    return np.asarray(cv2.cvtColor(cut, cv2.COLOR_BGR2GRAY), np.uint8)


def _tilt(hand: Hand) -> float:
    """Returns the angle by which the palm is tilted, in degrees, from the foreshortening of its
    proportions.

    A palm whose proportions are those of many people is taken to be flat: the angle counts as far
    as people rarely differ so much. The palm's plane as the landmark model sees it tells nothing
    more: it reads about 20 degrees for flat palms and follows a tilt late.
    """
    narrower = np.log(hand.palm_width / max(hand.palm_length, 1e-6) / PROPORTION + 1e-6)
    rare = 1 - np.exp(-((narrower / PEOPLE_DIFFER) ** 4))
    return float(np.degrees(np.arccos(np.exp(-abs(narrower)))) * rare)


def _sharpness(image: Colour, hand: Hand) -> float:
    """Returns the sharpness, from 0 (blurred beyond use) to 1: the ridge band relative to the
    crease band, less what are the edges of a JPEG's blocks.

    A palm's spectrum falls evenly, so the ratio of a band to the next coarser one depends on blur,
    but not on light or on the person. White noise is subtracted from both bands; its variance is
    estimated as in Immerkaer 1996, "Fast Noise Variance Estimation". Noise is white only in the
    frame's own pixels: a picture that was turned or enlarged has smeared it into the ridge band.
    """
    grey = _middle(image, hand)
    if min(grey.shape) < 2 * BLOCK:
        return 0.0
    blocks = _blocks(grey)
    shrink = max(int(hand.palm_length * PATCH_SHARE / PATCH), 1)
    if shrink > 1:
        size = grey.shape[1] // shrink, grey.shape[0] // shrink
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float32)
    pixel = hand.palm_length * PATCH_SHARE / PATCH / shrink
    noise = np.abs(cv2.filter2D(grey, -1, _NOISE)).mean() * np.sqrt(np.pi / 2) / 6
    fine, middle, coarse = (cv2.GaussianBlur(grey, (0, 0), each * pixel) for each in (1, 2, 4))
    ridges = float((fine - middle).var() - CAUTION * noise**2 * _white(pixel, 2 * pixel))
    creases = float((middle - coarse).var() - noise**2 * _white(2 * pixel, 4 * pixel))
    ratio = np.sqrt(max(ridges, 0.0) / max(creases, FAINT))
    least, most = np.log(BLOCKS)
    real = np.clip((most - np.log(blocks)) / (most - least), 0, 1)
    return float(np.clip((ratio - BLURRED) / (SHARP - BLURRED), 0, 1) * real)


def _middle(image: Colour, hand: Hand) -> npt.NDArray[np.float32]:
    """Returns the middle of the palm in the frame's own grey pixels. It begins on a multiple of
    BLOCK, and is empty outside the frame."""
    reach = hand.palm_length * PATCH_SHARE / 2
    edges = np.array(image.shape[1::-1])
    left, top = (hand.palm_centre - reach).clip(0, edges).astype(int) // BLOCK * BLOCK
    right, bottom = (hand.palm_centre + reach).clip(0, edges).astype(int)
    inside = image[top:bottom, left:right]
    if inside.size == 0:
        return np.zeros((0, 0), np.float32)
    return cv2.cvtColor(inside, cv2.COLOR_BGR2GRAY).astype(np.float32)


def _blocks(grey: npt.NDArray[np.float32]) -> float:
    """Returns how much stronger the edges between the 8 by 8 pixel blocks of a JPEG are than those
    within: 1 without compression, 1.1 at quality 95, 4 at 20, above 10 at 5.

    At low quality nothing but these edges is left in the ridge band, and they are sharp.
    """
    ratios: list[float] = []
    for steps in (np.abs(np.diff(grey, axis=1)).mean(0), np.abs(np.diff(grey, axis=0)).mean(1)):
        between = np.arange(len(steps)) % BLOCK == BLOCK - 1
        # A tenth of a grey level keeps a picture without any texture at 1.
        ratios.append(float((steps[between].mean() + 0.1) / (steps[~between].mean() + 0.1)))
    return float(np.mean(ratios))


_NOISE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def _white(fine: float, coarse: float) -> float:
    """Returns the share of white noise's variance that passes the difference of two Gaussians of
    these deviations."""
    return (fine**-2 + coarse**-2) / (4 * np.pi) - 1 / (np.pi * (fine**2 + coarse**2))


def _motion(hand: Hand, at: float, before: Observation | None) -> float:
    if before is None or before.hand is None or at <= before.at:
        return 0.0
    moved = float(np.hypot(*(hand.palm_centre - before.hand.palm_centre)))
    return moved / hand.palm_length / max(at - before.at, APART)
