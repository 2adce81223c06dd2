"""Lines and embedding together: what this product signs palms with.

Two judges who err differently look at each palm. The line field (`palm.linefield`) finds every
crease again where a bent palm has carried it; the encoder (`palm.encoder`) has been taught which
whole palms are one. A score is the logarithm of how much likelier the two say it is that this is
one palm than that it is two: logistic fusion (Brümmer and du Preez, "Application-independent
evaluation of speaker detection", 2006), with weights learnt from drawn palms alone.

A probe is compared and forgotten and carries its line field in full. A reference is kept and is
written small: of each cell of the field the nearest of a book of 16 (vector quantisation; Gray,
1984), half a byte, and of each dimension of the embedding one byte; 768 bytes in all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from palm.encoder import DIMENSIONS, Encoder
from palm.linefield import (
    CELLS,
    PARTS,
    Code,
    LineFieldGallery,
    LineFieldMatcher,
    LineFieldSigner,
)
from palm.recognition import Template, VersionMismatch
from palm.roi import Roi

VERSION = 2

FINE = 400.0
"""What a byte writes for one: of 256 dimensions hardly any reaches a third."""
WHOLE = CELLS * CELLS * PARTS + DIMENSIONS
"""Bytes of a probe."""
KEPT = CELLS * CELLS // 2 + DIMENSIONS
"""Bytes of a reference."""

BOOK = np.array(
    [
        (-49, -7, -24, -1),
        (-48, -8, 23, 5),
        (-24, -37, 1, -29),
        (-21, -48, -5, 14),
        (4, -37, 36, 1),
        (30, -46, -2, -2),
        (6, -8, -47, -1),
        (22, -21, 5, 41),
        (52, -6, -18, 4),
        (49, 4, 24, 2),
        (29, 13, 0, -37),
        (32, 41, -8, 12),
        (-1, 39, 33, 4),
        (-8, 51, -14, -13),
        (-32, 32, -8, 25),
        (-42, 27, 4, -22),
    ],
    np.int8,
)
"""(16, PARTS) cells as they are most often written, and nothing near which is left out: k-means
over drawn palms (`python -m palm.training.fusion`)."""

OFFSET, LINES, ENCODER = -14.01, 70.84, 7.08
"""Log-likelihood ratio at scores of nothing, and what it rises by with a full one of either judge;
from the same command, which learns all but the encoder's share in it."""


class FusedSigner:
    """Raises ModelMissing when there is no encoder."""

    version = VERSION

    def __init__(self) -> None:
        self._lines = LineFieldSigner()
        self._encoder = Encoder()

    def sign(self, palms: Sequence[Roi]) -> Template:
        """Fuses a burst of the same palm into one template, a probe of WHOLE bytes.

        Raises ValueError when the burst is empty or mixes sides.
        """
        field, quality = self._lines.draw(palms)
        embedding = np.clip(np.rint(FINE * self._encoder.embed(field)), -127, 127)
        return Template(VERSION, field.tobytes() + embedding.astype(np.int8).tobytes(), quality)


@dataclass(frozen=True, slots=True)
class FusedGallery:
    """References laid out for comparison; a selection of it is a gallery too."""

    lines: LineFieldGallery
    embeddings: npt.NDArray[np.float32]
    """(references, DIMENSIONS), each of length one."""

    def __len__(self) -> int:
        return len(self.embeddings)

    def __getitem__(self, which: slice | npt.NDArray[np.intp]) -> "FusedGallery":
        return FusedGallery(self.lines[which], self.embeddings[which])


class FusedMatcher:
    """Compares templates of FusedSigner. A score is a log-likelihood ratio, in nats."""

    version = VERSION

    def __init__(self) -> None:
        self._lines = LineFieldMatcher()

    def keep(self, template: Template) -> Template:
        """A template as it is kept, of KEPT bytes. Raises VersionMismatch."""
        field, embedding = _opened(template)
        return Template(VERSION, _bound(field) + embedding.tobytes(), template.quality)

    def score(self, probe: Template, reference: Template) -> float:
        """Raises VersionMismatch when either is of another version."""
        return float(self.compare(probe, self.prepare([reference]))[0])

    def vectors(self, templates: Sequence[Template]) -> npt.NDArray[np.float32]:
        """(templates, DIMENSIONS) embeddings, each of length one.

        Raises VersionMismatch when one is of another version.
        """
        return _of_length_one(np.array([_opened(each)[1] for each in templates], np.int8))

    def prepare(self, references: Sequence[Template]) -> FusedGallery:
        """The references as they are once they have been kept, whether they have been or not.

        Raises VersionMismatch when one is of another version.
        """
        kept = [_opened(self.keep(each)) for each in references]
        fields = np.array([field for field, _ in kept], np.int8)
        embeddings = np.array([embedding for _, embedding in kept], np.int8)
        return FusedGallery(self._lines.lay_out(fields), _of_length_one(embeddings))

    def compare(self, probe: Template, gallery: FusedGallery) -> npt.NDArray[np.float32]:
        """(len(gallery),) scores. Raises VersionMismatch when the probe is of another version."""
        field, embedding = _opened(probe)
        lines = self._lines.meet(field, gallery.lines)
        encoder = gallery.embeddings @ _of_length_one(embedding[None])[0]
        return fused(lines, encoder)


def fused(
    lines: npt.NDArray[np.float32], encoder: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """The log-likelihood ratios of pairs, from what each judge says of them."""
    return np.asarray(OFFSET + LINES * lines + ENCODER * encoder, np.float32)


def _opened(template: Template) -> tuple[Code, npt.NDArray[np.int8]]:
    """The field and the embedding of a probe or of a reference."""
    if template.version != VERSION:
        raise VersionMismatch(f"a template of version {template.version}, where {VERSION} is read")
    code = np.frombuffer(template.code, np.int8)
    lines, embedding = code[:-DIMENSIONS], code[-DIMENSIONS:]
    if len(code) == KEPT:
        pairs = lines.view(np.uint8)
        lines = BOOK[np.stack([pairs >> 4, pairs & 15], axis=1)]
    return lines.reshape(CELLS, CELLS, PARTS), embedding


def _bound(field: Code) -> bytes:
    """The nearest of the book, of each cell: two to a byte."""
    cells = field.reshape(-1, PARTS).astype(np.float32)
    book = BOOK.astype(np.float32)
    nearest = (cells @ book.T - (book**2).sum(axis=1) / 2).argmax(axis=1).astype(np.uint8)
    return (nearest[::2] << 4 | nearest[1::2]).tobytes()


def _of_length_one(embeddings: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
    wide = embeddings.astype(np.float32).reshape(-1, DIMENSIONS)
    return wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-6)
