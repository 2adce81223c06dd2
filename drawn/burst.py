"""A burst as a kiosk takes it: something is held before its cameras while the ring plays."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from drawn.anatomy import Field, array
from drawn.identity import DrawnPalm
from drawn.lit import WHITE, Response, Room, Specimen, answering, beside, in_infrared, light_of
from drawn.presentation import Presentation, show
from palm.hand.landmarks import Hand
from palm.image import Colour
from palm.liveness import Light, LitFrame, Still
from protocol.challenge import SEED_BYTES, steps

FRAME = (720, 720)
JPEG_QUALITY = 95
"""As the kiosk compresses what it sends."""

INFRARED_QUALITY = 85
_INFRARED_NOISE = 1.5
"""Over that of the camera beside it: few photons, one channel of three."""
_INTERVAL = 0.066
"""From one frame to the next, s: a step of light lasts for two of the camera's."""
_NEAR = 30.0
"""Around the palm's centre, mm, is where the camera measures its exposure."""


@dataclass(frozen=True, slots=True)
class Shot:
    """The circumstances of one burst."""

    shown: Presentation = field(default_factory=lambda: Presentation(span=0.45, y=0.55))
    room: Room = field(default_factory=Room)
    gain: float = 1.0
    """Of the near-infrared camera, over what it should be set to."""
    soft: float = 0.5
    """How much less sharp than the other it is, pixels of deviation."""
    level: float = 0.3
    """What the palm is exposed to under WHITE, 0 to 1, linear."""
    drift: tuple[float, float] = (0.0, 0.0)
    """How fast the hand moves, mm/s right and down."""
    flicker: float = 0.01
    """Deviation of the room's light from frame to frame."""
    afterglow: float = 0.02
    """Share of the step before that is still seen: of a shutter that opens a little early."""
    jitter: float = 0.006
    """Deviation of the landmarks found, palm lengths."""


Glow = Callable[[int], float | Field]
"""How much a specimen glows in a frame, over its usual; (3,) or (n, 3) where its colour changes."""


def challenge(rng: np.random.Generator) -> list[Light]:
    """The steps of a random challenge, as the service issues them (`protocol.challenge`)."""
    return [light_of(levels) for levels in steps(rng.bytes(SEED_BYTES))]


def played(steps: Sequence[Light]) -> list[Light]:
    """What the ring shows from frame to frame: white before and after a challenge."""
    return [WHITE, WHITE, *steps, WHITE]


@dataclass(frozen=True, slots=True)
class Film:
    """What both cameras saw."""

    lit: list[LitFrame]
    infrared: list[Still]
    """Taken with the first step of the challenge and with the last."""


def film(
    palm: DrawnPalm,
    specimen: Specimen,
    shot: Shot,
    lights: Sequence[Light],
    rng: np.random.Generator,
    *,
    glow: Glow = lambda _: 1.0,
) -> Film:
    """Takes one frame under each light, of something that shows a palm's landmarks."""
    # What is drawn in colour is the same whether or not there is near infrared.
    aside = rng.spawn(1)[0]
    response = answering(specimen, palm.side, shot.shown, shot.room, FRAME)
    gain = exposure(response, shot.level)
    wander = rng.normal(0, (0.15, 0.15, 0.001, 0.15, 0.3, 0.3), (len(lights), 6)).cumsum(axis=0)
    frames: list[LitFrame] = []
    infrared: list[Still] = []
    before = lights[0]
    for k, light in enumerate(lights):
        here = _moved(shot, k * _INTERVAL, wander[k])
        seen_light = array(light + (before - light) * shot.afterglow)
        level = float(rng.normal(1, shot.flicker))
        linear = response.under(seen_light, glow(k)) + response.room * (level - 1)
        sprite = response.picture(linear, gain)
        out = np.empty((*FRAME, 3), np.uint8)
        drawing = show(palm, sprite, here, rng, out)
        image, hand = _sent(out, found(drawing.hand, shot.jitter, rng))
        frames.append(LitFrame(image, hand, light))
        before = light
        if k in (2, len(lights) - 2):
            infrared.append(_in_infrared(palm, specimen, shot, here, aside))
    return Film(frames, infrared)


def _in_infrared(
    palm: DrawnPalm,
    specimen: Specimen,
    shot: Shot,
    here: Presentation,
    rng: np.random.Generator,
) -> Still:
    seen_there = beside(specimen.joints, here, shot.room.lens, FRAME)
    sprite = in_infrared(specimen, palm.side, seen_there, shot.room, FRAME)
    seen_there = replace(
        seen_there,
        noise=seen_there.noise * _INFRARED_NOISE,
        blur=float(np.hypot(seen_there.blur, shot.soft)),
        brightness=shot.gain,
        warmth=0.0,
    )
    out = np.empty((*FRAME, 3), np.uint8)
    drawing = show(palm, sprite, seen_there, rng, out)
    out[:] = out[..., 1:2]
    image, hand = _sent(out, found(drawing.hand, shot.jitter, rng), INFRARED_QUALITY)
    return Still(image, hand)


def exposure(response: Response, level: float) -> float:
    specimen = response.specimen
    near = np.hypot(specimen.at[:, 0], specimen.at[:, 1]) < _NEAR
    usual = response.under(WHITE)[near]
    return level / max(float(np.median(usual.mean(axis=1))), 1e-4)


def _moved(shot: Shot, passed: float, wander: Field) -> Presentation:
    shown, (height, width) = shot.shown, FRAME
    pixels = shown.span * height / 95.6
    return replace(
        shown,
        x=shown.x + (shot.drift[0] * passed + wander[0]) * pixels / width,
        y=shown.y + (shot.drift[1] * passed + wander[1]) * pixels / height,
        span=shown.span * (1 + wander[2]),
        turn=shown.turn + wander[3],
        pitch=shown.pitch + wander[4],
        yaw=shown.yaw + wander[5],
    )


def found(hand: Hand, jitter: float, rng: np.random.Generator) -> Hand:
    off = rng.normal(0, jitter * hand.palm_length, hand.landmarks.shape)
    return replace(hand, landmarks=array(hand.landmarks + off))


def _sent(image: Colour, hand: Hand, quality: int = JPEG_QUALITY) -> tuple[Colour, Hand]:
    """The square of a frame that holds the hand, as it comes out of its JPEG."""
    side = min(image.shape[:2])
    middle = (hand.landmarks.min(axis=0) + hand.landmarks.max(axis=0)) / 2
    left = int(np.clip(middle[0] - side / 2, 0, image.shape[1] - side))
    region = np.ascontiguousarray(image[:, left : left + side])
    packed = cv2.imencode(".jpg", region, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    opened = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return opened, replace(hand, landmarks=array(hand.landmarks - (left, 0)))
