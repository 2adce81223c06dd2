"""The state directory: everything the service stores, readable by its owner only.

settings.toml      settings of the operator, optional
service.json       address of the running service
ca.pem             certificate of the authority that devices pin
in-use             locked by the service while it runs
keys/              CA, server, master and receipt keys
palms.db           the database
vault/             keys of the vault, which only the vault reads
sandbox/           state of the simulated payment provider
"""

import fcntl
import os
import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.files import write_private


class StateDamaged(RuntimeError):
    """A file in the state directory is damaged or missing: the message tells cause and remedy."""


class StateInUse(RuntimeError):
    """Another process uses the state directory: the message tells the remedy."""


@dataclass(frozen=True, slots=True)
class State:
    root: Path

    @classmethod
    def open(cls, root: Path) -> "State":
        """Makes the directories that are missing. Raises OSError."""
        for directory in (root, root / "keys", root / "sandbox"):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(root.resolve())

    @contextmanager
    def held(self) -> Generator[None]:
        """Locks the directory, so that no other process changes the database while the gallery is
        in memory. The lock ends with the process at the latest. Raises StateInUse."""
        descriptor = os.open(self.root / "in-use", os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b"):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StateInUse(
                    f"a service is running in {self.root}. Stop it first, and the kiosk that "
                    "started it."
                ) from None
            yield

    @property
    def settings(self) -> Path:
        return self.root / "settings.toml"

    @property
    def announcement(self) -> Path:
        return self.root / "service.json"

    @property
    def database(self) -> Path:
        return self.root / "palms.db"

    @property
    def vault(self) -> Path:
        return self.root / "vault"

    @property
    def sandbox(self) -> Path:
        return self.root / "sandbox"

    @property
    def ca(self) -> Path:
        return self.root / "ca.pem"

    def key(self, name: str) -> Path:
        return self.root / "keys" / name

    def master_key(self) -> bytes:
        """Returns 32 random bytes, made on first use. Raises StateDamaged."""
        return self._secret("master.key", lambda: secrets.token_bytes(32))

    def receipt_key(self) -> Ed25519PrivateKey:
        """Returns the key that signs deletion receipts, made on first use. Raises StateDamaged."""
        raw = self._secret("receipt.key", lambda: Ed25519PrivateKey.generate().private_bytes_raw())
        return Ed25519PrivateKey.from_private_bytes(raw)

    def _secret(self, name: str, make: Callable[[], bytes]) -> bytes:
        path = self.key(name)
        if not path.exists():
            if self.database.exists():
                raise StateDamaged(
                    f"{path} is missing, and the database cannot be read without it. "
                    "Restore it from the backup of the keys."
                )
            write_private(path, make())
        secret = path.read_bytes()
        if len(secret) != 32:
            raise StateDamaged(f"{path} is damaged. Restore it from the backup of the keys.")
        return secret
