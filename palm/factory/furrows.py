"""Creases: curves pressed into a sheet of skin."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from palm.factory.anatomy import Field, array
from palm.factory.noise import clouds

_SUBPIXEL = 4
"""Binary places of a stroke's ends."""
_FADE = 8.0
"""The longest a crease takes to fade, mm."""


def bezier(points: npt.ArrayLike, count: int) -> Field:
    """(count, 2) along the curve of (n, 2) control points, by de Casteljau's construction."""
    t = np.linspace(0, 1, count, dtype=np.float32)[:, None]
    layer = np.repeat(array(points)[:, None], count, axis=1)
    while len(layer) > 1:
        layer = layer[:-1] * (1 - t) + layer[1:] * t
    return layer[0]


class Furrows:
    """Creases being pressed into one sheet of `scale` pixels a millimetre."""

    def __init__(self, rng: np.random.Generator, shape: tuple[int, int], scale: float) -> None:
        self._rng = rng
        self._scale = scale
        self._cores = np.zeros(shape, np.float32)
        self._valleys = np.zeros(shape, np.float32)

    def press(
        self,
        points: npt.ArrayLike,
        depth: float,
        width: float,
        *,
        wobble: float = 0.5,
        ends: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """A crease along a Bezier curve of (n, 2) control points in pixels.

        `depth` is 0 to 1, `width` and `wobble` are mm; it fades toward both ends, down to the
        share in `ends`.
        """
        control = array(points)
        length = float(np.hypot(*np.diff(control, axis=0).T).sum()) / self._scale
        curve = bezier(control, int(np.clip(length / 1.2, 6, 60)))
        along = np.linspace(0, 1, len(curve), dtype=np.float32)
        shake = np.cumsum(self._rng.standard_normal((len(curve), 2)), axis=0)
        shake -= along[:, None] * shake[-1]
        curve = curve + shake * (wobble * self._scale / len(curve) ** 0.5)
        reach = max(3.0, length / _FADE)
        fade = np.clip(array((along, 1 - along)) * reach, 0, 1) ** 0.7
        taper = np.minimum(*(end + (1 - end) * f for end, f in zip(ends, fade, strict=True)))
        uneven = np.clip(1 + 0.22 * clouds(self._rng, (1, len(curve)), 6, 2)[0], 0.5, 1.4)
        strengths = depth * taper * uneven
        thickness = width * self._scale * (0.25 + 0.75 * taper * uneven)
        fixed = np.round(curve * 2**_SUBPIXEL).astype(np.int32)
        for k in range(len(curve) - 1):
            strength = float(strengths[k] + strengths[k + 1]) / 2
            thick = max(round(float(thickness[k])), 1)
            self._stroke(self._cores, fixed[k : k + 2], strength, thick)
            if width > 0.3:
                self._stroke(self._valleys, fixed[k : k + 2], strength, round(thick * 2.5))

    @staticmethod
    def _stroke(sheet: Field, ends: npt.NDArray[np.int32], strength: float, thick: int) -> None:
        low = np.maximum((ends.min(0) >> _SUBPIXEL) - thick - 2, 0)
        high = np.maximum((ends.max(0) >> _SUBPIXEL) + thick + 4, 0)
        (left, top), (right, bottom) = low.tolist(), high.tolist()
        patch = sheet[top:bottom, left:right]
        if not patch.size:
            return
        ink = np.zeros(patch.shape, np.uint8)
        (x0, y0), (x1, y1) = (ends - (low << _SUBPIXEL)).tolist()
        cv2.line(ink, (x0, y0), (x1, y1), 255, thick, cv2.LINE_AA, _SUBPIXEL)
        np.maximum(patch, ink * (strength / 255), out=patch)

    def settle(self) -> tuple[Field, Field]:
        """The relief, mm, and the stain, 0 to about 1, of everything pressed."""
        core = cv2.GaussianBlur(self._cores, (0, 0), 0.17 * self._scale)
        valley = cv2.GaussianBlur(self._valleys, (0, 0), 0.9 * self._scale)
        return -0.30 * core - 0.55 * valley, 0.95 * core + 0.35 * valley


def scatter(
    rng: np.random.Generator,
    count: int,
    area: tuple[float, float, float, float],
    leans: Sequence[float],
    reach: float,
) -> list[Field]:
    """`count` short bowed curves, each (3, 2): somewhere within `area` (left, bottom, right, top),
    leaning one of `leans` (radians) or so, at most `reach` long."""
    left, bottom, right, top = area
    curves: list[Field] = []
    for _ in range(count):
        start = np.array((rng.uniform(left, right), rng.uniform(bottom, top)))
        lean = leans[int(rng.integers(len(leans)))] + rng.normal(0, 0.3)
        end = start + reach * rng.uniform(0.35, 1.0) * np.array((np.cos(lean), np.sin(lean)))
        bow = rng.normal(0, 0.1 * reach, 2)
        curves.append(np.array((start, (start + end) / 2 + bow, end)))
    return curves
