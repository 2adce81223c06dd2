"""Private files whose content is encrypted, each under a key of its own.

The keys follow the folders: whoever has the key of a folder derives those of the files in it, and
whoever has the key of one file opens no other.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from protocol.files import read_if_there, write_private

KEY_BYTES = 32
MARK = b"palm-kiosk sealed 1\n"
"""How a sealed file begins."""
NONCE_BYTES = 12


class Unopened(ValueError):
    """What is sealed is damaged, is of another place, or was sealed with another key."""


@dataclass(frozen=True, slots=True)
class SealedPath:
    """A file that is sealed with AES-256-GCM, or a folder of such files, with its key of 32 bytes.

    The key is derived from that of the folder and the name (HKDF-Expand of RFC 5869), so a file
    that is put in the place of another does not open. Whoever can write to the disk can still put
    an older content of the same file there, or a plain one.
    """

    path: Path
    key: bytes = field(repr=False)

    def __truediv__(self, name: str) -> "SealedPath":
        """Returns a file or a folder in this folder."""
        derive = HKDFExpand(SHA256(), KEY_BYTES, b"palm-kiosk sealed file " + os.fsencode(name))
        return SealedPath(self.path / name, derive.derive(self.key))

    def read(self) -> bytes | None:
        """Returns the content, None when nothing stands at the path. A plain file, of an older
        version or written by hand, is read as it is. Raises OSError and Unopened."""
        content = read_if_there(self.path)
        if content is None or not content.startswith(MARK):
            return content
        return self.open(content[len(MARK) :], MARK)

    def write(self, content: bytes) -> None:
        """Replaces the file as a whole (`protocol.files.write_private`). Raises OSError."""
        write_private(self.path, MARK + self.seal(content, MARK))

    def seal(self, content: bytes, place: bytes) -> bytes:
        """Returns content that opens at this place in the file alone, for a file that is not
        replaced as a whole."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self.key).encrypt(nonce, content, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """Raises Unopened."""
        try:
            return AESGCM(self.key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place)
        except (InvalidTag, ValueError):
            raise Unopened("what is sealed does not open") from None

    def is_sealed(self) -> bool:
        """Returns whether a sealed file stands at the path. Raises OSError."""
        content = read_if_there(self.path)
        return content is not None and content.startswith(MARK)
