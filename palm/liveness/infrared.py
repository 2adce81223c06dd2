"""Judges near-infrared pictures of a palm against a colour picture: do they show the same palm, and
is it skin?

At 850 nm skin is bright in every complexion, and light enters it so deeply that the finest lines
fade. Dye inks become invisible, so a print shows blank paper; carbon black stays black; a screen is
dark. None of this depends on the ring, so the judgement has weights of its own and stands beside
that of `palm.liveness.judge`.

The lamps and the exposure of the near-infrared camera are fixed, so that a white card at 300 mm has
the level WHITE_CARD. Only then do its pictures tell a palm's reflectance.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np
import numpy.typing as npt

from palm.hand.landmarks import Hand
from palm.hand.roi import Roi
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
    refine_map,
    to_image,
)

WHITE_CARD = 0.6
"""The linear level, 0 to 1, of a white card 300 mm in front of the near-infrared camera."""

_CARD_DISTANCE = 300.0
_FINE, _MIDDLE, _COARSE = 0.8, 1.8, 5.0
"""Gaussian deviations in pixels: fine lines lie between the first two, creases between the last
two."""
_EXTREMES = 0.02
"""The share of a band's places at either end whose values are limited."""
_RIM = 6
_CONTRAST = 25.0
"""The grey levels of one deviation in the picture of veins."""
_MEAN, _DEVIATION = np.array(weights.MEAN), np.array(weights.DEVIATION)
_WEIGHTS = np.array(list(weights.WEIGHTS.values()))


@dataclass(frozen=True, slots=True)
class Still:
    """A picture of a palm by either camera, not rescaled.

    The three channels of a near-infrared picture are equal. `hand` is in pixels of `image`.
    """

    image: Colour
    hand: Hand


@dataclass(frozen=True, slots=True)
class InfraredCues:
    """The cues of near-infrared pictures and one colour picture. Logarithms are natural."""

    bright: float
    """The log of the palm's reflectance at 850 nm, if the hand has an adult's size."""
    contrast: float
    """The log of the deviation of the palm's creases at 850 nm."""
    alike: float
    """The correlation of lines at 850 nm with those in colour, -1 to 1. Lines count the same in
    every part of the palm, so that a mirrored lamp outweighs nothing."""
    kept: float
    """The share of the creases' contrast in green that remains at 850 nm."""
    faded: float
    """The share that remains of fine lines, over that of the creases. Light beneath the skin blurs
    fine lines."""
    shape: float
    """The log of the deviation of shading over the palm, after a linear slope is removed."""
    gloss: float
    """The log of the level of the palm's brightest places over its median."""

    def array(self) -> npt.NDArray[np.float64]:
        """Returns the (7,) cues in the order of the fields."""
        return np.array([getattr(self, each.name) for each in fields(self)])


@dataclass(frozen=True, slots=True)
class InfraredVerdict:
    """The judgement of near-infrared pictures, and the cues that it rests on."""

    live: bool
    score: float
    """Higher is more likely alive; 0 is the threshold."""
    cues: InfraredCues
    """The mean over the near-infrared pictures."""
    alike: float
    """The least `InfraredCues.alike` of any of them, so that none can show another palm."""


def judge_infrared(colour: Still, infrared: Sequence[Still]) -> InfraredVerdict:
    """Judges one or more near-infrared pictures against one in even white light, all taken at the
    same moment."""
    each = [_cues(colour, one) for one in infrared]
    found = _mean(each)
    standard = np.clip((found.array() - _MEAN) / _DEVIATION, -weights.REACH, weights.REACH)
    score = float((_WEIGHTS[:, 0] + _WEIGHTS[:, 1:] @ standard).min())
    alike = float(np.min([cues.alike for cues in each]))
    return InfraredVerdict(live=score >= 0, score=score, cues=found, alike=alike)


def infrared_cues(colour: Still, infrared: Sequence[Still]) -> InfraredCues:
    """Returns the mean cues over the near-infrared pictures."""
    return _mean([_cues(colour, one) for one in infrared])


def _mean(each: Sequence[InfraredCues]) -> InfraredCues:
    return InfraredCues(*np.mean([cues.array() for cues in each], axis=0).tolist())


