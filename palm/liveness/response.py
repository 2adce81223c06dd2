"""Turns a burst under the ring into a map of how each place of the palm responds to the light.

On a matt surface the camera sees the room's light plus the surface's reflectance times the ring's
light that falls on it, which depends on the direction that the surface faces. This is photometric
stereo (Woodham, "Photometric method for determining surface orientation from multiple images",
1980) with near lamps at known places, in a room that is not dark.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from palm.hand.align import pixels_of, standard_pose
from palm.hand.landmarks import Hand
from palm.image import Colour

Floats: TypeAlias = npt.NDArray[np.floating[Any]]

Light: TypeAlias = npt.NDArray[np.floating[Any]]
"""(lamps, 3) red, green and blue of every lamp of the ring, from 0 (dark) to 1 (full), linear in
emitted light."""

Lamps: TypeAlias = npt.NDArray[np.floating[Any]]
"""(lamps, 3) positions of the lamps relative to the lens, in mm: right and down as the camera sees
it, and away from the camera."""

SIZE = 128
"""The side of the picture of the palm that is examined, in pixels."""
CELLS = 8
"""The number of cells per side over which the palm's shape is measured."""

FOCAL = 1015.0
"""The lens's focal length in pixels of the frame: a field of view of 64 degrees across 1280."""
PALM = 95.6
"""The distance from wrist to middle knuckle of an average adult, in mm."""
CROSSTALK = np.array(((0.91, 0.11, 0.0), (0.09, 0.85, 0.15), (0.0, 0.04, 0.85)))
"""The crosstalk between a diode's blue, green and red (rows) and the camera's blue, green and red
(columns), with the camera's white balance set to the ring's white."""

_REFERENCE_DISTANCE = 300.0
_GAMMA = 2.2
_BURNT = 250
LINEAR = ((np.arange(256) / 255.0) ** _GAMMA).astype(np.float32)
_LOG = np.log(LINEAR + 0.003)
_SIDE = SIZE // CELLS


@dataclass(frozen=True, slots=True)
class LitFrame:
    """One frame of a burst, and the light it was taken under.

    `image` is a camera frame or the region of it that holds the hand, not rescaled. Exposure and
    white balance are fixed throughout the burst. `hand` is in pixels of `image`. `light` is (lamps,
    3) red, green and blue of the ring's lamps, 0 to 1.
    """

    image: Colour
    hand: Hand
    light: Light


@dataclass(frozen=True, slots=True)
class Palm:
    """A burst of T frames, registered to one another."""

    seen: Floats
    """(T, SIZE, SIZE, 3) linear blue, green and red, 0 to 1."""
    valid: npt.NDArray[np.bool_]
    """(SIZE, SIZE) True where no frame is burnt out, and none is black although the ring was lit:
    without it a dark room is black."""
    drive: Floats
    """(T, CELLS * CELLS, 3, 3) by frame, cell, colour and direction. The light on a surface is the
    product of this and its normal (right, down, toward the ring); 1 is full light at 300 mm."""
    places: Floats
    """(CELLS * CELLS, 3) positions of the cells relative to the lens in mm: right, down, away."""
    axes: Floats
    """(2, 2) unit vectors, one per column: the directions of right and down of `seen` in the
    image."""


def register_burst(frames: Sequence[LitFrame], lamps: Lamps) -> Palm:
    """Registers the frames of a burst to its brightest frame."""
    maps = [to_image(frame.hand) for frame in frames]
    cut = [cut_out(frame.image, at) for frame, at in zip(frames, maps, strict=True)]
    # The brightest frame shows the most detail.
    chosen = int(np.argmax([image.mean() for image in cut]))
    reference = features(cut[chosen])
    for k, frame in enumerate(frames):
        if k != chosen:
            maps[k] = refine_map(maps[k], reference, features(cut[k]))
            cut[k] = cut_out(frame.image, maps[k])
    stack = np.array(cut)
    where = _cell_positions(frames[chosen].hand)
    light = np.array([frame.light for frame in frames], np.float64)
    lit = stack[light.any(axis=(1, 2))]
    black = (lit.min(axis=3) == 0).any(axis=0)
    return Palm(
        seen=LINEAR[stack],
        valid=(stack.max(axis=0).max(axis=2) < _BURNT) & ~black,
        drive=_illumination(light, lamps, where),
        places=where,
        axes=maps[chosen][:, :2] / np.linalg.norm(maps[chosen][:, :2], axis=0),
    )


def to_image(hand: Hand) -> Floats:
    """Returns the (2, 3) map from pixels of the palm's picture to pixels of the image."""
    to_frame, _ = standard_pose(hand)
    return to_frame @ pixels_of(SIZE)


