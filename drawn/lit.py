"""A drawn hand under the light ring: its response to each segment, and so to any step of light.

Light is computed in linear units, as accurately as a camera can tell. Segments are near lamps at
their true places. Red light spreads farther in skin than blue (d'Eon & Luebke, "Advanced techniques
for realistic real-time skin rendering", GPU Gems 3, 2007). Gloss is colourless (Blinn 1977). The
narrow colours of the diodes meet the material's own spectrum.

`LitHand` is the fast way, for a hand in live video. A `Specimen` is anything in front of the
camera, computed in full; `drawn.attack` makes further ones.
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from drawn import spectra
from drawn.anatomy import Field, Mask, array
from drawn.identity import DrawnPalm
from drawn.presentation import Presentation, gesture
from drawn.skin import SCALE
from drawn.sprite import Sprite, albedo, canvas, furrowed, sprite
from palm.hand.landmarks import Landmark, Side
from palm.liveness import Light
from palm.liveness.infrared import WHITE_CARD
from protocol import ring
from protocol.ring import SEGMENTS, Levels

GRID = SCALE / 2
"""The resolution in pixels per mm at which light is computed, finer than any frame shows the
palm."""

LENS = 1.41
"""The focal length as a multiple of the frame's shorter side: about 64 degrees across a 16:9
frame."""


def light_of(levels: Levels) -> Light:
    """Returns the (SEGMENTS, 3) light of the ring at these levels, 0 to 1."""
    return array(levels) / 255


WHITE = light_of(ring.WHITE)
"""The ring's light before and after a challenge."""
LAMPS = array(ring.PLACES)
"""(SEGMENTS, 3) positions of the segments relative to the lens in mm: right, down, away."""

_REFERENCE_DISTANCE = 300.0
"""The distance in mm at which full light of all segments is 1."""
REACH = (0.3, 0.45, 1.1)
"""The deviation in mm by which blue, green and red light spreads beneath the skin."""
INFRARED_REACH = 1.6
"""The deviation in mm by which near infrared spreads beneath the skin."""
WRAP = array((0.08, 0.12, 0.25))
_INFRARED_WRAP = 0.3
BESIDE = 40.0
"""The distance of the near-infrared camera's lens to the right of the other lens, in mm."""
_LAMPS = array(((-15.0, 0.0, 0.0), (15.0, 0.0, 0.0)))
"""The near-infrared camera's lamps, in mm from its lens."""
_LEVELS = 4096
_UNCHANGED = 100
"""The factor 1 when a picture is multiplied by a picture of bytes."""
_SLEEVE = 0.12
"""The reflectance of a sleeve."""
_FRAME = (720, 1280)
_PALM = 62.0
"""The distance from its centre to the edge of a palm, in mm."""
_ARM = -165.0
"""The y coordinate on the arm down to which light is computed, in mm."""


@dataclass(frozen=True, slots=True)
class Specimen:
    """Something with the shape or colour of a hand, before any light falls on it.

    n pixels of its (h, w) grid are not empty. Positions and directions are those of a left hand,
    see `drawn.anatomy`.
    """

    alpha: Field
    """(h, w) share of each pixel that is covered."""
    centre: tuple[float, float]
    """The palm's centre in pixels of the grid."""
    joints: Field
    """(21, 3) in mm."""
    at: Field
    """(n, 3) positions in mm."""
    normal: Field
    """(3, n, 3) effective normals for blue, green and red light that spreads beneath the
    surface."""
    facet: Field
    """(n, 3) normals of the surface."""
    colour: Field
    """(n, 3) reflectance in the room's light: blue, green, red."""
    diode_colour: Field
    """(n, 3) reflectance under the ring's diodes: blue, green, red."""
    glow: Field
    """(n, 3) light that it emits, relative to white in the room's full light."""
    infrared: Field
    """(n,) reflectance at 850 nm. No specimen emits near infrared."""
    infrared_normal: Field
    """(n, 3) effective normals for near infrared."""
    wrap: Field
    """(3,) how far light reaches around an edge."""
    gloss: float
    """The share of light that is mirrored at the surface."""
    polish: float
    """Blinn's exponent: 10 is matt, 1000 a mirror."""

    @property
    def covered(self) -> Mask:
        return self.alpha > 0

    def palm_alone(self) -> "Specimen":
        """Returns the specimen without fingers and arm, which is drawn in half the time."""
        (x, y), reach = self.centre, _PALM * GRID
        rows, columns = (slice(max(int(at - reach), 0), int(at + reach)) for at in (y, x))
        kept = np.zeros(self.alpha.shape, np.bool)
        kept[rows, columns] = True
        kept = kept[self.covered]
        return replace(
            self,
            alpha=np.ascontiguousarray(self.alpha[rows, columns]),
            centre=(x - columns.start, y - rows.start),
            at=self.at[kept],
            normal=self.normal[:, kept],
            facet=self.facet[kept],
            colour=self.colour[kept],
            diode_colour=self.diode_colour[kept],
            glow=self.glow[kept],
            infrared=self.infrared[kept],
            infrared_normal=self.infrared_normal[kept],
        )


