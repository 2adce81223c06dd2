"""A palm as the field of its line directions, and a matcher that lets the palm bend.

The signer is a descendant of competitive coding (Kong and Zhang, "Competitive coding scheme for
palmprint verification", ICPR 2004): a bank of oriented Gabor filters answers how much of a dark
line runs through each place in each direction. Where competitive coding keeps the winning
direction, this keeps the shape of the whole answer: its first two Fourier components over
direction, which are linear, so that comparing two fields is a matrix product.

The matcher is a pyramid. One coarse field is compared under turns, scales and shifts at once. Each
of the two best poses says where each block of the fine field should be; there the block looks about
itself by a cell, the pose is corrected by the affine map along which most blocks strayed, and from
there each block looks for its own best place once more, to a fraction of a cell. So a bent or
stretched palm still meets itself (compare the block-wise phase correlation of Ito et al., "A
palmprint recognition algorithm using phase-only correlation", 2008). The better pose counts.

Nothing is trained. The constants are of palms and cameras in general (the width of a crease, the
reach of a sloppy alignment); the few that were weighed against each other were weighed on all
sets and on artificially displaced ROIs at once, docs/decisions/0004-palm-signature.md says how.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import cv2
import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from palm.hand.roi import SIZE, Roi
from palm.image import Grey
from palm.template.interfaces import Template, VersionMismatch

VERSION = 1

Field = npt.NDArray[np.float32]
"""(CELLS, CELLS, PARTS) directions of lines; each cell has a length of 0 (no line) to 1."""

Code = npt.NDArray[np.int8]
"""A field as it is written: FULL stands for one."""

Floats = npt.NDArray[np.float32]

Visible = npt.NDArray[np.bool_]
"""(SIZE, SIZE) where a palm lay in the frame."""

Places = npt.NDArray[np.intp]
"""(2, ...) rows and columns in the SPAN * SPAN window a block is looked for in."""

Poses = npt.NDArray[np.intp]
"""(hypotheses, references) which of the poses each reference may have."""

CELLS = 32
"""Cells a side of the fine field: one every four pixels of the ROI."""
PARTS = 4
"""Cosine and sine of twice and of four times the direction."""
FULL = 63
"""What a byte of the template writes for one."""
BARE = 0.25
"""Mean square length of a field with too few lines to be made up for."""

DIRECTIONS = 6
WAVELENGTH = 10.0
"""Pixels from one dark line to the next that the filters answer to most: creases and wrinkles."""
WIDTH, LENGTH = 3.0, 6.0
"""Standard deviations of the filters, in pixels, across and along the line."""
FAINT = 0.01
"""Answer, for contrast normalised to one, of a line half to be trusted."""
LIGHT = 6.0
"""Pixels over which light is taken to be even."""
DULL = 4.0
"""Grey levels of contrast below which there is hardly any."""

COARSE = 16
"""Cells a side of the coarse field."""
COARSE_PARTS = 2
TURNS = (-15.0, -10.0, -5.0, 0.0, 5.0, 10.0, 15.0)
"""Degrees a palm may be turned against another."""
SCALES = (0.92, 1.0, 1.08)
SHIFT = 2
"""Coarse cells, each way, that a palm may be shifted against another: an eighth of its side."""

SUB = 4
"""Cells a side of the squares in which fine fields are multiplied."""
TILES = CELLS // SUB
BLOCKS = TILES - 1
"""Blocks a side: each is of two by two squares and overlaps its neighbours by half."""
REACH = 5
"""Fine cells, each way, that a block is looked for."""
SPAN = 2 * REACH + 1
LEEWAY = 1
"""Cells, each way, by which a block may stray from where it is expected."""
OVERSHOOT = 1.5
"""A block that strays farther than its leeway is seen at its end: what is fitted falls short by
about this."""

BATCH = 128
"""References compared at once: what they need together stays in the processor's cache."""


