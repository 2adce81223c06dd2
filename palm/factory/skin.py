"""The skin of one hand: what it is recognised by, laid out flat and independent of any pose.

The palm (or the hand's back) is a sheet over the bones, and every finger is unrolled into a
strip. Each holds how deep its furrows are, how dark a crease has become, and how much blood shows,
so that light and pose can be applied later. Principal lines and secondary creases are Bezier
curves, after Zhao et al., "BezierPalm" (ECCV 2022); friction ridges follow a smoothly turning
direction, after Cappelli, "SFinGe" (2009).
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from palm.factory.anatomy import FINGERS, Build, Field, array, skeleton
from palm.factory.furrows import Furrows, scatter
from palm.factory.noise import clouds

SCALE = 4.0
"""Pixels a millimetre, of every sheet and of the sprite."""
LEFT, TOP = -68.0, 76.0
"""Millimetres of the palm sheet's top-left corner."""
WIDTH, HEIGHT = 136.0, 160.0
"""Millimetres of the palm sheet."""
STRIP_LENGTH = 112.0
"""Millimetres from a finger's knuckle to the end of its strip."""
STRIP_TURN = 216
"""Pixels around a finger, the middle of its pad in the middle."""

_PALMAR = array([(172, 192, 232), (146, 172, 224), (118, 148, 204), (88, 110, 160)])
_DORSAL = array([(170, 192, 234), (122, 156, 210), (70, 96, 148), (40, 52, 82)])
_BLOOD = array((0.72, 0.85, 0.16))
_CREASE = array((0.85, 0.80, 0.33))
_MELANIN = array((1.5, 1.15, 0.75))
ROOT = 0.35
"""Where along its first phalanx a finger leaves the palm."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One piece of skin, all (h, w)."""

    relief: Field
    """mm, furrows negative."""
    stain: Field
    """How dark: 0 none, 1 the bottom of a deep crease."""
    blood: Field
    """How flushed: about -1 to 1."""
    nail: Field
    """How much of it is nail."""


