"""The vault's directory: a file for each private key, and one for the two secrets that protect
templates.

The files are as they are, or sealed with one more key, which lies among them and is itself wrapped
by a key that is kept elsewhere (`cloud.keys.keeper`). So what keeps that is asked once, at the
start, and the vault seals what it writes later by itself.
"""

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.keys import stored
from cloud.keys.person_keys import Key
from cloud.state import StateDamaged
from palm.search.protection import SECRET_BYTES
from protocol.encoding import from_base64, to_base64
from protocol.envelope import PrivateKey, Suite
from protocol.files import alone, read_if_there, remove_durably, write_private

TEMPLATE_SECRETS = "templates.secret"
SIGNING = "signing.secret"
"""The file of the key by which kiosks know this vault."""
SEALING = "sealing.wrapped"
"""The file of the key that seals the others."""

_SIGNING_BYTES = 32
_TIME_BYTES = 8
_PURPOSE = "vault's sealing key"
_SEALED = b"sealed with sealing.wrapped\n"
"""How a file begins that is sealed. No other begins so: they are the name of a suite, and random
bytes."""


def sealing_key(directory: Path, wrapped_by: str | None = None) -> Key | None:
    """Returns the key that seals the vault's files, None when they are as they are.

    `wrapped_by` is how it should be wrapped, and PLAIN has the files be as they are
    (`cloud.keys.stored`). What is otherwise is changed, file by file: killed at any moment, each
    can be read. Raises StateDamaged, KeysUnusable and OSError.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path, is_plain = directory / SEALING, wrapped_by == stored.PLAIN
    found = stored.read(path, _PURPOSE, None if is_plain else wrapped_by)
    if found is None:
        for file in _files(directory):
            if file.read_bytes().startswith(_SEALED):
                raise StateDamaged(
                    f"{path} is missing, and {file} is sealed with it. Restore it from the backup "
                    "of the keys."
                )
        if wrapped_by is None or is_plain:
            return None
        secret = secrets.token_bytes(stored.SECRET_BYTES)
        stored.write(path, _PURPOSE, secret, wrapped_by)
    else:
        secret = found.secret
        if wrapped_by is not None and not is_plain and not found.is_settled:
            stored.write(path, _PURPOSE, secret, wrapped_by)
    key = Key(secret)
    for file in _files(directory):
        if file.read_bytes().startswith(_SEALED) == is_plain:
            content = _content(file, key)
            assert content is not None
            _write(file, content, None if is_plain else key)
    if is_plain:
        remove_durably(path)
        return None
    return key


def _files(directory: Path) -> Iterator[Path]:
    yield from directory.glob("*.key")
    yield from directory.glob("*.secret")


def load_or_make(directory: Path, sealing: Key | None = None) -> list[PrivateKey]:
    """Returns the private keys, newest first; makes one when there is none. `sealing` is what
    `sealing_key` returns. Raises StateDamaged and OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths = private_keys(directory)
    return [read(path, sealing) for path in paths] or [make(directory, time.time_ns(), sealing)]


def private_keys(directory: Path) -> list[Path]:
    """Returns the files of the private keys, newest first. Raises OSError."""
    # They are named by time.
    return sorted(directory.glob("*.key"), reverse=True)


def made_at(path: Path) -> int:
    """Returns when the private key of a file was made, in nanoseconds since the epoch; 0 for one
    that has another name than `make` gives."""
    made = path.name.partition("-")[0]
    return int(made) if made.isascii() and made.isdigit() else 0


def make(directory: Path, at: int, sealing: Key | None = None) -> PrivateKey:
    """Makes a private key at a time in nanoseconds since the epoch. Raises OSError."""
    key = PrivateKey.generate()
    content = f"{key.suite.value}\n{to_base64(key.secret)}\n"
    _write(directory / f"{at:020d}-{key.public.key_id}.key", content.encode(), sealing)
    return key


def read(path: Path, sealing: Key | None = None) -> PrivateKey:
    """Returns the private key of a file. Raises StateDamaged and OSError."""
    try:
        suite, secret, _ = (_content(path, sealing) or b"").decode("ascii").split("\n")
        key = PrivateKey(Suite(suite), from_base64(secret))
        if path.stem.endswith(key.public.key_id):
            return key
    except ValueError:
        # The message of this error may quote the key: it is left out.
        pass
    raise StateDamaged(
        f"{path} is damaged, and captures sealed to it cannot be opened. Restore it from the "
        "backup of the keys, or remove it: devices fetch the key that takes its place."
    )


