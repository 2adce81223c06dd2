"""Sealed envelopes: only the vault can read what a kiosk captured.

An envelope is one message of HPKE (RFC 9180) in base mode, encoded as the canonical CBOR array
`[header, ciphertext]`. The header is itself canonical CBOR, `[version, suite, key_id, context]`, as
a byte string, and its exact bytes are the `info` of HPKE. An envelope whose suite, key name or
context was changed cannot be opened. `ciphertext` is `enc || ct`, as RFC 9180's single-shot API and
`cryptography` return it.

The default KEM is ML-KEM-768 with X25519 (draft-ietf-hpke-pq). A palm does not change in a
lifetime, so what is recorded on the wire today must stay sealed when X25519 alone is broken.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from protocol import canonical
from protocol.capture import MAX_BYTES
from protocol.encoding import from_base64, to_base64
from protocol.messages import Purpose, Side, VaultKey

VERSION = 2
MAX_ENVELOPE = MAX_BYTES + 8192
"""The largest size of an envelope in bytes."""

_LABEL = b"palm-kiosk envelope v2\0"
_MLKEM_SEED, _MLKEM_PUBLIC, _X25519_KEY = 64, 1184, 32
_TAG = 16
_LAST_MS = 253_402_300_799_999
"""The end of the year 9999, the last that datetime knows."""


class EnvelopeError(ValueError):
    """The envelope cannot be opened. Messages do not quote its content."""


class Truncated(EnvelopeError):
    """The data are too short, or not an envelope."""


class TooLarge(EnvelopeError):
    """The data have more than MAX_ENVELOPE bytes."""


class UnknownSuite(EnvelopeError):
    """The envelope has a version or suite that is not supported here."""


class UnknownKey(EnvelopeError):
    """The envelope is sealed to a key that is not present here."""


class NotSealedToUs(EnvelopeError):
    """The envelope was altered, or sealed to another key under our key's name."""


