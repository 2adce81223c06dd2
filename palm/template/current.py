"""The palm signature this product makes and reads today."""

from palm.template.fused import FusedMatcher, FusedSigner


def pair() -> tuple[FusedSigner, FusedMatcher]:
    """A signer and the matcher of its templates. Raises ModelMissing."""
    return FusedSigner(), FusedMatcher()
