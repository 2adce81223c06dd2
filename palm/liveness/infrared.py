"""Near infrared against colour: whether what a second camera saw at 850 nm is the palm that was
seen in colour, and is skin.

Skin is bright there in every complexion, and light goes so far beneath it that its finest lines
fade. Dye inks vanish and leave paper; carbon black stays; a screen shows nothing. None of it
depends on the ring, so this judgement stands beside that of `palm.liveness.judge`, with weights of
its own.

The second camera has its lamps and its exposure fixed, so that a white card at 300 mm is as bright
as WHITE_CARD: only so its pictures say how much a palm reflects.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np
import numpy.typing as npt

from palm.hand.landmarks import Hand
from palm.image import Colour
from palm.liveness import infrared_weights as weights
from palm.liveness.response import (
    CELLS,
    FOCAL,
    LINEAR,
    PALM,
    SIZE,
    Floats,
    cut_out,
    features,
    refined,
    to_image,
)

WHITE_CARD = 0.6
"""Linear level, 0 to 1, of a white card 300 mm before the near-infrared camera."""

_CARD_AT = 300.0
_FINE, _MIDDLE, _COARSE = 0.8, 1.8, 5.0
"""Fine lines of the palm lie between the first two, its creases between the last two; pixels of
deviation."""
_RIM = 6
_MEAN, _DEVIATION = np.array(weights.MEAN), np.array(weights.DEVIATION)
_WEIGHTS = np.array(list(weights.WEIGHTS.values()))


@dataclass(frozen=True, slots=True)
class Still:
    """One picture of a palm by either camera, not rescaled; the near-infrared one's three
    channels are alike. `hand` is in its pixels."""

    image: Colour
    hand: Hand


@dataclass(frozen=True, slots=True)
class InfraredCues:
    """Of one near-infrared picture and one in colour. Logarithms are natural."""

    bright: float
    """Log of the palm's reflectance at 850 nm, were it an adult's."""
    contrast: float
    """Log of the deviation of the palm's creases at 850 nm."""
    alike: float
    """Correlation of creases and fine lines at 850 nm with those in green, -1 to 1."""
    kept: float
    """How much of the creases' contrast in green is left at 850 nm."""
    faded: float
    """The same of fine lines over that of the creases: beneath skin light goes round them."""
    shape: float
    """Log of the deviation of shading over the palm, an even slope taken out."""
    gloss: float
    """Log of how much brighter than the median the palm's brightest places are."""

    def array(self) -> npt.NDArray[np.float64]:
        """(7,) in the order in which they stand here."""
        return np.array([getattr(self, each.name) for each in fields(self)])


@dataclass(frozen=True, slots=True)
class InfraredVerdict:
    live: bool
    score: float
    """Higher is more alive; 0 is the threshold."""
    cues: InfraredCues


def judge_infrared(colour: Still, infrared: Sequence[Still]) -> InfraredVerdict:
    """Judges one or more near-infrared pictures against one in even white light, all of the same
    moment."""
    found = infrared_cues(colour, infrared)
    standard = np.clip((found.array() - _MEAN) / _DEVIATION, -weights.REACH, weights.REACH)
    score = float((_WEIGHTS[:, 0] + _WEIGHTS[:, 1:] @ standard).min())
    return InfraredVerdict(live=score >= 0, score=score, cues=found)


def infrared_cues(colour: Still, infrared: Sequence[Still]) -> InfraredCues:
    """The mean over the near-infrared pictures."""
    each = [_cues(colour, one).array() for one in infrared]
    return InfraredCues(*np.mean(each, axis=0).tolist())


def _cues(colour: Still, infrared: Still) -> InfraredCues:
    seen = cut_out(colour.image, to_image(colour.hand))
    where = refined(
        to_image(infrared.hand),
        features(seen),
        features(cut_out(infrared.image, to_image(infrared.hand))),
    )
    level = LINEAR[cut_out(infrared.image, where)[..., 1]]
    away = FOCAL * PALM / infrared.hand.palm_length
    inside = np.s_[_RIM:-_RIM, _RIM:-_RIM]
    green, dark = LINEAR[seen[..., 1]], np.log(level + 0.003)
    fine, creases = (each[inside].ravel() for each in _bands(np.log(green + 0.003)))
    fine_there, creases_there = (each[inside].ravel() for each in _bands(dark))
    kept = _slope(creases_there, creases)
    cells = np.asarray(cv2.resize(dark, (CELLS, CELLS), interpolation=cv2.INTER_AREA), np.float64)
    middle = float(np.median(level))
    return InfraredCues(
        bright=_log(middle * (away / _CARD_AT) ** 2 / WHITE_CARD, 1e-2),
        contrast=_log(float(creases_there.std()), 1e-3),
        alike=float(np.corrcoef(fine + creases, fine_there + creases_there)[0, 1]),
        kept=float(np.clip(kept, -1, 3)),
        faded=float(np.clip(_slope(fine_there, fine) / max(abs(kept), 0.1), -1, 3)),
        shape=_log(float(_even(cells.ravel()).std()), 1e-2),
        gloss=_log(float(np.quantile(level, 0.98)) / max(middle, 1e-3), 1e-2),
    )


def _log(value: float, least: float) -> float:
    return float(np.log(max(value, least)))


def _bands(image: Floats) -> tuple[Floats, Floats]:
    """(SIZE, SIZE) each: fine lines, and creases."""
    fine, middle, coarse = (
        np.asarray(cv2.GaussianBlur(image, (0, 0), width), np.float32)
        for width in (_FINE, _MIDDLE, _COARSE)
    )
    return fine - middle, middle - coarse


def _slope(there: Floats, here: Floats) -> float:
    """Of the line through the middle that tells one from the other."""
    return float(there @ here / max(float(here @ here), 1e-6))


def _even(cells: Floats) -> Floats:
    """What an even slope over the palm does not explain of (CELLS * CELLS,)."""
    y, x = np.mgrid[:CELLS, :CELLS] / SIZE
    across = np.column_stack([x.ravel(), y.ravel(), np.ones(cells.size)])
    return cells - across @ np.linalg.lstsq(across, cells, rcond=None)[0]
