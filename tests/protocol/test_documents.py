"""Documents that the service signs: what the signature covers, and what is no document."""

import json
from typing import Any

import pytest

from protocol import documents
from protocol.documents import Forged, Unreadable
from protocol.encoding import from_base64, to_base64
from protocol.messages import DeletionReceipt
from tests.support.receipt_logs import ReceiptLogs

LOGS = ReceiptLogs()
RECEIPT = LOGS.issue(erased=["your name: Zoë"])
DOCUMENT = documents.document_of(RECEIPT)


def test_the_signature_does_not_cover_itself():
    other = {**DOCUMENT, "signature": "AAAA"}
    assert documents.signed_bytes(other) == documents.signed_bytes(DOCUMENT)
    assert documents.entry_of(other) != documents.entry_of(DOCUMENT)


def test_a_receipt_has_the_same_bytes_after_transport():
    arrived = DeletionReceipt.model_validate_json(RECEIPT.model_dump_json())
    assert documents.document_of(arrived) == DOCUMENT
    assert documents.read(RECEIPT.model_dump_json(indent=4).encode()) == DOCUMENT


def test_the_signed_bytes_are_canonical_json():
    """RFC 8785: sorted names, no spaces, and only the escapes that JSON requires."""
    signed = {name: value for name, value in DOCUMENT.items() if name != "signature"}
    expected = json.dumps(signed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert documents.signed_bytes(DOCUMENT) == expected.encode()
    assert "Zoë".encode() in documents.signed_bytes(DOCUMENT)


def test_what_is_signed_is_verified_with_the_key_that_it_names():
    assert documents.verify(DOCUMENT) == LOGS.public
    assert documents.verify(documents.document_of(LOGS.head())) == LOGS.public


@pytest.mark.parametrize("member", DOCUMENT)
def test_a_member_that_was_changed_or_taken_out_is_noticed(member: str):
    others: list[Any] = [None, "", "x", 1, [], to_base64(bytes(32)), to_base64(bytes(64)), {}]
    for other in others:
        with pytest.raises(Forged):
            documents.verify({**DOCUMENT, member: other})
    with pytest.raises(Forged):
        documents.verify({name: DOCUMENT[name] for name in DOCUMENT if name != member})


def test_a_member_that_was_added_is_noticed():
    with pytest.raises(Forged, match="changed afterwards"):
        documents.verify({**DOCUMENT, "note": "nothing"})


def test_a_signature_of_another_key_is_noticed():
    other = documents.document_of(ReceiptLogs().issue())
    with pytest.raises(Forged, match="another key"):
        documents.verify({**DOCUMENT, "signature": other["signature"]})
    signed_again = {**DOCUMENT, "public_key": other["public_key"]}
    key = ReceiptLogs().key
    signature = to_base64(key.sign(documents.signed_bytes(signed_again)))
    with pytest.raises(Forged, match="another key"):
        documents.verify({**signed_again, "signature": signature})


def test_a_document_names_the_key_that_it_is_signed_with():
    named = {**DOCUMENT, "key_id": "0" * 16}
    signature = to_base64(LOGS.key.sign(documents.signed_bytes(named)))
    with pytest.raises(Forged, match="names another key"):
        documents.verify({**named, "signature": signature})


def test_every_bit_of_the_signature_counts():
    raw = from_base64(RECEIPT.signature)
    for bit in range(512):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Forged):
            documents.verify({**DOCUMENT, "signature": to_base64(bytes(changed))})


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not text in UTF-8"),
        (b"[1]", "no JSON object"),
        (b'{"at": 1, "at": 2}', "names a member twice"),
        (b'{"inner": {"at": 1, "at": 1}}', "names a member twice"),
        (b'{"at": NaN}', "NaN is not JSON"),
        (b'{"at": -Infinity}', "-Infinity is not JSON"),
        (b'{"at": 1e999}', "no canonical form"),
        (b'{"at": 9007199254740993}', "no canonical form"),
        (b'{"at": "\\ud800"}', "no canonical form"),
        (b'{"at": ' + b"9" * 5000 + b"}", "too long"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 3000 + b"1" + b"}" * 3000, "nested too deeply"),
        (b'{"at": 1} {}', "not JSON"),
    ],
)
def test_what_readers_may_understand_in_several_ways_is_refused(content: bytes, why: str):
    with pytest.raises(Unreadable, match=why):
        documents.read(content)
