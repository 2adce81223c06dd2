"""What one frame says about the hand in it.

Everything is measured on one small grey picture of the palm and on the landmarks, so that a frame
costs little more than finding the hand in it.
"""

import cv2
import numpy as np

from palm.hand.crop import Crop, unit
from palm.hand.landmarks import KNUCKLES, Hand, Landmark, straightness
from palm.hand.observation import Observation
from palm.image import Colour, Grey

PATCH = 96
"""Pixels a side of the picture of the palm that light and sharpness are measured on."""

PATCH_SHARE = 0.6
"""Side of that picture over the palm's length: creases in it, no background."""

BURNT, BLACK = 250, 10
"""Grey levels from which and up to which a pixel says nothing."""

BLURRED, SHARP = 0.32, 0.72
"""Ridge band over crease band in a palm blurred beyond use, and in a sharp one."""

PROPORTION = 0.64
"""Width over length of a palm seen flat, at the landmarks; 0.56 to 0.73 in nine people of ten."""

_PALM = [Landmark.THUMB_CMC, *KNUCKLES]


def observe(image: Colour, hands: list[Hand], at: float, before: Observation | None) -> Observation:
    """Judges the frame stamped `at`, in seconds, given the hands in it and the frame before."""
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
    """(PATCH, PATCH) the middle of the palm, fingers up."""
    fingers = unit(hand.landmarks[Landmark.MIDDLE_MCP] - hand.landmarks[Landmark.WRIST])
    centre = (hand.palm_centre + fingers * hand.palm_length * 0.1).astype(np.float32)
    cut = Crop(centre, fingers, hand.palm_length * PATCH_SHARE).cut(image, PATCH)
    return np.asarray(cv2.cvtColor(cut, cv2.COLOR_BGR2GRAY), np.uint8)


def _tilt(hand: Hand) -> float:
    """Degrees the palm is turned away, by whichever sign of it is the stronger.

    Foreshortening shows in the palm's proportions, and people differ enough in them that a flat
    palm may read 25; the landmark model's own idea of the palm's plane comes late and reads 20 for
    a flat one.
    """
    proportion = hand.palm_width / hand.palm_length / PROPORTION
    foreshortened = np.arccos(min(proportion, 1 / proportion))
    index, little = hand.world[[Landmark.INDEX_MCP, Landmark.LITTLE_MCP]] - hand.world[0]
    normal = np.cross(index, little)
    leaning = np.arccos(np.clip(abs(normal[2]) / np.linalg.norm(normal), 0, 1))
    return float(np.degrees(max(foreshortened, leaning)))


def _sharpness(patch: Grey) -> float:
    """0 blurred beyond use to 1 sharp: what is left of the ridges' band, given the creases' band.

    A palm's spectrum falls evenly, so a band over the next coarser one does not depend on light
    or on whose palm it is, only on blur; white noise is taken out of both. Noise as in Immerkaer
    1996, "Fast Noise Variance Estimation".
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
    """Share of white noise's variance that passes the difference of two Gaussians."""
    return (fine**-2 + coarse**-2) / (4 * np.pi) - 1 / (np.pi * (fine**2 + coarse**2))


def _motion(hand: Hand, at: float, before: Observation | None) -> float:
    if before is None or before.hand is None or at <= before.at:
        return 0.0
    moved = float(np.hypot(*(hand.palm_centre - before.hand.palm_centre)))
    return moved / hand.palm_length / (at - before.at)