def veins(seen: Colour, infrared: Sequence[Still]) -> Roi:
    """Returns the picture of what near infrared shows of a palm and green light does not, where it
    lies in `seen` (SIZE, SIZE, 3): lines at 850 nm less those that are explained by lines in green,
    as the mean of all near-infrared pictures."""
    here = _bands(np.log(LINEAR[seen[..., 1]] + 0.003))
    each = [_bands(np.log(LINEAR[_laid_over(seen, one)[..., 1]] + 0.003)) for one in infrared]
    there = np.mean([fine + creases for fine, creases in each], axis=0)
    inside = np.s_[_RIM:-_RIM, _RIM:-_RIM]
    explaining = np.stack([each[inside].ravel() for each in here], axis=1)
    share = np.linalg.lstsq(explaining, there[inside].ravel(), rcond=None)[0]
    left = there - share[0] * here[0] - share[1] * here[1]
    left /= max(float(left[inside].std()), 1e-6)
    return Roi(np.asarray(np.clip(128 + _CONTRAST * left, 1, 254), np.uint8), None, quality=1.0)


def _laid_over(seen: Colour, infrared: Still) -> Colour:
    """Returns the (SIZE, SIZE, 3) palm of a near-infrared picture, where it lies in `seen`."""
    reference, where = features(seen), to_image(infrared.hand)
    # Both hands were found by themselves: once is not near enough.
    for _ in range(2):
        where = refine_map(where, reference, features(cut_out(infrared.image, where)))
    return cut_out(infrared.image, where)


def _cues(colour: Still, infrared: Still) -> InfraredCues:
    seen = cut_out(colour.image, to_image(colour.hand))
    there = _laid_over(seen, infrared)
    level = LINEAR[there[..., 1]]
    away = FOCAL * PALM / infrared.hand.palm_length
    inside = np.s_[_RIM:-_RIM, _RIM:-_RIM]
    green, dark = LINEAR[seen[..., 1]], np.log(level + 0.003)
    fine, creases = (_without_extremes(each[inside]) for each in _bands(np.log(green + 0.003)))
    fine_there, creases_there = (_without_extremes(each[inside]) for each in _bands(dark))
    lines, lines_there = (features(each)[inside].ravel() for each in (seen, there))
    kept = _regression(creases_there, creases)
    cells = np.asarray(cv2.resize(dark, (CELLS, CELLS), interpolation=cv2.INTER_AREA), np.float64)
    middle = float(np.median(level))
    return InfraredCues(
        bright=_log(middle * (away / _CARD_DISTANCE) ** 2 / WHITE_CARD, 1e-2),
        contrast=_log(float(creases_there.std()), 1e-3),
        alike=float(np.corrcoef(lines, lines_there)[0, 1]),
        kept=float(np.clip(kept, -1, 3)),
        faded=float(np.clip(_regression(fine_there, fine) / max(abs(kept), 0.1), -1, 3)),
        shape=_log(float(_without_slope(cells.ravel()).std()), 1e-2),
        gloss=_log(float(np.quantile(level, 0.98)) / max(middle, 1e-3), 1e-2),
    )


def _log(value: float, least: float) -> float:
    return float(np.log(max(value, least)))


def _bands(image: Floats) -> tuple[Floats, Floats]:
    """Returns the bands of fine lines and of creases, (SIZE, SIZE) each."""
    fine, middle, coarse = (
        np.asarray(cv2.GaussianBlur(image, (0, 0), width), np.float32)
        for width in (_FINE, _MIDDLE, _COARSE)
    )
    return fine - middle, middle - coarse


def _without_extremes(band: Floats) -> Floats:
    """Returns the values of a band, the highest and lowest limited: those are mirrored lamps, drops
    and dirt, and not lines."""
    return np.clip(band.ravel(), *np.quantile(band, (_EXTREMES, 1 - _EXTREMES)))


def _regression(there: Floats, here: Floats) -> float:
    """Returns the slope of the line through the origin that predicts `there` from `here` best."""
    return float(there @ here / max(float(here @ here), 1e-6))


def _without_slope(cells: Floats) -> Floats:
    """Returns the (CELLS * CELLS,) residual after a linear slope over the palm is removed."""
    y, x = np.mgrid[:CELLS, :CELLS] / SIZE
    across = np.column_stack([x.ravel(), y.ravel(), np.ones(cells.size)])
    return cells - across @ np.linalg.lstsq(across, cells, rcond=None)[0]