def cut_out(image: Colour, to_image: Floats) -> Colour:
    """Returns the (SIZE, SIZE, 3) palm, with the map from its pixels to the image's."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(image, to_image, (SIZE, SIZE), flags=flags)
    return np.asarray(cut, np.uint8)


def features(image: Colour) -> Floats:
    """Returns the (SIZE, SIZE) features of a palm that look alike under any light: its lines."""
    grey = _LOG[np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)]
    fine = cv2.GaussianBlur(grey, (0, 0), 1.0) - cv2.GaussianBlur(grey, (0, 0), 6.0)
    level = np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), 12.0)) + 0.01
    return fine / level


def refine_map(to_image: Floats, reference: Floats, moving: Floats) -> Floats:
    """Returns the map that registers a frame to the reference (affine, three rounds of Lucas and
    Kanade 1981)."""
    x, y, within = _pixels()
    change = np.zeros((2, 3))
    slopes = np.empty((2, 3, SIZE * SIZE), np.float32)
    for _ in range(3):
        moved = (SIZE * change).astype(np.float32) @ within
        seen = cv2.remap(
            moving,
            x + moved[0].reshape(SIZE, SIZE),
            y + moved[1].reshape(SIZE, SIZE),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for along, by_place in zip(((1, 0), (0, 1)), slopes, strict=True):
            slope = cv2.Sobel(seen, cv2.CV_32F, *along, scale=SIZE / 8)
            np.multiply(within, slope.reshape(-1), out=by_place)
        error = (reference - seen).ravel()
        flat = slopes.reshape(6, -1)
        weighted = flat * (np.abs(error) < 2.5)
        step = np.linalg.solve(weighted @ flat.T + 1e-3 * SIZE**2 * np.eye(6), weighted @ error)
        change += step.reshape(2, 3)
    a, b = change[:, :2], change[:, 2]
    # Convert the fitted change to a map of pixels, relative to the centre.
    turn = np.eye(2) + a
    shift = SIZE * b - a @ np.full(2, SIZE / 2)
    return to_image @ np.vstack([np.column_stack([turn, shift]), (0, 0, 1)])


@cache
def _pixels() -> tuple[Floats, Floats, Floats]:
    """Returns (SIZE, SIZE) the pixels' places right and down, and (3, SIZE * SIZE) these in shares
    of the side from the middle, and ones."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    within = np.stack([x / SIZE - 0.5, y / SIZE - 0.5, np.ones_like(x)])
    return x, y, np.asarray(within.reshape(3, -1), np.float32)


def _cell_positions(hand: Hand) -> Floats:
    """Returns the (CELLS * CELLS, 3) positions of the cells, assuming a flat palm of an adult's
    size on the lens's axis. Deviations from that rotate all estimates alike and cancel out."""
    away = FOCAL * PALM / hand.palm_length
    middle = (np.arange(CELLS) + 0.5) * _SIDE
    columns, rows = np.meshgrid(middle, middle)
    flat = np.stack([columns.ravel(), rows.ravel(), np.ones(CELLS * CELLS)])
    image = to_image(hand) @ flat
    offset = (image - image.mean(axis=1, keepdims=True)) * (away / FOCAL)
    return np.column_stack([offset.T, np.full(CELLS * CELLS, away)])


def _illumination(light: Light, lamps: Lamps, where: Floats) -> Floats:
    """Returns `Palm.drive` for the (CELLS * CELLS, 3) positions of the cells."""
    to_lamp = lamps.astype(np.float32).astype(np.float64) - where[:, None]
    far = np.linalg.norm(to_lamp, axis=2, keepdims=True)
    to_lamp /= far
    falling = -to_lamp[..., 2:] * (_REFERENCE_DISTANCE / far) ** 2 / len(lamps)
    toward = to_lamp * falling * (1, 1, -1)
    diodes = light[..., ::-1] @ CROSSTALK
    return np.einsum("tkc,pkd->tpcd", diodes, toward)


def ring_share(seen: Floats, lit: Floats) -> tuple[Floats, Floats]:
    """Returns the (3,) mean reflectance, and the (T, 3) share of the ring in the light that is
    seen."""
    drive = centred(lit)
    reflectance = (drive * centred(seen)).sum(axis=0) / np.maximum((drive**2).sum(axis=0), 1e-9)
    reflectance = np.maximum(reflectance, 1e-4)
    return reflectance, np.clip(reflectance * lit / np.maximum(seen, 1e-3), 0, 1)


def centred(values: Floats) -> Floats:
    """Returns the values less their means over the first axis."""
    return values - values.mean(axis=0)
