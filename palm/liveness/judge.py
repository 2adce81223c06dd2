"""Judges whether a burst shows a living palm under the light that was played."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from palm.liveness import weights
from palm.liveness.cues import Cues, cues
from palm.liveness.response import Lamps, LitFrame, Palm, register_burst

FRAMES_AT_LEAST = 6
"""The fewest frames under changing light that a judgement needs."""

SURE = 1.5
"""The score, of this judgement or of near infrared's, below which the pulse of a living palm is
asked for as well. Of 400 living bursts of the 50 drawn people to whom the weights were fitted (each
burst judged by weights fitted without that person), 2 % lie between 0 and this; of their 100
silicone casts, 4 % lie above it."""

EXPLAINED = -3.5
"""The highest `Cues.unexplained` of a living palm, whatever else it looks like. A recording under
another challenge may have all other cues of a living palm. Of 219 drawn living bursts it is -5.5 at
most in usual, -5.1 in unusual and -3.8 in extreme circumstances."""
_STEEP = 5.0
"""The score per unit of `Cues.unexplained` below EXPLAINED."""

_MEAN, _DEVIATION = np.array(weights.MEAN), np.array(weights.DEVIATION)
_WEIGHTS = np.array(list(weights.WEIGHTS.values()))


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of a burst, and the cues that it rests on."""

    live: bool
    score: float
    """Higher is more likely alive; 0 is the threshold."""
    cues: Cues
    palm: Palm
    """The burst, registered, of which signs can be made (`palm.liveness.signed`)."""


class Unjudgeable(ValueError):
    """The burst has too few frames, the light hardly changed, or all of the palm is burnt out or
    black, so that it cannot be judged."""


def judge(frames: Sequence[LitFrame], lamps: Lamps) -> Verdict:
    """Judges a burst taken under a ring of `lamps`.

    Frames in steady white light may be among them and improve the judgement. Raises Unjudgeable.
    """
    light = np.array([frame.light.mean(axis=0) for frame in frames])
    if len(frames) < FRAMES_AT_LEAST or light.std(axis=0).min() < 0.05:
        raise Unjudgeable("a burst needs six frames or more under light that changes")
    palm = register_burst(frames, lamps)
    if not palm.valid.any():
        raise Unjudgeable("a palm that is burnt out or black shows nothing")
    found = cues(palm)
    score = min(_score(found.array()), unexplained_score(found))
    return Verdict(live=score >= 0, score=score, cues=found, palm=palm)


def unexplained_score(found: Cues) -> float:
    """Returns the score against whatever does not answer the light, 0 or more for a living hand."""
    return _STEEP * (EXPLAINED - found.unexplained)


def _score(found: npt.NDArray[np.float64]) -> float:
    """Returns the lowest of the scores against each attack instrument (fitted by
    `lab.liveness`)."""
    standard = np.clip((found - _MEAN) / _DEVIATION, -weights.REACH, weights.REACH)
    against = _WEIGHTS[:, 0] + _WEIGHTS[:, 1:] @ standard
    return float(against.min())
