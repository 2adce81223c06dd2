"""One value, one encoding (RFC 8949, 4.2): what was sealed or signed is exactly what is read."""

from typing import Any

import cbor2


class NotCanonical(ValueError):
    """Bytes that are not the canonical CBOR of anything, or are followed by something else."""


def encode(value: Any) -> bytes:
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes | bytearray | memoryview) -> Any:
    """Raises NotCanonical; a truncated, padded or ambiguous encoding is one."""
    try:
        value = cbor2.loads(data, max_depth=8, allow_indefinite=False, allow_duplicate_keys=False)
        same = encode(value) == data
    except (cbor2.CBORError, ValueError, TypeError, OverflowError):
        # The cause quotes what was read, and what was read may be a palm.
        raise NotCanonical("not canonical CBOR") from None
    if not same:
        raise NotCanonical("not canonical CBOR")
    return value
