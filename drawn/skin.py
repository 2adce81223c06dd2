"""Generates the skin of one hand, laid out flat and independent of any pose.

The palm (or the back of the hand) is a sheet over the bones, and every finger is unrolled into a
strip. Each stores the depth of furrows, the darkness of creases and the blood, so that light and
pose can be applied later. Principal lines and secondary creases are Bezier curves, after Zhao et
al., "BezierPalm" (ECCV 2022). Friction ridges follow a smoothly varying direction, after Cappelli,
"SFinGe" (2009).
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from drawn.anatomy import FINGERS, Build, Field, array, skeleton
from drawn.furrows import Furrows, scatter
from drawn.noise import clouds

SCALE = 4.0
"""The resolution of every sheet and of the sprite in pixels per mm."""
LEFT, TOP = -68.0, 76.0
"""The coordinates of the palm sheet's top-left corner in mm."""
WIDTH, HEIGHT = 136.0, 160.0
"""The size of the palm sheet in mm."""
STRIP_LENGTH = 112.0
"""The length of a strip in mm, from the finger's knuckle."""
STRIP_TURN = 216
"""The pixels around a finger; the middle of the pad is in the middle."""

_PALMAR = array([(172, 192, 232), (146, 172, 224), (118, 148, 204), (88, 110, 160)])
_DORSAL = array([(170, 192, 234), (122, 156, 210), (70, 96, 148), (40, 52, 82)])
_BLOOD = array((0.72, 0.85, 0.16))
_CREASE = array((0.85, 0.80, 0.33))
_MELANIN = array((1.5, 1.15, 0.75))
_RIDGE = 0.9
"""The distance between friction ridges in mm, as a camera at arm's length resolves them."""
_HOLLOW = np.array((4.8, 2.2))
"""The middle of an average palm in mm."""
ROOT = 0.35
"""The place along the first phalanx where a finger leaves the palm."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A piece of skin; all fields are (h, w)."""

    relief: Field
    """The relief in mm; furrows are negative."""
    stain: Field
    """The darkness: 0 none, 1 the bottom of a deep crease."""
    blood: Field
    """The blood in the skin, about -1 to 1."""
    nail: Field
    """The share that is nail."""
    vein: Field
    """The vein beneath the skin, 0 to 1, visible in near infrared."""
    coat: Field | None = None
    """The share that is covered by what lies on the skin (`drawn.state`); None where it is
    bare."""


