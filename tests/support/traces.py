"""Looking for something in a file in every form in which it may have got there."""

from base64 import b64encode, urlsafe_b64encode
from contextlib import suppress
from urllib.parse import quote_from_bytes

PIECE = 12
"""A longer secret is looked for in pieces of so many bytes."""


def traces_in(content: bytes, seeds: dict[str, bytes]) -> list[str]:
    """Returns the names of the seeds of which a file holds a piece: as it is, in base64 of both
    alphabets wherever it begins, in hexadecimal, percent-encoded, or escaped as JSON is."""
    low = content.lower()
    return [name for name, seed in seeds.items() if any(found(content, low, p) for p in _cut(seed))]


def found(content: bytes, low: bytes, piece: bytes) -> bool:
    encoded = {piece, quote_from_bytes(piece).encode(), repr(piece)[2:-1].encode()}
    for before in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            # The characters at both ends also depend on what stands beside the piece.
            encoded.add(encode(bytes(before) + piece).rstrip(b"=")[before and before + 1 : -1])
    with suppress(UnicodeDecodeError):
        encoded.add(piece.decode().encode("unicode_escape"))
    return any(each in content for each in encoded) or piece.hex().encode() in low


def _cut(seed: bytes) -> list[bytes]:
    assert len(seed) >= 6, "a short seed would be found by chance"
    return [seed[at : at + PIECE] for at in range(0, max(1, len(seed) - PIECE + 1), PIECE)]
