"""The extractor and matcher that this product uses today."""

from palm.template.fused import FusedExtractor, FusedMatcher


def pair() -> tuple[FusedExtractor, FusedMatcher]:
    """Returns the extractor, and the matcher of its templates. Raises ModelMissing."""
    return FusedExtractor(), FusedMatcher()
