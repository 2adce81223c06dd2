"""Draws a burst as the kiosk takes it: a hand or an attack in front of its cameras while the ring
plays."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from drawn.anatomy import Field, array
from drawn.identity import DrawnPalm
from drawn.lit import (
    WHITE,
    Response,
    Room,
    Specimen,
    in_infrared,
    light_of,
    response_of,
    seen_from_beside,
)
from drawn.presentation import Presentation, show
from palm.hand.landmarks import Hand
from palm.image import Colour
from palm.liveness import Light, LitFrame, Still
from protocol.challenge import SEED_BYTES, steps

FRAME = (720, 720)
JPEG_QUALITY = 95
"""The JPEG quality with which the kiosk compresses frames."""

INFRARED_QUALITY = 85
_INFRARED_NOISE = 1.5
"""The noise of the near-infrared camera as a multiple of the colour camera's: it has less light and
uses one channel of three."""
_INTERVAL = 0.066
"""The time between two frames in seconds: a step of light lasts two frames of the camera."""
_NEAR = 30.0
"""The distance from the palm's centre within which exposure is measured, in mm."""


@dataclass(frozen=True, slots=True)
class Shot:
    """The circumstances of one burst."""

    shown: Presentation = field(default_factory=lambda: Presentation(span=0.45, y=0.55))
    room: Room = field(default_factory=Room)
    gain: float = 1.0
    """The setting of the near-infrared camera, as a multiple of the correct one."""
    soft: float = 0.5
    """The additional blur of the near-infrared camera, as a deviation in pixels."""
    level: float = 0.3
    """The linear level, 0 to 1, to which the palm is exposed under WHITE."""
    drift: tuple[float, float] = (0.0, 0.0)
    """The speed of the hand in mm/s, right and down."""
    flicker: float = 0.01
    """The relative deviation of the room's light from frame to frame."""
    afterglow: float = 0.02
    """The share of the previous step of light that is still seen, when the shutter opens a little
    early."""
    jitter: float = 0.006
    """The deviation of the landmarks in palm lengths."""


Glow = Callable[[int], float | Field]
"""The brightness of a self-luminous specimen in a frame, as a multiple of its usual one; (3,) or
(n, 3) where its colour changes."""


def challenge(rng: np.random.Generator) -> list[Light]:
    """Returns the steps of a random challenge, as the service issues them
    (`protocol.challenge`)."""
    return [light_of(levels) for levels in steps(rng.bytes(SEED_BYTES))]


def played(steps: Sequence[Light]) -> list[Light]:
    """Returns the light of each frame: white before and after the challenge."""
    return [WHITE, WHITE, *steps, WHITE]


@dataclass(frozen=True, slots=True)
class Film:
    """The frames of both cameras."""

    lit: list[LitFrame]
    infrared: list[Still]
    """Two frames, taken with the first and the last step of the challenge."""


def film(
    palm: DrawnPalm,
    specimen: Specimen,
    shot: Shot,
    lights: Sequence[Light],
    rng: np.random.Generator,
    *,
    glow: Glow = lambda _: 1.0,
) -> Film:
    """Takes one frame under each light, of a specimen that has the landmarks of `palm`."""
    # A generator of its own, so that the colour frames do not depend on near infrared.
    aside = rng.spawn(1)[0]
    response = response_of(specimen, palm.side, shot.shown, shot.room, FRAME)
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
        image, hand = _compressed(out, detected(drawing.hand, shot.jitter, rng))
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
    seen_there = seen_from_beside(specimen.joints, here, shot.room.lens, FRAME)
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
    image, hand = _compressed(out, detected(drawing.hand, shot.jitter, rng), INFRARED_QUALITY)
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


def detected(hand: Hand, jitter: float, rng: np.random.Generator) -> Hand:
    off = rng.normal(0, jitter * hand.palm_length, hand.landmarks.shape)
    return replace(hand, landmarks=array(hand.landmarks + off))


def _compressed(image: Colour, hand: Hand, quality: int = JPEG_QUALITY) -> tuple[Colour, Hand]:
    """Returns the square of the frame that holds the hand, after JPEG compression."""
    side = min(image.shape[:2])
    middle = (hand.landmarks.min(axis=0) + hand.landmarks.max(axis=0)) / 2
    left = int(np.clip(middle[0] - side / 2, 0, image.shape[1] - side))
    region = np.ascontiguousarray(image[:, left : left + side])
    packed = cv2.imencode(".jpg", region, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    opened = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return opened, replace(hand, landmarks=array(hand.landmarks - (left, 0)))
