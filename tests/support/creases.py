"""Palms for tests: a light square crossed by dark creases, different for each seed."""

import cv2
import numpy as np
import numpy.typing as npt

from palm.hand.roi import SIZE

MARGIN = 24
"""The pixels around the ROI, so that a palm can be rotated and shifted without showing an edge."""


def palm(
    seed: int,
    *,
    turned: float = 0.0,
    scaled: float = 1.0,
    shifted: tuple[float, float] = (0.0, 0.0),
    bent: float = 0.0,
    noise: float = 0.0,
) -> npt.NDArray[np.uint8]:
    """Returns a (SIZE, SIZE) grey palm.

    `turned` is in degrees, `scaled` a factor, `shifted` in pixels. `bent` is the distance in pixels
    by which the middle is pushed. `noise` is a deviation in grey levels.
    """
    rng = np.random.default_rng(seed)
    wide = SIZE + 2 * MARGIN
    canvas = np.full((wide, wide), 170, np.uint8)
    for _ in range(40):
        start, end = rng.uniform(0, wide, (2, 2))
        middle = (start + end) / 2 + rng.normal(0, 15, 2)
        t = np.linspace(0, 1, 24)[:, None]
        curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end
        depth, width = int(rng.uniform(90, 150)), int(rng.integers(1, 4))
        cv2.polylines(canvas, [curve.astype(np.int32)], False, depth, width, cv2.LINE_AA)
    canvas = cv2.GaussianBlur(canvas, (0, 0), 1)

    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    swell = bent * np.exp(-(x**2 + y**2) / 2 / 30**2)
    cos, sin = np.cos(np.radians(turned)) / scaled, np.sin(np.radians(turned)) / scaled
    column = cos * x - sin * y + shifted[0] + swell + (wide - 1) / 2
    row = sin * x + cos * y + shifted[1] + (wide - 1) / 2
    seen = cv2.remap(
        canvas, column.astype(np.float32), row.astype(np.float32), cv2.INTER_LINEAR
    ).astype(np.float64)
    # The noise depends on the arguments, so that every view has its own and a repeated view the
    # same.
    grain = np.random.default_rng(
        [seed, int(1e3 * (90 + turned + bent + shifted[0])), int(1e3 * (90 + shifted[1]))]
    )
    seen += grain.normal(0, noise, seen.shape)
    return np.clip(seen, 0, 255).astype(np.uint8)