@dataclass(frozen=True, slots=True)
class Response:
    """The light that a specimen in one place sends to the camera: linear blue, green, red."""

    specimen: Specimen
    room: Field
    """(n, 3) in the room's light, without the specimen's own light."""
    ring: Field
    """(SEGMENTS, n, 3) for each segment and diode at full level."""
    crosstalk: Field
    """(3, 3), see `drawn.spectra.crosstalk`."""

    def under(self, light: Light, glow: float | Field = 1.0) -> Field:
        """Returns (n, 3) under a step of light, with the specimen's own light multiplied by
        `glow`."""
        lit = array(light[:, ::-1] @ self.crosstalk)
        own = self.specimen.glow * glow
        return self.room + own + np.einsum("snc,sc->nc", self.ring, lit)

    def picture(self, linear: Field, exposure: float) -> Sprite:
        """Returns a sprite of (n, 3) light at an exposure."""
        return picture(self.specimen, linear * exposure)


def picture(specimen: Specimen, linear: Field) -> Sprite:
    """Returns a sprite of (n, 3) light, 0 to 1."""
    shape, covered = specimen.alpha.shape, specimen.covered
    levels = np.clip(linear * _LEVELS, 0, _LEVELS).astype(np.uint16)
    half = np.zeros((*shape, 4), np.uint8)
    half[..., 3] = 255 * specimen.alpha + 0.5
    half[covered, :3] = _tone()[levels] * specimen.alpha[covered][:, None] + 0.5
    whole = cv2.resize(half, (2 * shape[1], 2 * shape[0]), interpolation=cv2.INTER_LINEAR)
    x, y = specimen.centre
    return Sprite(np.asarray(whole, np.uint8), half, (2 * x, 2 * y), specimen.joints)


@lru_cache(maxsize=1)
def _tone() -> Field:
    """Returns the (_LEVELS + 1,) grey levels of linear light."""
    return array(255 * np.linspace(0, 1, _LEVELS + 1) ** (1 / 2.2))


def living(
    palm: DrawnPalm,
    shown: Presentation,
    *,
    wet: float | None = None,
    colour: Field | None = None,
    infrared: float = spectra.SKIN_850,
) -> Specimen:
    """Returns a living hand in the gesture of a presentation.

    `wet` is 0 (dry) to 1 (wet); None is as its skin is that day (`drawn.state`). `colour` is (3,):
    the factors by which the ring's diodes change its colour. `infrared` is the reflectance at 850
    nm.
    """
    painted = gesture(palm, shown)
    dry, covered = _dry_hand(palm, painted.spread, painted.curl, painted.back)
    if colour is None:
        colour = spectra.under_diodes(palm.tone.palmar, spectra.SKIN)
    # What covers the skin is not coloured by blood.
    change = colour if covered is None else 1 + (colour - 1) * (1 - covered[:, None])
    if wet is None:
        wet = 0.2 if palm.shine is None else palm.shine
    return replace(
        dry,
        diode_colour=np.clip(dry.colour * change, 0, 0.95),
        infrared=dry.infrared * infrared,
        gloss=0.022 + 0.05 * wet,
        polish=14.0 * 6.0**wet,
    )


