"""Lines and embedding together: what this product signs palms with.

Two judges who err differently look at each palm. The line field (`palm.template.linefield`) finds
every crease again where a bent palm has carried it; the encoder (`palm.template.encoder`) has been
taught which whole palms are one. A score is the logarithm of how much likelier the two say it is
that this is one palm than that it is two: logistic fusion (Brümmer and du Preez,
"Application-independent evaluation of speaker detection", 2006), with weights learnt from drawn
palms alone.

A probe is compared and forgotten and carries everything in full. A reference is kept and is written
small: its lines as `palm.template.compact` writes them, half a byte for each dimension of its
embedding; 864 bytes in all, and with the seal and the search code a kilobyte.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from palm.hand.roi import Roi
from palm.template.compact import BYTES, FieldWriter
from palm.template.encoder import DIMENSIONS, Encoder
from palm.template.interfaces import Template, VersionMismatch
from palm.template.linefield import (
    CELLS,
    PARTS,
    Code,
    LineFieldExtractor,
    LineFieldGallery,
    LineFieldMatcher,
)

VERSION = 2

Floats = npt.NDArray[np.float32]

FINE = 400.0
"""What a byte writes for one: of 256 dimensions hardly any reaches a third."""
BRIEF = 48.0
"""What half a byte does, in 16 steps from just above -8 to just below 8 (Max, "Quantizing for
minimum distortion", 1960, for what is normal with a deviation of one 16th)."""
WHOLE = CELLS * CELLS * PARTS + DIMENSIONS
"""Bytes of a probe."""
KEPT = BYTES + DIMENSIONS // 2
"""Bytes of a reference."""

OFFSET, LINES, ENCODER = -14.38, 47.42, 4.74
"""Log-likelihood ratio at scores of nothing, and what it rises by with a full one of either judge;
from the same command, which learns all but the encoder's share in it."""


class FusedExtractor:
    """Raises ModelMissing when there is no encoder."""

    version = VERSION

    def __init__(self) -> None:
        self._lines = LineFieldExtractor()
        self._encoder = Encoder()

    def extract(self, palms: Sequence[Roi]) -> Template:
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
    embeddings: Floats
    """(references, DIMENSIONS), each of length one."""

    def __len__(self) -> int:
        return len(self.embeddings)

    def __getitem__(self, which: slice | npt.NDArray[np.intp]) -> "FusedGallery":
        return FusedGallery(self.lines[which], self.embeddings[which])


class FusedMatcher:
    """Compares templates of FusedSigner. A score is a log-likelihood ratio, in nats.

    Raises ModelMissing when there is nothing to read references with.
    """

    version = VERSION

    def __init__(self) -> None:
        self._lines = LineFieldMatcher()
        self._writer = FieldWriter()

    def keep(self, template: Template) -> Template:
        """A template as it is kept, of KEPT bytes. Raises VersionMismatch."""
        if len(_code(template)) == KEPT:
            return template
        field, embedding = _whole(template)
        code = self._writer.write(field) + _brief(embedding)
        return Template(VERSION, code, template.quality)

    def score(self, probe: Template, reference: Template) -> float:
        """Raises VersionMismatch when either is of another version."""
        return float(self.compare(probe, self.prepare([reference]))[0])

    def vectors(self, templates: Sequence[Template]) -> Floats:
        """(templates, DIMENSIONS) embeddings, each of length one.

        Raises VersionMismatch when one is of another version.
        """
        embeddings = [_embedding(each) for each in templates]
        return np.array(embeddings, np.float32).reshape(-1, DIMENSIONS)

    def prepare(self, references: Sequence[Template]) -> FusedGallery:
        """The references as they are once they have been kept, whether they have been or not.

        Raises VersionMismatch when one is of another version.
        """
        kept = [self.keep(each) for each in references]
        written = np.array([_code(each)[:BYTES] for each in kept], np.uint8).reshape(-1, BYTES)
        return FusedGallery(self._lines.lay_out(self._writer.read(written)), self.vectors(kept))

    def compare(self, probe: Template, gallery: FusedGallery) -> Floats:
        """(len(gallery),) scores, of a probe that is whole or kept.

        Raises VersionMismatch when the probe is of another version.
        """
        code = _code(probe)
        field = self._writer.read(code[:BYTES])[0] if len(code) == KEPT else _whole(probe)[0]
        lines = self._lines.meet(field, gallery.lines)
        return fused(lines, gallery.embeddings @ _embedding(probe))


def fused(lines: Floats, encoder: Floats) -> Floats:
    """The log-likelihood ratios of pairs, from what each judge says of them."""
    return np.asarray(OFFSET + LINES * lines + ENCODER * encoder, np.float32)


def _code(template: Template) -> npt.NDArray[np.uint8]:
    if template.version != VERSION:
        raise VersionMismatch(f"a template of version {template.version}, where {VERSION} is read")
    return np.frombuffer(template.data, np.uint8)


def _whole(probe: Template) -> tuple[Code, npt.NDArray[np.int8]]:
    code = _code(probe).view(np.int8)
    return code[:-DIMENSIONS].reshape(CELLS, CELLS, PARTS), code[-DIMENSIONS:]


def _brief(embedding: npt.NDArray[np.int8]) -> bytes:
    """Two dimensions to a byte."""
    step = np.floor(embedding * np.float32(BRIEF / FINE)) + 8
    half = np.clip(step, 0, 15).astype(np.uint8)
    return (half[::2] << 4 | half[1::2]).tobytes()


def _embedding(template: Template) -> Floats:
    """(DIMENSIONS,) of length one, of a probe or of a reference."""
    code = _code(template)
    if len(code) == KEPT:
        pairs = code[BYTES:]
        wide = np.stack([pairs >> 4, pairs & 15], axis=1).ravel() - np.float32(7.5)
    else:
        wide = _whole(template)[1].astype(np.float32)
    return np.asarray(wide / max(float(np.linalg.norm(wide)), 1e-6), np.float32)
