"""The flesh around the bones, as a signed distance field, and what a camera sees of it.

Distances are blended with the smooth minimum of Quilez (2013). The surface is found by sphere
tracing (Hart, "Sphere tracing", 1996) along parallel rays; the perspective of a near hand is added
by `drawn.presentation`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import islice, pairwise

import cv2
import numpy as np

from drawn.anatomy import FINGERS, Build, Field, Mask, array, radii
from palm.hand.landmarks import Landmark

SLEEVE = -128.0
"""The y coordinate at which the sleeve begins, in mm."""

_LEFT, _RIGHT, _TOP, _BOTTOM = -112.0, 112.0, 160.0, -248.0
_COARSE = 1.0
"""The resolution in pixels per mm at which the body is traced. It is smooth except where one part
hides another."""
_HIDES = 2.5
"""The step in depth, in mm from pixel to pixel, from which one part hides another."""
_TILE = 40
_RIM = 2.5
"""The distance beyond the outline up to which rays are traced, in mm, so that skin reaches the
rim."""
_REACH = 16.0
_MARCHES = 11
_STEP = 0.8
_CASTS = (3.0, 10.0)
"""The distances from the skin, in mm, at which the surroundings are sampled for shading."""
_TETRAHEDRON = array(((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)))[..., None]
"""The corners at which the distance is sampled to estimate its gradient."""


@dataclass(frozen=True)
class Bone:
    """A tapered capsule; `flat` below 1 flattens it toward the plane of the palm."""

    start: Field
    end: Field
    radius: tuple[float, float]
    flat: float = 1.0

    @cached_property
    def reach(self) -> tuple[float, float, float, float]:
        """The box (left, right, bottom, top) in which the bone can affect distances, in mm."""
        (left, bottom), (right, top) = (
            each[:2].tolist()
            for each in (np.minimum(self.start, self.end), np.maximum(self.start, self.end))
        )
        far = max(self.radius) + _REACH
        return left - far, right + far, bottom - far, top + far


class _Capsules:
    """The numbers of several bones, a bone in each row, by which distances from all of them are
    computed together."""

    def __init__(self, bones: Sequence[Bone]) -> None:
        squeeze = array([(1.0, 1.0, 1 / bone.flat) for bone in bones])
        starts = array([bone.start for bone in bones]) * squeeze
        along = array([bone.end for bone in bones]) * squeeze - starts
        length = array([max(float(each @ each), 1e-6) for each in along])
        first, last = np.array([bone.radius for bone in bones]).T
        self._squeeze = squeeze[:, 2, None]
        self._starts = starts.T[..., None]
        self._along = along.T[..., None]
        self._length = length[:, None]
        self._first, self._growth = array(first)[:, None], array(last - first)[:, None]

    def distances(self, at: Field) -> Field:
        """Returns the (bones, n) distances of (3, n) points in mm, negative inside."""
        along = self._along
        x, y = at[0] - self._starts[0], at[1] - self._starts[1]
        z = at[2] * self._squeeze - self._starts[2]
        t = x * along[0]
        t += y * along[1]
        t += z * along[2]
        t /= self._length
        np.maximum(t, 0.0, out=t)
        np.minimum(t, 1.0, out=t)
        x -= t * along[0]
        y -= t * along[1]
        z -= t * along[2]
        away = x * x
        away += y * y
        away += z * z
        np.sqrt(away, out=away)
        away -= self._first
        away -= t * self._growth
        return away


@dataclass(frozen=True)
class Body:
    """The bones of the palm and of each finger. Fingers may touch, but do not blend into each
    other."""

    palm: Sequence[Bone]
    fingers: Sequence[Sequence[Bone]]

    def moved(self, by: Field) -> "Body":
        """Returns the body with its coordinates multiplied by (x, y, z)."""

        def move(bones: Sequence[Bone]) -> list[Bone]:
            return [Bone(b.start * by, b.end * by, b.radius, b.flat) for b in bones]

        return Body(move(self.palm), [move(finger) for finger in self.fingers])

    def near(self, low: Field, high: Field) -> "Body":
        """Returns the bones that can affect distances within a box of (x, y)."""
        (x, y), (x_end, y_end) = low.tolist(), high.tolist()

        def affecting(bones: Sequence[Bone]) -> list[Bone]:
            return [
                bone
                for bone in bones
                for left, right, bottom, top in (bone.reach,)
                if left < x_end and right > x and bottom < y_end and top > y
            ]

        return Body(affecting(self.palm), [affecting(finger) for finger in self.fingers])

    def distance(self, at: Field) -> Field:
        """Returns the (n,) distances of (3, n) points from the skin in mm, negative inside."""
        nearest = np.full(at.shape[1], _REACH, np.float32)
        if self._capsules is None:
            return nearest
        bones = iter(self._capsules.distances(at))
        palm = _blended(list(islice(bones, len(self.palm))), 14.0) if self.palm else nearest
        nearest = np.minimum(nearest, palm)
        for finger in self.fingers:
            if finger:
                blended = _blended(list(islice(bones, len(finger))), 1.0)
                nearest = np.minimum(nearest, _smooth_minimum(blended, palm, 9.0))
        return nearest

    @cached_property
    def _capsules(self) -> _Capsules | None:
        bones = [*self.palm, *(bone for finger in self.fingers for bone in finger)]
        return _Capsules(bones) if bones else None

    @property
    def top(self) -> float:
        """A z coordinate above the whole body, in mm."""
        bones = [*self.palm, *(bone for finger in self.fingers for bone in finger)]
        return max((max(b.start[2], b.end[2]) + max(b.radius) for b in bones), default=0.0)


def _smooth_minimum(a: Field, b: Field, reach: float) -> Field:
    """Returns the smooth minimum of two distances."""
    h = a - b
    np.abs(h, out=h)
    np.subtract(reach, h, out=h)
    np.maximum(h, 0.0, out=h)
    h /= reach
    h *= h
    h *= reach * 0.25
    return np.minimum(a, b) - h


def _blended(distances: Sequence[Field], reach: float) -> Field:
    """Returns the (n,) distances from bones that blend into each other, from those of each."""
    return reduce(lambda blended, each: _smooth_minimum(blended, each, reach), distances)


def flesh(hand: Build, joints: Field) -> Body:
    """Returns the body around (21, 3) joints."""
    full = hand.thickness * hand.size
    ball = array((0, 0, 5.0 * hand.pads * full))
    # The landmarks lie beyond the knuckles, and the knuckles lie deep.
    deep = array((0, -5.5, -5)) * full

    def bone(a: Field, b: Field, r: float, s: float, flat: float = 0.8) -> Bone:
        return Bone(array(a), array(b), (r * full, s * full), flat)

    def at(x: float, y: float, z: float = 0.0) -> Field:
        return array((x * hand.breadth * hand.size, y * hand.size, z * full))

    def beside(joint: Field, x: float, y: float, z: float) -> Field:
        return joint + array((x, y, z)) * full

    index, middle, ring, little = (joints[finger[0]] for finger in FINGERS[1:])
    cmc, thumb = joints[Landmark.THUMB_CMC], joints[Landmark.THUMB_MCP]
    palm = [
        bone(at(-13, -40), index + deep, 18, 13.5),
        bone(at(-4, -42), middle + deep, 18, 14),
        bone(at(6, -42), ring + deep, 18, 13.5),
        bone(at(15, -38), little + deep, 19, 13),
        # The ball of the thumb over its bone, and the ball of the little finger.
        bone(beside(cmc, 6, -3, -6), thumb, 17.5, 12.5, 0.95),
        bone(beside(cmc, 9, -1, -1) + ball, 0.5 * (cmc + thumb) + ball, 11, 10, 0.9),
        bone(at(25, -29, -3) + ball, beside(little, -0.5, -21, -5) + ball, 15, 12),
        # The web between thumb and index finger.
        bone(0.4 * cmc + 0.6 * index + deep, 0.2 * cmc + 0.8 * thumb + deep, 9, 8),
        # The wrist and the arm.
        bone(at(0, -44, -3), at(0, -72, -4), 25.5, 24.0, 0.72),
        bone(at(0, -72, -4), at(0, -260, -4), 24.0, 34.0, 0.74),
    ]
    for a, b in pairwise((index, middle, ring, little)):
        web = beside(0.5 * (a + b), 0, -3, -2)
        palm.append(bone(web, beside(web, 0, 5, -0.5), 10.5, 9.5))
    fingers = [
        _phalanges(joints[list(finger)], *thick.tolist())
        for finger, thick in zip(FINGERS, radii(hand), strict=True)
    ]
    return Body(palm, fingers)


def _phalanges(joints: Field, base: float, middle: float, tip: float) -> list[Bone]:
    count = len(joints) - 1
    knots = np.interp(np.arange(count + 1), (0, count // 2, count), (base, middle, tip))
    bones: list[Bone] = []
    for k, (start, end) in enumerate(pairwise(joints)):
        last = k == count - 1
        half = 0.5 * (start + end)
        # The pulp of the fingertip is fuller, and the shafts are slimmer, than the joints next to
        # them.
        waist = 0.5 * float(knots[k] + knots[k + 1]) * (1.04 if last else 0.985)
        bones.append(Bone(start, half, (float(knots[k]), waist), 0.93))
        bones.append(Bone(half, end, (waist, float(knots[k + 1])), 0.93))
    return bones


@dataclass(frozen=True, slots=True)
class Surface:
    """The visible surface of a body, on a grid of `scale` pixels per mm."""

    scale: float
    left: float
    """The x coordinate of the grid's left edge, in mm."""
    top: float
    """The y coordinate of the grid's upper edge, in mm."""
    outside: Field
    """(h, w) distance from the outline in mm, negative inside."""
    height: Field
    """(h, w) height toward the camera in mm."""
    normal: Field
    """(h, w, 3) unit normals."""
    openness: Field
    """(h, w) 0 in a fold, 1 where light arrives from all sides."""

    def columns(self, x: Field) -> Field:
        """Converts x from mm to pixels."""
        return (x - self.left) * self.scale

    def rows(self, y: Field) -> Field:
        """Converts y from mm to pixels."""
        return (self.top - y) * self.scale

    def grid(self, window: tuple[slice, slice]) -> tuple[Field, Field]:
        """Returns a window's columns, (w,), and rows, (h, 1), in mm."""
        rows, columns = (np.arange(s.start, s.stop, dtype=np.float32) + 0.5 for s in window)
        return self.left + columns / self.scale, self.top - rows[:, None] / self.scale


