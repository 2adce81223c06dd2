"""Compresses a line field from 4,096 bytes to 736, the form that a gallery stores.

This is transform coding. Blocks of 8 x 8 cells are projected on the axes along which palms differ
most (the Karhunen-Loeve transform). Each coordinate gets the number of bits that its variance is
worth (Huang and Schultheiss, "Block quantization of correlated Gaussian random variables", 1963),
and is quantised in the steps that lose least of a normal variable (Max, "Quantizing for minimum
distortion", 1960). Axes and variances were learnt from drawn palms by `python -m
lab.training.fusion`.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from palm.models import FOLDER, ModelMissing
from palm.template.linefield import CELLS, FULL, PARTS, SUB, Code, Tiles, from_tiles

FILE = FOLDER / "palm_lines.npz"

BLOCK = 8
"""The side of a block in cells."""
BLOCKS = (CELLS // BLOCK) ** 2
NUMBERS = BLOCK * BLOCK * PARTS
"""The numbers in a block."""
BITS = 368
"""The bits in which a block is stored."""
BYTES = BLOCKS * BITS // 8
"""The bytes in which a field is stored."""
BATCH = 16
"""The number of fields that are decompressed at once, so that they fit in the processor's cache."""

STEPS = (0.0, 1.5958, 0.9957, 0.5860, 0.3352, 0.1881, 0.1041)
"""The quantiser's step for 0, 1, 2 ... bits per coordinate, in standard deviations (Max, table
II)."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Axes:
    """The axes on which blocks are projected."""

    axes: Floats
    """(NUMBERS, coordinates), orthonormal."""
    deviation: Floats
    """(coordinates,) standard deviations of the coordinates."""
    bits: npt.NDArray[np.uint8]
    """(coordinates,) bits per coordinate; their sum is BITS."""


class FieldWriter:
    """Compresses and decompresses line fields. Raises ModelMissing when the axes file does not
    exist."""

    def __init__(self) -> None:
        on = axes()
        self._axes = on.axes
        self._step = np.array(STEPS, np.float32)[on.bits] * on.deviation
        self._levels = np.float32(2.0) ** on.bits
        # For every bit of a block: the coordinate it belongs to, and its place value as a shift.
        self._coordinate = np.repeat(np.arange(len(on.bits)), on.bits)
        self._shift = np.concatenate([np.arange(n)[::-1] for n in on.bits.tolist()]).astype(
            np.uint8
        )
        # For every coordinate: the byte in which it begins, its bits in that byte and the next as
        # one number, and the axis in tiles, times what one step of it is worth in that number.
        first = np.cumsum(on.bits, dtype=np.intp) - on.bits
        below = 16 - first % 8 - on.bits
        self._byte = first // 8
        self._mask = (((1 << on.bits.astype(np.intp)) - 1) << below).astype(np.uint16)[:, None]
        coordinates = on.axes.T * self._step[:, None]
        along = coordinates * np.float32(2.0) ** -below[:, None]
        lowest = ((1 - self._levels) / 2) @ coordinates
        self._along = _in_tiles(np.vstack([along, lowest]).T)
        empty = np.frombuffer(self.write(np.zeros((CELLS, CELLS, PARTS), np.int8)), np.uint8)
        self._empty = empty[: BITS // 8, None]

    def write(self, field: Code) -> bytes:
        """Compresses a (CELLS, CELLS, PARTS) code into BYTES bytes."""
        along = _in_blocks(field) @ self._axes
        level = np.floor(along / self._step + self._levels / 2)
        level = np.clip(level, 0, self._levels - 1).astype(np.uint8)
        return np.packbits(level[:, self._coordinate] >> self._shift & 1).tobytes()

    def read(self, written: npt.NDArray[np.uint8]) -> Code:
        """Decompresses (n, BYTES) into (n, CELLS, CELLS, PARTS), up to quantisation error."""
        return from_tiles(self.read_tiles(written.reshape(-1, BYTES)))

    def read_tiles(self, written: npt.NDArray[np.uint8]) -> Tiles:
        """Decompresses (n, BYTES) into tiles, up to quantisation error."""
        side, sub = CELLS // BLOCK, BLOCK // SUB
        tiles = np.empty((side, sub, side, sub, SUB * SUB * PARTS, len(written)), np.int8)
        for start in range(0, len(written), BATCH):
            these = slice(start, start + BATCH)
            blocks = self._blocks(written[these]).reshape(
                sub, sub, SUB * SUB * PARTS, side, side, -1
            )
            tiles[..., these] = blocks.transpose(3, 0, 4, 1, 2, 5)
        return tiles.reshape((side * sub) ** 2, SUB * SUB * PARTS, -1)

    def _blocks(self, written: npt.NDArray[np.uint8]) -> Floats:
        """Returns the (NUMBERS, BLOCKS * n) numbers of all blocks, each tile by tile."""
        split = written.reshape(-1, BLOCKS, BITS // 8).transpose(2, 1, 0)
        columns = np.ascontiguousarray(split).reshape(BITS // 8, -1)
        # A coordinate has six bits at most, so it lies in two bytes.
        two = columns.astype(np.uint16) << 8
        two[:-1] |= columns[1:]
        level = np.ones((len(self._byte) + 1, columns.shape[1]), np.float32)
        level[:-1] = two.take(self._byte, axis=0) & self._mask
        blocks = self._along @ level
        # No level lies at zero, so an empty block would be restored as a faint pattern.
        blocks[:, (columns == self._empty).all(axis=0)] = 0
        np.rint(blocks, out=blocks)
        np.clip(blocks, -2 * FULL, 2 * FULL, out=blocks)
        return blocks


@cache
def axes() -> Axes:
    """Returns the learnt axes. Raises ModelMissing."""
    if not FILE.exists():
        raise ModelMissing(FILE)
    with np.load(FILE) as learnt:
        return Axes(learnt["axes"].astype(np.float32), learnt["deviation"], learnt["bits"])


def learn(fields: Code) -> Axes:
    """Learns the axes that lose least of many codes, (n, CELLS, CELLS, PARTS)."""
    blocks = np.concatenate([_in_blocks(field) for field in fields])
    variance, along = np.linalg.eigh(blocks.T @ blocks / len(blocks))
    variance, along = variance[::-1], along[:, ::-1]
    # The share of a unit variance that is lost with 0, 1, 2 ... bits (Max, table II).
    lost = np.array((1.0, 0.3634, 0.1188, 0.03744, 0.01154, 0.003495, 0.001041))
    bits = np.zeros(NUMBERS, np.uint8)
    for _ in range(BITS):
        won = variance * (lost[bits] - np.append(lost, lost[-1])[bits + 1])
        bits[won.argmax()] += 1
    used = bits > 0
    return Axes(
        np.ascontiguousarray(along[:, used], np.float32),
        np.sqrt(variance[used]).astype(np.float32),
        bits[used],
    )


def save(learnt: Axes) -> None:
    """Stores the axes; they are used from the next start on."""
    np.savez_compressed(
        FILE,
        axes=learnt.axes.astype(np.float16),
        deviation=learnt.deviation,
        bits=learnt.bits,
    )


def _in_blocks(field: Code) -> Floats:
    side = CELLS // BLOCK
    split = field.reshape(side, BLOCK, side, BLOCK, PARTS).transpose(0, 2, 1, 3, 4)
    return split.reshape(BLOCKS, NUMBERS).astype(np.float32)


def _in_tiles(block: npt.NDArray[np.float64]) -> Floats:
    """Returns the (NUMBERS, n) numbers of a block tile by tile."""
    tiles = BLOCK // SUB
    split = block.reshape(tiles, SUB, tiles, SUB, PARTS, -1).swapaxes(1, 2)
    return np.ascontiguousarray(split, np.float32).reshape(NUMBERS, -1)
