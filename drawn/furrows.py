"""Draws creases as curves that are pressed into a sheet of skin."""

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from drawn.anatomy import Field, array

_SUBPIXEL = 4
"""The binary places of stroke coordinates."""
_WIDE = 0.3
"""The width in mm from which on a crease also forms a valley."""
_PIECE = 4
"""The points of a curve that are drawn with equal strength."""
_FADE = 8.0
"""The longest distance over which a crease fades at its ends, in mm."""


@cache
def _even(count: int) -> Field:
    """Returns `count` numbers from 0 to 1 at even distances."""
    even = np.linspace(0, 1, count, dtype=np.float32)
    even.flags.writeable = False
    return even


def bezier(points: npt.ArrayLike, count: int) -> Field:
    """Returns (count, 2) points of the Bezier curve of (n, 2) control points (de Casteljau)."""
    t = _even(count)[:, None]
    layer = np.repeat(array(points)[:, None], count, axis=1)
    while len(layer) > 1:
        layer = layer[:-1] * (1 - t) + layer[1:] * t
    return layer[0]


class Furrows:
    """The creases of one sheet of `scale` pixels per mm."""

    def __init__(self, rng: np.random.Generator, shape: tuple[int, int], scale: float) -> None:
        self._rng = rng
        self._scale = scale
        self._cores = np.zeros(shape, np.uint8)
        self._valleys = np.zeros(shape, np.uint8)

    def press(
        self,
        points: npt.ArrayLike,
        depth: float,
        width: float,
        *,
        wobble: float = 0.5,
        ends: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Adds a crease along the Bezier curve of (n, 2) control points, in pixels.

        `depth` is 0 to 1, `width` and `wobble` are in mm. The crease fades toward its ends, down to
        the shares in `ends`.
        """
        control = array(points)
        length = float(np.hypot(*np.diff(control, axis=0).T).sum()) / self._scale
        curve = bezier(control, int(np.clip(length / 1.2, 6, 60)))
        along = _even(len(curve))
        shake = np.cumsum(self._rng.standard_normal((len(curve), 2), np.float32), axis=0)
        shake -= along[:, None] * shake[-1]
        curve = curve + shake * (wobble * self._scale / len(curve) ** 0.5)
        reach = max(3.0, length / _FADE)
        fade = np.clip(array((along, 1 - along)) * reach, 0, 1) ** 0.7
        taper = np.minimum(*(end + (1 - end) * f for end, f in zip(ends, fade, strict=True)))
        knots = np.linspace(0, 1, 2 + len(curve) // 6)
        uneven = np.clip(np.interp(along, knots, self._rng.normal(1, 0.25, len(knots))), 0.4, 1.5)
        strengths = np.clip(255 * depth * taper * uneven, 0, 255)
        thickness = width * self._scale * (0.25 + 0.75 * taper * uneven)
        fixed = np.round(curve * 2**_SUBPIXEL).astype(np.int32)
        self._stroke(self._cores, fixed, strengths, thickness)
        if width > _WIDE:
            self._stroke(self._valleys, fixed, strengths, 2.5 * thickness)

    @staticmethod
    def _stroke(
        sheet: npt.NDArray[np.uint8],
        curve: npt.NDArray[np.int32],
        strengths: Field,
        thickness: Field,
    ) -> None:
        pad = int(thickness.max()) + 3
        low = np.maximum((curve.min(0) >> _SUBPIXEL) - pad, 0)
        high = np.maximum((curve.max(0) >> _SUBPIXEL) + pad, 0)
        (left, top), (right, bottom) = low.tolist(), high.tolist()
        patch = sheet[top:bottom, left:right]
        if not patch.size:
            return
        ink = np.zeros(patch.shape, np.uint8)
        local = curve - (low << _SUBPIXEL).astype(np.int32)
        for k in range(0, len(curve) - 1, _PIECE):
            piece = local[k : k + _PIECE + 1]
            strength = float(strengths[k : k + _PIECE + 1].mean())
            thick = max(round(float(thickness[k : k + _PIECE + 1].mean())), 1)
            cv2.polylines(ink, [piece], False, strength, thick, cv2.LINE_AA, _SUBPIXEL)
        np.maximum(patch, ink, out=patch)

    def settle(self) -> tuple[Field, Field]:
        """Returns the relief in mm, and the stain, 0 to about 1, of all creases."""
        core, valley = (array(sheet) / 255 for sheet in (self._cores, self._valleys))
        core = array(cv2.GaussianBlur(core, (0, 0), 0.17 * self._scale))
        valley = array(cv2.GaussianBlur(valley, (0, 0), 0.9 * self._scale))
        return -0.30 * core - 0.55 * valley, 0.95 * core + 0.35 * valley


def scatter(
    rng: np.random.Generator,
    count: int,
    area: tuple[float, float, float, float],
    leans: Sequence[float],
    reach: float,
) -> list[Field]:
    """Returns `count` short bowed curves, (3, 2) each.

    They start within `area` (left, bottom, right, top), run near one of the directions `leans`
    (radians), and are at most about `reach` long.
    """
    left, bottom, right, top = area
    curves: list[Field] = []
    for _ in range(count):
        start = np.array((rng.uniform(left, right), rng.uniform(bottom, top)))
        lean = leans[int(rng.integers(len(leans)))] + rng.normal(0, 0.3)
        end = start + reach * rng.uniform(0.35, 1.0) * np.array((np.cos(lean), np.sin(lean)))
        bow = rng.normal(0, 0.1 * reach, 2)
        curves.append(np.array((start, (start + end) / 2 + bow, end)))
    return curves