class LineFieldExtractor:
    """Makes a template of 4,096 bytes: the fine field, one signed byte a number."""

    version = VERSION

    def extract(self, palms: Sequence[Roi]) -> Template:
        """Fuses a burst of the same palm into one template.

        The palms are laid on the clearest of them, as the matcher finds their blocks there, and
        the fields averaged, each by how clear it is: the palm stays, the noise goes. Quality is
        the mean over the burst of the ROI's own times the share of the field that shows lines.

        Raises ValueError when the burst is empty or mixes sides.
        """
        code, quality = self.draw(palms)
        return Template(VERSION, code.tobytes(), quality)

    def draw(self, palms: Sequence[Roi]) -> tuple[Code, float]:
        """What `sign` makes a template of: the field as it is written, and its quality."""
        if not palms:
            raise ValueError("a signature needs at least one palm")
        if len({palm.side for palm in palms}) > 1:
            raise ValueError("a burst shows one hand, not a left and a right one")
        fields = [_field(palm.image, palm.visible) for palm in palms]
        clear = [
            palm.quality * float(_lengths(field).mean())
            for palm, field in zip(palms, fields, strict=True)
        ]
        first, *rest = sorted(range(len(palms)), key=lambda each: -clear[each])
        best = fields[first]
        laid = [_field(*_bent(palms[each], *_flow(best, fields[each]))) for each in rest]
        weights = np.maximum([clear[first], *(clear[each] for each in rest)], 1e-6)
        fused = np.average([best, *laid], axis=0, weights=weights)
        return _written(np.asarray(fused, np.float32)), float(np.mean(clear))


@dataclass(frozen=True, slots=True)
class LineFieldGallery:
    """References laid out for comparison; a selection of it is a gallery too."""

    coarse: npt.NDArray[np.float32]
    """(references, COARSE * COARSE * COARSE_PARTS), each of length one."""
    fine: npt.NDArray[np.int8]
    """(references, TILES * TILES, SUB * SUB * PARTS)."""

    def __len__(self) -> int:
        return len(self.coarse)

    def __getitem__(self, which: slice | npt.NDArray[np.intp]) -> "LineFieldGallery":
        return LineFieldGallery(self.coarse[which], self.fine[which])


class LineFieldMatcher:
    """Compares templates of LineFieldSigner. A score is the root mean square of the likeness of the
    blocks of two palms, 0 to about 1."""

    version = VERSION

    def score(self, probe: Template, reference: Template) -> float:
        """Raises VersionMismatch when either is of another version."""
        return float(self.compare(probe, self.prepare([reference]))[0])

    def keep(self, template: Template) -> Template:
        """The template itself: a reference of this version is as large as a probe."""
        return template

    def vectors(self, templates: Sequence[Template]) -> npt.NDArray[np.float32]:
        """(templates, COARSE * COARSE * COARSE_PARTS) coarse fields, each of length one. A palm
        lies near itself only where it was shown in the same pose.

        Raises VersionMismatch when one is of another version.
        """
        return self.prepare(templates).coarse

    def prepare(self, references: Sequence[Template]) -> LineFieldGallery:
        """Raises VersionMismatch when one is of another version."""
        return self.lay_out(np.array([_read(each) for each in references], np.int8))

    def lay_out(self, codes: Code) -> LineFieldGallery:
        """The same, from (references, CELLS, CELLS, PARTS) fields."""
        fields = codes.reshape(-1, CELLS, CELLS, PARTS)
        coarse = np.array([_coarse(_opened(each)) for each in fields], np.float32)
        return LineFieldGallery(
            coarse=coarse.reshape(len(fields), COARSE * COARSE * COARSE_PARTS),
            fine=_in_tiles(fields),
        )

    def compare(self, probe: Template, gallery: LineFieldGallery) -> npt.NDArray[np.float32]:
        """(len(gallery),) scores, every reference looked at in full.

        Raises VersionMismatch when the probe is of another version.
        """
        return self.meet(_read(probe), gallery)

    def meet(self, code: Code, gallery: LineFieldGallery) -> npt.NDArray[np.float32]:
        """The same, for a probe's field."""
        field = _opened(code)
        return self._compare(_posed(field), _windows(field), gallery)

    def _compare(
        self, posed: Floats, windows: Floats, gallery: LineFieldGallery
    ) -> npt.NDArray[np.float32]:
        scores = np.empty(len(gallery), np.float32)
        for start in range(0, len(gallery), BATCH):
            batch = gallery[start : start + BATCH]
            poses = _likeliest(posed @ batch.coarse.T)
            score, _ = _meet(_likeness(windows, batch.fine), poses)
            scores[start : start + BATCH] = score.max(axis=0)
        return scores


def _field(palm: Grey, visible: Visible | None = None) -> Field:
    """The lines of a palm, and none where it cannot be seen."""
    light = palm.astype(np.float32)
    light -= cv2.GaussianBlur(light, (0, 0), LIGHT, borderType=cv2.BORDER_REFLECT)
    contrast = cv2.GaussianBlur(light**2, (0, 0), 1.5 * LIGHT, borderType=cv2.BORDER_REFLECT)
    even = light / (np.sqrt(contrast) + DULL)
    parts = [cv2.filter2D(even, cv2.CV_32F, each) for each in _filters()]
    cells = np.dstack([cv2.resize(part, (CELLS, CELLS)) for part in parts]).astype(np.float32)
    field = np.asarray(cells / (_lengths(cells)[..., None] + FAINT), np.float32)
    if visible is not None:
        shown = cv2.resize(visible.astype(np.float32), (CELLS, CELLS), interpolation=cv2.INTER_AREA)
        field[shown <= 0.5] = 0
    return field


