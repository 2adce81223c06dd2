"""Canonical CBOR (RFC 8949, section 4.2): every value has one encoding, so what is sealed or signed
is exactly what is read."""

from typing import Any

import cbor2


class NotCanonical(ValueError):
    """The bytes are not the canonical CBOR of one value."""


def encode(value: Any) -> bytes:
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes | bytearray | memoryview) -> Any:
    """Returns the value. Raises NotCanonical when the encoding is truncated, followed by other
    bytes or not canonical."""
    try:
        value = cbor2.loads(data, max_depth=8, allow_indefinite=False, allow_duplicate_keys=False)
        same = encode(value) == data
    except (cbor2.CBORError, ValueError, TypeError, OverflowError):
        # The cause would quote what was read, which may be a palm.
        raise NotCanonical("not canonical CBOR") from None
    if not same:
        raise NotCanonical("not canonical CBOR")
    return value
