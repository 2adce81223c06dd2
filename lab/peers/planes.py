"""Palm codes of bit planes, compared by the bits that differ under the best small shift."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import cv2
import numpy as np
import numpy.typing as npt

from palm.hand.roi import SIZE, Roi
from palm.template.interfaces import Template, VersionMismatch

CELLS = 32
"""Cells a side of a code: one every four pixels of the ROI."""
SHIFT = 3
"""Cells, each way, that one palm may be shifted against the other."""
BATCH = 512
"""References compared at once: what they need together stays in the processor's cache."""

Planes = npt.NDArray[np.bool_]
"""(planes, CELLS, CELLS)."""
Words = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class PlanesGallery:
    words: Words
    """(planes * CELLS * CELLS / 64, references)."""

    def __len__(self) -> int:
        return self.words.shape[1]


class PlanesMatcher:
    """Compares templates of one code. A score is one less the share of bits, of those where the
    palms overlap, that differ under the shift where the fewest do: the normalised Hamming
    distance of Zhang, Kong, You and Wong ("Online palmprint identification", PAMI 2003), which
    on competitive code's bits is its angular distance."""

    def __init__(self, version: int) -> None:
        self.version = version

    def score(self, probe: Template, reference: Template) -> float:
        """Raises VersionMismatch when either is of another version."""
        return float(self.compare(probe, self.prepare([reference]))[0])

    def prepare(self, references: Sequence[Template]) -> PlanesGallery:
        """Raises VersionMismatch when one is of another version."""
        codes = [self._read(each) for each in references]
        return PlanesGallery(np.ascontiguousarray(np.stack([_words(code) for code in codes], 1)))

    def compare(self, probe: Template, gallery: PlanesGallery) -> npt.NDArray[np.float32]:
        """(len(gallery),) scores. Raises VersionMismatch when the probe is of another version."""
        code = self._read(probe)
        laid = [
            (_words(_shifted(code, down, right)), _overlap(len(code), down, right))
            for down, right in product(range(-SHIFT, SHIFT + 1), repeat=2)
        ]
        scores = np.zeros(len(gallery), np.float32)
        for start in range(0, len(gallery), BATCH):
            batch = gallery.words[:, start : start + BATCH]
            best = scores[start : start + BATCH]
            for words, (overlap, bits) in laid:
                differing = np.bitwise_count((batch ^ words[:, None]) & overlap[:, None])
                share = differing.sum(axis=0, dtype=np.uint16) / np.float32(bits)
                np.maximum(best, 1 - share, out=best)
        return scores

    search = compare

    def _read(self, template: Template) -> Planes:
        if template.version != self.version:
            raise VersionMismatch(
                f"a template of version {template.version}, where {self.version} is read"
            )
        bits = np.unpackbits(np.frombuffer(template.data, np.uint8))
        return bits.reshape(-1, CELLS, CELLS).astype(np.bool_)


def only(palms: Sequence[Roi]) -> Roi:
    """The palm of a burst of one: the papers know no other. Raises ValueError."""
    if len(palms) != 1:
        raise ValueError(f"this code is of one picture of a palm, not of {len(palms)}")
    return palms[0]


def answers(palm: Roi, bank: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """(filters, CELLS, CELLS) what each filter answers at the middle of each cell."""
    light, step = palm.image.astype(np.float32), SIZE // CELLS
    return np.array(
        [
            cv2.filter2D(light, cv2.CV_32F, each, borderType=cv2.BORDER_REFLECT)[
                step // 2 :: step, step // 2 :: step
            ]
            for each in bank
        ],
        np.float32,
    )


def template(version: int, planes: Planes, palm: Roi) -> Template:
    return Template(version, np.packbits(planes).tobytes(), palm.quality)


def _words(planes: Planes) -> Words:
    return np.packbits(planes).view(np.uint64)


def _shifted(planes: Planes, down: int, right: int) -> Planes:
    """Moved by so many cells; nothing where nothing is known."""
    moved = np.zeros_like(planes)
    rows, from_rows = _slices(down)
    columns, from_columns = _slices(right)
    moved[:, rows, columns] = planes[:, from_rows, from_columns]
    return moved


def _slices(by: int) -> tuple[slice, slice]:
    """Where it goes, and where it comes from."""
    return slice(max(by, 0), CELLS + min(by, 0)), slice(max(-by, 0), CELLS + min(-by, 0))


@cache
def _overlap(planes: int, down: int, right: int) -> tuple[Words, int]:
    """The bits known under a shift, and how many there are."""
    known = _shifted(np.ones((planes, CELLS, CELLS), np.bool_), down, right)
    return _words(known), int(known.sum())