def _lengths(cells: Floats) -> Floats:
    return np.linalg.norm(cells, axis=-1).astype(np.float32)


@cache
def _filters() -> list[npt.NDArray[np.float32]]:
    """Even Gabor filters without response to plain skin, one a direction of the line's normal,
    added up as the components over direction that a field keeps: PARTS of them."""
    reach = int(np.ceil(2.5 * LENGTH))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    filters: list[npt.NDArray[np.float64]] = []
    for angle in _angles():
        across, along = (
            x * np.cos(angle) + y * np.sin(angle),
            y * np.cos(angle) - x * np.sin(angle),
        )
        bell = np.exp(-(across**2) / 2 / WIDTH**2 - along**2 / 2 / LENGTH**2)
        wave = -np.cos(2 * np.pi * across / WAVELENGTH) * bell
        wave -= bell * (wave.sum() / bell.sum())
        filters.append(wave / np.abs(wave).sum())
    return list(np.tensordot(_harmonics().T, np.stack(filters), axes=1).astype(np.float32))


@cache
def _harmonics() -> npt.NDArray[np.float64]:
    """(DIRECTIONS, PARTS) orthonormal: a direction and its opposite are the same line, so the
    first period is half a turn."""
    twice, four = 2 * _angles(), 4 * _angles()
    waves = np.stack([np.cos(twice), np.sin(twice), np.cos(four), np.sin(four)], axis=1)
    return np.asarray(waves * np.sqrt(2 / DIRECTIONS), np.float64)


def _angles() -> npt.NDArray[np.float64]:
    return np.arange(DIRECTIONS) * np.pi / DIRECTIONS


def _written(field: Field) -> Code:
    """The field, raised half way to a mean length of one.

    Left as it is, a fused or a faint palm would score lower with friend and stranger alike, all
    the way up higher; half way, strangers score the same (and one threshold is right for all).
    """
    raised = field / max(float(np.mean(_lengths(field) ** 2)), BARE) ** 0.25
    return np.rint(raised * FULL).astype(np.int8)


def _read(template: Template) -> Code:
    if template.version != VERSION:
        raise VersionMismatch(f"a template of version {template.version}, where {VERSION} is read")
    return np.frombuffer(template.data, np.int8).reshape(CELLS, CELLS, PARTS)


def _opened(code: Code) -> Field:
    return np.float32(1 / FULL) * code


def _coarse(field: Field) -> npt.NDArray[np.float32]:
    """(COARSE, COARSE, COARSE_PARTS) of length one."""
    step = CELLS // COARSE
    soft = cv2.GaussianBlur(field[..., :COARSE_PARTS], (0, 0), step / 2)
    coarse = cv2.resize(soft, (COARSE, COARSE), interpolation=cv2.INTER_AREA)
    return np.asarray(coarse / max(float(np.linalg.norm(coarse)), 1e-6), np.float32)


@cache
def _turns() -> list[npt.NDArray[np.float64]]:
    """(2, 2) maps, x before y, of the plane of the reference to that of the probe."""
    turns: list[npt.NDArray[np.float64]] = []
    for degrees, scale in product(TURNS, SCALES):
        cos, sin = np.cos(np.radians(degrees)) / scale, np.sin(np.radians(degrees)) / scale
        turns.append(np.array([[cos, -sin], [sin, cos]]))
    return turns


def _posed(field: Field) -> Floats:
    """(poses, COARSE * COARSE * COARSE_PARTS) the coarse probe in every pose: for each turn and
    scale, every shift down and right."""
    coarse = _coarse(field)
    wide = COARSE + 2 * SHIFT
    laid = np.empty((len(_turns()), wide, wide, COARSE_PARTS), np.float32)
    for turn, turned in zip(_turns(), laid, strict=True):
        shift = (COARSE - 1) / 2 - turn @ np.full(2, (wide - 1) / 2)
        cv2.warpAffine(
            coarse,
            np.column_stack([turn, shift]),
            (wide, wide),
            dst=turned,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        )
    shifted = sliding_window_view(laid, (COARSE, COARSE), axis=(1, 2)).transpose(0, 1, 2, 4, 5, 3)
    rows = shifted.reshape(-1, COARSE * COARSE * COARSE_PARTS)
    # Half way between likeness per what overlaps and likeness in all: a pose that leaves little
    # of the palm on the other has to be that much better.
    lengths = np.sqrt(np.einsum("pn,pn->p", rows, rows))
    rows *= np.reciprocal(np.sqrt(np.maximum(lengths, 1e-6)))[:, None]
    return rows


