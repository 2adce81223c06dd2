"""Describes a palm by the directions of its lines, and matches palms that are bent.

The extractor descends from competitive coding (Kong and Zhang, "Competitive coding scheme for
palmprint verification", ICPR 2004). A bank of oriented Gabor filters measures how much of a dark
line runs through each place in each direction. Competitive coding keeps the best direction. The
line field keeps the first two Fourier components over direction, which are linear, so that
comparing two fields is a matrix product.

The matcher works from coarse to fine. It compares coarse fields under many rotations, scales and
shifts, and keeps the two best poses. For each of them it predicts where every block of the
reference lies in the probe, searches one cell in each direction, fits one affine map to the moves,
searches again around the corrected places and interpolates to a fraction of a cell. The higher of
the two scores counts. Since every block moves by itself, a palm matches even when it is bent or
stretched (compare the block-wise phase correlation of Ito et al., "A palmprint recognition
algorithm using phase-only correlation", 2008).

A block that moves does not turn or stretch, and its best place between cells is interpolated from
similarities that are a cell apart, while the lines of a palm are two and a half cells apart. A
closer comparison (`compare_closely`) therefore lays the probe over the reference by the affine map
that fits the moves, and compares their blocks once more.

Nothing is trained. The constants describe palms and cameras in general, such as the width of a
crease or the error of an alignment. The few that were tuned were tuned on all data sets and on
artificially displaced ROIs together; see docs/decisions/0004-palm-signature.md.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from palm.hand.roi import SIZE, Roi
from palm.image import Grey
from palm.template.flatten_light import flatten_light, gaussian
from palm.template.interfaces import Template, VersionMismatch
from palm.template.line_filter import REACH as REACH_OF_LINES
from palm.template.line_filter import line_filter

VERSION = 1

Field = npt.NDArray[np.float32]
"""(CELLS, CELLS, PARTS) line directions. The length of a cell is 0 (no line) to about 1."""

Code = npt.NDArray[np.int8]
"""A field in signed bytes, scaled by FULL."""

Tiles = npt.NDArray[np.int8]
"""(TILES * TILES, SUB * SUB * PARTS, n) the codes of n fields, tile by tile. The fields are the
last axis, so that what is done to all of them runs through memory in order."""

Floats = npt.NDArray[np.float32]

Visible = npt.NDArray[np.bool_]
"""(SIZE, SIZE) True where the palm lay in the frame."""

Places = npt.NDArray[np.intp]
"""(2, ...) rows and columns in the square window in which a block is searched."""

Poses = npt.NDArray[np.intp]
"""(hypotheses, references) indices of the poses that are tried for each reference."""

CELLS = 32
"""The side of the fine field in cells: one cell for every four pixels of the ROI."""
PARTS = 4
"""The components of a cell: cosine and sine of twice and of four times the direction."""
FULL = 63
"""The scale of a code: 1.0 is stored as 63."""
BARE = 0.25
"""The least mean square length to which a field is normalised, so that one with few lines is not
amplified without limit."""

DIRECTIONS = 6
FAINT = 0.01
"""The filter response, at unit contrast, at which a line gets half its weight."""
LIGHT = 6.0
"""The standard deviation in pixels of the neighbourhood over which light is taken to be even."""

STEP = SIZE // CELLS
"""The side of a cell in pixels."""
WINDOW = 2 * REACH_OF_LINES + 2
"""The side in pixels of what the filters see of one cell: of two pixels, and REACH_OF_LINES more on
each side of them."""

COARSE = 16
"""The side of the coarse field in cells."""
COARSE_PARTS = 2
TURNS = (-15.0, -10.0, -5.0, 0.0, 5.0, 10.0, 15.0)
"""The rotations, in degrees, under which a palm is compared."""
SCALES = (0.92, 1.0, 1.08)
SHIFT = 2
"""The largest shift under which a palm is compared, in coarse cells: an eighth of its side."""

SUB = 4
"""The side in cells of the tiles in which fine fields are multiplied."""
TILES = CELLS // SUB
BLOCKS = TILES - 1
"""The blocks per side. A block is two by two tiles and overlaps its neighbours by half."""
REACH = 5
"""The largest distance, in fine cells, at which a block is searched."""
NEAR = 2
"""The largest distance at which a block is searched where no pose is searched."""
LEEWAY = 1
"""The cells in each direction that one search covers around the expected place."""
OVERSHOOT = 1.5
"""The factor by which fitted moves are extended: a block farther away than LEEWAY is found at the
end of its search range, so the fit falls short by about this."""

AMPLIFIED = 1.3
"""The largest factor by which a field is amplified after it was laid over another."""
_NO_BLOCK = 1e-6
"""The weight of a block that fits nowhere."""

BATCH = 256
"""The number of references that are compared at once: each time, the probe in every pose and place
is read again."""


class LineFieldExtractor:
    """Extracts templates of 4,096 bytes: the fine field, one signed byte per number."""

    version = VERSION

    def extract(self, palms: Sequence[Roi]) -> Template:
        """Fuses a burst of one palm into one template.

        The palms are registered to the clearest one by the matcher's blocks, and their fields are
        averaged, weighted by clarity, which reduces noise.

        Raises ValueError when the burst is empty, mixes left and right hands, or shows nothing: a
        quality of 0 in every palm.
        """
        return Template(VERSION, self.extract_code(palms).tobytes())

    def extract_code(self, palms: Sequence[Roi]) -> Code:
        """Returns the code of which `extract` makes a template."""
        if not palms:
            raise ValueError("a template needs at least one palm")
        if len({palm.side for palm in palms}) > 1:
            raise ValueError("a burst shows one hand, not a left and a right one")
        if not any(palm.quality > 0 for palm in palms):
            raise ValueError("a burst of quality 0 shows no palm")
        fields = [_field(palm.image, palm.visible) for palm in palms]
        clear = [
            palm.quality * float(_lengths(field).mean())
            for palm, field in zip(palms, fields, strict=True)
        ]
        first, *rest = sorted(range(len(palms)), key=lambda each: -clear[each])
        best = fields[first]
        registered = [_field(*_warped(palms[each], *_flow(best, fields[each]))) for each in rest]
        weights = np.maximum([clear[first], *(clear[each] for each in rest)], 1e-6)
        fused = np.average([best, *registered], axis=0, weights=weights)
        return _quantised(np.asarray(fused, np.float32))


@dataclass(frozen=True, slots=True)
class LineFieldGallery:
    """References that are prepared for comparison. Indexing selects some of them."""

    coarse: npt.NDArray[np.float32]
    """(COARSE * COARSE * COARSE_PARTS, references), each of length one."""
    fine: Tiles

    def __len__(self) -> int:
        return self.fine.shape[2]

    def __getitem__(self, which: slice | npt.NDArray[np.intp]) -> "LineFieldGallery":
        return LineFieldGallery(self.coarse[:, which], self.fine[..., which])


class LineFieldMatcher:
    """Compares templates of LineFieldExtractor.

    A score is the root mean square of the similarities of all blocks, 0 to about 1.
    """

    version = VERSION

    def score(self, probe: Template, reference: Template) -> float:
        """Returns the score. Raises VersionMismatch when either template has another version."""
        return float(self.compare(probe, self.prepare([reference]))[0])

    def keep(self, template: Template) -> Template:
        """Returns the template itself: references of this version are not reduced."""
        return template

    def vectors(self, templates: Sequence[Template]) -> npt.NDArray[np.float32]:
        """Returns the (templates, COARSE * COARSE * COARSE_PARTS) coarse fields, each of length
        one. Two of the same palm are near only if it was shown in the same pose.

        Raises VersionMismatch when a template has another version.
        """
        return np.ascontiguousarray(self.prepare(templates).coarse.T)

    def prepare(self, references: Sequence[Template]) -> LineFieldGallery:
        """Prepares references. Raises VersionMismatch when one has another version."""
        return self.prepare_codes(np.array([_code_of(each) for each in references], np.int8))

    def prepare_codes(self, codes: Code) -> LineFieldGallery:
        """Prepares references from their codes, (references, CELLS, CELLS, PARTS)."""
        return self.prepare_tiles(in_tiles(codes))

    def prepare_tiles(self, tiles: Tiles) -> LineFieldGallery:
        """Prepares references that are given in tiles."""
        cells = np.ascontiguousarray(_grid(tiles)[..., :COARSE_PARTS, :])
        return LineFieldGallery(_coarse(cells.astype(np.float32)), tiles)

    def compare(self, probe: Template, gallery: LineFieldGallery) -> npt.NDArray[np.float32]:
        """Returns the (len(gallery),) scores; every reference is compared in full.

        Raises VersionMismatch when the probe has another version.
        """
        return self.compare_code(_code_of(probe), gallery)

    def compare_code(self, code: Code, gallery: LineFieldGallery) -> npt.NDArray[np.float32]:
        """Returns the (len(gallery),) scores of a probe that is given as a code."""
        return self.compare_closely(code, gallery, np.full(len(gallery), np.inf, np.float32))

    def compare_closely(self, code: Code, gallery: LineFieldGallery, enough: Floats) -> Floats:
        """Returns the (len(gallery),) scores of a probe that is given as a code.

        Where the score with a reference reaches what is `enough` for it, the probe is laid over
        that reference and compared once more, and that score counts. It takes several times as long
        as the comparison before it.
        """
        field = _dequantised(code)
        posed, windows = _in_every_pose(field), _windows(field[None], REACH)[0]
        scores = np.empty(len(gallery), np.float32)
        for start in range(0, len(gallery), BATCH):
            batch = gallery[start : start + BATCH]
            poses = _best_poses(batch.coarse.T @ posed.T)
            matched = _match_blocks(_similarities(windows, batch.fine), _expected_places(poses))
            score = matched.score.max(axis=0)
            near = np.flatnonzero(score >= enough[start : start + BATCH])
            if len(near):
                pose = matched.score.argmax(axis=0)[near]
                moves, likeness = matched.places[..., pose, near], matched.likeness[:, pose, near]
                laid = _laid_over(field, _overlays(moves - REACH, likeness))
                score[near] = _scores_in_place(laid, batch.fine[..., near])
            scores[start : start + BATCH] = score
        return scores

    def overlay(self, probe: Code, reference: Code) -> Callable[[Code], Field]:
        """Returns what lays any field that lies as the probe does over a reference: by the affine
        map by which the probe lies over it best."""
        field, gallery = _dequantised(probe), self.prepare_codes(reference[None])
        poses = _best_poses(gallery.coarse.T @ _in_every_pose(field).T)
        blocks = _similarities(_windows(field[None], REACH)[0], gallery.fine)
        matched = _match_blocks(blocks, _expected_places(poses))
        pose = matched.score[:, 0].argmax()
        moves, likeness = matched.places[..., pose, :] - REACH, matched.likeness[:, pose]
        to_probe = _overlays(moves, likeness)
        return lambda code: _laid_over(_dequantised(code), to_probe)[0]

    def compare_in_place(self, code: Code, gallery: LineFieldGallery) -> Floats:
        """Returns the (len(gallery),) scores of a probe whose blocks are searched within NEAR cells
        of where they lie. No pose is searched, which takes a fraction of the time."""
        blocks = _similarities(_windows(_dequantised(code)[None], NEAR)[0], gallery.fine)
        return _score(blocks.max(axis=1))


def _field(palm: Grey, visible: Visible | None = None) -> Field:
    """Returns the line field of a palm; cells that are not visible are zero."""
    even = flatten_light(palm, gaussian(LIGHT), gaussian(1.5 * LIGHT))
    cells = _cells(even)
    field = np.asarray(cells / (_lengths(cells)[..., None] + FAINT), np.float32)
    if visible is not None:
        shown = cv2.resize(visible.astype(np.float32), (CELLS, CELLS), interpolation=cv2.INTER_AREA)
        field[shown <= 0.5] = 0
    return field


def _cells(even: Floats) -> Floats:
    """Returns (CELLS, CELLS, PARTS): what the filters answer, on average over the two by two pixels
    in the middle of each cell.

    A row of weights meets only every STEP-th row of pixels, so it is multiplied by those alone.
    """
    edge = REACH_OF_LINES
    wide = cv2.copyMakeBorder(even, edge, edge, edge, edge, cv2.BORDER_REFLECT_101)
    groups = CELLS - 1 + WINDOW // STEP
    begin = STEP // 2 - 1
    rows = sliding_window_view(wide[begin : begin + STEP * groups], WINDOW, axis=1)
    windows = rows[:, begin::STEP][:, :CELLS].reshape(groups, STEP, CELLS, WINDOW).swapaxes(0, 1)
    answers = windows.reshape(STEP, groups * CELLS, WINDOW) @ _weights()
    by_row = answers.sum(axis=0).reshape(groups, CELLS, -1, PARTS)
    cells = [by_row[number : number + CELLS, :, number] for number in range(by_row.shape[2])]
    return np.asarray(sum(cells[1:], cells[0]), np.float32)


@cache
def _weights() -> Floats:
    """Returns (STEP, WINDOW, WINDOW // STEP * PARTS): the weights of the filters, on average over
    the middle of a cell, by row modulo STEP, column, and row over STEP."""
    weights = np.zeros((PARTS, WINDOW, WINDOW))
    for down, right in product(range(2), range(2)):
        weights[:, down : WINDOW - 1 + down, right : WINDOW - 1 + right] += _filters()
    split = (weights / 4).reshape(PARTS, WINDOW // STEP, STEP, WINDOW).transpose(2, 3, 1, 0)
    return np.ascontiguousarray(split.reshape(STEP, WINDOW, -1), np.float32)


def _lengths(cells: Floats) -> Floats:
    return np.linalg.norm(cells, axis=-1).astype(np.float32)


@cache
def _filters() -> list[npt.NDArray[np.float32]]:
    """Returns PARTS filters, (side, side) each: even Gabor filters, one per direction of the line's
    normal, without response to plain skin, summed into the Fourier components over direction."""
    filters = np.stack([line_filter(angle) for angle in _angles()])
    return list(np.tensordot(_harmonics().T, filters, axes=1).astype(np.float32))


@cache
def _harmonics() -> npt.NDArray[np.float64]:
    """Returns the (DIRECTIONS, PARTS) Fourier basis, orthonormal. The first period is half a turn,
    because a direction and its opposite are the same line."""
    twice, four = 2 * _angles(), 4 * _angles()
    waves = np.stack([np.cos(twice), np.sin(twice), np.cos(four), np.sin(four)], axis=1)
    return np.asarray(waves * np.sqrt(2 / DIRECTIONS), np.float64)


def _angles() -> npt.NDArray[np.float64]:
    return np.arange(DIRECTIONS) * np.pi / DIRECTIONS


def _quantised(field: Field) -> Code:
    """Returns the code of a field, normalised half way to a mean square length of one.

    Without normalisation a fused or faint palm would score lower, with full normalisation higher,
    both for genuine and impostor comparisons. Half way, impostors score alike, so one threshold
    fits all.
    """
    raised = field / max(float(np.mean(_lengths(field) ** 2)), BARE) ** 0.25
    return np.rint(raised * FULL).astype(np.int8)


def _code_of(template: Template) -> Code:
    if template.version != VERSION:
        raise VersionMismatch(f"a template of version {template.version}, where {VERSION} is read")
    return np.frombuffer(template.data, np.int8).reshape(CELLS, CELLS, PARTS)


def _dequantised(code: Code) -> Floats:
    return np.float32(1 / FULL) * code


def in_tiles(codes: Code) -> Tiles:
    """Returns (n, CELLS, CELLS, PARTS) codes in tiles."""
    split = codes.reshape(-1, TILES, SUB, TILES, SUB, PARTS).transpose(1, 3, 2, 4, 5, 0)
    return np.ascontiguousarray(split).reshape(TILES * TILES, SUB * SUB * PARTS, len(codes))


def from_tiles(tiles: Tiles) -> Code:
    """Returns the (n, CELLS, CELLS, PARTS) codes of what is in tiles."""
    cells = np.moveaxis(_grid(tiles), -1, 0)
    return np.ascontiguousarray(cells).reshape(-1, CELLS, CELLS, PARTS)


def _grid(tiles: Tiles) -> npt.NDArray[np.int8]:
    """Returns a view of tiles as (TILES, SUB, TILES, SUB, PARTS, n): in the order of the cells."""
    return tiles.reshape(TILES, TILES, SUB, SUB, PARTS, -1).swapaxes(1, 2)


def _coarse(cells: Floats) -> Floats:
    """Returns the (COARSE * COARSE * COARSE_PARTS, n) coarse fields, each of length one, from n
    fields of any scale, whose rows are the first axes; the fields are the last."""
    rows = _coarser() @ cells.reshape(CELLS, -1)
    both = np.matmul(_coarser(), rows.reshape(COARSE, CELLS, -1))
    coarse = both.reshape(COARSE * COARSE * COARSE_PARTS, -1)
    coarse /= np.maximum(np.sqrt((coarse * coarse).sum(axis=0)), np.float32(1e-6))
    return coarse


@cache
def _coarser() -> Floats:
    """Returns (COARSE, CELLS): a blur, and the mean over the cells of a coarse one."""
    step = CELLS // COARSE
    soft = cv2.GaussianBlur(np.eye(CELLS, dtype=np.float32), (1, 0), 0, sigmaY=step / 2)
    return np.asarray(soft.reshape(COARSE, step, CELLS).mean(axis=1), np.float32)


@cache
def _turns() -> list[npt.NDArray[np.float64]]:
    """Returns (2, 2) maps, x before y, from the reference's plane to the probe's."""
    turns: list[npt.NDArray[np.float64]] = []
    for degrees, scale in product(TURNS, SCALES):
        cos, sin = np.cos(np.radians(degrees)) / scale, np.sin(np.radians(degrees)) / scale
        turns.append(np.array([[cos, -sin], [sin, cos]]))
    return turns


@cache
def _maps_of_turns() -> list[npt.NDArray[np.float64]]:
    """Returns the (2, 3) maps of all turns from a coarse reference, which is wider by SHIFT cells
    on each side, to a coarse probe."""
    middle = np.full(2, (COARSE - 1) / 2 + SHIFT)
    return [np.column_stack([turn, (COARSE - 1) / 2 - turn @ middle]) for turn in _turns()]


def _in_every_pose(field: Field) -> Floats:
    """Returns the (poses, COARSE * COARSE * COARSE_PARTS) coarse probe in every pose: for each
    rotation and scale, every shift down and right."""
    coarse = _coarse(field[..., :COARSE_PARTS]).reshape(COARSE, COARSE, COARSE_PARTS)
    wide = COARSE + 2 * SHIFT
    posed = np.empty((len(_turns()), wide, wide, COARSE_PARTS), np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for into_probe, turned in zip(_maps_of_turns(), posed, strict=True):
        cv2.warpAffine(coarse, into_probe, (wide, wide), dst=turned, flags=flags)
    shifted = sliding_window_view(posed, (COARSE, COARSE), axis=(1, 2)).transpose(0, 1, 2, 4, 5, 3)
    rows = shifted.reshape(-1, COARSE * COARSE * COARSE_PARTS)
    # Half way between similarity per overlapping area and total similarity: a pose with little
    # overlap must be that much better.
    lengths = np.sqrt(np.einsum("pn,pn->p", rows, rows))
    rows *= np.reciprocal(np.sqrt(np.maximum(lengths, 1e-6)))[:, None]
    return rows


def _expected_places(poses: Poses) -> Places:
    """Returns the (2, BLOCKS * BLOCKS, hypotheses, references) places at which poses expect
    blocks."""
    return _places_of_poses().take(poses, axis=2)


@cache
def _places_of_poses() -> Places:
    """Returns the (2, BLOCKS * BLOCKS, poses) places at which each pose expects each block."""
    block = _middles()[::-1]
    steps = np.arange(-SHIFT, SHIFT + 1) * (CELLS // COARSE)
    places = [
        turn @ (block + np.array([[x], [y]])) - block
        for turn in _turns()
        for y, x in product(steps, steps)
    ]
    column, row = np.clip(np.rint(places).astype(np.intp), -REACH, REACH).transpose(1, 2, 0) + REACH
    return np.stack([row, column])


def _windows(fields: Floats, reach: int) -> Floats:
    """Returns (n, TILES * TILES, span * span, SUB * SUB * parts) from n fields: for each tile of a
    reference, the parts of the probe on which it may lie, up to `reach` cells away; zero beyond the
    edge."""
    count, _, _, parts = fields.shape
    side = CELLS + 2 * reach
    wide = np.zeros((count, side, side, parts), np.float32)
    wide[:, reach : reach + CELLS, reach : reach + CELLS] = fields
    # Copied by rows of tiles: whatever is copied cell by cell takes four times as long.
    begins = side - SUB + 1
    shifted = [wide[:, :, column : column + begins] for column in range(SUB)]
    rows = np.concatenate(shifted, axis=3)
    windows = rows.reshape(count, side * begins, -1).take(_rows_of_windows(reach), axis=1)
    return windows.reshape(count, TILES * TILES, -1, SUB * SUB * parts)


@cache
def _rows_of_windows(reach: int) -> npt.NDArray[np.intp]:
    """Returns the (TILES * TILES, span * span, SUB) rows of SUB cells of a padded field, by the
    number of the cell in which they begin."""
    side, span = CELLS + 2 * reach, 2 * reach + 1
    begins = side - SUB + 1
    rows = np.arange(side * begins, dtype=np.intp).reshape(side, begins)
    tiles = sliding_window_view(rows, SUB, axis=0)
    spans = sliding_window_view(tiles, (span, span), axis=(0, 1))[::SUB, ::SUB]
    return spans.transpose(0, 1, 3, 4, 2).reshape(TILES * TILES, span * span, SUB)


def _in_blocks(tiles: Floats) -> Floats:
    """Returns the sums of two by two neighbours: (BLOCKS * BLOCKS, ...) from (TILES * TILES,
    ...)."""
    grid = tiles.reshape(TILES, TILES, *tiles.shape[1:])
    across = grid[:, :-1] + grid[:, 1:]
    blocks = np.asarray(across[:-1] + across[1:], np.float32)
    return blocks.reshape(BLOCKS * BLOCKS, *tiles.shape[1:])


def _span(places: Floats) -> int:
    """Returns the side of the square whose places an array holds in its second axis."""
    return math.isqrt(places.shape[1])


@cache
def _per_cell(span: int) -> Floats:
    """Returns (BLOCKS * BLOCKS, span * span, 1): by what a sum over the cells of each block of a
    code is multiplied at each place. It is divided by the cells that lie on the probe there, but by
    a quarter of the block at least."""
    windows = _windows(np.ones((1, CELLS, CELLS, 1), np.float32), span // 2)[0]
    cells = np.maximum(_in_blocks(windows.sum(axis=2, keepdims=True)), SUB**2)
    return np.asarray(1 / (FULL * cells), np.float32)


def _similarities(windows: Floats, fine: Tiles) -> Floats:
    """Returns (BLOCKS * BLOCKS, span * span, references): the similarity of each block of each
    reference at every place."""
    places, references = windows.shape[1], fine.shape[2]
    per_cell = _per_cell(_span(windows)).reshape(BLOCKS, BLOCKS, places, 1)
    blocks = np.empty((BLOCKS, BLOCKS, places, references), np.float32)
    # Row by row of tiles, so that what is summed is still in the processor's cache.
    row = np.empty((TILES, places, references), np.float32)
    above, below = np.empty((2, BLOCKS, places, references), np.float32)
    for number in range(TILES):
        these = slice(TILES * number, TILES * (number + 1))
        np.matmul(windows[these], fine[these].astype(np.float32), out=row)
        np.add(row[:-1], row[1:], out=below)
        if number:
            np.add(above, below, out=blocks[number - 1])
            blocks[number - 1] *= per_cell[number - 1]
        above, below = below, above
    return blocks.reshape(BLOCKS * BLOCKS, places, references)


def _best_poses(likeness: Floats) -> Poses:
    """Returns the best pose of each reference, and the best pose that is not next to it, from the
    (references, poses) similarities of coarse fields, which are changed."""
    first = likeness.argmax(axis=1)
    np.copyto(likeness, np.float32(-np.inf), where=_near_poses()[first])
    return np.stack([first, likeness.argmax(axis=1)])


@cache
def _near_poses() -> npt.NDArray[np.bool_]:
    """Returns (poses, poses): whether two poses differ by at most one rotation and one shift, at
    any scale, and so lead to the same place."""
    shifts = range(2 * SHIFT + 1)
    poses = np.array(list(product(range(len(TURNS)), range(len(SCALES)), shifts, shifts)))
    poses = np.delete(poses, 1, axis=1)
    return np.asarray(abs(poses[:, None] - poses).max(axis=2) <= 1, np.bool_)


class _Matched(NamedTuple):
    """How the blocks of references fit a probe, in several poses each."""

    score: Floats
    """(hypotheses, references)."""
    likeness: Floats
    """(BLOCKS * BLOCKS, hypotheses, references) similarities where the blocks fit best."""
    places: npt.NDArray[np.float64]
    """(2, BLOCKS * BLOCKS, hypotheses, references) those places, to a fraction of a cell."""


def _match_blocks(blocks: Floats, expected: Places) -> _Matched:
    """Matches the blocks of each reference from (2, BLOCKS * BLOCKS, hypotheses, references) places
    on at which they are expected."""
    found = _search(blocks, expected)
    moved = (found - expected).reshape(2, BLOCKS * BLOCKS, -1)
    strayed = np.rint(OVERSHOOT * (_affine() @ moved)).astype(np.intp)
    expected = expected + strayed.reshape(expected.shape)
    likeness, places = _interpolated(blocks, _search(blocks, expected))
    return _Matched(_score(likeness), likeness, places)


def _scores_in_place(laid: Floats, fine: Tiles) -> Floats:
    """Returns the (references,) scores of references, each with the field that was laid over it:
    (references, CELLS, CELLS, PARTS).

    Blocks are not searched again: of what a search finds, different palms gain more.
    """
    tiles = np.ascontiguousarray(fine.transpose(2, 0, 1), np.float32)[..., None]
    similar = np.matmul(_windows(laid, 1), tiles)[..., 0].transpose(1, 2, 0)
    blocks = _in_blocks(similar) * _per_cell(3)
    middle = np.ones((2, BLOCKS * BLOCKS, 1, len(laid)), np.intp)
    likeness, _ = _interpolated(blocks, middle)
    return _score(likeness)[0]


def _score(likeness: Floats) -> Floats:
    """Returns the root mean square of the similarities of all blocks, which are the first axis."""
    # Squares, because a block that fits says more than a block that shows little of the palm.
    alike = np.maximum(likeness, 0)
    return np.sqrt((alike * alike).mean(axis=0))


def _overlays(moves: npt.NDArray[np.float64], likeness: Floats) -> npt.NDArray[np.float64]:
    """Returns the (n, 2, 3) affine maps from cells of n references to those of a probe that fit the
    (2, BLOCKS * BLOCKS, n) moves, rows before columns, of the references' blocks. A block counts by
    the square of its similarity."""
    basis = _plane()
    weights = np.maximum(likeness, 0).astype(np.float64).T ** 2 + _NO_BLOCK
    weighted = basis.T * weights[:, None]
    fitted = np.linalg.solve(weighted @ basis, weighted @ moves[::-1].T).swapaxes(1, 2)
    to_probe = np.eye(2) + fitted[..., :2]
    middle = np.full(2, (CELLS - 1) / 2)
    shift = fitted[..., 2] + middle - to_probe @ middle
    return np.concatenate([to_probe, shift[..., None]], axis=2)


def _laid_over(field: Field, maps: npt.NDArray[np.float64]) -> Floats:
    """Returns a probe's field laid over each of n references, (n, CELLS, CELLS, PARTS), by the (n,
    2, 3) maps from the references to it."""
    # The lines are little farther apart than the cells: a simpler interpolation would lose them.
    flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
    laid = np.stack([cv2.warpAffine(field, each, (CELLS, CELLS), flags=flags) for each in maps])
    turned = np.arctan2(maps[:, 1, 0] - maps[:, 0, 1], maps[:, 0, 0] + maps[:, 1, 1])
    phases = np.exp(np.array([-2j, -4j]) * turned[:, None, None, None]).astype(np.complex64)
    laid = (laid.astype(np.float32, copy=False).view(np.complex64) * phases).view(np.float32)
    # What the interpolation has lost all the same is made up for, within limits.
    power = (laid * laid).mean(axis=(1, 2, 3), keepdims=True)
    return laid * np.minimum(np.sqrt((field * field).mean() / np.maximum(power, 1e-6)), AMPLIFIED)


def _search(blocks: Floats, expected: Places) -> Places:
    """Returns the place within LEEWAY of the expected one where each block is most similar."""
    place = np.clip(expected, LEEWAY, _span(blocks) - 1 - LEEWAY)
    leeway = range(-LEEWAY, LEEWAY + 1)
    steps = list(product(leeway, leeway))
    best, *others = _at_offsets(blocks, place, steps)
    step = np.zeros(best.shape, np.intp)
    for number, likeness in enumerate(others, start=1):
        np.copyto(step, number, where=likeness > best)
        np.maximum(best, likeness, out=best)
    return place + np.array(steps).T.take(step, axis=1)


def _at_offsets(blocks: Floats, place: Places, steps: Sequence[tuple[int, int]]) -> list[Floats]:
    """Returns the similarities of all blocks at each offset (down, right) from a place, each
    (BLOCKS * BLOCKS, hypotheses, references)."""
    count, places, references = blocks.shape
    span = _span(blocks)
    # The first index of each block of each reference in the flat array of similarities.
    begins = np.arange(count)[:, None, None] * places * references + np.arange(references)
    middle = begins + (place[0] * span + place[1]) * references
    flat = blocks.ravel()
    return [flat.take(middle + (down * span + right) * references) for down, right in steps]


def _interpolated(blocks: Floats, place: Places) -> tuple[Floats, npt.NDArray[np.float64]]:
    """Returns the similarity and place of each block at the maxima of the parabolas through the
    similarities at its place and the two neighbours, down and across."""
    place = np.clip(place, 1, _span(blocks) - 2)
    sides = [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)]
    middle, up, down, left, right = _at_offsets(blocks, place, sides)
    top, offsets = middle, list[Floats]()
    for before, after in ((up, down), (left, right)):
        curvature = np.maximum(2 * middle - before - after, np.float32(1e-6))
        offset = np.clip((after - before) / (2 * curvature), -0.5, 0.5).astype(np.float32)
        top = top + np.float32(0.5) * offset * (after - before - curvature * offset)
        offsets.append(offset)
    return np.asarray(top, np.float32), np.asarray(place + np.stack(offsets), np.float64)


@cache
def _affine() -> npt.NDArray[np.float64]:
    """Returns the (BLOCKS * BLOCKS, BLOCKS * BLOCKS) projection that replaces a quantity of the
    blocks by its affine least-squares fit."""
    basis = _plane()
    return np.asarray(basis @ np.linalg.pinv(basis), np.float64)


@cache
def _plane() -> npt.NDArray[np.float64]:
    """Returns the (BLOCKS * BLOCKS, 3) columns, rows and ones of which affine maps are made."""
    row, column = _middles()
    return np.stack([column, row, np.ones_like(row)], axis=1)


@cache
def _middles() -> npt.NDArray[np.float64]:
    """Returns the (2, BLOCKS * BLOCKS) rows and columns of the blocks' middles, in cells from the
    middle of the field."""
    return (np.mgrid[:BLOCKS, :BLOCKS].reshape(2, -1) - (BLOCKS - 1) / 2) * SUB


def _flow(reference: Field, probe: Field) -> tuple[Floats, Floats]:
    """Returns the columns and rows, (SIZE, SIZE) each, at which the pixels of the reference are
    found in the probe."""
    fine = in_tiles(np.rint(reference * FULL).astype(np.int8)[None])
    coarse = _coarse(reference[..., :COARSE_PARTS])
    poses = _best_poses(coarse.T @ _in_every_pose(probe).T)
    blocks = _similarities(_windows(probe[None], REACH)[0], fine)
    matched = _match_blocks(blocks, _expected_places(poses))
    place = matched.places[..., matched.score[:, 0].argmax(), 0]
    pixels = SIZE // CELLS
    y, x = np.mgrid[:SIZE, :SIZE]
    # Interpolate from the blocks' centres to all pixels, constant beyond the outermost centres.
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


def _warped(palm: Roi, columns: Floats, rows: Floats) -> tuple[Grey, Visible | None]:
    bent = cv2.remap(palm.image, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    if palm.visible is None:
        return np.asarray(bent, np.uint8), None
    shown = cv2.remap(palm.visible.astype(np.uint8), columns, rows, cv2.INTER_NEAREST)
    return np.asarray(bent, np.uint8), np.asarray(shown, np.bool_)
