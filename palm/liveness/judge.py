"""Whether a burst shows a living palm under the light that was played."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from palm.liveness import weights
from palm.liveness.cues import Cues, cues
from palm.liveness.response import Lamps, LitFrame, laid_together

FRAMES_AT_LEAST = 6
"""Fewer frames than this under light that changes do not tell enough."""

SURE = 1.5
"""Score of this judgement or of near infrared's below which a living palm's pulse is asked for as
well. Of 400 living bursts of the 50 people who were drawn to fit the weights, each judged by
weights fitted without them, 2 % lie between nothing and this; of their 100 silicone casts 4 % lie
beyond."""

_MEAN, _DEVIATION = np.array(weights.MEAN), np.array(weights.DEVIATION)
_WEIGHTS = np.array(list(weights.WEIGHTS.values()))


@dataclass(frozen=True, slots=True)
class Verdict:
    live: bool
    score: float
    """Higher is more alive; 0 is the threshold."""
    cues: Cues


class Unjudgeable(ValueError):
    """Too few frames, or a light that hardly changed: nothing can be said of such a burst."""


def judge(frames: Sequence[LitFrame], lamps: Lamps) -> Verdict:
    """Judges a burst taken under a ring of `lamps`. Frames of steady white light may be among its
    frames, and help.

    Raises Unjudgeable.
    """
    light = np.array([frame.light.mean(axis=0) for frame in frames])
    if len(frames) < FRAMES_AT_LEAST or light.std(axis=0).min() < 0.05:
        raise Unjudgeable("a burst needs six frames or more under light that changes")
    found = cues(laid_together(frames, lamps))
    score = _score(found.array())
    return Verdict(live=score >= 0, score=score, cues=found)


def _score(found: npt.NDArray[np.float64]) -> float:
    """As alive as against the instrument that it resembles most, see `lab.liveness`."""
    standard = np.clip((found - _MEAN) / _DEVIATION, -weights.REACH, weights.REACH)
    against = _WEIGHTS[:, 0] + _WEIGHTS[:, 1:] @ standard
    return float(against.min())
