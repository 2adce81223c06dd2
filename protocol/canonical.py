"""Canonical CBOR (RFC 8949, section 4.2): every value has one encoding, so what is sealed or signed
is exactly what is read.

Tags are not read. Nothing here uses one, and what they stand for can be made to cost hours: a
decimal fraction (tag 4) of two megabytes, for example. So integers have at most 64 bits.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import cbor2


class NotCanonical(ValueError):
    """The bytes are not the canonical CBOR of one value."""


class _NoTags(Mapping[int, cbor2.SemanticDecoderCallback]):
    """Refuses every tag before what it stands for is read."""

    def __getitem__(self, tag: int) -> cbor2.SemanticDecoderCallback:
        return _refuse

    def __iter__(self) -> Iterator[int]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _refuse(*_: object) -> NoReturn:
    raise NotCanonical("a tag")


def encode(value: Any) -> bytes:
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes | bytearray | memoryview) -> Any:
    """Returns the value. Raises NotCanonical when the encoding is truncated, followed by other
    bytes, tagged or not canonical."""
    try:
        value = cbor2.loads(
            data,
            max_depth=8,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            semantic_decoders=_NoTags(),
        )
        same = encode(value) == data
    except Exception:
        # Whatever a stranger's bytes raise, they are not ours. The cause would quote what was
        # read, which may be a palm.
        raise NotCanonical("not canonical CBOR") from None
    if not same:
        raise NotCanonical("not canonical CBOR")
    return value
