"""Shows a drawn palm to the camera: pose, gesture, light, lens and sensor."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
from cv2.typing import MatLike

from drawn.anatomy import PALM_LENGTH, Field, array
from drawn.identity import DrawnPalm
from drawn.noise import clouds
from drawn.skin import SCALE
from drawn.sprite import Gesture, Sprite, sprite
from palm.hand.align import align
from palm.hand.landmarks import Hand, Landmark, Shown, Side
from palm.hand.roi import Roi
from palm.image import Colour

_STEPS = 20
"""The number of gestures that are drawn between closed and open; smaller differences are
invisible."""
_LIGHT_STEP = 15.0
_SHIFT = 64
"""The largest offset in pixels at which the stored noise is used for the next frame."""
_SMALL = 0.6
"""The size of a hand relative to its sprite below which the sprite's half-size picture is used."""
_FIST = 0.75
"""The curl from which no palm is seen."""
_ROI_FRAME = (720, 720)
_CAMERA = 300.0
"""The distance in mm from the lens to a palm at its ideal distance, which sets the perspective of a
tilted hand."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """The way in which a palm is shown."""

    x: float = 0.5
    """The palm's centre: 0 is the frame's left edge, 1 the right edge."""
    y: float = 0.6
    """The palm's centre: 0 is the frame's upper edge, 1 the lower edge."""
    span: float = 0.4
    """The palm length over the frame's shorter side: about 0.2 is far, 0.6 too near."""
    turn: float = 0.0
    """The rotation of the fingers from pointing up, in degrees clockwise."""
    pitch: float = 0.0
    """The angle by which the fingertips lean away from the camera, in degrees."""
    yaw: float = 0.0
    """The angle by which the frame's right side of the hand leans away from the camera, in
    degrees."""
    spread: float = 0.45
    """0 with the fingers side by side, 1 with all apart."""
    curl: float = 0.0
    """0 flat, 1 a fist."""
    back: bool = False
    """Whether the back of the hand is shown."""
    light: float = -30.0
    """The direction that light comes from, in degrees clockwise from above."""
    brightness: float = 1.0
    """The exposure of the whole frame."""
    warmth: float = 0.0
    """The colour of the light: -1 cold, 0 white, 1 warm."""
    blur: float = 0.0
    """The defocus, as a deviation in pixels."""
    smear: tuple[float, float] = (0.0, 0.0)
    """The movement during the exposure in pixels, right and down."""
    noise: float = 2.0
    """The sensor's noise, as a deviation in grey levels."""
    flush: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """The blue, green and red grey levels that blood absorbs at this moment. They are below one and
    are visible through noise only."""

    @property
    def shown(self) -> Shown:
        if self.curl >= _FIST:
            return Shown.FIST
        return Shown.BACK if self.back else Shown.PALM


@dataclass(frozen=True, slots=True)
class Drawing:
    """A frame, and the ground truth of the hand in it."""

    image: Colour
    hand: Hand


def draw(
    palm: DrawnPalm,
    shown: Presentation,
    rng: np.random.Generator,
    size: tuple[int, int] = (720, 1280),
    out: Colour | None = None,
) -> Drawing:
    """Draws a palm into a new frame of `size` (height, width), or into `out` of that shape."""
    image = np.empty((*size, 3), np.uint8) if out is None else out
    return show(palm, sprite(palm, gesture(palm, shown)), shown, rng, image)


def show(
    palm: DrawnPalm, hand: Sprite, shown: Presentation, rng: np.random.Generator, out: Colour
) -> Drawing:
    """Draws a sprite of a palm into `out`, (height, width, 3).

    The sprite must have been drawn in the gesture of this presentation.
    """
    height, width = out.shape[:2]
    to_frame = _to_frame(palm, shown, (height, width))
    np.copyto(out, background(height, width))
    shrunk = shown.span * min(height, width) < _SMALL * PALM_LENGTH * SCALE
    picture = hand.half if shrunk else hand.picture
    from_picture = np.diag((2.0, 2.0, 1.0)) if shrunk else np.eye(3)
    _compose(out, picture, to_frame @ _to_mm(hand) @ from_picture, shown)
    expose(out, shown, rng)
    return Drawing(out, _truth(palm, shown, hand, to_frame))


