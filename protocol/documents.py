"""Documents that the service or its vault signs for anybody to check: receipts, heads of their log,
what kiosks are told by their operator, and the keys of a vault.

A document is a JSON object. Its `signature` is Ed25519 over the canonical JSON (RFC 8785) of all
its other members, which name the key. What is signed and logged is computed from the members as
they arrive and not from what this version knows of them, so a member that was added is noticed.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, TypeVar, cast

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol.encoding import from_base64, to_base64
from protocol.fleet import Orders
from protocol.messages import ConsentText, DeletionReceipt, TreeHead, VaultKeySet

Document = Mapping[str, Any]
Signed = TypeVar("Signed", DeletionReceipt, TreeHead, Orders, VaultKeySet)


class Unreadable(ValueError):
    """What was read is no document: the message tells why."""


class Forged(ValueError):
    """The signature of a document does not fit its content, or is of another key than it names: the
    message tells why."""


def document_of(message: DeletionReceipt | TreeHead | Orders | VaultKeySet) -> Document:
    return message.model_dump(mode="json")


def text_of(consent: ConsentText) -> bytes:
    """Returns the exact text of a consent: its canonical JSON (RFC 8785)."""
    return rfc8785.dumps(consent.model_dump(mode="json"))


def digest_of(consent: ConsentText) -> str:
    """Returns by what the text of a consent is known: the SHA-256 of its canonical JSON."""
    return to_base64(sha256(text_of(consent)).digest())


def read(content: bytes) -> Document:
    """Returns the JSON object in these bytes. Raises Unreadable, also for what readers of JSON may
    understand in several ways (RFC 7493)."""
    try:
        value = json.loads(content.decode(), object_pairs_hook=_members, parse_constant=_refuse)
        if not isinstance(value, dict):
            raise Unreadable("it is no JSON object")
        rfc8785.dumps(cast(Any, value))
    except RecursionError:
        raise Unreadable("its JSON is nested too deeply") from None
    except UnicodeDecodeError:
        raise Unreadable("it is not text in UTF-8") from None
    except json.JSONDecodeError as error:
        raise Unreadable(f"it is not JSON: {error.msg} in line {error.lineno}") from None
    except rfc8785.CanonicalizationError:
        raise Unreadable("it holds a value that has no canonical form (RFC 8785)") from None
    except Unreadable:
        raise
    except ValueError:
        raise Unreadable("it holds a number that is too long") from None
    return cast(Document, value)


def sign(key: Ed25519PrivateKey, kind: type[Signed], **members: Any) -> Signed:
    """Returns a document of these members, signed with the key that it names."""
    public = key.public_key().public_bytes_raw()
    unsigned = kind(key_id=key_id(public), public_key=to_base64(public), **members)
    signature = key.sign(signed_bytes(document_of(unsigned)))
    return unsigned.model_copy(update={"signature": to_base64(signature)})


def signed_bytes(document: Document) -> bytes:
    """Returns what the signature of a document covers."""
    return rfc8785.dumps({name: document[name] for name in document if name != "signature"})


def entry_of(document: Document) -> bytes:
    """Returns what the log holds of a document: its canonical JSON with the signature."""
    return rfc8785.dumps(dict(document))


def key_id(public: bytes) -> str:
    """Returns the name of a raw public key: the first half of its SHA-256, in hexadecimal."""
    return sha256(public).hexdigest()[:16]


def verify(document: Document) -> bytes:
    """Returns the raw public key that a document is signed with. Raises Forged.

    The document itself names the key: whose it is has to be known from elsewhere.
    """
    try:
        public = from_base64(document["public_key"])
        signer = Ed25519PublicKey.from_public_bytes(public)
        signature = from_base64(document["signature"])
    except (KeyError, TypeError, ValueError):
        raise Forged("it has no key or no signature that could be checked") from None
    try:
        signer.verify(signature, signed_bytes(document))
    except InvalidSignature:
        raise Forged(
            "its signature does not fit: it was changed afterwards, or signed with another key"
        ) from None
    if document.get("key_id") != key_id(public):
        raise Forged("it names another key than the one it is signed with")
    return public


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Unreadable("it names a member twice")
    return members


def _refuse(constant: str) -> float:
    raise Unreadable(f"{constant} is not JSON")
