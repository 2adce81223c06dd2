"""Bytes in JSON: base64 with padding (RFC 4648, 4), and nothing but it."""

import base64


def to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def from_base64(text: str) -> bytes:
    """Raises ValueError."""
    return base64.b64decode(text, validate=True)