def draw_roi(palm: DrawnPalm, shown: Presentation, rng: np.random.Generator) -> Roi:
    """Returns the ROI of a presentation, aligned by exact landmarks."""
    drawing = draw(palm, shown, rng, size=_ROI_FRAME)
    return align(drawing.image, drawing.hand)


def gesture(palm: DrawnPalm, shown: Presentation) -> Gesture:
    """Returns the part of a presentation that a sprite depends on."""
    # A right hand is a mirrored left one, and its light is mirrored too.
    light = (shown.light - shown.turn) * _mirror(palm)
    return Gesture(
        spread=round(shown.spread * _STEPS) / _STEPS,
        curl=round(shown.curl * _STEPS) / _STEPS,
        back=shown.back,
        light=round(light / _LIGHT_STEP) * _LIGHT_STEP,
    )


def _mirror(palm: DrawnPalm) -> float:
    return 1.0 if palm.side is Side.LEFT else -1.0


def _to_mm(hand: Sprite) -> npt.NDArray[np.float64]:
    """Returns the (3, 3) map from a sprite's pixels to mm from the palm's centre, y down."""
    x, y = hand.centre
    return np.array(((1 / SCALE, 0, -x / SCALE), (0, 1 / SCALE, -y / SCALE), (0, 0, 1)))


def _to_frame(
    palm: DrawnPalm, shown: Presentation, size: tuple[int, int]
) -> npt.NDArray[np.float64]:
    """Returns the (3, 3) map from mm of a left hand, y down, to pixels of the frame."""
    height, width = size
    scale = shown.span * min(size) / (PALM_LENGTH * palm.build.size)
    pitch, yaw, turn = np.radians((shown.pitch, shown.yaw, shown.turn))
    lean = np.array(
        (
            (np.cos(yaw), 0, 0),
            (np.sin(pitch) * np.sin(yaw), np.cos(pitch), 0),
            (np.sin(yaw) / _CAMERA, -np.sin(pitch) / _CAMERA, 1),
        )
    )
    place = np.array(
        (
            (scale * np.cos(turn), -scale * np.sin(turn), shown.x * width),
            (scale * np.sin(turn), scale * np.cos(turn), shown.y * height),
            (0, 0, 1),
        )
    )
    return place @ lean @ np.diag((_mirror(palm), 1, 1))


def _through(at: npt.NDArray[np.float64], points: Field) -> npt.NDArray[np.float32]:
    seen = np.concatenate((points, np.ones((len(points), 1))), axis=1) @ at.T
    return (seen[:, :2] / seen[:, 2:]).astype(np.float32)


