"""A line field in 736 bytes, where it has 4,096: what a gallery keeps of a palm.

Transform coding: blocks of 8 x 8 cells are laid on the axes along which palms differ most (the
Karhunen-Loeve transform), and each coordinate is written in as many bits as its variance is worth
(Huang and Schultheiss, "Block quantization of correlated Gaussian random variables", 1963), in the
steps that lose least of a normal variable (Max, "Quantizing for minimum distortion", 1960). Axes
and variances have been learnt from drawn palms by `python -m lab.training.fusion`.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from palm.models import FOLDER, ModelMissing
from palm.template.linefield import CELLS, FULL, PARTS, Code

FILE = FOLDER / "palm_lines.npz"

BLOCK = 8
"""Cells a side."""
BLOCKS = (CELLS // BLOCK) ** 2
NUMBERS = BLOCK * BLOCK * PARTS
"""Of a block."""
BITS = 368
"""A block is written in."""
BYTES = BLOCKS * BITS // 8
"""A field is written in."""

STEPS = (0.0, 1.5958, 0.9957, 0.5860, 0.3352, 0.1881, 0.1041)
"""Between two levels, for 0, 1, 2 ... bits a number, in deviations (Max, table II)."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Axes:
    """What blocks are laid on."""

    axes: Floats
    """(NUMBERS, coordinates) orthonormal."""
    deviation: Floats
    """(coordinates,) of the numbers of a Code."""
    bits: npt.NDArray[np.uint8]
    """(coordinates,) each is written in; BITS together."""


class FieldWriter:
    """Writes line fields small and reads them again. Raises ModelMissing when there are no axes."""

    def __init__(self) -> None:
        on = axes()
        self._axes = on.axes
        self._step = np.array(STEPS, np.float32)[on.bits] * on.deviation
        self._levels = np.float32(2.0) ** on.bits
        # Of every bit: whose it is, how far down it lies, and what it adds to the block.
        self._whose = np.repeat(np.arange(len(on.bits)), on.bits)
        self._down = np.concatenate([np.arange(n)[::-1] for n in on.bits.tolist()]).astype(np.uint8)
        coordinates = on.axes.T * self._step[:, None]
        self._adds = coordinates[self._whose] * np.float32(2.0) ** self._down[:, None]
        self._least = ((1 - self._levels) / 2) @ coordinates

        self._nothing = np.frombuffer(
            self.write(np.zeros((CELLS, CELLS, PARTS), np.int8)), np.uint8
        )

    def write(self, field: Code) -> bytes:
        """(CELLS, CELLS, PARTS) in BYTES bytes."""
        along = _in_blocks(field) @ self._axes
        level = np.floor(along / self._step + self._levels / 2)
        level = np.clip(level, 0, self._levels - 1).astype(np.uint8)
        return np.packbits(level[:, self._whose] >> self._down & 1).tobytes()

    def read(self, written: npt.NDArray[np.uint8]) -> Code:
        """(n, CELLS, CELLS, PARTS) of (n, BYTES), but for what rounding took away."""
        rows = written.reshape(-1, BITS // 8)
        bits = np.unpackbits(rows, axis=1).astype(np.float32)
        blocks = bits @ self._adds + self._least
        # No step lies at zero: a block where nothing was seen would come back as a faint pattern.
        blocks[(rows == self._nothing[: BITS // 8]).all(axis=1)] = 0
        side = CELLS // BLOCK
        fields = blocks.reshape(-1, side, side, BLOCK, BLOCK, PARTS).transpose(0, 1, 3, 2, 4, 5)
        fields = fields.reshape(-1, CELLS, CELLS, PARTS)
        return np.clip(np.rint(fields), -2 * FULL, 2 * FULL).astype(np.int8)


@cache
def axes() -> Axes:
    """As they have been learnt. Raises ModelMissing."""
    if not FILE.exists():
        raise ModelMissing(FILE)
    with np.load(FILE) as learnt:
        return Axes(learnt["axes"].astype(np.float32), learnt["deviation"], learnt["bits"])


def learn(fields: Code) -> Axes:
    """The axes on which many fields, (n, CELLS, CELLS, PARTS), lose least."""
    blocks = np.concatenate([_in_blocks(field) for field in fields])
    variance, along = np.linalg.eigh(blocks.T @ blocks / len(blocks))
    variance, along = variance[::-1], along[:, ::-1]
    # What is lost of a unit variance in so many bits (Max, table II).
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
    """Makes these the axes, from the next start on."""
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
