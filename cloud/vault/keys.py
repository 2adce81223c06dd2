"""The vault's directory: a file for each private key, and one for the two secrets that protect
templates."""

import secrets
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from cloud.state import StateDamaged
from palm.search.protection import SECRET_BYTES
from protocol.encoding import from_base64, to_base64
from protocol.envelope import PrivateKey, Suite
from protocol.files import read_if_there, write_private

TEMPLATE_SECRETS = "templates.secret"


def load_or_make(directory: Path) -> list[PrivateKey]:
    """Returns the private keys, newest first; makes one when there is none. Raises StateDamaged and
    OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths = sorted(directory.glob("*.key"), reverse=True)
    if paths:
        return [_read(path) for path in paths]
    key = PrivateKey.generate()
    content = f"{key.suite.value}\n{to_base64(key.secret)}\n"
    # Named by time, so that sorting by name puts the newest last.
    name = f"{time.time_ns():020d}-{key.public.key_id}.key"
    write_private(directory / name, content.encode())
    return [key]


def _read(path: Path) -> PrivateKey:
    try:
        suite, secret, _ = path.read_text("ascii").split("\n")
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


@dataclass(frozen=True, slots=True)
class TemplateSecrets:
    """The two secrets are in one file, so that losing one is noticed as losing both."""

    sealing: bytes = field(repr=False)
    """Seals templates; it never changes while any are enrolled."""
    gallery: bytes = field(repr=False)
    """Determines the transform that search codes are made under."""


def template_secrets(directory: Path) -> TemplateSecrets:
    """Returns the secrets; makes them when there are none. Raises StateDamaged and OSError."""
    path = directory / TEMPLATE_SECRETS
    raw = read_if_there(path)
    if raw is None:
        made = TemplateSecrets(_secret(), _secret())
        _write(directory, made)
        return made
    sealing, gallery = raw[:SECRET_BYTES], raw[SECRET_BYTES:]
    if len(raw) != 2 * SECRET_BYTES or not any(sealing) or not any(gallery):
        raise StateDamaged(
            f"{path} is damaged, and no enrolled palm can be read without it. Restore it from the "
            "backup of the keys."
        )
    return TemplateSecrets(sealing, gallery)


def renew_gallery_secret(directory: Path) -> TemplateSecrets:
    """Replaces the gallery's secret; after a power cut the file holds the old one or the new one.

    Raises StateDamaged and OSError.
    """
    renewed = replace(template_secrets(directory), gallery=_secret())
    _write(directory, renewed)
    return renewed


def _secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def _write(directory: Path, kept: TemplateSecrets) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(directory / TEMPLATE_SECRETS, kept.sealing + kept.gallery)