class Press(Protocol):
    """Presses a crease into an average palm; see `Furrows.press`."""

    def __call__(
        self, points: Field, depth: float, width: float, ends: tuple[float, float] = (0.0, 0.0)
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Tone:
    """The colours of a person's skin: linear BGR, 0 to 1, each (3,)."""

    palmar: Field
    dorsal: Field
    crease: Field
    """The absorbance of a stain of 1."""
    blood: Field
    """The absorbance of a flush of 1."""


def tone(rng: np.random.Generator) -> Tone:
    """Draws a person's complexion, from very light to very dark."""
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
    """Returns the positions of a finger's joints along its strip, in mm from its knuckle; the tip
    is last."""
    joints = skeleton(hand, 0.5, 0.0)[list(FINGERS[finger])]
    return array(np.cumsum([0, *np.linalg.norm(np.diff(joints, axis=0), axis=1)]))


def palm(rng: np.random.Generator, hand: Build, scale: float = SCALE) -> Sheet:
    """Draws the palm, from the wrist to the roots of the fingers, at `scale` pixels per mm."""
    shape = (round(HEIGHT * scale), round(WIDTH * scale))
    furrows = Furrows(rng, shape, scale)

    position = _LinePosition(rng)

    def press(
        points: npt.ArrayLike, depth: float, width: float, ends: tuple[float, float] = (0.0, 0.0)
    ) -> None:
        furrows.press(_on_palm(position(points), hand, scale), depth, width, ends=ends)

    _principal_lines(rng, press)
    # Some palms have many lines, others few.
    lined = rng.lognormal(0.0, 0.45)
    for many, area, leans, reach, depth, width in (
        # Secondary creases run along or across the principal ones.
        (10, (-38, -42, 40, 40), (0.2, 0.9, 1.6, 2.4), 34, 0.55, 0.35),
        (90, (-42, -46, 42, 48), tuple(np.linspace(0, np.pi, 8)), 14, 0.34, 0.2),
        # Creases on the ball of the thumb run along and across the thumb.
        (18, (-42, -42, -10, 6), (2.2, 2.5), 16, 0.36, 0.2),
        (16, (-42, -42, -10, 6), (0.6, 0.9), 12, 0.36, 0.2),
        # Folds below the fingers run toward them; folds at the outer edge run across it.
        (15, (-30, 22, 34, 42), (np.pi / 2,), 14, 0.42, 0.25),
        (10, (22, -40, 44, 10), (2.9, 0.2), 15, 0.42, 0.25),
    ):
        count = rng.poisson(many * lined * rng.uniform(0.4, 1.6))
        for curve in scatter(rng, count, area, leans, reach):
            press(curve, depth * min(float(rng.exponential(0.6)) + 0.15, 1.5), width)
    for level in (-52.0, -57.0, -66.0)[: rng.integers(2, 4)]:
        wrist = ((-27, level), (-8, level - 3), (8, level - 3), (27, level))
        at = _on_palm(wrist + rng.normal(0, 0.8, (4, 2)), hand, scale)
        furrows.press(at, rng.uniform(0.35, 0.6), 0.45)
    relief, stain = furrows.settle()
    fine = _wrinkles(rng, shape, scale, lined)
    grain = 0.018 * _grain(rng, shape, scale)
    relief = relief - 0.25 * fine + 0.008 * _ridges(rng, shape, scale) + grain
    return Sheet(
        relief,
        stain + 0.4 * fine,
        _palm_blood(rng, hand, shape, scale),
        np.zeros(shape, np.float32),
        _veins(rng, hand, shape, scale),
    )


def back(rng: np.random.Generator, hand: Build) -> Sheet:
    """Draws the back of the hand as seen through the palm: x is as on the palm."""
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
    return Sheet(relief, stain + 0.25 * vein, blood, np.zeros(_SHAPE, np.float32), array(vein))


def finger(rng: np.random.Generator, hand: Build, which: int) -> Sheet:
    """Draws a finger's strip; `which` counts from the thumb."""
    shape = (round(STRIP_LENGTH * SCALE), STRIP_TURN)
    along = joints_along(hand, which)
    furrows = Furrows(rng, shape, SCALE)

    def fold(level: float, middle: float, half: float, depth: float, width: float) -> None:
        """Adds a fold across the strip at `level` mm; `middle` and `half` are in turns around the
        finger."""
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
    return Sheet(relief, stain * (1 - nail), blood, nail, np.zeros(shape, np.float32))


_SHAPE = (round(HEIGHT * SCALE), round(WIDTH * SCALE))


def _on_palm(points: npt.ArrayLike, hand: Build, scale: float = SCALE) -> Field:
    """Converts mm on an average palm to pixels of the palm sheet."""
    at = array(points) * (hand.breadth * hand.size, hand.size)
    return (at - (LEFT, TOP)) * (scale, -scale)


class _LinePosition:
    """The position of all lines of a palm on its bones.

    It varies little between people. The mean is that of many real hands, measured between the
    detected landmarks (docs/factory.md).
    """

    def __init__(self, rng: np.random.Generator) -> None:
        turn = np.radians(rng.normal(-7.0, 2.5))
        cos, sin = np.cos(turn), np.sin(turn)
        self._turn = np.array(((cos, sin), (-sin, cos)))
        self._to = _HOLLOW + rng.normal((7.0, 10.5), 1.5)

    def __call__(self, points: npt.ArrayLike) -> Field:
        return (array(points) - _HOLLOW) @ self._turn + self._to


def _principal_lines(rng: np.random.Generator, press: Press) -> None:
    """Draws heart, head and life line, and often a line of fate."""
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
        # A line is a bundle: it may have a fainter twin, and fine folds leave it at an angle.
        if rng.random() < 0.6:
            press(line + rng.normal(0, 1.4, 2), strength * rng.uniform(0.3, 0.6), 0.3)
        for _ in range(rng.integers(3, 12)):
            at, onward = _point_on(line, rng.uniform(0.05, 0.95))
            away = onward + rng.normal(0, 0.5)
            end = at + rng.uniform(3, 13) * np.array((np.cos(away), np.sin(away)))
            middle = (at + end) / 2 + rng.normal(0, 0.8, 2)
            press(np.array((at, middle, end)), rng.uniform(0.2, 0.6), 0.25, ends=(0.8, 0.0))


def _point_on(line: Field, t: float) -> tuple[Field, float]:
    """Returns a point on a Bezier curve, and the direction of the curve there in radians."""
    layer = line
    before = after = line[0]
    while len(layer) > 1:
        before, after = layer[0], layer[-1]
        layer = layer[:-1] * (1 - t) + layer[1:] * t
    return layer[0], float(np.arctan2(*(after - before)[::-1]))


def _ridges(rng: np.random.Generator, shape: tuple[int, int], scale: float = SCALE) -> Field:
    """Returns friction ridges: waves along a smoothly varying direction."""
    rows, columns = np.indices(shape, dtype=np.float32)
    turn = rng.uniform(0, math.pi)
    phase = (rows * math.cos(turn) + columns * math.sin(turn)) / (_RIDGE * scale)
    return np.sin((phase + 6 * clouds(rng, shape, 34 * scale, 3)) * math.tau)


def _wrinkles(
    rng: np.random.Generator, shape: tuple[int, int], scale: float, lined: float
) -> Field:
    """Returns fine folds, 0 to about 1: many short strokes, most of them along or across the skin's
    grain, and denser in some places than in others."""
    folds = np.zeros(shape, np.uint8)
    coarse = (round(HEIGHT), round(WIDTH))
    grain = 1.1 * clouds(rng, coarse, 45, 2) + rng.uniform(0, np.pi)
    crowd = np.exp(0.8 * clouds(rng, coarse, 22, 2))
    count = int(np.clip(1600 * lined * rng.uniform(0.6, 1.6), 700, 4500))
    at = rng.uniform((0, 0), (WIDTH - 1, HEIGHT - 1), (2 * count, 2))
    columns, rows = at.astype(np.intp).T
    at = at[rng.random(2 * count) * 3 < crowd[rows, columns]][:count]
    columns, rows = at.astype(np.intp).T
    across = (rng.random(len(at)) < rng.uniform(0.1, 0.5)) * (np.pi / 2)
    lean = grain[rows, columns] + across + rng.normal(0, 0.3, len(at))
    reach = np.clip(rng.exponential(5.5, len(at)), 1.2, 24)
    ink = np.clip(40 + rng.exponential(46, len(at)), 0, 255)
    along = np.stack([np.cos(lean), np.sin(lean)], axis=1) * reach[:, None]
    bow = rng.normal(0, 0.09, (len(at), 1)) * reach[:, None] * along[:, ::-1] * (-1, 1)
    bow /= np.maximum(reach[:, None], 1e-6)
    steps = np.linspace(-0.5, 0.5, 4)[None, :, None]
    curves = at[:, None] + steps * along[:, None] + (0.25 - steps**2) * 4 * bow[:, None]
    fixed = np.round(curves * scale * 16).astype(np.int32)
    for curve, dark in zip(fixed, ink.tolist(), strict=True):
        cv2.polylines(folds, [curve], False, dark, 1, cv2.LINE_AA, 4)
    return array(cv2.GaussianBlur(array(folds) / 160, (0, 0), 0.13 * scale))


def _veins(rng: np.random.Generator, hand: Build, shape: tuple[int, int], scale: float) -> Field:
    """Returns the veins beneath the palm: trunks from the wrist that branch toward the fingers, and
    connections between them."""
    tree = Furrows(rng, shape, scale)

    def vein(points: npt.ArrayLike, depth: float, width: float) -> None:
        tree.press(_on_palm(points, hand, scale), depth, width, wobble=2.2, ends=(0.6, 0.5))

    stems = [rng.normal((x, -52), (5, 2)) for x in (-14, 2, 16)]
    forks: list[Field] = []
    for stem in stems:
        fork = stem + rng.normal((0, 26), (8, 9))
        vein((stem, (stem + fork) / 2 + rng.normal(0, 5, 2), fork), rng.uniform(0.5, 1), 1.2)
        for _ in range(rng.integers(2, 4)):
            twig = fork + rng.normal((0, 24), (14, 10))
            vein((fork, (fork + twig) / 2 + rng.normal(0, 5, 2), twig), rng.uniform(0.4, 0.9), 1.0)
            end = twig + rng.normal((0, 20), (11, 9))
            vein((twig, (twig + end) / 2 + rng.normal(0, 4, 2), end), rng.uniform(0.3, 0.8), 0.8)
            forks += [twig, end]
        forks.append(fork)
    for _ in range(rng.integers(4, 10)):
        start, end = (forks[int(k)] for k in rng.integers(0, len(forks), 2))
        middle = (start + end) / 2 + rng.normal(0, 8, 2)
        vein((start, middle, end), rng.uniform(0.3, 0.7), 0.7)
    deep = array(cv2.GaussianBlur(-tree.settle()[0], (0, 0), 0.6 * scale))
    return np.clip(1.6 * deep * np.exp(0.5 * clouds(rng, shape, 30 * scale)), 0, 1)


def _grain(rng: np.random.Generator, shape: tuple[int, int], scale: float = SCALE) -> Field:
    """Returns the fine unevenness of skin, deviation about 1."""
    return 0.6 * clouds(rng, shape, 0.75 * scale, 2) + 0.5 * clouds(rng, shape, 2 * scale, 2)


def _palm_blood(
    rng: np.random.Generator, hand: Build, shape: tuple[int, int], scale: float
) -> Field:
    """Returns the blood: more in the balls of thumb and little finger and below the fingers, less
    in the hollow, and mottled everywhere."""
    rows, columns = np.indices((round(HEIGHT), round(WIDTH)), dtype=np.float32)
    blood = np.full(rows.shape, -0.25, np.float32)
    for x, y, wide, high, weight in (
        (-27, -12, 14, 18, 0.7),
        (31, -14, 11, 26, 0.75),
        (2, 44, 40, 8, 0.65),
        (2, -4, 14, 16, -0.2),
    ):
        u, v = _on_palm((x, y), hand, 1.0)
        off = np.hypot((columns - u) / wide, (rows - v) / high)
        blood += weight * np.exp(-(off**2))
    blood += 0.07 * clouds(rng, blood.shape, 17)
    blood = array(cv2.resize(blood, shape[::-1], interpolation=cv2.INTER_LINEAR))
    mottled = rng.uniform(0.12, 0.4)
    return blood + mottled * clouds(rng, shape, rng.uniform(3, 6) * scale, 3)


def _loose_skin(
    rng: np.random.Generator, shape: tuple[int, int], joints: Field
) -> tuple[Field, Field]:
    """Returns relief and stain of the folds over the backs of a finger's joints."""
    furrows = Furrows(rng, shape, SCALE)
    for joint in joints:
        for _ in range(12):
            level, middle = rng.normal((joint, 0.5), (2.6, 0.02))
            half, sag = rng.uniform(0.05, 0.17), rng.normal(0, 0.6)
            turns = np.array((middle - half, middle, middle + half)) * STRIP_TURN
            levels = (level + np.array((0.0, sag, 0.0))) * SCALE
            furrows.press(np.stack((turns, levels), axis=1), rng.uniform(0.1, 0.32), 0.35)
    # They were drawn in the middle of the strip and belong where its edges meet.
    relief, stain = (np.roll(each, STRIP_TURN // 2, axis=1) for each in furrows.settle())
    return relief, 0.6 * stain


def _nail(columns: Field, level: Field, tip: float) -> Field:
    turn = np.abs((columns / STRIP_TURN + 0.5) % 1.0 - 0.5) / 0.155
    up = np.abs((level - (tip - 1.5)) / 6.4)
    inside = 1 - (turn**2.6 + up**2.6) ** (1 / 2.6)
    return np.clip(inside * 14 + 0.5, 0, 1)
