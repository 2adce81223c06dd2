"""Describes what aligned palms look like: their contrast, their spectrum and their lines.

The description is of pictures and sets of pictures; it does not tell one palm from another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from palm.hand.roi import SIZE
from palm.image import Grey
from palm.template.flatten_light import box, flatten_light
from palm.template.line_filter import line_filter

Floats = npt.NDArray[np.float64]

BANDS = np.array([2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64], np.float64)
"""The edges of the bands of the spectrum, half octaves, in waves across the ROI.

Below the first edge there is only light, which is flattened.
"""
DIRECTIONS = 12
"""The number of bins for directions of lines, 15 degrees each.

The first bin is about level; from there on the lines rise toward the right.
"""
PLACES = 3
"""The number of places per side for which directions are counted separately."""
STEP = 4
"""The distance in pixels between the points at which lines are looked for."""
CHANCE = 0.01
"""The share of points in white noise that count as lines."""
AROUND = box(13)
"""The neighbourhood over which light and contrast are taken to be even."""
NEAR = 4.0
"""The standard deviation in pixels of the neighbourhood in which contrast is measured."""


@dataclass(frozen=True, slots=True)
class Texture:
    """The description of one picture, or the mean or the deviation of several."""

    contrast: float
    """The median over the ROI of the local deviation of light, in grey levels."""
    strength: float
    """The mean strength of lines, in deviations of the flattened ROI."""
    covered: float
    """The share of the ROI with lines stronger than all but CHANCE of those in noise."""
    spectrum: Floats
    """(bands,) mean power of the flattened ROI in each band, in dB relative to white noise."""
    lines: Floats
    """(PLACES, PLACES, DIRECTIONS) shares of the strength of all lines."""

    @property
    def directions(self) -> Floats:
        """(DIRECTIONS,) shares of the strength of all lines."""
        return self.lines.sum(axis=(0, 1))

    @property
    def at_each_place(self) -> Floats:
        """(PLACES * PLACES, DIRECTIONS) shares of the strength of the lines at each place."""
        lines = self.lines.reshape(-1, DIRECTIONS)
        return lines / lines.sum(axis=1, keepdims=True)


def texture(palm: Grey) -> Texture:
    """Describes a (SIZE, SIZE) palm."""
    even = flatten_light(palm, AROUND, AROUND)
    strength, direction = _lines(even)
    row, column = np.indices(strength.shape) * PLACES // len(strength)
    bins = np.rint(direction / np.pi * DIRECTIONS).astype(np.intp) % DIRECTIONS
    lines = np.full((PLACES, PLACES, DIRECTIONS), 1e-9)
    np.add.at(lines, (row, column, bins), strength)
    return Texture(
        contrast=_contrast(palm),
        strength=float(strength.mean()),
        covered=float((strength > _noise()).mean()),
        spectrum=_spectrum(even),
        lines=lines / lines.sum(),
    )


def spread(textures: Sequence[Texture], hands: Sequence[str]) -> tuple[Texture, Texture]:
    """Returns the mean of pictures, and their deviation between hands.

    `hands` is the hand of each picture; there are at least two. Each hand has the same weight.
    """
    _, of = np.unique(hands, return_inverse=True)
    rows = np.array([_row(each) for each in textures])
    means = np.array([rows[of == hand].mean(axis=0) for hand in range(of.max() + 1)])
    return _texture(means.mean(axis=0)), _texture(means.std(axis=0, ddof=1))


def _row(each: Texture) -> Floats:
    numbers = (each.contrast, each.strength, each.covered)
    return np.concatenate([numbers, each.spectrum, each.lines.ravel()])


def _texture(row: Floats) -> Texture:
    contrast, strength, covered = row[:3].tolist()
    spectrum, lines = np.split(row[3:], [len(BANDS) - 1])
    return Texture(contrast, strength, covered, spectrum, lines.reshape(PLACES, PLACES, DIRECTIONS))


def _contrast(palm: Grey) -> float:
    light = palm.astype(np.float32)
    light -= cv2.GaussianBlur(light, (0, 0), NEAR, borderType=cv2.BORDER_REFLECT)
    power = cv2.GaussianBlur(light * light, (0, 0), NEAR, borderType=cv2.BORDER_REFLECT)
    return float(np.sqrt(np.median(power)))


def _spectrum(even: npt.NDArray[np.float32]) -> Floats:
    """Returns the spectrum under a Hann window, which hides the edges of the ROI."""
    window = np.outer(np.hanning(SIZE), np.hanning(SIZE))
    power = np.abs(np.fft.fft2(even * window)) ** 2 / (window**2).sum()
    of_band, count = _bands()
    mean = np.bincount(of_band.ravel(), power.ravel(), minlength=len(count)) / count
    return 10 * np.log10(mean[1:-1] + 1e-9)


@cache
def _bands() -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Returns the (SIZE, SIZE) bands of all frequencies, and the number of frequencies in each.

    Bands are counted from 1; band 0 and the last one hold the frequencies outside of BANDS.
    """
    waves = np.fft.fftfreq(SIZE) * SIZE
    band = np.digitize(np.hypot(waves[:, None], waves), BANDS)
    return band, np.bincount(band.ravel())


def _lines(even: npt.NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Returns the strength of a dark line at each point, and its direction from 0 to pi.

    The positive answers of the filters are added as vectors at twice their angles.
    """
    answers = [cv2.filter2D(even, cv2.CV_32F, each) for each in _filters()]
    points = np.array(answers, np.float64)[:, STEP // 2 :: STEP, STEP // 2 :: STEP]
    field = np.tensordot(np.exp(2j * _angles()), np.maximum(points, 0), axes=(0, 0))
    return np.abs(field) / DIRECTIONS, np.angle(field) / 2 % np.pi


def _angles() -> Floats:
    return np.arange(DIRECTIONS) * np.pi / DIRECTIONS


@cache
def _filters() -> list[npt.NDArray[np.float64]]:
    """Returns a filter for each direction."""
    # The direction of a line rises from level; that of a filter is its normal's and turns down.
    return [line_filter(np.pi / 2 - angle) for angle in _angles()]


@cache
def _noise() -> float:
    """Returns the strength of lines that all but CHANCE of the points in white noise are below."""
    noise = np.random.default_rng(0).normal(128, 20, (8, SIZE, SIZE))
    palms = np.clip(noise, 0, 255).astype(np.uint8)
    return float(
        np.quantile([_lines(flatten_light(palm, AROUND, AROUND))[0] for palm in palms], 1 - CHANCE)
    )
