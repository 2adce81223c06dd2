"""The palm signature this product makes and reads today."""

from palm.linefield import LineFieldMatcher, LineFieldSigner


def current() -> tuple[LineFieldSigner, LineFieldMatcher]:
    """A signer and the matcher of its templates."""
    return LineFieldSigner(), LineFieldMatcher()
