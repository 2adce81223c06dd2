"""Draws one hand in one gesture once: colour, outline and landmarks, for use in many frames."""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from drawn import body
from drawn.anatomy import FINGERS, Field, Mask, array, radii, skeleton
from drawn.body import Surface
from drawn.identity import DrawnPalm
from drawn.skin import LEFT, ROOT, SCALE, STRIP_TURN, TOP, Sheet, joints_along

_WRAP = array((0.10, 0.16, 0.34))
"""The share of light that reaches around an edge beneath the skin: blue, green, red (Green, GPU
Gems 16)."""
_BLEED = (0.0, 0.1, 0.35)
"""The share of a furrow's shadow that light beneath the skin fills in: blue, green, red."""
_CLOTHS = array([(92, 74, 60), (70, 70, 74), (120, 108, 96), (64, 58, 84), (96, 92, 70)]) / 255
_FADE = 7.0
"""The width over which a sheet of skin fades out, in mm."""


@dataclass(frozen=True, slots=True)
class Gesture:
    """The parameters of a sprite: they decide shape and shading of the hand."""

    spread: float
    curl: float
    back: bool
    light: float
    """The direction that light comes from, in degrees clockwise from the fingers."""


@dataclass(frozen=True, slots=True)
class Sprite:
    """A left hand, fingers up, at SCALE pixels per mm."""

    picture: npt.NDArray[np.uint8]
    """(h, w, 4) blue, green, red and alpha, premultiplied."""
    half: npt.NDArray[np.uint8]
    """The picture at half the size, for a hand far away."""
    centre: tuple[float, float]
    """The palm's centre in pixels of the picture."""
    joints: Field
    """(21, 3) in mm from the palm's centre, y toward the fingers, z toward the camera."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """A hand in a gesture, before any light falls on it."""

    joints: Field
    """(21, 3), as in `Sprite`."""
    surface: Surface
    skin: "Skin"

    @property
    def alpha(self) -> Field:
        """(h, w) share of each pixel that the hand covers."""
        return np.clip(0.5 - self.surface.outside * SCALE * 0.8, 0, 1)

    @property
    def wrist(self) -> int:
        """The row from which on a sleeve covers the arm."""
        return int(self.surface.rows(array(body.SLEEVE)))


@lru_cache(maxsize=1)
def canvas(palm: DrawnPalm, spread: float, curl: float, back: bool) -> Canvas:
    """Lays a palm's skin over its flesh. The last result is cached, since it may be lit in several
    ways."""
    facing = array((-1, 1, -1) if back else (1, 1, 1))
    joints = skeleton(palm.build, spread, curl)
    surface = body.see(body.flesh(palm.build, joints).moved(facing), SCALE)
    return Canvas(joints * facing, surface, _lay_skin(palm, joints * facing, facing, surface))


@lru_cache(maxsize=8)
def sprite(palm: DrawnPalm, gesture: Gesture) -> Sprite:
    """Draws a hand in a gesture. The last results are cached, since a gesture lasts for many
    frames."""
    bald = canvas(palm, gesture.spread, gesture.curl, gesture.back)
    surface, skin, alpha, wrist = bald.surface, bald.skin, bald.alpha, bald.wrist
    picture = np.zeros((*alpha.shape, 4), np.float32)
    picture[..., 3] = 255 * alpha
    bare = alpha > 0
    picture[wrist:, :, :3] = _sleeve(surface.normal[wrist:], palm.seed) * picture[wrist:, :, 3:]
    bare[wrist:] = False
    picture[bare, :3] = _lit(palm, skin, surface, gesture.light, bare) * picture[bare, 3:]
    picture += 0.5
    picture = picture.astype(np.uint8)
    return Sprite(
        picture,
        np.asarray(cv2.pyrDown(picture), np.uint8),
        (-surface.left * surface.scale, surface.top * surface.scale),
        bald.joints,
    )


@dataclass(slots=True)
class Skin:
    """The skin as it lies on a surface; all fields are (h, w)."""

    relief: Field
    stain: Field
    blood: Field
    nail: Field
    vein: Field
    palmar: Field
    """1 on the palm's side, 0 on the back."""
    coat: Field | None = None
    """The share that is covered; None where nothing lies on the skin."""

    def lay(
        self, sheet: Sheet, window: tuple[slice, slice], x: Field, y: Field, share: Field
    ) -> None:
        """Blends a sheet's skin, taken from pixels (x, y), into a window by `share`."""
        for name in ("relief", "stain", "blood", "nail", "vein", "coat"):
            source: Field | None = getattr(sheet, name)
            if source is None:
                continue
            field: Field = getattr(self, name)[window]
            laid = cv2.remap(
                array(source), array(x), array(y), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
            field += (laid - field) * share


def _lay_skin(palm: DrawnPalm, joints: Field, facing: Field, surface: Surface) -> Skin:
    shape = surface.height.shape
    is_back = facing[2] < 0
    sheet = palm.back if is_back else palm.palm
    skin = Skin(*(np.zeros(shape, np.float32) for _ in range(6)))
    if palm.coat is not None:
        skin.coat = np.zeros(shape, np.float32)
    everywhere = (slice(0, shape[0]), slice(0, shape[1]))
    x, y = np.broadcast_arrays(*surface.grid(everywhere))
    across, down = (x * facing[0] - LEFT) * SCALE, (TOP - y) * SCALE
    high, wide = sheet.relief.shape
    inset = np.minimum(np.minimum(across, wide - across), np.minimum(down, high - down))
    skin.lay(sheet, everywhere, across, down, np.clip(inset / (_FADE * SCALE), 0, 1))
    # Toward the edge of the hand, palmar skin turns into dorsal skin.
    if not is_back:
        skin.palmar[:] = np.clip(surface.normal[..., 2] * 2.5 + 0.2, 0, 1)
    nearest = np.full(shape, np.inf, np.float32)
    for which in range(len(FINGERS)):
        _lay_finger(palm, which, joints, facing, surface, skin, nearest)
    return skin


def _lay_finger(  # noqa: PLR0917 - the finger, and the four layers it is laid on
    palm: DrawnPalm,
    which: int,
    joints: Field,
    facing: Field,
    surface: Surface,
    skin: Skin,
    nearest: Field,
) -> None:
    """Wraps a finger's strip around its bones, wherever this finger is the nearest."""
    chain = joints[list(FINGERS[which])]
    thick = radii(palm.build)[which]
    along = joints_along(palm.build, which)
    bones = np.diff(chain, axis=0)
    lengths = np.linalg.norm(bones, axis=1)
    directions = bones / lengths[:, None]
    # Fingers bend about the line of the knuckles; the thumb's pad faces the fingers.
    hinge = array((0.75, 0.25, -0.6) if which == 0 else (1, 0, 0)) * facing
    pads = np.cross(hinge, directions)
    pads /= np.linalg.norm(pads, axis=1, keepdims=True)
    joint_pads = np.concatenate((pads[:1], (pads[:-1] + pads[1:]) / 2, pads[-1:]))
    for k, (start, end) in enumerate(pairwise(chain)):
        window = _around(start, end, float(thick[0]) + 4, surface)
        x, y = surface.grid(window)
        offset = np.broadcast_arrays(x - start[0], y - start[1], surface.height[window] - start[2])

        def project(axis: Field, offset: tuple[Field, ...] = offset) -> Field:
            return offset[0] * axis[0] + offset[1] * axis[1] + offset[2] * axis[2]

        t = project(directions[k])
        u, v = project(np.cross(directions[k], pads[k]) * facing[0]), project(pads[k])
        level = along[k] + t
        beyond = np.maximum(-t, 0)
        if k < len(bones) - 1:
            beyond = beyond + np.maximum(t - lengths[k], 0)
        radius = np.interp(level, (0, along[1], along[-1]), thick)
        away = np.hypot(u, v) - radius + 2 * beyond
        mine = away < nearest[window]
        nearest[window] = np.where(mine, away, nearest[window])
        share = mine * np.clip((4.0 - away) / 3.0, 0, 1)
        if k == 0:
            begin = along[1] * (0.05 if which == 0 else ROOT - 0.07)
            share = share * np.clip((level - begin) / (along[1] * 0.09), 0, 1)
        turn = np.arctan2(u, v) * (STRIP_TURN / (2 * np.pi)) + STRIP_TURN / 2
        skin.lay(palm.fingers[which], window, turn, level * SCALE, share)
        bent = np.clip(t / lengths[k], 0, 1)
        normal = surface.normal[window]
        pad = (normal @ joint_pads[k]) * (1 - bent) + (normal @ joint_pads[k + 1]) * bent
        skin.palmar[window] += (np.clip(pad * 1.6 + 0.75, 0, 1) - skin.palmar[window]) * share


def _around(start: Field, end: Field, reach: float, surface: Surface) -> tuple[slice, slice]:
    high, wide = surface.height.shape
    low, far = np.minimum(start, end)[:2] - reach, np.maximum(start, end)[:2] + reach
    left, right = np.clip(surface.columns(array((low[0], far[0]))), 0, wide).astype(int)
    top, bottom = np.clip(surface.rows(array((far[1], low[1]))), 0, high).astype(int)
    return slice(int(top), int(bottom)), slice(int(left), int(right))


def _lit(palm: DrawnPalm, skin: Skin, surface: Surface, light_from: float, bare: Mask) -> Field:
    """Returns the (n, 3) colours that the camera sees of the n bare pixels, 0 to 1."""
    smooth, rough = surface.normal[bare], furrowed(surface, skin.relief, bare)
    angle = math.radians(light_from)
    lamp = _unit(0.55 * math.sin(angle), 0.55 * math.cos(angle), 0.85)
    sharp, soft = rough @ lamp, smooth @ lamp
    key = np.stack([sharp * (1 - b) + soft * b for b in _BLEED], axis=1)
    key = np.clip((key + _WRAP) / (1 + _WRAP), 0, None)
    fill = np.clip(smooth @ _unit(-lamp[0], 0.1, 0.6), 0, 1)[:, None]
    room = (0.12 + 0.16 * np.clip(smooth[:, 2], 0, 1))[:, None]
    # Light in a fold has passed through skin, and is red.
    free = surface.openness[bare][:, None]
    folded = free + (1 - free) * array((0.3, 0.4, 0.75))
    light = 0.80 * key * (0.35 + 0.65 * free) + 0.18 * fill + room * folded

    nail = skin.nail[bare][:, None]
    gloss = np.clip(rough @ _unit(lamp[0], lamp[1], lamp[2] + 1), 0, 1)[:, None]
    shine = (0.045 * gloss**16 + nail * 0.2 * gloss**50) * free
    if palm.shine is not None:
        # Water and sweat mirror the lamp, and scale does not.
        shine *= 0.6 + 2 * palm.shine
        shine += 0.3 * max(palm.shine - 0.4, 0.0) * gloss**120 * free
    return np.clip(albedo(palm, skin, bare) * light + shine, 0, 1) ** (1 / 2.2)


def furrowed(surface: Surface, relief: Field, bare: Mask) -> Field:
    """Returns the (n, 3) normals of the n bare pixels, with the relief of the skin."""
    x, y, z = (surface.normal[..., axis][bare] for axis in range(3))
    x -= cv2.Sobel(relief, cv2.CV_32F, 1, 0, scale=SCALE / 8)[bare]
    y += cv2.Sobel(relief, cv2.CV_32F, 0, 1, scale=SCALE / 8)[bare]
    length = np.sqrt(x * x + y * y + z * z) + 1e-6
    return np.stack((x / length, y / length, z / length), axis=1)


def albedo(palm: DrawnPalm, skin: Skin, bare: Mask) -> Field:
    """Returns the (n, 3) reflectance of the n bare pixels: linear blue, green, red, 0 to 1."""
    # Channel by channel, which takes numpy half as long as pixel by pixel.
    palmar, stain, nail = skin.palmar[bare], skin.stain[bare], skin.nail[bare]
    flush = skin.blood[bare] * (0.5 + 0.5 * palmar)
    tone = palm.tone
    plates = 0.62 * tone.palmar + 0.38 * array((0.42, 0.44, 0.62))
    seen = np.empty((len(palmar), 3), np.float32)
    for channel, plate in enumerate(plates):
        dorsal = tone.dorsal[channel]
        colour = dorsal + (tone.palmar[channel] - dorsal) * palmar
        colour *= np.exp(-stain * tone.crease[channel] - flush * tone.blood[channel])
        seen[:, channel] = colour + nail * (plate - colour) * 0.8
    if palm.coat is not None and skin.coat is not None:
        return palm.coat.over(seen, skin.coat[bare])
    return seen


def _sleeve(normal: Field, seed: int) -> Field:
    """Returns (h, w, 3) cloth over the arm."""
    weave = np.random.default_rng(seed).normal(1, 0.04, normal.shape[:2])
    light = (0.25 + 0.75 * np.clip(normal @ _unit(-0.3, 0.35, 0.88), 0, 1)) * weave
    return _CLOTHS[seed % len(_CLOTHS)] * light[..., None]


def _unit(x: float, y: float, z: float) -> Field:
    return array((x, y, z)) / (x * x + y * y + z * z) ** 0.5