@lru_cache(maxsize=1)
def _dry_hand(
    palm: DrawnPalm, spread: float, curl: float, back: bool
) -> tuple[Specimen, Field | None]:
    """Returns a hand without shine, and the (n,) share of it that is covered by something opaque;
    None where nothing is."""
    bald = canvas(palm, spread, curl, back)
    surface = bald.surface
    # The arm is cut off where no camera looks.
    end = min(int(surface.rows(array(_ARM))), surface.height.shape[0])
    high, wide = (side // 2 * 2 for side in (end, surface.height.shape[1]))
    everywhere = np.ones(surface.height.shape, np.bool)

    def half(field: Field, *depth: int) -> Field:
        whole = array(field).reshape(*surface.height.shape, *depth)[:high, :wide]
        return array(cv2.resize(whole, (wide // 2, high // 2), interpolation=cv2.INTER_AREA))

    alpha = half(bald.alpha)
    bare = alpha > 0
    skin = half(albedo(palm, bald.skin, everywhere), 3)
    skin[bald.wrist // 2 :] = _SLEEVE
    dark = spectra.DARK_850
    absorbed = dark[0] * bald.skin.stain + dark[1] * bald.skin.blood + dark[2] * bald.skin.vein
    infrared, covered = np.exp(-half(absorbed)[bare]), None
    if palm.coat is not None and bald.skin.coat is not None:
        share = half(bald.skin.coat)[bare]
        infrared = palm.coat.over_infrared(infrared * spectra.SKIN_850, share) / spectra.SKIN_850
        covered = None if palm.coat.colour is None else share
    facet = half(furrowed(surface, bald.skin.relief, everywhere), 3)
    columns, rows = (np.arange(side // 2, dtype=np.float32) + 0.5 for side in (wide, high))
    x, y = np.broadcast_arrays(surface.left + columns / GRID, (surface.top - rows / GRID)[:, None])
    hand = Specimen(
        alpha=alpha,
        centre=(-surface.left * GRID, surface.top * GRID),
        joints=bald.joints,
        at=np.stack([x, y, half(surface.height)], axis=-1)[bare],
        normal=array([cv2.GaussianBlur(facet, (0, 0), reach * GRID)[bare] for reach in REACH]),
        facet=facet[bare],
        colour=skin[bare],
        diode_colour=skin[bare],
        glow=np.zeros((int(bare.sum()), 3), np.float32),
        infrared=infrared,
        infrared_normal=array(cv2.GaussianBlur(facet, (0, 0), INFRARED_REACH * GRID)[bare]),
        wrap=WRAP,
        gloss=0.0,
        polish=1.0,
    )
    return hand, covered


@dataclass(frozen=True, slots=True)
class Room:
    """The light of the room without the ring, and the camera in it."""

    strength: float = 0.5
    """The room's light relative to the ring's at WHITE, on a palm at its ideal distance."""
    warmth: float = 0.0
    """-1 cold, 0 white, 1 warm."""
    infrared: float = 0.03
    """The room's light at 850 nm, relative to the near-infrared camera's lamps at 300 mm."""
    lens: float = LENS
    crosstalk: Field = field(default_factory=spectra.crosstalk)


def response_of(
    specimen: Specimen, side: Side, shown: Presentation, room: Room, size: tuple[int, int]
) -> Response:
    """Returns the response of a specimen that is held in front of a frame of `size` (height,
    width)."""
    turned, centre = _pose(specimen, side, shown, room.lens, size)
    segments, eye = (LAMPS - centre) @ turned, -centre @ turned
    ahead = turned.T[:, 2]
    ring = array([_segment_response(specimen, segment, ahead, eye) for segment in segments])
    return Response(
        specimen,
        room=_in_room(specimen, side, shown, room),
        # Colour by colour in memory, as `Response.under` reads it.
        ring=np.ascontiguousarray(ring.transpose(2, 0, 1)).transpose(1, 2, 0),
        crosstalk=room.crosstalk,
    )


def seen_from_beside(
    joints: Field, shown: Presentation, lens: float, size: tuple[int, int]
) -> Presentation:
    """Returns the presentation as the near-infrared camera sees it, from beside the other
    camera."""
    away = lens * _palm_length(joints) / shown.span
    return replace(shown, x=shown.x - BESIDE / away * lens * min(size) / size[1])


def in_infrared(
    specimen: Specimen, side: Side, shown: Presentation, room: Room, size: tuple[int, int]
) -> Sprite:
    """Returns a specimen as a near-infrared camera sees it under this presentation.

    Lamps and exposure are set as `palm.liveness.infrared` requires.
    """
    turned, centre = _pose(specimen, side, shown, room.lens, size)
    eye, ahead = -centre @ turned, turned.T[:, 2]
    seen = specimen.infrared * (0.6 + 0.4 * specimen.infrared_normal[:, 2]) * room.infrared
    for lamp in (_LAMPS - centre) @ turned:
        to_lamp, falling = _incident(specimen, lamp, ahead)
        met = np.einsum("ni,ni->n", specimen.infrared_normal, to_lamp) + _INFRARED_WRAP
        dull = specimen.infrared * np.clip(met / (1 + _INFRARED_WRAP), 0, None)
        seen = seen + (dull + _gloss(specimen, to_lamp, eye)) * falling / len(_LAMPS)
    flat = picture(specimen, np.repeat(array(seen * WHITE_CARD)[:, None], 3, axis=1))
    return _from_beside(flat, specimen, turned[0] * (-BESIDE / float(centre[2])))


def _from_beside(flat: Sprite, specimen: Specimen, parallax: Field) -> Sprite:
    """Returns a sprite, drawn from straight ahead, as seen from beside: each place moves by
    `parallax` per mm of height."""
    height = np.zeros(specimen.alpha.shape, np.float32)
    height[specimen.covered] = specimen.at[:, 2] * GRID
    rows, columns = np.indices(height.shape, dtype=np.float32)
    half = cv2.remap(
        flat.half,
        columns - height * parallax[0],
        rows + height * parallax[1],
        cv2.INTER_LINEAR,
    )
    whole = cv2.resize(half, flat.picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return replace(flat, picture=np.asarray(whole, np.uint8), half=np.asarray(half, np.uint8))


def _pose(
    specimen: Specimen, side: Side, shown: Presentation, lens: float, size: tuple[int, int]
) -> tuple[Field, Field]:
    """Returns the (3, 3) map from a left hand's directions to the camera's (right, down, away), and
    the (3,) position of the palm's centre relative to the lens in mm."""
    pitch, yaw, turn = np.radians((shown.pitch, shown.yaw, shown.turn))
    flip = np.diag((1.0 if side is Side.LEFT else -1.0, -1.0, -1.0))
    about_y = np.array(((np.cos(yaw), 0, -np.sin(yaw)), (0, 1, 0), (np.sin(yaw), 0, np.cos(yaw))))
    about_x = np.array(
        ((1, 0, 0), (0, np.cos(pitch), np.sin(pitch)), (0, -np.sin(pitch), np.cos(pitch)))
    )
    about_z = np.array(
        ((np.cos(turn), -np.sin(turn), 0), (np.sin(turn), np.cos(turn), 0), (0, 0, 1))
    )
    away = lens * _palm_length(specimen.joints) / shown.span
    focal = lens * min(size)
    height, width = size
    centre = np.array(
        ((shown.x - 0.5) * width * away / focal, (shown.y - 0.5) * height * away / focal, away)
    )
    return array(about_z @ about_x @ about_y @ flip), array(centre)


def _palm_length(joints: Field) -> float:
    bones = joints[Landmark.MIDDLE_MCP] - joints[Landmark.WRIST]
    return float(np.hypot(*bones[:2]))


def _segment_response(specimen: Specimen, segment: Field, ahead: Field, eye: Field) -> Field:
    """Returns the (n, 3) light that is seen of one segment at full level; directions are the
    hand's."""
    to_lamp, falling = _incident(specimen, segment, ahead)
    met = np.einsum("cni,ni->nc", specimen.normal, to_lamp)
    seen = specimen.diode_colour * np.clip((met + specimen.wrap) / (1 + specimen.wrap), 0, None)
    seen += _gloss(specimen, to_lamp, eye)[:, None]
    return array(seen * falling[:, None] / SEGMENTS)


def _incident(specimen: Specimen, lamp: Field, ahead: Field) -> tuple[Field, Field]:
    """Returns (n, 3) unit vectors toward a lamp that faces `ahead`, and the (n,) share of its light
    that arrives: 1 straight ahead at 300 mm."""
    to_lamp = lamp - specimen.at
    far = np.sqrt(np.einsum("ni,ni->n", to_lamp, to_lamp))
    to_lamp /= far[:, None]
    return to_lamp, np.clip(-to_lamp @ ahead, 0, 1) * (_REFERENCE_DISTANCE / far) ** 2


def _gloss(specimen: Specimen, to_lamp: Field, eye: Field) -> Field:
    """Returns the (n,) light that is mirrored (Blinn 1977)."""
    to_eye = eye - specimen.at
    middle = to_lamp + to_eye / np.sqrt(np.einsum("ni,ni->n", to_eye, to_eye))[:, None]
    middle /= np.sqrt(np.einsum("ni,ni->n", middle, middle))[:, None]
    shine = np.clip(np.einsum("ni,ni->n", specimen.facet, middle), 0, 1)
    return array(specimen.gloss * (specimen.polish + 8) / 8 * shine**specimen.polish)


def _in_room(specimen: Specimen, side: Side, shown: Presentation, room: Room) -> Field:
    """Returns the (n, 3) light of a lamp above and of the surroundings, as in `drawn.sprite`."""
    angle = np.radians(shown.light - shown.turn) * (1 if side is Side.LEFT else -1)
    lamp = array((0.55 * np.sin(angle), 0.55 * np.cos(angle), 0.85))
    lamp /= np.sqrt(lamp @ lamp)
    key = np.clip((specimen.normal @ lamp).T + specimen.wrap, 0, None) / (1 + specimen.wrap)
    around = 0.6 + 0.4 * specimen.normal[..., 2].T
    tint = array((1 - 0.18 * room.warmth, 1.0, 1 + 0.12 * room.warmth))
    return array(specimen.colour * (0.55 * key + 0.45 * around) * tint * (0.5 * room.strength))


class LitHand:
    """A hand in live video under a ring: its sprite, changed by the ratio of the ring's light to
    white.

    `under(WHITE)` returns the sprite itself. Any other step takes about 10 ms when it changes. The
    light is computed for a hand at its ideal distance in the middle of the view.
    """

    def __init__(self, palm: DrawnPalm, shown: Presentation, room: Room | None = None) -> None:
        self._white = sprite(palm, gesture(palm, shown))
        specimen = living(palm, shown)
        middle = replace(shown, x=0.5, y=0.5, pitch=0.0, yaw=0.0)
        room = room or Room()
        self._response = response_of(specimen, palm.side, middle, room, _FRAME)
        self._infrared = in_infrared(specimen, palm.side, middle, room, _FRAME)
        self._span, self._lens = shown.span, room.lens
        self._usual = self._response.under(WHITE)
        self._shown = (WHITE, self._white)

    def under(self, light: Light) -> Sprite:
        if not np.array_equal(light, self._shown[0]):
            self._shown = (light, self._relit(light))
        return self._shown[1]

    def in_infrared(self, shown: Presentation) -> tuple[Sprite, Presentation]:
        """Returns what the near-infrared camera sees of the hand, and where; nearer is brighter."""
        seen_there = seen_from_beside(self._infrared.joints, shown, self._lens, _FRAME)
        near = (shown.span / self._span) ** 2
        return self._infrared, replace(seen_there, brightness=near, warmth=0.0)

    def _relit(self, light: Light) -> Sprite:
        if np.array_equal(light, WHITE):
            return self._white
        white, covered = self._white, self._response.specimen.covered
        # The arm is cut off in the response, and does not change.
        change = np.full(white.half.shape, _UNCHANGED, np.uint8)
        ratio = self._response.under(light) / np.maximum(self._usual, 1e-4)
        high, wide = covered.shape
        change[:high, :wide][covered, :3] = np.clip(cv2.pow(ratio, 1 / 2.2) * _UNCHANGED, 0, 255)
        return replace(
            white, picture=_times(white.picture, change), half=_times(white.half, change)
        )


def _times(picture: npt.NDArray[np.uint8], change: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    size = (picture.shape[1], picture.shape[0])
    by = change if change.shape == picture.shape else cv2.resize(change, size)
    return np.asarray(cv2.multiply(picture, by, scale=1 / _UNCHANGED), np.uint8)
