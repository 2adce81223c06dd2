"""Whether a burst shows a living palm under the light that was played."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from palm.hand import Hand
from palm.image import Colour
from palm.liveness.ring import Light

FRAMES_AT_LEAST = 6
"""Fewer frames than this under light that changes do not tell enough."""

_GAMMA = 2.2
_ANSWER_AT_LEAST = 0.8


@dataclass(frozen=True, slots=True)
class LitFrame:
    """One frame of a burst, and the light it was taken under.

    `image` is a camera's frame or the region of it that holds the hand, not rescaled, taken at
    one exposure and white balance throughout the burst; `hand` is in its pixels. `light` is
    (8, 3) red, green, blue of the ring's segments, 0 to 1.
    """

    image: Colour
    hand: Hand
    light: Light


@dataclass(frozen=True, slots=True)
class Cues:
    """What a burst was judged by."""

    answer: float
    """Share of the change from frame to frame that the ring's light explains, at most 1."""


@dataclass(frozen=True, slots=True)
class Verdict:
    live: bool
    score: float
    """Higher is more alive; 0 is the threshold."""
    cues: Cues


class Unjudgeable(ValueError):
    """Too few frames, or a light that hardly changed: nothing can be said of such a burst."""


def judge(frames: Sequence[LitFrame]) -> Verdict:
    """Judges a burst. Frames of steady white light may be among its frames, and help.

    Raises Unjudgeable.
    """
    light = np.array([frame.light.mean(axis=0)[::-1] for frame in frames])
    if len(frames) < FRAMES_AT_LEAST or light.std(axis=0).min() < 0.05:
        raise Unjudgeable("a burst needs six frames or more under light that changes")
    seen = np.array([_mean_of_palm(frame) for frame in frames])
    change = seen - seen.mean(axis=0)
    drive = light - light.mean(axis=0)
    gain = (change * drive).sum(axis=0) / (drive * drive).sum(axis=0)
    left = change - np.maximum(gain, 0) * drive
    answer = 1 - float((left * left).sum() / max((change * change).sum(), 1e-9))
    score = answer - _ANSWER_AT_LEAST
    return Verdict(live=score >= 0, score=score, cues=Cues(answer=answer))


def _mean_of_palm(frame: LitFrame) -> npt.NDArray[np.float64]:
    """(3,) linear blue, green, red of the middle of the palm."""
    side = 0.3 * frame.hand.palm_length
    x, y = frame.hand.palm_centre
    patch = cv2.getRectSubPix(frame.image, (int(2 * side), int(2 * side)), (float(x), float(y)))
    return ((patch / 255.0) ** _GAMMA).mean(axis=(0, 1))
