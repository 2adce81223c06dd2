"""Draws aligned palms directly from the skin, without a hand around them, fast enough for training.

A `Swatch` is the skin around the ROI of one palm; `show` draws one picture of it. Everything that
happens to a palm on its way to an ROI is simulated: jittering landmarks, a bending palm, grazing
light, folds that open and close, near infrared, which shows veins and no blood, lenses, sensors,
compression, and things that lie on the palm. The ranges are wide so that real conditions lie within
them (domain randomisation, Tobin et al. 2017; strong augmentation makes drawn palms useful for
training, "Diff-Palm", CVPR 2025).
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from drawn import skin
from drawn.anatomy import PALM_LENGTH, Build, Field, array, build
from palm.hand.align import CENTRE, EXTENT
from palm.hand.landmarks import Side
from palm.hand.roi import SIZE
from palm.image import Grey

SCALE = 2.0
"""The resolution of a swatch in pixels per mm, a little finer than an ROI's."""
REACH = 1.5
"""The side of a swatch relative to an ROI's, so that an ROI can be shifted, rotated and scaled on
it."""

_MM = EXTENT * PALM_LENGTH
"""The side of the average palm's ROI in mm."""
_WIDE = round(REACH * _MM * SCALE)
_WRIST = -47.5
_STAIN, _RELIEF, _BLOOD, _VEIN = range(4)
_UNITS = array((110.0, 130.0, 45.0, 255.0))
_ZERO = array((0.0, 220.0, 110.0, 0.0))
"""A layer is stored in bytes: value * unit + zero."""

Swatch = npt.NDArray[np.uint8]
"""(h, w, 4) stain, relief, blood and veins of the skin around an ROI, thumb to the right."""


def swatch(seed: int, side: Side) -> Swatch:
    """Returns the `side` palm of person `seed`, 0 or more; always the same for the same seed."""
    person = np.random.default_rng((seed, 0))
    rng = np.random.default_rng((seed, 1 + list(Side).index(side), 0))
    hand = build(person)
    return _cut(skin.palm(rng, hand, SCALE), hand)