def see(body: Body, scale: float) -> Surface:
    """Returns the surface of a body seen along z, cropped to the body."""
    coarse = _blank(_COARSE, _LEFT, _TOP, _RIGHT - _LEFT, _TOP - _BOTTOM)
    flat = body.moved(array((1, 1, 0)))
    for window in _tiles(coarse.outside.shape):
        _measure_outline(flat, coarse, window)
        _trace(body, coarse, window, coarse.outside[window] < _RIM)

    rows, columns = (np.flatnonzero((coarse.outside < _RIM).any(axis=axis)) for axis in (1, 0))
    bounds = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    x, y = coarse.grid(bounds)
    size = (round(len(x) / _COARSE * scale), round(len(y) / _COARSE * scale))

    def resized(field: Field, smooth: int) -> Field:
        return array(cv2.resize(np.ascontiguousarray(field[bounds]), size, interpolation=smooth))

    fine = Surface(
        scale,
        left=float(x[0]) - 0.5 / _COARSE,
        top=float(y[0, 0]) + 0.5 / _COARSE,
        outside=resized(coarse.outside, cv2.INTER_CUBIC),
        height=resized(coarse.height, cv2.INTER_LINEAR),
        normal=resized(coarse.normal, cv2.INTER_CUBIC),
        openness=resized(coarse.openness, cv2.INTER_LINEAR),
    )
    # Where one part hides another, the coarse grid has mixed the two, so trace again.
    near = np.ones((3, 3), np.uint8)
    drop = cv2.morphologyEx(coarse.height, cv2.MORPH_GRADIENT, near) * (coarse.outside < -2)
    hidden = cv2.dilate((drop > _HIDES / _COARSE * 1.5).astype(np.uint8), near)[bounds]
    hidden = cv2.resize(hidden, size, interpolation=cv2.INTER_NEAREST) > 0
    for window in _tiles(fine.outside.shape, round(_TILE * scale / _COARSE)):
        _trace(body, fine, window, hidden[window] & (fine.outside[window] < _RIM))
    return fine


