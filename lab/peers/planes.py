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
"""The number of cells per side of a code: one for every four pixels of the ROI."""
SHIFT = 3
"""The largest shift of one palm against the other, in cells."""
BATCH = 512
"""The number of references that are compared at once, so that they fit in the processor cache."""

Planes = npt.NDArray[np.bool_]
"""(planes, CELLS, CELLS) bits of one template."""
Words = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class PlanesGallery:
    """References that are prepared for comparison."""

    words: Words
    """(planes * CELLS * CELLS / 64, references) words of 64 bits."""

    def __len__(self) -> int:
        return self.words.shape[1]


class PlanesMatcher:
    """Compares templates of one code.

    A score is one minus the share of differing bits where the palms overlap, at the shift at which
    it is highest: the normalised Hamming distance of Zhang, Kong, You and Wong ("Online palmprint
    identification", PAMI 2003). For competitive code this is the angular distance.
    """

    def __init__(self, version: int) -> None:
        self.version = version

    def score(self, probe: Template, reference: Template) -> float:
        """Returns the score of two templates. Raises VersionMismatch for one of another version."""
        return float(self.compare(probe, self.prepare([reference]))[0])

    def prepare(self, references: Sequence[Template]) -> PlanesGallery:
        """Prepares references. Raises VersionMismatch for one of another version."""
        codes = [self._read(each) for each in references]
        return PlanesGallery(np.ascontiguousarray(np.stack([_words(code) for code in codes], 1)))

    def compare(self, probe: Template, gallery: PlanesGallery) -> npt.NDArray[np.float32]:
        """Returns (len(gallery),) scores. Raises VersionMismatch for a probe of another version."""
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
    """Returns the only palm of a burst. Raises ValueError unless there is exactly one."""
    if len(palms) != 1:
        raise ValueError(f"this code is made from one picture of a palm, not of {len(palms)}")
    return palms[0]


def answers(palm: Roi, bank: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """Returns the (filters, CELLS, CELLS) responses of filters in the middle of each cell."""
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


def template(version: int, planes: Planes) -> Template:
    return Template(version, np.packbits(planes).tobytes())


def _words(planes: Planes) -> Words:
    return np.packbits(planes).view(np.uint64)


def _shifted(planes: Planes, down: int, right: int) -> Planes:
    """Returns the planes shifted by so many cells; bits that are not known are zero."""
    moved = np.zeros_like(planes)
    rows, from_rows = _slices(down)
    columns, from_columns = _slices(right)
    moved[:, rows, columns] = planes[:, from_rows, from_columns]
    return moved


def _slices(by: int) -> tuple[slice, slice]:
    """Returns the slices that a shift moves cells to, and from."""
    return slice(max(by, 0), CELLS + min(by, 0)), slice(max(-by, 0), CELLS + min(-by, 0))


@cache
def _overlap(planes: int, down: int, right: int) -> tuple[Words, int]:
    """Returns a mask of the bits that are known under a shift, and their number."""
    known = _shifted(np.ones((planes, CELLS, CELLS), np.bool_), down, right)
    return _words(known), int(known.sum())
