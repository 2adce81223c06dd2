"""The extractor and matcher that this product uses today."""

from palm.template.levelled import LevelledExtractor, LevelledMatcher


def pair() -> tuple[LevelledExtractor, LevelledMatcher]:
    """Returns the extractor, and the matcher of its templates. Raises ModelMissing."""
    return LevelledExtractor(), LevelledMatcher()
