"""Line field and embedding together: version 2 of the template, and most of version 3.

Two descriptions of a palm are compared, and their errors are largely independent. The line field
(`palm.template.linefield`) finds creases again in a palm that has bent. The encoder
(`palm.template.encoder`) was trained to tell whole palms apart. The score is the log-likelihood
ratio of "same palm" to "different palms", by logistic fusion (Brümmer and du Preez,
"Application-independent evaluation of speaker detection", 2006) with weights learnt from drawn
palms only.

A probe is compared once and deleted, so it is stored in full. A reference is compressed: the lines
as in `palm.template.compact`, and half a byte per dimension of the embedding. That makes 864 bytes,
and about a kilobyte with encryption and search code.
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

PROBE_SCALE = 400.0
"""The scale of a probe's embedding: 1.0 is stored as 400. Components rarely exceed a third, so a
byte suffices."""
REFERENCE_SCALE = 48.0
"""The scale of a reference's embedding: 1.0 is 48 steps. Half a byte holds 16 steps, from just
above -8 to just below 8; this is the best uniform quantiser for a normal variable with a deviation
of 1/16 (Max, "Quantizing for minimum distortion", 1960)."""
PROBE_BYTES = CELLS * CELLS * PARTS + DIMENSIONS
"""The bytes of a probe."""
REFERENCE_BYTES = BYTES + DIMENSIONS // 2
"""The bytes of a reference."""

OFFSET, LINES, ENCODER = -14.38, 47.42, 4.74
"""The log-likelihood ratio is OFFSET + LINES * line score + ENCODER * cosine of the embeddings.
`python -m lab.training.fusion` fits OFFSET and LINES, and sets ENCODER to a fixed share of
LINES."""


class FusedExtractor:
    """Extracts probes. Raises ModelMissing when the encoder does not exist."""

    version = VERSION

    def __init__(self) -> None:
        self._lines = LineFieldExtractor()
        self._encoder = Encoder()

    def extract(self, palms: Sequence[Roi]) -> Template:
        """Fuses a burst of one palm into one template, a probe of PROBE_BYTES bytes.

        Raises ValueError as `LineFieldExtractor.extract` does.
        """
        field = self._lines.extract_code(palms)
        embedding = np.clip(np.rint(PROBE_SCALE * self._encoder.embed(field)), -127, 127)
        return Template(VERSION, field.tobytes() + embedding.astype(np.int8).tobytes())


@dataclass(frozen=True, slots=True)
class FusedGallery:
    """References that are prepared for comparison. Indexing selects some of them."""

    lines: LineFieldGallery
    embeddings: Floats
    """(references, DIMENSIONS), each of length one."""

    def __len__(self) -> int:
        return len(self.embeddings)

    def __getitem__(self, which: slice | npt.NDArray[np.intp]) -> "FusedGallery":
        return FusedGallery(self.lines[which], self.embeddings[which])


class FusedMatcher:
    """Compares templates of FusedExtractor. A score is a log-likelihood ratio in nats.

    Raises ModelMissing when the axes of `palm.template.compact` do not exist.
    """

    version = VERSION

    def __init__(self) -> None:
        self._lines = LineFieldMatcher()
        self._writer = FieldWriter()

    def keep(self, template: Template) -> Template:
        """Returns the template as a reference of REFERENCE_BYTES bytes. Raises VersionMismatch."""
        if len(_checked(template)) == REFERENCE_BYTES:
            return template
        field, embedding = _split_probe(template)
        code = self._writer.write(field) + _half_bytes(embedding)
        return Template(VERSION, code)

    def score(self, probe: Template, reference: Template) -> float:
        """Returns the score. Raises VersionMismatch when either template has another version."""
        return float(self.compare(probe, self.prepare([reference]))[0])

    def vectors(self, templates: Sequence[Template]) -> Floats:
        """Returns the (templates, DIMENSIONS) embeddings, each of length one.

        Raises VersionMismatch when a template has another version.
        """
        codes = [_code(each) for each in templates]
        if any(len(code) != REFERENCE_BYTES for code in codes):
            return np.array([_embedding(each) for each in templates], np.float32)
        return _whole_bytes(_joined(templates)[:, BYTES:])

    def prepare(self, references: Sequence[Template]) -> FusedGallery:
        """Prepares references. Templates that are still probes are compressed first, so that scores
        do not depend on whether they were stored.

        Raises VersionMismatch when a template has another version.
        """
        return self.prepare_written(_joined([self.keep(each) for each in references]))

    def prepare_written(self, references: npt.NDArray[np.uint8]) -> FusedGallery:
        """Prepares references from their bytes, (references, REFERENCE_BYTES)."""
        lines = self._lines.prepare_tiles(self._writer.read_tiles(references[:, :BYTES]))
        return FusedGallery(lines, _whole_bytes(references[:, BYTES:]))

    def compare(self, probe: Template, gallery: FusedGallery) -> Floats:
        """Returns the (len(gallery),) scores of a probe or of a reference.

        Raises VersionMismatch when the probe has another version.
        """
        lines = self._lines.compare_code(self.field(probe), gallery.lines)
        return fused(lines, gallery.embeddings @ _embedding(probe))

    def field(self, template: Template) -> Code:
        """Returns the line field of a probe or of a reference. Raises VersionMismatch."""
        code = _code(template)
        if len(code) == REFERENCE_BYTES:
            return self._writer.read(code[:BYTES])[0]
        return field_of(template)


def field_of(probe: Template) -> Code:
    """Returns the line field of a probe. Raises VersionMismatch."""
    return _split_probe(probe)[0]


def fused(lines: Floats, encoder: Floats) -> Floats:
    """Returns the log-likelihood ratios, from the scores of the line fields and the cosines of the
    embeddings."""
    return np.asarray(OFFSET + LINES * lines + ENCODER * encoder, np.float32)


def _checked(template: Template) -> bytes:
    if template.version != VERSION:
        raise VersionMismatch(f"a template of version {template.version}, where {VERSION} is read")
    return template.data


def _code(template: Template) -> npt.NDArray[np.uint8]:
    return np.frombuffer(_checked(template), np.uint8)


def _joined(references: Sequence[Template]) -> npt.NDArray[np.uint8]:
    """Returns the (references, REFERENCE_BYTES) bytes of references."""
    every = b"".join([each.data for each in references])
    return np.frombuffer(every, np.uint8).reshape(-1, REFERENCE_BYTES)


def _split_probe(probe: Template) -> tuple[Code, npt.NDArray[np.int8]]:
    code = _code(probe).view(np.int8)
    return code[:-DIMENSIONS].reshape(CELLS, CELLS, PARTS), code[-DIMENSIONS:]


def _half_bytes(embedding: npt.NDArray[np.int8]) -> bytes:
    """Returns the embedding in half a byte per dimension."""
    step = np.floor(embedding * np.float32(REFERENCE_SCALE / PROBE_SCALE)) + 8
    half = np.clip(step, 0, 15).astype(np.uint8)
    return (half[::2] << 4 | half[1::2]).tobytes()


def _whole_bytes(pairs: npt.NDArray[np.uint8]) -> Floats:
    """Returns (n, DIMENSIONS) embeddings, each of length one, that were written in half bytes."""
    wide = np.stack([pairs >> 4, pairs & 15], axis=2).reshape(-1, DIMENSIONS) - np.float32(7.5)
    return np.asarray(wide / np.linalg.norm(wide, axis=1, keepdims=True), np.float32)


def _embedding(template: Template) -> Floats:
    """Returns the (DIMENSIONS,) embedding of a probe or a reference, of length one."""
    code = _code(template)
    if len(code) == REFERENCE_BYTES:
        return _whole_bytes(code[None, BYTES:])[0]
    wide = _split_probe(template)[1].astype(np.float32)
    return np.asarray(wide / max(float(np.linalg.norm(wide)), 1e-6), np.float32)