def _blank(scale: float, left: float, top: float, width: float, height: float) -> Surface:
    shape = (round(height * scale), round(width * scale))
    normal = np.zeros((*shape, 3), np.float32)
    normal[..., 2] = 1
    return Surface(
        scale,
        left,
        top,
        outside=np.full(shape, _REACH, np.float32),
        height=np.zeros(shape, np.float32),
        normal=normal,
        openness=np.ones(shape, np.float32),
    )


def _tiles(shape: tuple[int, ...], side: int = _TILE) -> list[tuple[slice, slice]]:
    return [
        (slice(y, min(y + side, shape[0])), slice(x, min(x + side, shape[1])))
        for y in range(0, shape[0], side)
        for x in range(0, shape[1], side)
    ]


def _part(body: Body, surface: Surface, window: tuple[slice, slice]) -> tuple[Body, Field]:
    """Returns the bones that affect a window, and its (2, n) points."""
    x, y = surface.grid(window)
    near = body.near(array((x[0], y[-1, 0])), array((x[-1], y[0, 0])))
    return near, np.stack(np.broadcast_arrays(x, y)).reshape(2, -1)


def _measure_outline(flat: Body, surface: Surface, window: tuple[slice, slice]) -> None:
    """Fills in the distance from the outline: the distance to the body, which has been flattened to
    a plane."""
    near, points = _part(flat, surface, window)
    points = np.concatenate((points, np.zeros_like(points[:1])))
    outside = surface.outside[window]
    outside[:] = near.distance(points).reshape(outside.shape)