class Press(Protocol):
    """Presses a crease into an average palm; see `Furrows.press`."""

    def __call__(
        self, points: Field, depth: float, width: float, ends: tuple[float, float] = (0.0, 0.0)
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Tone:
    """The colours of a person's skin, linear BGR, 0 to 1, each (3,)."""

    palmar: Field
    dorsal: Field
    crease: Field
    """What a stain of 1 absorbs."""
    blood: Field
    """What a flush of 1 absorbs."""


def tone(rng: np.random.Generator) -> Tone:
    """A person's complexion, from very light to very dark."""
    depth = rng.uniform(0.0, 1.0)
    steps = np.linspace(0, 1, len(_PALMAR))

    def mixed(shades: Field) -> Field:
        shade = array([np.interp(depth, steps, channel) for channel in shades.T])
        return array(np.clip(shade * rng.normal(1.0, 0.007, 3) / 255, 0.02, 0.98) ** 2.2)

    return Tone(
        palmar=mixed(_PALMAR),
        dorsal=mixed(_DORSAL),
        crease=_CREASE + _MELANIN * 0.6 * depth,
        blood=_BLOOD * (0.27 - 0.09 * depth),
    )


def joints_along(hand: Build, finger: int) -> Field:
    """Where a finger's joints lie along its strip, mm from its knuckle; the tip is last."""
    joints = skeleton(hand, 0.5, 0.0)[list(FINGERS[finger])]
    return array(np.cumsum([0, *np.linalg.norm(np.diff(joints, axis=0), axis=1)]))


def palm(rng: np.random.Generator, hand: Build) -> Sheet:
    """The palm, from the wrist to the roots of the fingers."""
    furrows = Furrows(rng, _SHAPE, SCALE)

    def press(
        points: npt.ArrayLike, depth: float, width: float, ends: tuple[float, float] = (0.0, 0.0)
    ) -> None:
        furrows.press(_on_palm(points, hand), depth, width, ends=ends)

    _principal_lines(rng, press)
    turn = np.pi / 2
    everywhere = tuple(np.linspace(0, np.pi, 8))
    for count, area, leans, reach, depth, width in (
        # Secondary creases run with or across the principal ones.
        (rng.integers(6, 15), (-30, -38, 36, 34), (0.2, 0.9, 1.6, 2.4), 32, 0.55, 0.35),
        (rng.integers(70, 130), (-42, -46, 42, 48), everywhere, 13, 0.30, 0.2),
        # The ball of the thumb is crossed along and across the thumb.
        (rng.integers(10, 26), (-42, -38, -14, 4), (2.2, 2.5), 14, 0.32, 0.2),
        (rng.integers(8, 26), (-42, -38, -14, 4), (0.6, 0.9), 11, 0.32, 0.2),
        # Under the fingers folds run toward them; along the outer edge, across it.
        (rng.integers(8, 22), (-30, 22, 34, 42), (turn,), 13, 0.42, 0.25),
        (rng.integers(4, 14), (26, -36, 42, 8), (2.9, 0.2), 13, 0.40, 0.25),
    ):
        for curve in scatter(rng, int(count), area, leans, reach):
            press(curve, depth * rng.uniform(0.35, 1.0), width)
    for level in (-52.0, -57.0, -66.0)[: rng.integers(2, 4)]:
        wrist = ((-27, level), (-8, level - 3), (8, level - 3), (27, level))
        press(wrist + rng.normal(0, 0.8, (4, 2)), rng.uniform(0.35, 0.6), 0.45)
    relief, stain = furrows.settle()
    fine = _wrinkles(rng, _SHAPE)
    relief = relief - 0.12 * fine + 0.008 * _ridges(rng, _SHAPE) + 0.018 * _grain(rng, _SHAPE)
    return Sheet(relief, stain + 0.28 * fine, _palm_blood(rng, hand), np.zeros(_SHAPE, np.float32))


def back(rng: np.random.Generator, hand: Build) -> Sheet:
    """The hand's back, as seen through the palm: x as on the palm."""
    furrows, veins, tendons = (Furrows(rng, _SHAPE, SCALE) for _ in range(3))
    for curve in scatter(rng, 260, (-42, -70, 42, 60), (0.0, 0.3, 2.8), 8):
        furrows.press(_on_palm(curve, hand), rng.uniform(0.05, 0.16), 0.25)
    knuckles = skeleton(hand, 0.5, 0.0)[[finger[0] for finger in FINGERS[1:]], :2] - (0, 5)
    for x, y in knuckles / (hand.breadth * hand.size, hand.size):
        tendons.press(_on_palm(((x, y), (x * 0.7, 0), (x * 0.35, -46)), hand), 0.8, 1.8)
    for x, y in ((-14.0, 26.0), (6.0, 26.0), (25.0, 18.0)):
        # A vein rises between two knuckles and joins the others toward the wrist.
        fork = (x * 0.6 + rng.normal(0, 5), rng.normal(-6, 5))
        veins.press(_on_palm(((x, y), (x + rng.normal(0, 6), 10), fork), hand), 0.9, 1.5)
        veins.press(
            _on_palm((fork, (rng.normal(0, 12), -30), (x * 0.4, -66)), hand), 0.9, 1.8, wobble=2.0
        )
    relief, stain = furrows.settle()
    vein = cv2.GaussianBlur(-veins.settle()[0], (0, 0), 0.7 * SCALE)
    tendon = cv2.GaussianBlur(-tendons.settle()[0], (0, 0), 1.2 * SCALE)
    rows, columns = np.ogrid[: _SHAPE[0], : _SHAPE[1]]
    knuckle = np.zeros(_SHAPE, np.float32)
    for x, y in knuckles:
        u, v = (x - LEFT) * SCALE, (TOP - y) * SCALE
        knuckle += np.exp(-((columns - u) ** 2 + (rows - v) ** 2) / (7 * SCALE) ** 2)
    relief = relief + 1.8 * tendon + 1.0 * vein + 2.2 * knuckle + 0.03 * _grain(rng, _SHAPE)
    blood = 0.22 * clouds(rng, _SHAPE, 30, 2) - 1.2 * vein + 0.7 * knuckle
    return Sheet(relief, stain + 0.25 * vein, blood, np.zeros(_SHAPE, np.float32))


def finger(rng: np.random.Generator, hand: Build, which: int) -> Sheet:
    """A finger's strip; `which` counts from the thumb."""
    shape = (round(STRIP_LENGTH * SCALE), STRIP_TURN)
    along = joints_along(hand, which)
    furrows = Furrows(rng, shape, SCALE)

    def fold(level: float, middle: float, half: float, depth: float, width: float) -> None:
        """Across the strip at `level` mm; `middle` and `half` are turns of the finger."""
        rise = rng.normal((0, 0.3, 0), (0.4, 0.5, 0.4))
        turns = (middle - half, middle, middle + half)
        points = [(t * STRIP_TURN, (level + r) * SCALE) for t, r in zip(turns, rise, strict=True)]
        furrows.press(points, depth, width, wobble=0.3)

    root = float(along[1]) * ROOT if which else 2.0
    fold(root, 0.5, 0.27, rng.uniform(0.45, 0.7), 0.5)
    fold(root + rng.uniform(1.5, 2.6), 0.5, 0.22, rng.uniform(0.2, 0.4), 0.35)
    for joint in along[1:-1]:
        fold(joint, 0.5, 0.26, rng.uniform(0.5, 0.75), 0.45)
        for _ in range(rng.integers(1, 4)):
            fold(joint + rng.normal(0, 1.5), 0.5, 0.2, rng.uniform(0.2, 0.45), 0.3)
    for _ in range(50):
        level = rng.uniform(0, along[-1])
        fold(level, rng.uniform(0.3, 0.7), rng.uniform(0.03, 0.1), rng.uniform(0.08, 0.2), 0.2)
    area = (0.28 * STRIP_TURN, root * SCALE, 0.72 * STRIP_TURN, float(along[-1]) * SCALE)
    for curve in scatter(rng, 30, area, (np.pi / 2,), 9 * SCALE):
        furrows.press(curve, rng.uniform(0.08, 0.22), 0.2)
    relief, stain = furrows.settle()
    behind, dark = _loose_skin(rng, shape, along[1:-1])
    relief, stain = relief + behind, stain + dark
    rows, columns = np.indices(shape, dtype=np.float32)
    level = rows / SCALE
    nail = _nail(columns, level, float(along[-1]))
    relief = relief + 0.008 * _ridges(rng, shape) + 0.014 * _grain(rng, shape)
    relief = relief * (1 - nail) + 0.3 * cv2.GaussianBlur(nail, (0, 0), 1.5)
    blood = 0.2 * clouds(rng, shape, 18, 2) + 0.5 * np.exp(-((level / (root + 2)) ** 6))
    blood += 1.0 * np.exp(-(((along[-1] - 2 - level) / 9) ** 2)) - 0.1
    pads = (root, *along[1:-1], along[-1] + 4)
    for start, end in pairwise(pads):
        blood += 0.3 * np.exp(-(((level - (start + end) / 2) / (end - start) * 2.6) ** 2))
    return Sheet(relief, stain * (1 - nail), blood, nail)


_SHAPE = (round(HEIGHT * SCALE), round(WIDTH * SCALE))


def _on_palm(points: npt.ArrayLike, hand: Build) -> Field:
    """Pixels of the palm sheet from millimetres on an average palm."""
    at = array(points) * (hand.breadth * hand.size, hand.size)
    return (at - (LEFT, TOP)) * (SCALE, -SCALE)


def _principal_lines(rng: np.random.Generator, press: Press) -> None:
    """Heart, head and life line, and often a line of fate."""
    depth = rng.uniform(0.75, 1.0)
    slope = rng.uniform(-24, 4)
    reach = (-1.0, -8.0, -14.0, -19.0)[rng.integers(4)]
    x, y = rng.normal((-40, 18), 2.2)
    heart = ((46, 14), (26, 9), (2, 13), (reach, rng.uniform(25, 41)))
    head = ((x, y), (-20, 20 + 0.1 * slope), (4, 8 + 0.4 * slope), (rng.uniform(18, 38), slope))
    life = (
        (x, y - rng.uniform(0, 4)),
        (rng.uniform(-16, -5), 16),
        (rng.uniform(-5, 7), -16),
        (rng.uniform(-15, -3), -48),
    )
    lines = [
        (np.array(heart), 3.0, 0.95, 0.5, (0.4, 0.0)),
        (np.array(head), 2.2, 0.85, 0.45, (0.9, 0.0)),
        (np.array(life), 2.2, 1.0, 0.55, (0.9, 0.2)),
    ]
    if rng.random() < 0.6:
        x, top = rng.normal(0, 4), rng.uniform(0, 28)
        fate = np.array(((x, -42), (x + 2, -15), (x + rng.normal(2, 5), top)))
        lines.append((fate, 1.5, rng.uniform(0.35, 0.7), 0.35, (0.0, 0.0)))
    for course, stray, weight, width, ends in lines:
        line = course + rng.normal(0, stray, course.shape)
        strength = depth * weight
        press(line, strength, width * rng.uniform(0.85, 1.25), ends=ends)
        # A line is a bundle: a fainter twin, forks, and fine folds that leave it at an angle.
        if rng.random() < 0.6:
            press(line + rng.normal(0, 1.4, 2), strength * rng.uniform(0.3, 0.6), 0.3)
        for _ in range(rng.integers(3, 12)):
            at, onward = _point_on(line, rng.uniform(0.05, 0.95))
            away = onward + rng.normal(0, 0.5)
            end = at + rng.uniform(3, 13) * np.array((np.cos(away), np.sin(away)))
            middle = (at + end) / 2 + rng.normal(0, 0.8, 2)
            press(np.array((at, middle, end)), rng.uniform(0.2, 0.6), 0.25, ends=(0.8, 0.0))


def _point_on(line: Field, t: float) -> tuple[Field, float]:
    """A point along a Bezier curve, and the direction in which the curve goes on from there."""
    layer = line
    before = after = line[0]
    while len(layer) > 1:
        before, after = layer[0], layer[-1]
        layer = layer[:-1] * (1 - t) + layer[1:] * t
    return layer[0], float(np.arctan2(*(after - before)[::-1]))


def _ridges(rng: np.random.Generator, shape: tuple[int, int], period: float = 0.9) -> Field:
    """Friction ridges: waves `period` mm apart along a smoothly turning direction."""
    rows, columns = np.indices(shape, dtype=np.float32)
    turn = rng.uniform(0, math.pi)
    phase = (rows * math.cos(turn) + columns * math.sin(turn)) / (period * SCALE)
    return np.sin((phase + 6 * clouds(rng, shape, 34 * SCALE, 3)) * math.tau)


def _wrinkles(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """Fine folds side by side, here in one direction and there in another, 0 to 1."""
    folds = np.zeros(shape, np.float32)
    for period in (1.5, 1.9, 2.4):
        where = np.clip(clouds(rng, shape, 14 * SCALE, 2), 0, 1.5)
        broken = np.clip(0.5 + 0.6 * clouds(rng, shape, 2.2 * SCALE), 0, 1)
        crest = np.clip(_ridges(rng, shape, period), 0, 1) ** 3
        folds = np.maximum(folds, where * broken * crest / 1.5)
    return folds


def _grain(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """The fine unevenness of all skin, deviation about 1."""
    return 0.6 * clouds(rng, shape, 3.0, 2) + 0.5 * clouds(rng, shape, 8.0, 2)


def _palm_blood(rng: np.random.Generator, hand: Build) -> Field:
    """The balls of thumb and little finger and under the fingers are flushed, the hollow pale."""
    coarse = 4
    rows, columns = np.indices((_SHAPE[0] // coarse, _SHAPE[1] // coarse), dtype=np.float32)
    blood = np.full(rows.shape, -0.25, np.float32)
    for x, y, wide, high, weight in (
        (-27, -12, 14, 18, 0.7),
        (31, -14, 11, 26, 0.75),
        (2, 44, 40, 8, 0.65),
        (2, -4, 14, 16, -0.2),
    ):
        u, v = _on_palm((x, y), hand) / coarse
        off = np.hypot((columns - u) / wide, (rows - v) / high) * (coarse / SCALE)
        blood += weight * np.exp(-(off**2))
    blood = cv2.resize(blood, _SHAPE[::-1], interpolation=cv2.INTER_LINEAR)
    return blood + 0.15 * clouds(rng, _SHAPE, 20, 2) + 0.07 * clouds(rng, _SHAPE, 70)


def _loose_skin(
    rng: np.random.Generator, shape: tuple[int, int], joints: Field
) -> tuple[Field, Field]:
    """Relief and stain of the folds over the backs of a finger's joints."""
    furrows = Furrows(rng, shape, SCALE)
    for joint in joints:
        for _ in range(12):
            level, middle = rng.normal((joint, 0.5), (2.6, 0.02))
            half, sag = rng.uniform(0.05, 0.17), rng.normal(0, 0.6)
            turns = np.array((middle - half, middle, middle + half)) * STRIP_TURN
            levels = (level + np.array((0.0, sag, 0.0))) * SCALE
            furrows.press(np.stack((turns, levels), axis=1), rng.uniform(0.1, 0.32), 0.35)
    # Drawn in the middle of the strip, they belong where its two edges meet.
    relief, stain = (np.roll(each, STRIP_TURN // 2, axis=1) for each in furrows.settle())
    return relief, 0.6 * stain


def _nail(columns: Field, level: Field, tip: float) -> Field:
    turn = np.abs((columns / STRIP_TURN + 0.5) % 1.0 - 0.5) / 0.155
    up = np.abs((level - (tip - 1.5)) / 6.4)
    inside = 1 - (turn**2.6 + up**2.6) ** (1 / 2.6)
    return np.clip(inside * 14 + 0.5, 0, 1)
