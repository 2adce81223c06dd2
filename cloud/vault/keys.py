"""The vault's own directory: one file for each private key it ever made, and one for the two
secrets that protect templates."""

import secrets
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from cloud.state import StateDamaged
from palm.search.protection import SECRET_BYTES
from protocol.encoding import from_base64, to_base64
from protocol.envelope import PrivateKey, Suite
from protocol.files import write_private

TEMPLATE_SECRETS = "templates.secret"


def load_or_make(directory: Path) -> list[PrivateKey]:
    """Newest first; a first one is made when there is none. Raises StateDamaged and OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths = sorted(directory.glob("*.key"), reverse=True)
    if paths:
        return [_read(path) for path in paths]
    key = PrivateKey.generate()
    content = f"{key.suite.value}\n{to_base64(key.secret)}\n"
    # Named by time, so that the newest is the last.
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
        # The cause would quote the key.
        pass
    raise StateDamaged(
        f"{path} is damaged, and captures sealed to it cannot be opened. Restore it from the "
        "backup of the keys, or remove it: devices fetch the key that takes its place."
    )


@dataclass(frozen=True, slots=True)
class TemplateSecrets:
    """They lie in one file: a vault that has lost one has lost both, and says so."""

    sealing: bytes = field(repr=False)
    """Seals templates; the same for as long as there are any."""
    gallery: bytes = field(repr=False)
    """Chooses the transform that codes are made under."""


def template_secrets(directory: Path) -> TemplateSecrets:
    """Made when there are none. Raises StateDamaged and OSError."""
    path = directory / TEMPLATE_SECRETS
    if not path.exists():
        made = TemplateSecrets(_secret(), _secret())
        _write(directory, made)
        return made
    raw = path.read_bytes()
    if len(raw) != 2 * SECRET_BYTES:
        raise StateDamaged(
            f"{path} is damaged, and no enrolled palm can be read without it. Restore it from the "
            "backup of the keys."
        )
    return TemplateSecrets(raw[:SECRET_BYTES], raw[SECRET_BYTES:])


def renew_gallery_secret(directory: Path) -> TemplateSecrets:
    """Either the old or the new one is there, whenever the power fails. Raises StateDamaged and
    OSError."""
    renewed = replace(template_secrets(directory), gallery=_secret())
    _write(directory, renewed)
    return renewed


def _secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def _write(directory: Path, kept: TemplateSecrets) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(directory / TEMPLATE_SECRETS, kept.sealing + kept.gallery)