def _trace(body: Body, surface: Surface, window: tuple[slice, slice], which: Mask) -> None:
    """Fills in height, normal and openness for the chosen pixels of a window."""
    rows, columns = np.nonzero(which)
    if not len(rows):
        return
    near, points = _part(body, surface, window)
    points = points[:, np.flatnonzero(which)]
    at = np.concatenate((points, np.full_like(points[:1], near.top)))
    nearest = np.full(len(rows), np.inf, np.float32)
    seen = at[2].copy()
    for _ in range(_MARCHES):
        here = near.distance(at)
        closer = here < nearest
        nearest[closer] = here[closer]
        seen[closer] = at[2][closer]
        at[2] -= here * _STEP
    # A ray that misses the body keeps the point where it came closest.
    at[2] = seen
    slope = np.zeros_like(at)
    for corner in _TETRAHEDRON:
        slope += corner * near.distance(at + 0.4 * corner)
    slope /= np.maximum(np.sqrt((slope * slope).sum(0)), 1e-6)
    light = np.ones(len(rows), np.float32)
    for cast in _CASTS:
        free = near.distance(at + slope * cast)
        light -= np.clip(1 - free / cast, 0, 1) * (0.8 / len(_CASTS))
    surface.height[window][rows, columns] = at[2]
    surface.normal[window][rows, columns] = slope.T
    surface.openness[window][rows, columns] = np.clip(light, 0, 1)
