"""The palm signature this product makes and reads today."""

from palm.fused import FusedMatcher, FusedSigner


def current() -> tuple[FusedSigner, FusedMatcher]:
    """A signer and the matcher of its templates. Raises ModelMissing."""
    return FusedSigner(), FusedMatcher()