@lru_cache(maxsize=4)
def background(height: int, width: int) -> Colour:
    """Returns a blurred room, as a kiosk's camera sees it behind a hand: walls and lamps."""
    rng = np.random.default_rng(11)
    coarse = (height // 4, width // 4)
    rows, columns = np.indices(coarse, dtype=np.float32) / coarse[0]
    aspect = width / height
    grey = 104 - 34 * np.hypot(columns - aspect / 2, rows - 0.45)
    grey += 5 * clouds(rng, coarse, coarse[0] / 2.5)
    image = grey[..., None] * array((1.02, 1.0, 0.97))
    for _ in range(9):
        x, y, radius = rng.uniform((0, 0, 0.03), (aspect, 0.75, 0.075))
        lamp = np.clip((radius - np.hypot(columns - x, rows - y)) * 60 + 0.5, 0, 1)
        image += lamp[..., None] * array((22, 27, 32)) * rng.uniform(0.3, 1.0)
    image = cv2.GaussianBlur(array(image), (0, 0), coarse[0] / 120)
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    # Without a little noise the slow gradients would show as steps.
    image += rng.uniform(-0.5, 0.5, (height, width, 1))
    return np.clip(image, 0, 255).astype(np.uint8)


def _compose(
    image: Colour,
    picture: npt.NDArray[np.uint8],
    to_frame: npt.NDArray[np.float64],
    shown: Presentation,
) -> None:
    height, width = image.shape[:2]
    corners = _through(
        to_frame,
        array(((0, 0), (picture.shape[1], 0), (0, picture.shape[0]), picture.shape[1::-1])),
    )
    pad = 3 * shown.blur + max(map(abs, shown.smear)) + 2
    left, top = np.clip(corners.min(0) - pad, 0, (width, height)).astype(int)
    right, bottom = np.clip(corners.max(0) + pad, 0, (width, height)).astype(int)
    if right - left < 2 or bottom - top < 2:
        return
    shift = np.array(((1, 0, -left), (0, 1, -top), (0, 0, 1)), np.float64)
    seen = cv2.warpPerspective(
        picture, shift @ to_frame, (int(right - left), int(bottom - top)), flags=cv2.INTER_LINEAR
    )
    seen = _smeared(seen, shown.smear)
    if shown.blur > 0.3:
        seen = cv2.GaussianBlur(seen, (0, 0), shown.blur)
    window = image[top:bottom, left:right]
    behind = cv2.cvtColor(255 - seen[..., 3], cv2.COLOR_GRAY2BGR)
    cv2.multiply(window, behind, dst=behind, scale=1 / 255)
    cv2.add(behind, cv2.cvtColor(seen, cv2.COLOR_BGRA2BGR), dst=window)


def _smeared(seen: MatLike, smear: tuple[float, float]) -> MatLike:
    length = float(np.hypot(*smear))
    if length < 1.0:
        return seen
    reach = int(np.ceil(length / 2))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    half = np.array(smear) / 2
    ends = [tuple(int(v) for v in np.round((reach + s * half) * 16)) for s in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, 4)
    return cv2.filter2D(seen, -1, kernel / kernel.sum())


@lru_cache(maxsize=4)
def _static(height: int, width: int) -> Colour:
    """Returns the sensor's noise, mean 128 and deviation 16 grey levels, larger than the frame so
    that it can be shifted."""
    rng = np.random.default_rng(3)
    grain = rng.standard_normal((height + _SHIFT, width + _SHIFT, 3), np.float32)
    return np.clip(128 + 16 * grain, 0, 255).astype(np.uint8)


def expose(image: Colour, shown: Presentation, rng: np.random.Generator) -> None:
    """Applies exposure, colour of the light and noise to a whole frame in place."""
    if shown.brightness != 1.0 or shown.warmth != 0.0:
        gain = shown.brightness * np.array((1 - 0.18 * shown.warmth, 1.0, 1 + 0.12 * shown.warmth))
        levels = np.arange(256)[:, None] / 255
        table = np.clip(gain * levels**2.2, 0, 1) ** (1 / 2.2) * 255 + 0.5
        cv2.LUT(image, table.astype(np.uint8)[:, None], dst=image)
    if shown.noise > 0:
        height, width = image.shape[:2]
        y, x = rng.integers(0, _SHIFT, 2)
        grain = _static(height, width)[y : y + height, x : x + width]
        share = shown.noise / 16
        if any(shown.flush):
            # A change of less than a grey level shows as the number of pixels that cross a level.
            tipped = np.array([round(level / share) for level in (*shown.flush, 0.0)], np.float64)
            grain = cv2.subtract(grain, tipped)
        cv2.addWeighted(image, 1.0, grain, share, -128 * share, dst=image)


def _truth(
    palm: DrawnPalm, shown: Presentation, hand: Sprite, to_frame: npt.NDArray[np.float64]
) -> Hand:
    joints = hand.joints * array((1, -1, -1))
    wrist, knuckle = joints[Landmark.WRIST], joints[Landmark.MIDDLE_MCP]
    landmarks = _through(to_frame, joints[:, :2])
    seen = landmarks[Landmark.MIDDLE_MCP] - landmarks[Landmark.WRIST]
    pixels = np.hypot(*seen) / np.hypot(*(knuckle - wrist)[:2])
    world = joints * array((_mirror(palm), 1, 1)) / 1000
    return Hand(
        landmarks=landmarks,
        depth=array((joints[:, 2] - wrist[2]) * pixels),
        world=array(world - world.mean(0)),
        presence=1.0,
        side=palm.side,
        shown=shown.shown,
    )
