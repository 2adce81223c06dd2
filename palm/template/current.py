"""The extractors and matchers that this product uses: today's, and those of templates of before."""

from collections.abc import Mapping

from palm.template import fused, levelled, linefield
from palm.template.interfaces import Extractor, Matcher
from palm.template.levelled import LevelledExtractor, LevelledMatcher

PAIRS: Mapping[int, tuple[type[Extractor], type[Matcher]]] = {
    levelled.VERSION: (LevelledExtractor, LevelledMatcher),
    fused.VERSION: (fused.FusedExtractor, fused.FusedMatcher),
    linefield.VERSION: (linefield.LineFieldExtractor, linefield.LineFieldMatcher),
}
"""The extractor and the matcher of each version of templates, today's first. Their constructors
raise ModelMissing."""


def pair() -> tuple[LevelledExtractor, LevelledMatcher]:
    """Returns the extractor, and the matcher of its templates. Raises ModelMissing."""
    return LevelledExtractor(), LevelledMatcher()