def _cut(sheet: skin.Sheet, hand: Build) -> Swatch:
    layers = np.dstack([sheet.stain, sheet.relief, sheet.blood, sheet.vein])
    layers = np.clip(layers * _UNITS + _ZERO + 0.5, 0, 255).astype(np.uint8)
    mm = _MM * hand.size * REACH
    # A sheet has the thumb on the left, an ROI on the right.
    right = 0.5 - CENTRE.real * PALM_LENGTH * hand.size + mm / 2
    top = (_WRIST + CENTRE.imag * PALM_LENGTH) * hand.size + mm / 2
    step = mm / _WIDE * SCALE
    to_sheet = array(
        (
            (-step, 0, (right - skin.LEFT) * SCALE - step / 2),
            (0, step, (skin.TOP - top) * SCALE + step / 2),
        )
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(
        layers, to_sheet, (_WIDE, _WIDE), flags=flags, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(cut, np.uint8)


@dataclass(frozen=True, slots=True)
class Placement:
    """The place of an ROI on a swatch."""

    turn: float = 0.0
    """The rotation in degrees clockwise."""
    zoom: float = 1.0
    """The magnification of the palm."""
    right: float = 0.0
    """The movement of the palm to the right, in pixels of the ROI."""
    down: float = 0.0


def jittered(placement: Placement, rng: np.random.Generator, jitter: float = 1.0) -> Placement:
    """Returns a placement with the error of detected landmarks; `jitter` 1 is that of a hand in the
    air."""
    turn, zoom, right, down = rng.normal(0, (3.0, 0.035, 3.5, 3.5)) * jitter
    return Placement(
        placement.turn + turn,
        placement.zoom * np.exp(zoom),
        placement.right + right,
        placement.down + down,
    )


def show(
    skin_of: Swatch,
    rng: np.random.Generator,
    placement: Placement = Placement(),
    infrared: bool = False,
    harsh: float = 1.0,
) -> Grey:
    """Returns a (SIZE, SIZE) picture of a swatch.

    The placement is as given; everything else is random. `harsh` is 0 for gentle, constant
    conditions and 1 for the widest range.
    """
    layers = array(_bent(skin_of, rng, placement, harsh))
    layers -= _ZERO
    layers /= _UNITS
    # Folds open and close as a hand stretches, more in one place than in another.
    folds = np.exp(array(0.1 + 0.35 * harsh) * _slow(rng, 6))
    stain = layers[..., _STAIN] * folds
    relief = layers[..., _RELIEF] * folds
    if rng.random() < 0.5 * harsh:
        relief += rng.uniform(0, 0.07) * _texture(rng)
    dark = _ink(rng, harsh, infrared)
    absorbed = dark[0] * stain + dark[1] * layers[..., _BLOOD] + dark[2] * layers[..., _VEIN]
    light = _lit(relief, rng, harsh) * np.exp(-absorbed)
    image = _developed(light, rng, harsh)
    if rng.random() < 0.5:
        image = _edge(image, rng)
    if rng.random() < 0.3 * harsh:
        image = _covered(image, rng)
    return _seen(image, rng, harsh)


def cut_off(picture: Grey, rng: np.random.Generator) -> tuple[Grey, npt.NDArray[np.bool_]]:
    """Cuts off a part of the palm at the frame's edge.

    Returns the picture, where the missing part is filled by reflection as `palm.hand.align` does,
    and the mask of what is visible.
    """
    x, y = _grid()
    turn = rng.normal(0, 0.2) + np.pi / 2 * rng.integers(4)
    right, down = array(np.cos(turn)), array(np.sin(turn))
    beyond = x * right + y * down - array(rng.uniform(0, 62))
    inside = np.clip(beyond, 0, None)
    middle = array((SIZE - 1) / 2)
    columns, rows = x - 2 * inside * right + middle, y - 2 * inside * down + middle
    seen = cv2.remap(picture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(seen, np.uint8), beyond <= 0


def _ink(rng: np.random.Generator, harsh: float, infrared: bool) -> tuple[float, float, float]:
    """Returns how much light a stain, a flush and a vein of 1 absorb."""
    stain = float(np.exp(rng.normal(-1.0, 0.15 + 0.45 * harsh)))
    if infrared:
        return 0.55 * stain, rng.uniform(0, 0.05), rng.uniform(0.1, 0.45)
    return stain, rng.uniform(0.03, 0.2), rng.uniform(0, 0.12)


@cache
def _grid() -> tuple[Field, Field]:
    """Returns the columns and rows of an ROI relative to its centre."""
    line = np.arange(SIZE, dtype=np.float32) - (SIZE - 1) / 2
    return np.broadcast_to(line, (SIZE, SIZE)), np.broadcast_to(line[:, None], (SIZE, SIZE))


@cache
def _pool() -> tuple[Field, Field]:
    """Returns white noise, and fine folds that belong to no palm, from which pieces are cut."""
    rng = np.random.default_rng(5)
    white = rng.standard_normal((4 * SIZE, 4 * SIZE), np.float32)
    folds = np.zeros_like(white)
    for angle in np.arange(6) * np.pi / 6:
        reach = np.arange(-10, 11, dtype=np.float32)
        x, y = np.meshgrid(reach, reach)
        across, along = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        kernel = np.exp(-((across / 1.2) ** 2) - (along / 5.0) ** 2)
        lines = cv2.filter2D(rng.standard_normal(white.shape, np.float32), -1, kernel)
        where = cv2.resize(rng.standard_normal((16, 16), np.float32), white.shape)
        folds += array(lines * np.clip(where, 0, None))
    folds -= array(cv2.GaussianBlur(folds, (0, 0), 8))
    return white, array(folds / folds.std())


def _piece(of: Field, rng: np.random.Generator) -> Field:
    row, column = rng.integers(0, of.shape[0] - SIZE, 2)
    piece = of[row : row + SIZE, column : column + SIZE]
    if rng.random() < 0.5:
        piece = piece[::-1]
    return piece.T if rng.random() < 0.5 else piece


def _texture(rng: np.random.Generator) -> Field:
    return _piece(_pool()[1], rng)


def _slow(rng: np.random.Generator, cells: int) -> Field:
    """Returns a smooth random field of about this many blobs per side, deviation about 1."""
    grid = rng.standard_normal((cells, cells), np.float32)
    return array(cv2.resize(grid, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC))


def _bent(
    skin_of: Swatch, rng: np.random.Generator, placement: Placement, harsh: float
) -> npt.NDArray[np.uint8]:
    """Returns the layers under the ROI, with the palm bent and tilted a little."""
    x, y = _grid()
    cos, sin = (
        np.cos(np.radians(placement.turn)) / placement.zoom,
        np.sin(np.radians(placement.turn)) / placement.zoom,
    )
    lean = rng.normal(0, 0.0007 * harsh, 2)
    far = 1 + array(lean[0]) * x + array(lean[1]) * y
    u, v = (x - array(placement.right)) / far, (y - array(placement.down)) / far
    step = _WIDE / (REACH * SIZE)
    bend = 0.4 + 1.3 * harsh
    columns = array(cos * step) * u + array(sin * step) * v + array(bend) * _slow(rng, 4)
    rows = array(cos * step) * v - array(sin * step) * u + array(bend) * _slow(rng, 4)
    if rng.random() < 0.4 * harsh:
        # The palm closes a little, which foreshortens it toward its middle line.
        fold, turn = rng.normal(0, 0.05), rng.uniform(0, np.pi)
        along = columns * array(np.cos(turn)) + rows * array(np.sin(turn))
        closed = array(fold) * along * np.abs(along) / (SIZE * step / 2)
        columns += closed * array(np.cos(turn))
        rows += closed * array(np.sin(turn))
    middle = (_WIDE - 1) / 2
    bent = cv2.remap(
        skin_of,
        columns + array(middle),
        rows + array(middle),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return np.asarray(bent, np.uint8)


def _lit(relief: Field, rng: np.random.Generator, harsh: float) -> Field:
    """Returns the light from one side and from all around on a palm that is not flat."""
    from_where = rng.uniform(0, 2 * np.pi)
    graze = rng.uniform(0, 0.25 + 0.5 * harsh)
    x, y = _grid()
    mm = 1 / 0.6
    slope = np.zeros_like(relief)
    slope[:, 1:-1] = (relief[:, 2:] - relief[:, :-2]) * array(0.5 * mm * np.cos(from_where))
    slope[1:-1] += (relief[2:] - relief[:-2]) * array(0.5 * mm * np.sin(from_where))
    shade = np.clip(1 + array(graze) * slope, 0.25, 2.0)
    fall = rng.normal(0, 0.1 + 0.3 * harsh)
    across = (x * array(np.cos(from_where)) + y * array(np.sin(from_where))) / (SIZE / 2)
    pads = array(0.08 + 0.22 * harsh * rng.random()) * _slow(rng, 4)
    pads += array(rng.uniform(0.02, 0.07)) * _slow(rng, 8)
    return shade * np.exp(array(fall) * across + pads)


def _developed(light: Field, rng: np.random.Generator, harsh: float) -> Field:
    """Returns the grey levels of the light."""
    gamma = np.exp(rng.normal(-0.4, 0.25 * harsh))
    level = rng.uniform(120 - 60 * harsh, 150 + 50 * harsh)
    grey = (light / light.mean()) ** array(gamma) * array(level)
    if rng.random() < 0.15 * harsh:
        # Wet or oily skin shines where it faces the light.
        shine = np.clip(_slow(rng, 5) - array(rng.uniform(0.8, 1.6)), 0, None)
        grey += array(rng.uniform(20, 90)) * shine * (1 + 0.4 * _texture(rng))
    return grey


def _covered(image: Field, rng: np.random.Generator) -> Field:
    """Adds something that lies on the palm, or the background beyond its edge."""
    x, y = _grid()
    what = rng.random()
    turn = rng.uniform(0, 2 * np.pi)
    along = x * array(np.cos(turn)) + y * array(np.sin(turn))
    if what < 0.6:
        beyond = np.clip((along - array(rng.uniform(38, 62))) / 3, 0, 1)
        return image + beyond * (array(rng.uniform(0, 140)) - image)
    if what < 0.8:
        shadow = np.clip((along - array(rng.uniform(-30, 40))) / array(rng.uniform(2, 20)), 0, 1)
        return image * (1 - array(rng.uniform(0.2, 0.6)) * shadow)
    if what < 0.9:
        across = y * array(np.cos(turn)) - x * array(np.sin(turn)) + 3 * _slow(rng, 4)
        line = np.exp(-(((across - array(rng.uniform(-40, 40))) / 1.2) ** 2)) * (along > 0)
        return image * (1 - array(rng.uniform(0.3, 0.8)) * line)
    middle = rng.uniform(-40, 40, 2)
    inside = (np.abs(along - middle[0]) < 16) & (np.abs(y - middle[1]) < 6)
    return np.where(inside, array(image.mean() * rng.uniform(0.8, 1.4)), image)


def _edge(image: Field, rng: np.random.Generator) -> Field:
    """Rounds the palm toward its outer edge, with background beyond the edge."""
    begins, ends = rng.uniform(-0.5, 0.6), rng.uniform(0.02, 0.24)
    down = np.arange(SIZE, dtype=np.float32)[:, None] / SIZE
    below = np.clip((down - array(begins)) / array(1 - begins), 0, None)
    # The edge is a curve that starts at the picture's left side; compute only the columns it
    # reaches.
    bow = array(ends * SIZE) * below ** array(rng.uniform(0.6, 1.6)) - 1
    wide = int(np.clip(bow.max() + 32, 0, SIZE))
    inward = np.arange(wide, dtype=np.float32) - bow
    rounds = np.clip(1 - inward / array(rng.uniform(6, 30)), 0, 1)
    left = image[:, :wide] * (1 - array(rng.uniform(0, 0.6)) * rounds**2)
    beyond = np.clip(0.5 - inward / array(rng.uniform(1, 3)), 0, 1)
    left += beyond * (array(rng.uniform(0, 255)) - left)
    return np.hstack([left, image[:, wide:]])


def _seen(image: Field, rng: np.random.Generator, harsh: float) -> Grey:
    """Applies lens blur, sensor noise and compression."""
    blur = abs(rng.normal(0, 0.3 + 0.7 * harsh))
    if rng.random() < 0.25 * harsh:
        small = int(rng.integers(56, 112))
        image = array(cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA))
        image = array(cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR))
    elif rng.random() < 0.15 * harsh:
        reach, turn = rng.uniform(1, 3), rng.uniform(0, np.pi)
        kernel = np.zeros((7, 7), np.float32)
        ends = [
            (round(3 + s * reach * np.cos(turn)), round(3 + s * reach * np.sin(turn)))
            for s in (-1, 1)
        ]
        cv2.line(kernel, ends[0], ends[1], 1.0, 1)
        image = array(cv2.filter2D(image, -1, kernel / kernel.sum()))
    elif blur > 0.25:
        image = array(cv2.GaussianBlur(image, (0, 0), blur))
    noise = _piece(_pool()[0], rng)
    if rng.random() < 0.4:
        noise = 2.5 * array(cv2.GaussianBlur(noise, (3, 3), 0.8))
    image = image + array(rng.uniform(0.5, 1.5 + 4.5 * harsh)) * noise
    sharp = np.clip(image + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < 0.25 * harsh:
        quality = int(rng.integers(35, 95))
        written = cv2.imencode(".jpg", sharp, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        sharp = np.asarray(cv2.imdecode(written, cv2.IMREAD_GRAYSCALE), np.uint8)
    return sharp
