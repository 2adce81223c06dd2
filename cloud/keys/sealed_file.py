"""A large file, sealed with a key of its own that a keeper has wrapped (`cloud.keys.keeper`).

It begins with one line of JSON, which is not sealed: what it is, and the wrapped key. Then come
pieces of a megabyte, each by AES-256-GCM under its number, of which the last says that it is: the
STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizar (CRYPTO 2015). So a piece that was
altered, moved, left out or cut off is noticed when it is read, before the end.
"""

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import AwareDatetime, BaseModel, ConfigDict

from cloud.keys.keeper import Wrapped, opened
from cloud.keys.stored import SECRET_BYTES
from protocol.encoding import from_base64, to_base64
from protocol.files import rename_durably

PIECE = 1 << 20
_TAG = 16
_LONGEST_HEAD = 1 << 16
_PURPOSE = "backup"

Kind = Literal["palms database", "palms database of a server", "palms keys"]


class SealedFileUnusable(RuntimeError):
    """A sealed file cannot be read: the message tells cause and remedy."""


class Head(BaseModel):
    """The first line."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: Kind
    region: str | None = None
    """The region that its content may not leave; None where it had none that has a name."""
    made_at: AwareDatetime
    expires_at: AwareDatetime
    master: str
    """The mark of the master key in force (`cloud.keys.person_keys.MasterKey.mark`)."""
    wrapped_by: str
    key_id: str
    wrapped: str


def write(
    path: Path,
    content: Iterable[bytes],
    *,
    kind: Kind,
    made_at: datetime,
    expires_at: datetime,
    region: str | None = None,
    master: str,
    wrapped_by: str,
) -> None:
    """Writes a file as a whole: killed before its end, there is none. The pieces of `content` have
    PIECE bytes each, and the last may have fewer. Raises KeysUnusable and OSError."""
    key = secrets.token_bytes(SECRET_BYTES)
    with opened(wrapped_by) as keeper:
        wrapped = keeper.wrap(key, _PURPOSE)
    head = Head(
        kind=kind,
        made_at=made_at,
        expires_at=expires_at,
        region=region,
        master=master,
        wrapped_by=wrapped_by,
        key_id=wrapped.key_id,
        wrapped=to_base64(wrapped.wrapped),
    )
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            line = head.model_dump_json(exclude_none=True).encode() + b"\n"
            file.write(line)
            for sealed in _sealed(AESGCM(key), sha256(line).digest(), content):
                file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        rename_durably(partial, path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def read_head(path: Path) -> Head:
    """Raises SealedFileUnusable and OSError. What it says is proven by `read`."""
    with path.open("rb") as file:
        return _head(path, file.readline(_LONGEST_HEAD))


def read(path: Path, wrapped_by: str | None = None) -> Iterator[bytes]:
    """Yields the opened pieces. `wrapped_by` is where the key is by now, if that has changed.
    Raises SealedFileUnusable, also after some pieces, KeysUnusable and OSError."""
    with path.open("rb") as file:
        line = file.readline(_LONGEST_HEAD)
        head = _head(path, line)
        with opened(wrapped_by or head.wrapped_by) as keeper:
            key = keeper.unwrap(Wrapped(head.key_id, from_base64(head.wrapped)), _PURPOSE)
        yield from _opened(path, AESGCM(key), sha256(line).digest(), file)


def _sealed(cipher: AESGCM, head: bytes, content: Iterable[bytes]) -> Iterator[bytes]:
    pieces = iter(content)
    piece, number = next(pieces, b""), 0
    for following in pieces:
        yield cipher.encrypt(_nonce(number, is_last=False), piece, head)
        piece, number = following, number + 1
    yield cipher.encrypt(_nonce(number, is_last=True), piece, head)


def _opened(path: Path, cipher: AESGCM, head: bytes, file: BinaryIO) -> Iterator[bytes]:
    piece, number = file.read(PIECE + _TAG), 0
    while True:
        following = file.read(PIECE + _TAG)
        try:
            yield cipher.decrypt(_nonce(number, is_last=not following), piece, head)
        except (InvalidTag, ValueError):
            raise SealedFileUnusable(
                f"{path} was altered or is cut off. Nothing of it counts: take another backup."
            ) from None
        if not following:
            return
        piece, number = following, number + 1


def _head(path: Path, line: bytes) -> Head:
    try:
        return Head.model_validate_json(line)
    except ValueError:
        raise SealedFileUnusable(
            f"{path} is no backup of this service, or of a version that this one does not know."
        ) from None


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])
