"""The encrypted and authenticated envelope of a message, in version 1 of the Terminal API's format.

The message's JSON is encrypted with AES-256-CBC and authenticated with HMAC-SHA256 over the plain
text. Both keys come from a passphrase that till and kiosk share, by PBKDF2 (RFC 8018). The header
of the message also stands in the clear beside the envelope, where anybody could change it, so it is
not read there.
"""

import hashlib
import hmac
import json
import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, StringConstraints

FORMAT = 1
"""The version of the format (`AdyenCryptoVersion`)."""
LONGEST_IDENTIFIER = 64
"""The largest number of characters of a key's identifier."""
_SALT = b"AdyenNexoV1Salt"
_ROUNDS = 4000
_BLOCK = 16


class Unopened(Exception):
    """An envelope cannot be opened: the message tells whoever set up the till why, and what is
    expected. It quotes nothing secret."""


class SharedKey(BaseModel):
    """A passphrase that tills and kiosk share, with the name under which tills tell that they use
    it."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    identifier: str = Field(min_length=1, max_length=LONGEST_IDENTIFIER)
    """The key's identifier, which the till sends as KeyIdentifier."""
    version: int = Field(default=1, ge=0, le=2**31)
    """The key's version, which the till sends as KeyVersion."""
    passphrase: str = Field(min_length=16, max_length=256, repr=False)
    """The passphrase, which is set at the till as well; at least 16 characters."""

    @property
    def material(self) -> "Material":
        return _derived(self.passphrase)


@dataclass(frozen=True)
class Material:
    authentication: bytes = field(repr=False)
    """(32 bytes) the key of the HMAC."""
    encryption: bytes = field(repr=False)
    """(32 bytes) the key of the cipher."""
    vector: bytes = field(repr=False)
    """(16 bytes) what the nonce of a message is added to, modulo two, for its initial vector."""

    def authenticate(self, message: bytes) -> bytes:
        return hmac.digest(self.authentication, message, "sha256")

    def cipher(self, nonce: bytes) -> Cipher[modes.CBC]:
        vector = bytes(a ^ b for a, b in zip(self.vector, nonce, strict=True))
        return Cipher(algorithms.AES256(self.encryption), modes.CBC(vector))


@lru_cache(maxsize=8)
def _derived(passphrase: str) -> Material:
    """Takes some milliseconds."""
    derived = hashlib.pbkdf2_hmac("sha1", passphrase.encode(), _SALT, _ROUNDS, dklen=80)
    return Material(derived[:32], derived[32:64], derived[64:])


_Base64 = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9+/]*={0,2}$")]


class Trailer(BaseModel):
    """What an envelope says about itself (`SecurityTrailer`)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    AdyenCryptoVersion: StrictInt
    KeyIdentifier: StrictStr
    KeyVersion: StrictInt
    Nonce: _Base64
    Hmac: _Base64


def seal(message: bytes, key: SharedKey) -> tuple[str, Trailer]:
    """Returns the NexoBlob and the SecurityTrailer of a message."""
    nonce = os.urandom(_BLOCK)
    padder = PKCS7(_BLOCK * 8).padder()
    encryptor = key.material.cipher(nonce).encryptor()
    padded = padder.update(message) + padder.finalize()
    blob = encryptor.update(padded) + encryptor.finalize()
    trailer = Trailer(
        AdyenCryptoVersion=FORMAT,
        KeyIdentifier=key.identifier,
        KeyVersion=key.version,
        Nonce=b64encode(nonce).decode(),
        Hmac=b64encode(key.material.authenticate(message)).decode(),
    )
    return b64encode(blob).decode(), trailer


def enclose(message: dict[str, Any], key: SharedKey) -> dict[str, Any]:
    """Returns a SaleToPOIRequest or SaleToPOIResponse in an envelope, with its header in the
    clear."""
    ((kind, parts),) = message.items()
    blob, trailer = seal(json.dumps(message).encode(), key)
    header, security = parts["MessageHeader"], trailer.model_dump()
    return {kind: {"MessageHeader": header, "NexoBlob": blob, "SecurityTrailer": security}}


def unseal(blob: str, trailer: Trailer, keys: Sequence[SharedKey]) -> tuple[bytes, SharedKey]:
    """Returns the message in an envelope and the key that it was sealed with. Raises Unopened."""
    if trailer.AdyenCryptoVersion != FORMAT:
        raise Unopened(
            f"AdyenCryptoVersion {trailer.AdyenCryptoVersion} is not known: this kiosk speaks "
            f"version {FORMAT}."
        )
    key = _named(trailer, keys)
    try:
        nonce, sealed = b64decode(trailer.Nonce, validate=True), b64decode(blob, validate=True)
        expected = b64decode(trailer.Hmac, validate=True)
        decryptor = key.material.cipher(nonce).decryptor()
        unpadder = PKCS7(_BLOCK * 8).unpadder()
        padded = decryptor.update(sealed) + decryptor.finalize()
        message = unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        # One error for all: it must not tell whether the padding was right.
        message, expected = b"", b""
    if not hmac.compare_digest(key.material.authenticate(message), expected):
        raise Unopened(
            f"The message was not sealed with key {_name(key)} as this kiosk has it: the till has "
            "another passphrase, or the message was changed on its way."
        )
    return message, key


def _named(trailer: Trailer, keys: Sequence[SharedKey]) -> SharedKey:
    for key in keys:
        if (key.identifier, key.version) == (trailer.KeyIdentifier, trailer.KeyVersion):
            return key
    expected = " or ".join(_name(key) for key in keys) or "none: no key is set up at this kiosk"
    # Whatever a sender has written is not repeated.
    raise Unopened(f"The key that the message names is not known here. Expected is {expected}.")


def _name(key: SharedKey) -> str:
    return f"'{key.identifier}' version {key.version}"