class Suite(StrEnum):
    """The supported HPKE cipher suites; the first is the default."""

    HYBRID = "MLKEM768-X25519,HKDF-SHA256,AES-256-GCM"
    X25519 = "X25519,HKDF-SHA256,AES-256-GCM"

    @property
    def hpke(self) -> hpke.Suite:
        return hpke.Suite(_KEMS[self], hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


_KEMS = {Suite.HYBRID: hpke.KEM.MLKEM768_X25519, Suite.X25519: hpke.KEM.X25519}


@dataclass(frozen=True, slots=True)
class Context:
    """The use for which a capture was made, bound into its envelope."""

    device_id: str
    visit_id: str
    purpose: Purpose
    sealed_at: int
    """In milliseconds since the epoch."""
    side: Side | None = None
    """The hand that was asked for, if one was."""
    challenge: str | None = None
    """The id of the light challenge that was shown (`protocol.challenge`)."""
    nonce: bytes = field(default_factory=lambda: os.urandom(16))

    def to_list(self) -> list[object]:
        side = None if self.side is None else self.side.value
        return [
            self.device_id,
            self.visit_id,
            self.purpose.value,
            side,
            self.sealed_at,
            self.challenge,
            self.nonce,
        ]

    @classmethod
    def from_list(cls, value: object) -> "Context":
        """Returns the context. Raises ValueError when the list is not one."""
        match value:
            case [
                str(device_id),
                str(visit_id),
                str(purpose),
                str() | None as side,
                int(sealed_at),
                str() | None as challenge,
                bytes(nonce),
            ] if (
                len(nonce) == 16
                # In Python a boolean is an integer too.
                and type(sealed_at) is int
                and 0 <= sealed_at <= _LAST_MS
                and all(len(i or "") <= 64 for i in (device_id, visit_id, challenge))
            ):
                return cls(
                    device_id=device_id,
                    visit_id=visit_id,
                    purpose=Purpose(purpose),
                    sealed_at=sealed_at,
                    side=None if side is None else Side(side),
                    challenge=challenge,
                    nonce=nonce,
                )
            case _:
                raise ValueError("not a context")


@dataclass(frozen=True, slots=True)
class Header:
    """The part of an envelope that can be read without a key. It is proven only once the envelope
    has been opened."""

    suite: Suite
    key_id: str
    context: Context


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key that opens envelopes. Its `key_id` is derived from the public half."""

    suite: Suite
    secret: bytes = field(repr=False)
    """X25519: the 32 raw bytes. Hybrid: the 64-byte ML-KEM seed followed by the X25519 key."""

    @classmethod
    def generate(cls, suite: Suite = Suite.HYBRID) -> "PrivateKey":
        x25519 = X25519PrivateKey.generate().private_bytes_raw()
        if suite is Suite.X25519:
            return cls(suite, x25519)
        return cls(suite, MLKEM768PrivateKey.generate().private_bytes_raw() + x25519)

    @property
    def public(self) -> VaultKey:
        raw = self._x25519.public_key().public_bytes_raw()
        if self.suite is Suite.HYBRID:
            raw = self._mlkem.public_key().public_bytes_raw() + raw
        name = sha256(self.suite.encode() + b"\0" + raw).hexdigest()[:16]
        return VaultKey(key_id=name, suite=self.suite.value, public_key=to_base64(raw))

    @property
    def _mlkem(self) -> MLKEM768PrivateKey:
        return MLKEM768PrivateKey.from_seed_bytes(self.secret[:_MLKEM_SEED])

    @property
    def _x25519(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(self.secret[-_X25519_KEY:])

    def decrypt(self, ciphertext: bytes, info: bytes) -> bytes:
        """Returns the plaintext. Raises cryptography's InvalidTag."""
        if self.suite is Suite.X25519:
            return self.suite.hpke.decrypt(ciphertext, self._x25519, info)
        key = hpke.MLKEM768X25519PrivateKey(self._mlkem, self._x25519)
        return self.suite.hpke.decrypt(ciphertext, key, info)


def seal(capture: bytes | bytearray, key: VaultKey, context: Context) -> bytes:
    """Returns the envelope of a capture.

    Raises UnknownSuite, UnknownKey when the key is not valid for its suite, and TooLarge.
    """
    suite = _suite(key.suite)
    header = canonical.encode([VERSION, suite.value, key.key_id, context.to_list()])
    try:
        public = public_key(suite, from_base64(key.public_key))
    except ValueError:
        raise UnknownKey("the vault's key is not a key of its suite") from None
    sealed = canonical.encode([header, suite.hpke.encrypt(capture, public, _info(header))])
    if len(sealed) > MAX_ENVELOPE:
        raise TooLarge(f"an envelope has at most {MAX_ENVELOPE} bytes")
    return sealed


def read_header(data: bytes) -> Header:
    """Returns the header, which is not proven yet.

    Raises Truncated, TooLarge and UnknownSuite.
    """
    header, _ = _split(data)
    return _parse(header)


def open_envelope(data: bytes, keys: Mapping[str, PrivateKey]) -> tuple[Context, bytes]:
    """Returns the proven context and the plaintext. `keys` are by key_id.

    Raises Truncated, TooLarge, UnknownSuite, UnknownKey and NotSealedToUs.
    """
    sealed_header, ciphertext = _split(data)
    header = _parse(sealed_header)
    key = keys.get(header.key_id)
    if key is None or key.suite is not header.suite:
        raise UnknownKey("sealed to a key that is not held here")
    try:
        return header.context, key.decrypt(ciphertext, _info(sealed_header))
    except InvalidTag:
        raise NotSealedToUs("altered, or sealed to somebody else") from None


def _info(header: bytes) -> bytes:
    return _LABEL + header


def _suite(name: str) -> Suite:
    try:
        return Suite(name)
    except ValueError:
        raise UnknownSuite("a suite that is not spoken here") from None


def public_key(suite: Suite, raw: bytes) -> X25519PublicKey | hpke.MLKEM768X25519PublicKey:
    """Returns the public key of these raw bytes. Raises ValueError."""
    if suite is Suite.X25519:
        return X25519PublicKey.from_public_bytes(raw)
    return hpke.MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(raw[:_MLKEM_PUBLIC]),
        X25519PublicKey.from_public_bytes(raw[_MLKEM_PUBLIC:]),
    )


def _split(data: bytes) -> tuple[bytes, bytes]:
    if len(data) > MAX_ENVELOPE:
        raise TooLarge(f"an envelope has at most {MAX_ENVELOPE} bytes")
    try:
        value = canonical.decode(data)
    except canonical.NotCanonical:
        raise Truncated("truncated, or not an envelope") from None
    match value:
        case [bytes(header), bytes(ciphertext)] if len(ciphertext) >= _X25519_KEY + _TAG:
            return header, ciphertext
        case _:
            raise Truncated("truncated, or not an envelope")


def _parse(header: bytes) -> Header:
    try:
        value = canonical.decode(header)
    except canonical.NotCanonical:
        raise Truncated("truncated, or not an envelope") from None
    match value:
        case [int(version), str(suite), str(key_id), context]:
            pass
        case _:
            raise Truncated("truncated, or not an envelope")
    if version != VERSION:
        raise UnknownSuite("sealed by a version that is not spoken here")
    known = _suite(suite)
    try:
        return Header(known, key_id, Context.from_list(context))
    except ValueError:
        raise Truncated("truncated, or not an envelope") from None
