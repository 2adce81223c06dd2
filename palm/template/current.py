"""The palm signature this product makes and reads today."""

from palm.template.fused import FusedExtractor, FusedMatcher


def pair() -> tuple[FusedExtractor, FusedMatcher]:
    """A signer and the matcher of its templates. Raises ModelMissing."""
    return FusedExtractor(), FusedMatcher()
