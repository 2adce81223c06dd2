"""Canonical CBOR holds plain values only, whatever a stranger sends."""

import cbor2
import pytest

from protocol import canonical

TAGS = [*range(1100), 43000, 55799, 2**32, 2**64 - 1]


def tagged(tag: int, content: bytes) -> bytes:
    return cbor2.dumps(cbor2.CBORTag(tag, None))[:-1] + content


@pytest.mark.parametrize("value", [0, -1, 2**64 - 1, -(2**64), 0.5, None, True, b"x", "x", [[]]])
def test_a_plain_value_is_read_back(value: object):
    assert canonical.decode(canonical.encode(value)) == value


@pytest.mark.parametrize("content", [b"\x00", b"\x41\x01", b"\x61x", b"\x82\x00\x01", b"\xa0"])
def test_no_tag_is_read(content: bytes):
    for tag in TAGS:
        with pytest.raises(canonical.NotCanonical):
            canonical.decode(tagged(tag, content))


@pytest.mark.parametrize("tag", [4, 5, 30])
def test_an_enormous_number_costs_nothing(tag: int):
    """A decimal fraction of two megabytes takes hours to make."""
    enormous = tagged(2, cbor2.dumps(b"\1" + bytes(2_000_000)))
    with pytest.raises(canonical.NotCanonical):
        canonical.decode(tagged(tag, b"\x82\x00" + enormous))


@pytest.mark.parametrize("value", [10**400, -(10**400), 2**64])
def test_an_integer_of_more_than_64_bits_is_not_read(value: int):
    with pytest.raises(canonical.NotCanonical):
        canonical.decode(canonical.encode(value))


def test_what_is_nested_too_deep_is_not_read():
    with pytest.raises(canonical.NotCanonical):
        canonical.decode(b"\x81" * 50_000 + b"\x00")
