"""Who this kiosk is to the service: a key made here that never leaves, and what it was given."""

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, ValidationError

from kiosk.faults import CannotStart
from protocol.encoding import from_base64, to_base64
from protocol.files import write_private
from protocol.messages import Device
from protocol.signature import key_id


class _Kept(BaseModel):
    key: str
    device: Device | None = None


@dataclass
class Identity:
    """`device` is what activation gave, None before it."""

    path: Path
    key: Ed25519PrivateKey
    device: Device | None = None

    @classmethod
    def load_or_make(cls, path: Path) -> "Identity":
        """Raises CannotStart, and OSError when there is no room for a new one."""
        if path.exists():
            try:
                kept = _Kept.model_validate_json(path.read_bytes())
                key = Ed25519PrivateKey.from_private_bytes(from_base64(kept.key))
            except (ValidationError, ValueError):
                # The cause would quote the key.
                raise CannotStart(
                    f"The kiosk's key in {path} is damaged.",
                    "Restore it, or remove it to have a new one made and activate the kiosk again.",
                ) from None
            return cls(path, key, kept.device)
        identity = cls(path, Ed25519PrivateKey.generate())
        identity.keep()
        return identity

    @property
    def device_id(self) -> str:
        return key_id(self.key.public_key())

    @property
    def public_key(self) -> bytes:
        """Raw Ed25519, 32 bytes."""
        return self.key.public_key().public_bytes_raw()

    def become(self, device: Device | None) -> None:
        """Keeps what an activation gave; None when the service no longer knows this device."""
        self.device = device
        self.keep()

    def keep(self) -> None:
        kept = _Kept(key=to_base64(self.key.private_bytes_raw()), device=self.device)
        write_private(self.path, kept.model_dump_json().encode())