def signing_key(directory: Path, sealing: Key | None = None) -> Ed25519PrivateKey:
    """Returns the key that signs what kiosks are told of the others; makes it when there is none.
    Raises StateDamaged and OSError."""
    path = directory / SIGNING
    raw = _content(path, sealing)
    if raw is None:
        key = Ed25519PrivateKey.generate()
        _write(path, key.private_bytes_raw(), sealing)
        return key
    if len(raw) != _SIGNING_BYTES or not any(raw):
        raise StateDamaged(
            f"{path} is damaged, and kiosks know this vault by it. Restore it from the backup of "
            "the keys, or remove it and activate every kiosk again."
        )
    return Ed25519PrivateKey.from_private_bytes(raw)


@dataclass(frozen=True, slots=True)
class TemplateSecrets:
    """The two secrets are in one file, so that losing one is noticed as losing both."""

    sealing: bytes = field(repr=False)
    """Seals templates; it never changes while any are enrolled."""
    gallery: bytes = field(repr=False)
    """Determines the transform that search codes are made under."""
    renewed_at: int = 0
    """When the gallery's secret took the place of another one, in milliseconds since the epoch: an
    older copy of the file is known by it. 0 for the first secret, whose file does not say it, and
    for one that version 0.1.0 has made."""


def template_secrets(directory: Path, sealing: Key | None = None) -> TemplateSecrets:
    """Returns the secrets; makes them when there are none. Raises StateDamaged and OSError."""
    path = directory / TEMPLATE_SECRETS
    raw = _content(path, sealing)
    if raw is None:
        made = TemplateSecrets(_secret(), _secret())
        _keep(directory, made, sealing)
        return made
    first, rest = raw[:SECRET_BYTES], raw[SECRET_BYTES:]
    gallery, renewed_at = rest[:SECRET_BYTES], rest[SECRET_BYTES:]
    is_whole = len(gallery) == SECRET_BYTES and len(renewed_at) in (0, _TIME_BYTES)
    if not is_whole or not any(first) or not any(gallery):
        raise StateDamaged(
            f"{path} is damaged, and no enrolled palm can be read without it. Restore it from the "
            "backup of the keys."
        )
    return TemplateSecrets(first, gallery, int.from_bytes(renewed_at))


def mark(directory: Path) -> tuple[int, int] | None:
    """Returns what changes when another vault replaces the gallery's secret; None without any.
    Raises OSError."""
    try:
        found = (directory / TEMPLATE_SECRETS).stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def renew_gallery_secret(directory: Path, sealing: Key | None = None) -> TemplateSecrets:
    """Replaces the gallery's secret; after a power cut the file holds the old one or the new one.

    Raises StateDamaged and OSError.
    """
    with alone(directory):
        before = template_secrets(directory, sealing)
        # A clock that was set back must not make it older than the one before.
        now = max(time.time_ns() // 1_000_000, before.renewed_at + 1)
        renewed = replace(before, gallery=_secret(), renewed_at=now)
        _keep(directory, renewed, sealing)
    return renewed


def _secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def _keep(directory: Path, kept: TemplateSecrets, sealing: Key | None) -> None:
    renewed_at = kept.renewed_at.to_bytes(_TIME_BYTES) if kept.renewed_at else b""
    _write(directory / TEMPLATE_SECRETS, kept.sealing + kept.gallery + renewed_at, sealing)


def _content(path: Path, sealing: Key | None) -> bytes | None:
    """Returns the opened content of a file, None when there is none. Raises StateDamaged and
    OSError."""
    content = read_if_there(path)
    if content is None or not content.startswith(_SEALED):
        return content
    try:
        if sealing is not None:
            return sealing.open(content.removeprefix(_SEALED), _place(path))
    except InvalidTag:
        pass
    raise StateDamaged(
        f"{path} is damaged, or not sealed with {SEALING} beside it. Restore both from one backup "
        "of the keys."
    )


def _write(path: Path, content: bytes, sealing: Key | None) -> None:
    if sealing is not None:
        content = _SEALED + sealing.seal(content, _place(path))
    write_private(path, content)


def _place(path: Path) -> str:
    """Returns the place to seal for: a file does not open under the name of another."""
    return f"vault/{path.name}"