@cache
def _places() -> Places:
    """(2, poses, BLOCKS * BLOCKS) where each pose expects each block."""
    middle = (np.arange(BLOCKS) - (BLOCKS - 1) / 2) * SUB
    block = np.stack(np.meshgrid(middle, middle)).reshape(2, -1)
    steps = np.arange(-SHIFT, SHIFT + 1) * (CELLS // COARSE)
    places = [
        turn @ (block + np.array([[x], [y]])) - block
        for turn in _turns()
        for y, x in product(steps, steps)
    ]
    column, row = np.clip(np.rint(places).astype(np.intp), -REACH, REACH).transpose(1, 0, 2) + REACH
    return np.stack([row, column])


def _in_tiles(fields: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """(n, CELLS, CELLS, PARTS) as (n, TILES * TILES, SUB * SUB * PARTS)."""
    split = fields.reshape(-1, TILES, SUB, TILES, SUB, PARTS).transpose(0, 1, 3, 2, 4, 5)
    return np.ascontiguousarray(split).reshape(-1, TILES * TILES, SUB * SUB * PARTS)


def _windows(field: Field) -> Floats:
    """(TILES * TILES, SPAN * SPAN, SUB * SUB * parts) what each square of a reference may lie
    on; nothing beyond the edge."""
    parts = field.shape[2]
    wide = np.pad(field, ((REACH, REACH), (REACH, REACH), (0, 0)))
    lain = sliding_window_view(wide, (SUB, SUB), axis=(0, 1)).transpose(0, 1, 3, 4, 2)
    about = sliding_window_view(lain, (SPAN, SPAN), axis=(0, 1))[::SUB, ::SUB]
    windows = about.transpose(0, 1, 5, 6, 2, 3, 4)
    return windows.reshape(TILES * TILES, SPAN * SPAN, SUB * SUB * parts)


def _in_blocks(tiles: Floats) -> Floats:
    """Sums of two by two neighbours; (TILES * TILES, ...) to (BLOCKS * BLOCKS, ...)."""
    grid = tiles.reshape(TILES, TILES, *tiles.shape[1:])
    blocks = grid[:-1, :-1] + grid[:-1, 1:]
    blocks += grid[1:, :-1]
    blocks += grid[1:, 1:]
    return blocks.reshape(BLOCKS * BLOCKS, *tiles.shape[1:])


@cache
def _cover() -> Floats:
    """(BLOCKS * BLOCKS, SPAN * SPAN, 1) cells of each block that lie on the probe in each place,
    counted as no fewer than a quarter of it."""
    windows = _windows(np.ones((CELLS, CELLS, 1), np.float32))
    return np.maximum(_in_blocks(windows.sum(axis=2, keepdims=True)), SUB**2)


def _likeness(windows: Floats, fine: npt.NDArray[np.int8]) -> Floats:
    """(BLOCKS * BLOCKS, SPAN * SPAN, references) how alike each block of each reference is to
    the probe in every place it may lie."""
    tiles = fine.transpose(1, 2, 0).astype(np.float32)
    blocks = _in_blocks(np.matmul(windows, tiles))
    blocks /= FULL * _cover()
    return blocks


def _likeliest(likeness: Floats) -> Poses:
    """Of (poses, references) likenesses of coarse fields the best pose of each reference, and the
    best of those that are not next to it."""
    first = likeness.argmax(axis=0)
    apart = np.where(_beside()[first].T, np.float32(-np.inf), likeness)
    return np.stack([first, apart.argmax(axis=0)])


@cache
def _beside() -> npt.NDArray[np.bool_]:
    """(poses, poses) which differ by one turn and one shift at most, at whatever scale: they lead
    to the same place."""
    shifts = range(2 * SHIFT + 1)
    poses = np.array(list(product(range(len(TURNS)), range(len(SCALES)), shifts, shifts)))
    poses = np.delete(poses, 1, axis=1)
    return np.asarray(abs(poses[:, None] - poses).max(axis=2) <= 1, np.bool_)


def _meet(blocks: Floats, poses: Poses) -> tuple[Floats, npt.NDArray[np.float64]]:
    """The score of each reference in each of its poses, (hypotheses, references), and to a fraction
    of a cell where each block fits the probe best, (2, BLOCKS * BLOCKS, hypotheses, references)."""
    expected = _places()[:, poses].transpose(0, 3, 1, 2)
    found = _look(blocks, expected)
    strayed = OVERSHOOT * np.tensordot(_affine(), found - expected, ([1], [1]))
    expected = expected + np.rint(strayed.transpose(1, 0, 2, 3)).astype(np.intp)
    likeness, found = _between_cells(blocks, _look(blocks, expected))
    # Squares, since a block that fits says more than one that shows little of the palm.
    alike = np.maximum(likeness, 0)
    return np.sqrt((alike * alike).mean(axis=0)), found


def _look(blocks: Floats, expected: Places) -> Places:
    """Where each block is most alike within its leeway of where it is expected."""
    place = np.clip(expected, LEEWAY, SPAN - 1 - LEEWAY)
    leeway = range(-LEEWAY, LEEWAY + 1)
    steps = list(product(leeway, leeway))
    likeness = np.stack(_around(blocks, place, steps))
    return place + np.array(steps).T[:, likeness.argmax(axis=0)]


def _around(blocks: Floats, place: Places, steps: Sequence[tuple[int, int]]) -> list[Floats]:
    """How alike each block of each reference is so many steps down and right of a place, each
    (BLOCKS * BLOCKS, hypotheses, references)."""
    count, _, references = blocks.shape
    # Where each block of each reference begins, among all the likenesses.
    begins = np.arange(count)[:, None, None] * SPAN * SPAN * references + np.arange(references)
    middle = begins + (place[0] * SPAN + place[1]) * references
    flat = blocks.ravel()
    return [flat.take(middle + (down * SPAN + right) * references) for down, right in steps]


def _between_cells(blocks: Floats, place: Places) -> tuple[Floats, npt.NDArray[np.float64]]:
    """How alike each block is where the parabolas through the likeness at its place and at the
    cells to both sides of it, down and across, have their tops; and where that is."""
    place = np.clip(place, 1, SPAN - 2)
    sides = [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)]
    middle, up, down, left, right = _around(blocks, place, sides)
    top, offsets = middle, list[Floats]()
    for before, after in ((up, down), (left, right)):
        bow = np.maximum(2 * middle - before - after, np.float32(1e-6))
        offset = np.clip((after - before) / (2 * bow), -0.5, 0.5).astype(np.float32)
        top = top + np.float32(0.5) * offset * (after - before - bow * offset)
        offsets.append(offset)
    return np.asarray(top, np.float32), np.asarray(place + np.stack(offsets), np.float64)


@cache
def _affine() -> npt.NDArray[np.float64]:
    """(BLOCKS * BLOCKS, BLOCKS * BLOCKS) from what each block has of a quantity to what the
    affine function that fits it best (least squares) has there."""
    row, column = np.mgrid[:BLOCKS, :BLOCKS].reshape(2, -1) - (BLOCKS - 1) / 2
    basis = np.stack([np.ones_like(row), row, column], axis=1)
    return np.asarray(basis @ np.linalg.pinv(basis), np.float64)


def _flow(reference: Field, probe: Field) -> tuple[Floats, Floats]:
    """Where in the probe each pixel of the reference is found: (SIZE, SIZE) columns and rows."""
    fine = _in_tiles(np.rint(reference * FULL).astype(np.int8)[None])
    poses = _likeliest(_posed(probe) @ _coarse(reference).reshape(-1, 1))
    score, places = _meet(_likeness(_windows(probe), fine), poses)
    place = places[..., score[:, 0].argmax(), 0]
    pixels = SIZE // CELLS
    y, x = np.mgrid[:SIZE, :SIZE]
    # From the blocks' centres to every pixel; beyond the outermost centres as there.
    at = (np.arange(SIZE, dtype=np.float32) + 0.5) / pixels / SUB - 1
    columns, rows = np.meshgrid(at, at)
    shift = [
        cv2.remap(
            cv2.blur((way - REACH).astype(np.float32) * pixels, (3, 3)),
            columns,
            rows,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for way in place[::-1].reshape(2, BLOCKS, BLOCKS)
    ]
    return (x + shift[0]).astype(np.float32), (y + shift[1]).astype(np.float32)


def _bent(palm: Roi, columns: Floats, rows: Floats) -> tuple[Grey, Visible | None]:
    bent = cv2.remap(palm.image, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    if palm.visible is None:
        return np.asarray(bent, np.uint8), None
    shown = cv2.remap(palm.visible.astype(np.uint8), columns, rows, cv2.INTER_NEAREST)
    return np.asarray(bent, np.uint8), np.asarray(shown, np.bool_)
