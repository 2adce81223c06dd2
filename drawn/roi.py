"""Aligned palms straight from the skin, without a hand around them: as many as training eats.

A `Swatch` is the skin about the ROI as its owner has it; `show` takes one picture of it. What a
whole hand goes through on its way to an ROI is drawn here as it arrives there: landmarks that
jitter, a palm that bends, light that grazes, folds that open and close, near infrared that shows
veins and no blood, lenses, sensors, compression, and whatever lies on the palm. The ranges are
wide on purpose: what counts is that real conditions lie within them (domain randomisation, Tobin
et al. 2017; strong augmentation is what lets drawn palms teach, "Diff-Palm", CVPR 2025).
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
"""Pixels of a swatch a millimetre: a little finer than an ROI's."""
REACH = 1.5
"""Side of a swatch over the ROI's, so that an ROI can be shifted, turned and shrunk on it."""

_MM = EXTENT * PALM_LENGTH
"""Side of the average palm's ROI, mm."""
_WIDE = round(REACH * _MM * SCALE)
_WRIST = -47.5
_STAIN, _RELIEF, _BLOOD, _VEIN = range(4)
_UNITS = array((110.0, 130.0, 45.0, 255.0))
_ZERO = array((0.0, 220.0, 110.0, 0.0))
"""A layer's byte is its value times its unit, plus its zero."""

Swatch = npt.NDArray[np.uint8]
"""(h, w, 4) stain, relief, blood and veins of the skin about an ROI, thumb to the right."""


def swatch(seed: int, side: Side) -> Swatch:
    """The `side` palm of person `seed`, 0 or more; always the same for the same seed."""
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
class Crop:
    """Where an ROI lies on a swatch."""

    turn: float = 0.0
    """Degrees clockwise."""
    zoom: float = 1.0
    """How much larger the palm is seen."""
    right: float = 0.0
    """Pixels of the ROI that the palm has moved."""
    down: float = 0.0


def about(crop: Crop, rng: np.random.Generator, jitter: float = 1.0) -> Crop:
    """A crop as found by landmarks that are never twice quite the same; `jitter` 1 is what a
    hand in the air gives."""
    turn, zoom, right, down = rng.normal(0, (3.0, 0.035, 3.5, 3.5)) * jitter
    return Crop(crop.turn + turn, crop.zoom * np.exp(zoom), crop.right + right, crop.down + down)


def show(
    skin_of: Swatch,
    rng: np.random.Generator,
    crop: Crop = Crop(),
    infrared: bool = False,
    harsh: float = 1.0,
) -> Grey:
    """(SIZE, SIZE) picture of a swatch, `crop` as it was meant, everything else by chance.

    `harsh` is 0 for the same gentle conditions again and again to 1 for anything that happens.
    """
    layers = array(_bent(skin_of, rng, crop, harsh))
    layers -= _ZERO
    layers /= _UNITS
    # Folds open and close as a hand stretches, here more and there less.
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
    """Part of the palm lies out of the frame: there it is seen in the mirror instead, as
    `palm.hand.align` fills an ROI. With it, where it is visible."""
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
    """How much light a stain, a flush and a vein of one take."""
    stain = float(np.exp(rng.normal(-1.0, 0.15 + 0.45 * harsh)))
    if infrared:
        return 0.55 * stain, rng.uniform(0, 0.05), rng.uniform(0.1, 0.45)
    return stain, rng.uniform(0.03, 0.2), rng.uniform(0, 0.12)


@cache
def _grid() -> tuple[Field, Field]:
    """Columns and rows of an ROI about its middle."""
    line = np.arange(SIZE, dtype=np.float32) - (SIZE - 1) / 2
    return np.broadcast_to(line, (SIZE, SIZE)), np.broadcast_to(line[:, None], (SIZE, SIZE))


@cache
def _pool() -> tuple[Field, Field]:
    """White noise, and fine folds that belong to no palm, to be cut from anywhere."""
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
    """Smooth randomness of about so many blobs a side, deviation about 1."""
    grid = rng.standard_normal((cells, cells), np.float32)
    return array(cv2.resize(grid, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC))


def _bent(
    skin_of: Swatch, rng: np.random.Generator, crop: Crop, harsh: float
) -> npt.NDArray[np.uint8]:
    """The layers as they lie under the ROI, the palm bent and leaning a little."""
    x, y = _grid()
    cos, sin = np.cos(np.radians(crop.turn)) / crop.zoom, np.sin(np.radians(crop.turn)) / crop.zoom
    lean = rng.normal(0, 0.0007 * harsh, 2)
    far = 1 + array(lean[0]) * x + array(lean[1]) * y
    u, v = (x - array(crop.right)) / far, (y - array(crop.down)) / far
    step = _WIDE / (REACH * SIZE)
    bend = 0.4 + 1.3 * harsh
    columns = array(cos * step) * u + array(sin * step) * v + array(bend) * _slow(rng, 4)
    rows = array(cos * step) * v - array(sin * step) * u + array(bend) * _slow(rng, 4)
    if rng.random() < 0.4 * harsh:
        # The palm closes a little: it is foreshortened toward its middle line.
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
    """Light from one side and from all around, on a palm that is not flat."""
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
    """Grey levels."""
    gamma = np.exp(rng.normal(-0.4, 0.25 * harsh))
    level = rng.uniform(120 - 60 * harsh, 150 + 50 * harsh)
    grey = (light / light.mean()) ** array(gamma) * array(level)
    if rng.random() < 0.15 * harsh:
        # Wet or oily skin shines where it happens to face the light.
        shine = np.clip(_slow(rng, 5) - array(rng.uniform(0.8, 1.6)), 0, None)
        grey += array(rng.uniform(20, 90)) * shine * (1 + 0.4 * _texture(rng))
    return grey


def _covered(image: Field, rng: np.random.Generator) -> Field:
    """Something on the palm, or beyond its edge."""
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
    """The palm rounds off toward its outer edge, and beyond it is whatever is behind the hand."""
    begins, ends = rng.uniform(-0.5, 0.6), rng.uniform(0.02, 0.24)
    down = np.arange(SIZE, dtype=np.float32)[:, None] / SIZE
    below = np.clip((down - array(begins)) / array(1 - begins), 0, None)
    # A bow that leaves the picture's left side where it begins; what it hides, and what is beside.
    bow = array(ends * SIZE) * below ** array(rng.uniform(0.6, 1.6)) - 1
    wide = int(np.clip(bow.max() + 32, 0, SIZE))
    inward = np.arange(wide, dtype=np.float32) - bow
    rounds = np.clip(1 - inward / array(rng.uniform(6, 30)), 0, 1)
    left = image[:, :wide] * (1 - array(rng.uniform(0, 0.6)) * rounds**2)
    beyond = np.clip(0.5 - inward / array(rng.uniform(1, 3)), 0, 1)
    left += beyond * (array(rng.uniform(0, 255)) - left)
    return np.hstack([left, image[:, wide:]])


def _seen(image: Field, rng: np.random.Generator, harsh: float) -> Grey:
    """Through a lens onto a sensor, and through a codec."""
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
