"""Bytes in JSON: base64 with padding (RFC 4648, section 4)."""

import base64


def to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def from_base64(text: str) -> bytes:
    """Returns the bytes. Raises ValueError for anything but base64."""
    return base64.b64decode(text, validate=True)
