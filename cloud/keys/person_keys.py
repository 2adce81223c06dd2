"""Keys: everything stored about a person can be read only with that person's own key.

Every person has a random 256-bit key. It is wrapped with the master key and stored in a row that
holds nothing else about the person; destroying that row makes everything else unreadable, in every
copy. Each value is sealed with AES-256-GCM, with its place (table, column, row) as associated data,
so a value that was moved to another row or person does not open.
"""

import hmac
import os
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12


@dataclass(frozen=True, slots=True)
class Key:
    """Seals and opens values. Opening a value that was altered or moved raises cryptography's
    InvalidTag."""

    raw: bytes = field(repr=False)
    _cipher: AESGCM = field(init=False, repr=False, compare=False)
    """Made once: a key that opens a million values would take as long to make it as to open one."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_cipher", AESGCM(self.raw))

    @classmethod
    def generate(cls) -> "Key":
        return cls(AESGCM.generate_key(256))

    def seal(self, value: bytes, place: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, value, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], place.encode())


def trace_of(sealed: bytes) -> bytes:
    """Returns the part of a sealed value that no other has, and without which it does not open."""
    return sealed[:_NONCE]


class MasterKey:
    """The service's secret. A key for each use is derived from it (HKDF, RFC 5869)."""

    def __init__(self, raw: bytes) -> None:
        self._wrapping = Key(_derive(raw, "wrap person keys"))
        self._pepper = _derive(raw, "look up phones and codes")
        self.outbox = Key(_derive(raw, "outbox"))
        """Seals the payloads of errands, which may outlive the person they are about."""

    @property
    def mark(self) -> str:
        """By which this master key is told from another; it tells nothing else."""
        return self.lookup("master key", "mark")

    def wrap(self, key: Key, person_id: str) -> bytes:
        return self._wrapping.seal(key.raw, f"persons.key/{person_id}")

    def unwrap(self, wrapped: bytes, person_id: str) -> Key:
        return Key(self._wrapping.open(wrapped, f"persons.key/{person_id}"))

    def lookup(self, kind: str, value: str) -> str:
        """Returns the HMAC-SHA256 of a value in hex, by which equal values are found.

        Without the master key it can neither be reversed nor compared with another service's.
        """
        return hmac.new(self._pepper, f"{kind}\0{value}".encode(), sha256).hexdigest()


def _derive(raw: bytes, use: str) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=f"palm-kiosk {use}".encode()).derive(raw)
