"""The extractor and matcher in use: line field, embedding, and how far a score is chance.

A template is one of `palm.template.fused` with its likeness to strangers
(`palm.template.strangers`) in two more bytes. The level of a pair is the sum of both likenesses,
and the lines score above that level. So the scores of all devices mean the same: what one pair of
different palms in 10,000 reaches on one device is nearer to what it reaches on another. Where the
lines are alike enough to matter, the probe is laid over the reference and compared once more
(`LineFieldMatcher.compare_closely`).

A score is a log-likelihood ratio as in `palm.template.fused`, with weights learnt from drawn palms
by `python -m lab.training.levelled`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from palm.hand.roi import Roi
from palm.template import fused
from palm.template.fused import FusedExtractor, FusedGallery, FusedMatcher
from palm.template.interfaces import Template, VersionMismatch
from palm.template.linefield import LineFieldMatcher
from palm.template.strangers import Strangers

VERSION = 3

Floats = npt.NDArray[np.float32]

SCALE = 2.0**16
"""The scale of a likeness: 1.0 would be stored as 65,536."""
LEVEL_BYTES = 2
_BYTES_IN = np.array((256, 1)) / SCALE
"""What the bytes of a level are worth."""
PROBE_BYTES = fused.PROBE_BYTES + LEVEL_BYTES
"""The bytes of a probe."""
REFERENCE_BYTES = fused.REFERENCE_BYTES + LEVEL_BYTES
"""The bytes of a reference."""

OFFSET, LINES, ENCODER = 13.12, 63.64, 6.36
"""The log-likelihood ratio is OFFSET + LINES * (line score - level) + ENCODER * cosine of the
embeddings, where the level is the sum of the likenesses of both palms to strangers."""
CLOSE = -0.18
"""The line score above the level from which a pair is compared more closely: one pair of different
palms in three hundred, and nearly all of the same palm."""


class LevelledExtractor:
    """Extracts probes. Raises ModelMissing when the encoder or the strangers do not exist."""

    version = VERSION

    def __init__(self) -> None:
        self._fused = FusedExtractor()
        self._strangers = Strangers()

    def extract(self, palms: Sequence[Roi]) -> Template:
        """Fuses a burst of one palm into one template, a probe of PROBE_BYTES bytes.

        Raises ValueError as `LineFieldExtractor.extract` does.
        """
        template = self._fused.extract(palms)
        level = self._strangers.likeness(fused.field_of(template))
        stored = min(round(level * SCALE), int(SCALE) - 1).to_bytes(LEVEL_BYTES, "big")
        return Template(VERSION, template.data + stored)


@dataclass(frozen=True, slots=True)
class LevelledGallery:
    """References that are prepared for comparison. Indexing selects some of them."""

    fused: FusedGallery
    levels: Floats
    """(references,) likenesses to strangers."""

    def __len__(self) -> int:
        return len(self.levels)

    def __getitem__(self, which: slice | npt.NDArray[np.intp]) -> "LevelledGallery":
        return LevelledGallery(self.fused[which], self.levels[which])


class LevelledMatcher:
    """Compares templates of LevelledExtractor. A score is a log-likelihood ratio in nats.

    Raises ModelMissing when the axes of `palm.template.compact` do not exist.
    """

    version = VERSION

    def __init__(self) -> None:
        self._fused = FusedMatcher()
        self._lines = LineFieldMatcher()

    def keep(self, template: Template) -> Template:
        """Returns the template as a reference of REFERENCE_BYTES bytes. Raises VersionMismatch."""
        if len(_checked(template)) == REFERENCE_BYTES:
            return template
        within, level = _split(template)
        return Template(VERSION, self._fused.keep(within).data + level)

    def score(self, probe: Template, reference: Template) -> float:
        """Returns the score. Raises VersionMismatch when either template has another version."""
        return float(self.compare(probe, self.prepare([reference]))[0])

    def vectors(self, templates: Sequence[Template]) -> Floats:
        """Returns the (templates, DIMENSIONS) embeddings, each of length one.

        Raises VersionMismatch when a template has another version.
        """
        return self._fused.vectors([_split(each)[0] for each in templates])

    def prepare(self, references: Sequence[Template]) -> LevelledGallery:
        """Prepares references. Templates that are still probes are compressed first, so that scores
        do not depend on whether they were stored.

        Raises VersionMismatch when a template has another version.
        """
        every = b"".join([self.keep(each).data for each in references])
        kept = np.frombuffer(every, np.uint8).reshape(-1, REFERENCE_BYTES)
        within, stored = kept[:, :-LEVEL_BYTES], kept[:, -LEVEL_BYTES:]
        levels = (stored @ _BYTES_IN).astype(np.float32)
        return LevelledGallery(self._fused.prepare_written(within), levels)

    def compare(self, probe: Template, gallery: LevelledGallery) -> Floats:
        """Returns the (len(gallery),) scores of a probe or of a reference.

        Raises VersionMismatch when the probe has another version.
        """
        within, level = _split(probe)
        levels = np.asarray(gallery.levels + _level(level), np.float32)
        enough = np.asarray(levels + CLOSE, np.float32)
        field = self._fused.field(within)
        lines = self._lines.compare_closely(field, gallery.fused.lines, enough)
        encoder = gallery.fused.embeddings @ self._fused.vectors([within])[0]
        return levelled(np.asarray(lines - levels, np.float32), encoder)


def levelled(lines: Floats, encoder: Floats) -> Floats:
    """Returns the log-likelihood ratios, from the scores of the line fields above their levels and
    the cosines of the embeddings."""
    return np.asarray(OFFSET + LINES * lines + ENCODER * encoder, np.float32)


def _split(template: Template) -> tuple[Template, bytes]:
    """Returns the template of `palm.template.fused` that is within, and the stored level."""
    data = _checked(template)
    return Template(fused.VERSION, data[:-LEVEL_BYTES]), data[-LEVEL_BYTES:]


def _checked(template: Template) -> bytes:
    if template.version != VERSION:
        raise VersionMismatch(f"a template of version {template.version}, where {VERSION} is read")
    return template.data


def _level(stored: bytes) -> float:
    return int.from_bytes(stored, "big") / SCALE
