"""How each place of a palm answers to the ring: the burst, turned into a map of the palm.

What the camera sees of one place in one colour is, as far as the surface is dull, the room's light
plus the surface's reflectance times what falls on it, and that depends on where the surface faces:
photometric stereo (Woodham, "Photometric method for determining surface orientation from multiple
images", 1980) with near lamps of known places, and with a room that is not dark.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from palm.hand.align import pixels_of, standard_pose
from palm.hand.landmarks import Hand
from palm.image import Colour

Floats: TypeAlias = npt.NDArray[np.floating[Any]]

Light: TypeAlias = npt.NDArray[np.floating[Any]]
"""(lamps, 3) red, green and blue of every lamp of the ring, 0 dark to 1 full, linear in the light
given."""

Lamps: TypeAlias = npt.NDArray[np.floating[Any]]
"""(lamps, 3) mm from the lens to each lamp: right and down as the camera sees it, and away."""

SIZE = 128
"""Pixels a side of the palm that is looked at."""
CELLS = 8
"""Cells a side over which the palm's shape is taken."""

FOCAL = 1015.0
"""Of the lens, pixels of the frame: 64 degrees across 1280."""
PALM = 95.6
"""Wrist to middle knuckle of the average adult, mm."""
CROSSTALK = np.array(((0.91, 0.11, 0.0), (0.09, 0.85, 0.15), (0.0, 0.04, 0.85)))
"""How a diode's blue, green, red (rows) is seen by the camera's blue, green, red (columns), of a
camera balanced to the ring's white."""

_MEET = 300.0
_GAMMA = 2.2
_BURNT = 250
LINEAR = ((np.arange(256) / 255.0) ** _GAMMA).astype(np.float32)
_LOG = np.log(LINEAR + 0.003)
_SIDE = SIZE // CELLS


@dataclass(frozen=True, slots=True)
class LitFrame:
    """One frame of a burst, and the light it was taken under.

    `image` is a camera's frame or the region of it that holds the hand, not rescaled, taken at
    one exposure and white balance throughout the burst; `hand` is in its pixels. `light` is
    (lamps, 3) red, green, blue of the ring's lamps, 0 to 1.
    """

    image: Colour
    hand: Hand
    light: Light


@dataclass(frozen=True, slots=True)
class Palm:
    """A burst of T frames laid on one another."""

    seen: Floats
    """(T, SIZE, SIZE, 3) linear blue, green, red, 0 to 1."""
    valid: npt.NDArray[np.bool_]
    """(SIZE, SIZE) where no frame is burnt out."""
    drive: Floats
    """(T, CELLS * CELLS, 3, 3) by frame, cell and colour: what falls on a surface is this times
    its normal (right, down, toward the ring), 1 under full light at 300 mm."""
    places: Floats
    """(CELLS * CELLS, 3) mm from the lens: right, down, away."""
    axes: Floats
    """(2, 2) whose columns are where right and down of `seen` point in the image, unit vectors."""


def laid_together(frames: Sequence[LitFrame], lamps: Lamps) -> Palm:
    maps = [to_image(frame.hand) for frame in frames]
    cut = [cut_out(frame.image, at) for frame, at in zip(frames, maps, strict=True)]
    # The brightest frame shows most.
    chosen = int(np.argmax([image.mean() for image in cut]))
    reference = features(cut[chosen])
    for k, frame in enumerate(frames):
        if k != chosen:
            maps[k] = refined(maps[k], reference, features(cut[k]))
            cut[k] = cut_out(frame.image, maps[k])
    stack = np.array(cut)
    where = _places(frames[chosen].hand)
    light = np.array([frame.light for frame in frames], np.float64)
    return Palm(
        seen=LINEAR[stack],
        valid=(stack.max(axis=0).max(axis=2) < _BURNT) & (stack.min(axis=0).min(axis=2) > 0),
        drive=_drive(light, lamps, where),
        places=where,
        axes=maps[chosen][:, :2] / np.linalg.norm(maps[chosen][:, :2], axis=0),
    )


def to_image(hand: Hand) -> Floats:
    """(2, 3) from pixels of the palm that is looked at to the image's."""
    to_frame, _ = standard_pose(hand)
    return to_frame @ pixels_of(SIZE)


def cut_out(image: Colour, to_image: Floats) -> Colour:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(image, to_image, (SIZE, SIZE), flags=flags)
    return np.asarray(cut, np.uint8)


def features(image: Colour) -> Floats:
    """(SIZE, SIZE) what of a palm looks alike under any light: its lines."""
    grey = _LOG[np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)]
    fine = cv2.GaussianBlur(grey, (0, 0), 1.0) - cv2.GaussianBlur(grey, (0, 0), 6.0)
    level = np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), 12.0)) + 0.01
    return fine / level


def refined(to_image: Floats, reference: Floats, moving: Floats) -> Floats:
    """The map that lays a frame on the reference (Lucas & Kanade 1981, affine, three rounds)."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    u, v = x / SIZE - 0.5, y / SIZE - 0.5
    change = np.zeros((2, 3))
    for _ in range(3):
        at_x = x + SIZE * (change[0, 0] * u + change[0, 1] * v + change[0, 2])
        at_y = y + SIZE * (change[1, 0] * u + change[1, 1] * v + change[1, 2])
        seen = cv2.remap(
            moving,
            at_x.astype(np.float32),
            at_y.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        slope_x = cv2.Sobel(seen, cv2.CV_32F, 1, 0, scale=SIZE / 8)
        slope_y = cv2.Sobel(seen, cv2.CV_32F, 0, 1, scale=SIZE / 8)
        slopes = np.stack(
            [slope_x * u, slope_x * v, slope_x, slope_y * u, slope_y * v, slope_y]
        ).reshape(6, -1)
        error = (reference - seen).ravel()
        weight = (np.abs(error) < 2.5).astype(np.float32)
        weighted = slopes * weight
        step = np.linalg.solve(weighted @ slopes.T + 1e-3 * SIZE**2 * np.eye(6), weighted @ error)
        change += step.reshape(2, 3)
    a, b = change[:, :2], change[:, 2]
    # From pixels to pixels, about the middle.
    turn = np.eye(2) + a
    shift = SIZE * b - a @ np.full(2, SIZE / 2)
    return to_image @ np.vstack([np.column_stack([turn, shift]), (0, 0, 1)])


def _places(hand: Hand) -> Floats:
    """(CELLS * CELLS, 3) where the cells are before the lens, were the palm flat, on the lens's
    axis and an adult's: what is not so turns all that is found alike, and is left out."""
    away = FOCAL * PALM / hand.palm_length
    middle = (np.arange(CELLS) + 0.5) * _SIDE
    columns, rows = np.meshgrid(middle, middle)
    flat = np.stack([columns.ravel(), rows.ravel(), np.ones(CELLS * CELLS)])
    image = to_image(hand) @ flat
    offset = (image - image.mean(axis=1, keepdims=True)) * (away / FOCAL)
    return np.column_stack([offset.T, np.full(CELLS * CELLS, away)])


def _drive(light: Light, lamps: Lamps, where: Floats) -> Floats:
    to_lamp = lamps.astype(np.float32).astype(np.float64) - where[:, None]
    far = np.linalg.norm(to_lamp, axis=2, keepdims=True)
    to_lamp /= far
    falling = -to_lamp[..., 2:] * (_MEET / far) ** 2 / len(lamps)
    toward = to_lamp * falling * (1, 1, -1)
    diodes = light[..., ::-1] @ CROSSTALK
    return np.einsum("tkc,pkd->tpcd", diodes, toward)
