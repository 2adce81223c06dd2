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
from palm.template.linefield import CELLS, FULL, PARTS, Code

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
        self._first = np.cumsum(on.bits, dtype=np.intp) - on.bits
        self._coordinates = on.axes.T * self._step[:, None]
        self._lowest = ((1 - self._levels) / 2) @ self._coordinates

        self._empty = np.frombuffer(self.write(np.zeros((CELLS, CELLS, PARTS), np.int8)), np.uint8)

    def write(self, field: Code) -> bytes:
        """Compresses a (CELLS, CELLS, PARTS) code into BYTES bytes."""
        along = _in_blocks(field) @ self._axes
        level = np.floor(along / self._step + self._levels / 2)
        level = np.clip(level, 0, self._levels - 1).astype(np.uint8)
        return np.packbits(level[:, self._coordinate] >> self._shift & 1).tobytes()

    def read(self, written: npt.NDArray[np.uint8]) -> Code:
        """Decompresses (n, BYTES) into (n, CELLS, CELLS, PARTS), up to quantisation error."""
        rows = written.reshape(-1, BITS // 8)
        level = np.add.reduceat(
            np.unpackbits(rows, axis=1) << self._shift, self._first, axis=1, dtype=np.uint8
        )
        blocks = level.astype(np.float32) @ self._coordinates + self._lowest
        # No level lies at zero, so an empty block would be restored as a faint pattern.
        blocks[(rows == self._empty[: BITS // 8]).all(axis=1)] = 0
        np.rint(blocks, out=blocks)
        np.clip(blocks, -2 * FULL, 2 * FULL, out=blocks)
        side = CELLS // BLOCK
        fields = blocks.astype(np.int8).reshape(-1, side, side, BLOCK, BLOCK, PARTS)
        return fields.transpose(0, 1, 3, 2, 4, 5).reshape(-1, CELLS, CELLS, PARTS)


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
