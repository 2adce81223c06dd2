"""What the API process and the vault say to each other, over a stream of theirs alone.

Every message is its length (four bytes, big-endian) and that much canonical CBOR. One question at a
time, of these:

["introduce"]                      ["vault", [[key_id, suite, public_key], ...], [version, ...],
                                    transform], the current version first
["examine", envelope, device_id,   ["presentation", side, [probe, ...],
 visit_id, [purpose, ...],          [purpose, visit_id, nonce], agreement or null, score or null,
 [version, ...], seed or null,      pulse], the current version first; ["lifeless", [purpose,
 infrared]                          visit_id, nonce]] or ["refused", Refused, detail]
["compare", version, probe,        ["scores", [score, ...]]
 [reference, ...]]
["code", version, [sealed, ...]]   ["codes", [code, ...]]
["protect", version, code,         ["protected", template], for what was enrolled before templates
 quality]                           were protected
["rekey"]                          ["rekeyed", transform]

A template is [version, transform, code, sealed, quality]
(`palm.search.protection.ProtectedTemplate`), a probe [template, whole] (`ProtectedProbe`). What is
compared is the whole of a probe with the sealed parts of templates; in place of the score or the
code of what does not open there is null.
"""

import struct
from dataclasses import astuple
from enum import StrEnum
from typing import Any

from palm.search.protection import ProtectedProbe, ProtectedTemplate
from protocol import canonical
from protocol.envelope import MAX_ENVELOPE

MAX_MESSAGE = MAX_ENVELOPE + 4096
HEAD = struct.Struct(">I")


class WireRefusal(StrEnum):
    UNREADABLE = "unreadable"
    """Not an envelope of ours, altered, or not for this device, visit or purpose."""
    COLOUR_ONLY = "colour only"
    """Without near infrared, where that was demanded."""
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


def pack_template(template: ProtectedTemplate) -> list[Any]:
    return list(astuple(template))


def pack_probe(probe: ProtectedProbe) -> list[Any]:
    return [pack_template(probe.kept), probe.whole]


def unpack_probe(item: Any) -> ProtectedProbe:
    """Raises ValueError when it is none."""
    match item:
        case [kept, bytes(whole)]:
            return ProtectedProbe(unpack_template(kept), whole)
        case _:
            raise ValueError("not a probe")


def unpack_template(item: Any) -> ProtectedTemplate:
    """Raises ValueError when it is none."""
    match item:
        case [int(version), str(transform), bytes(code), bytes(sealed), float(quality)]:
            return ProtectedTemplate(version, transform, code, sealed, quality)
        case _:
            raise ValueError("not a template")
