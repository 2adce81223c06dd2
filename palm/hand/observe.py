"""Measures how the hand in a frame is held, lit and moving.

All measurements are made on the landmarks and one small grey picture of the palm, so they cost
little compared with finding the hand.
"""

import cv2
import numpy as np

from palm.hand.crop import Crop, unit
from palm.hand.landmarks import KNUCKLES, Hand, Landmark, straightness
from palm.hand.observation import Observation
from palm.image import Colour, Grey

PATCH = 96
"""The side of the picture of the palm on which light and sharpness are measured, in pixels."""

PATCH_SHARE = 0.6
"""The side of that picture in palm lengths: it holds creases and no background."""

BURNT, BLACK = 250, 10
"""The grey levels from which on, and up to which, a pixel is clipped."""

BLURRED, SHARP = 0.32, 0.72
"""The ratio of ridge band to crease band in a palm that is blurred beyond use, and in a sharp
one."""

PROPORTION = 0.64
"""The ratio of width to length of a palm that faces the camera, measured at the landmarks. For nine
people in ten it lies between 0.56 and 0.73."""

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
    inside = (hand.landmarks[_PALM] >= 0) & (hand.landmarks[_PALM] < size)
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
        sharpness=_sharpness(patch),
        brightness=float(patch.mean()) / 255,
        clipped=float(((patch >= BURNT) | (patch <= BLACK)).mean()),
        motion=_motion(hand, at, before),
    )


def _patch(image: Colour, hand: Hand) -> Grey:
    """Returns the (PATCH, PATCH) middle of the palm, fingers up."""
    fingers = unit(hand.landmarks[Landmark.MIDDLE_MCP] - hand.landmarks[Landmark.WRIST])
    centre = (hand.palm_centre + fingers * hand.palm_length * 0.1).astype(np.float32)
    cut = Crop(centre, fingers, hand.palm_length * PATCH_SHARE).cut(image, PATCH)
    return np.asarray(cv2.cvtColor(cut, cv2.COLOR_BGR2GRAY), np.uint8)


def _tilt(hand: Hand) -> float:
    """Returns the angle by which the palm is tilted, in degrees: the larger of two estimates.

    One estimate is the foreshortening of the palm's proportions. People differ in them so much that
    it may read 25 for a flat palm. The other is the palm's plane as the landmark model sees it. It
    reacts late, and reads 20 for a flat palm.
    """
    proportion = hand.palm_width / hand.palm_length / PROPORTION
    foreshortened = np.arccos(min(proportion, 1 / proportion))
    index, little = hand.world[[Landmark.INDEX_MCP, Landmark.LITTLE_MCP]] - hand.world[0]
    normal = np.cross(index, little)
    leaning = np.arccos(np.clip(abs(normal[2]) / np.linalg.norm(normal), 0, 1))
    return float(np.degrees(max(foreshortened, leaning)))


def _sharpness(patch: Grey) -> float:
    """Returns the sharpness, from 0 (blurred beyond use) to 1: the ridge band relative to the
    crease band.

    A palm's spectrum falls evenly, so the ratio of a band to the next coarser one depends on blur,
    but not on light or on the person. White noise is subtracted from both bands; its variance is
    estimated as in Immerkaer 1996, "Fast Noise Variance Estimation".
    """
    grey = patch.astype(np.float32)
    noise = np.abs(cv2.filter2D(grey, -1, _NOISE)).mean() * np.sqrt(np.pi / 2) / 6
    fine, middle, coarse = (cv2.GaussianBlur(grey, (0, 0), sigma) for sigma in (1, 2, 4))
    ridges = float((fine - middle).var() - noise**2 * _white(1, 2))
    creases = float((middle - coarse).var() - noise**2 * _white(2, 4))
    ratio = np.sqrt(max(ridges, 0.0) / max(creases, 1e-3))
    return float(np.clip((ratio - BLURRED) / (SHARP - BLURRED), 0, 1))


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
