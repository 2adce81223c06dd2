"""The identity of this kiosk at the service: a key that never leaves the kiosk, and the device that
activation gave it. The id, which is no secret, also stands in a file that is not sealed, for the
program that looks for updates: it has no TPM to ask."""

import logging
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, ConfigDict

from kiosk.faults import FileUnusable
from protocol.encoding import from_base64, to_base64
from protocol.files import read_if_there, write_private
from protocol.messages import Device
from protocol.sealed import SealedPath
from protocol.signature import key_id
from protocol.storage import cause_and_remedy

log = logging.getLogger(__name__)


ID_FILE = "device-id"


def id_told_in(state: Path) -> str | None:
    """Returns the id of the kiosk of a state folder, None before its first start. Raises
    OSError."""
    told = read_if_there(state / ID_FILE)
    return None if told is None else told.decode(errors="replace")


class KnownVault(BaseModel):
    """The vault that this kiosk seals palms for (`kiosk.service.vault_keys`)."""

    model_config = ConfigDict(frozen=True)

    signer: str
    """The raw Ed25519 key that signs its keys, in base64."""
    revision: int
    """The revision of the newest key set that was seen."""


class _IdentityFile(BaseModel):
    key: str
    device: Device | None = None
    vault: KnownVault | None = None


@dataclass
class Identity:
    """The key and the device; `device` is None before activation."""

    file: SealedPath
    key: Ed25519PrivateKey
    device: Device | None = None
    vault: KnownVault | None = None
    """None until the first keys of a vault were seen after the activation."""

    @classmethod
    def load_or_make(cls, file: SealedPath) -> "Identity":
        """Returns the identity in the file, or makes one and writes it there.

        Raises FileUnusable when it cannot be read or written. The file is left as it is then.
        """
        try:
            content = file.read()
            if content is None:
                identity = cls(file, Ed25519PrivateKey.generate())
                identity.keep()
                identity.tell_id()
                return identity
            stored = _IdentityFile.model_validate_json(content)
            key = Ed25519PrivateKey.from_private_bytes(from_base64(stored.key))
        except OSError as error:
            raise FileUnusable(file.path, *cause_and_remedy(error)) from None
        except ValueError:
            # Without the cause, which quotes the key.
            raise FileUnusable(
                file.path,
                f"The kiosk's key in {file.path} is damaged.",
                "Restore it, or remove it to have a new one made and activate the kiosk again.",
            ) from None
        identity = cls(file, key, stored.device, stored.vault)
        identity.tell_id()
        return identity

    @property
    def device_id(self) -> str:
        return key_id(self.key.public_key())

    def tell_id(self) -> None:
        """Writes the id where `id_told_in` reads it. Without it no update is looked for, and the
        log is told."""
        path, told = self.file.path.with_name(ID_FILE), self.device_id.encode()
        try:
            if read_if_there(path) != told:
                write_private(path, told)
        except OSError as error:
            log.error("no update can be looked for: %s %s", *cause_and_remedy(error))

    @property
    def public_key(self) -> bytes:
        """Raw Ed25519, 32 bytes."""
        return self.key.public_key().public_bytes_raw()

    def become(self, device: Device | None) -> None:
        """Keeps the device that activation gave, or None when the service no longer knows it. A
        disk that stores nothing does not change that until the next start; the log is told."""
        self.device = device
        self._keep_or_tell()

    def activate(self, device: Device) -> None:
        """Keeps the device that an activation gave. The vault is another one, as far as is
        known."""
        self.vault = None
        self.become(device)

    def know(self, vault: KnownVault) -> None:
        """Keeps which vault this kiosk seals palms for."""
        if vault != self.vault:
            self.vault = vault
            self._keep_or_tell()

    def _keep_or_tell(self) -> None:
        try:
            self.keep()
        except OSError as error:
            log.error("the next start will not know it: %s %s", *cause_and_remedy(error))

    def keep(self) -> None:
        raw = self.key.private_bytes_raw()
        stored = _IdentityFile(key=to_base64(raw), device=self.device, vault=self.vault)
        self.file.write(stored.model_dump_json().encode())
