"""What the API process and the vault say to each other, over a stream of theirs alone.

Every message is its length (four bytes, big-endian) and that much canonical CBOR. Questions are
`["keys"]` and `["examine", envelope, device_id, visit_id, [purpose, ...]]`; answers are
`["keys", [[key_id, suite, public_key], ...]]`,
`["presentation", side, [version, code, quality], [purpose, visit_id, nonce]]` and
`["refused", Refused, detail]`. One question at a time.
"""

import struct
from enum import StrEnum
from typing import Any

from protocol import canonical
from protocol.envelope import MAX_ENVELOPE

MAX_MESSAGE = MAX_ENVELOPE + 4096
HEAD = struct.Struct(">I")


class Refused(StrEnum):
    UNREADABLE = "unreadable"
    """Not an envelope of ours, altered, or not for this device, visit or purpose."""
    STALE = "stale"
    """Sealed too long ago, or in the future."""
    UNUSABLE = "unusable"
    """Opened well, and shows no palm that can be signed; the detail is a `Flaw`."""


def pack(message: list[Any]) -> bytes:
    body = canonical.encode(message)
    return HEAD.pack(len(body)) + body


def unpack(body: bytes) -> list[Any]:
    """Raises ValueError when it is no message."""
    message = canonical.decode(body)
    if not isinstance(message, list):
        raise ValueError("not a message")
    return message
