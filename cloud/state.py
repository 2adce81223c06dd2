"""The state directory: everything the service stores, readable by its owner only.

settings.toml      settings of the operator, optional
service.json       address of the running service
ca.pem             certificate of the authority that devices pin
in-use             locked by the service while it runs
keys/              CA, server, master and receipt keys
palms.db           the database, unless a server has it
deletions.jsonl    who has left, for backups of before (`cloud.people.deletion_list`)
backups.json       which backups there are, and until when
reserve            room that is let go on a full disk, for deletions (`cloud.db.reserve`)
vault/             keys of the vault, which only the vault reads
sandbox/           state of the simulated payment provider
"""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.engine import URL

from protocol.files import held, read_if_there, rename_durably, write_private


class StateDamaged(RuntimeError):
    """A file in the state directory is damaged or missing: the message tells cause and remedy."""


class StateInUse(RuntimeError):
    """Another process uses the state directory: the message tells the remedy."""


@dataclass(frozen=True, slots=True)
class State:
    root: Path
    server: URL | None = None
    """Where a server has the database; None when it is a file of the directory."""

    @classmethod
    def open(cls, root: Path, server: URL | None = None) -> "State":
        """Makes the directories that are missing. Raises OSError."""
        for directory in (root, root / "keys", root / "sandbox"):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(root.resolve(), server)

    @contextmanager
    def held(self, *, alone: bool = True) -> Generator[None]:
        """Locks the directory, so that no other process makes keys, or changes the database while
        the gallery is in memory. The lock ends with the process at the latest. Several processes
        that serve with a database on a server may hold it, each not `alone`. Raises StateInUse and
        OSError."""
        with ExitStack() as stack:
            try:
                stack.enter_context(held(self.root / "in-use", alone=alone))
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
    def deletions(self) -> Path:
        return self.root / "deletions.jsonl"

    @property
    def backups(self) -> Path:
        return self.root / "backups.json"

    @property
    def address(self) -> Path | URL:
        """The database's address (`cloud.db.database.Address`)."""
        return self.server or self.database

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

    @property
    def master_key(self) -> Path:
        """The file of the master key (`cloud.keys.masters`)."""
        return self.key("master.key")

    @property
    def next_master_key(self) -> Path:
        """The file of a master key that is about to replace the one in force."""
        return self.key("master.key.next")

    def take_next_master_key(self) -> None:
        """Puts the next master key in force, durably. The one before is gone. Raises StateInUse and
        OSError."""
        with self.keys_held():
            rename_durably(self.next_master_key, self.master_key)

    @contextmanager
    def keys_held(self) -> Generator[None]:
        """Locks the master key's file while it is replaced, so that of two who replace it neither
        writes what the other has just put away. Raises StateInUse and OSError."""
        with ExitStack() as stack:
            try:
                stack.enter_context(held(self.key("in-use")))
            except BlockingIOError:
                raise StateInUse(
                    f"another command is replacing {self.master_key}. Try again in a moment."
                ) from None
            yield

    def receipt_key(self, *, used: bool = False) -> Ed25519PrivateKey:
        """Returns the key that signs deletion receipts. It is made when it is missing, unless it
        was `used`. Raises StateDamaged."""
        path = self.key("receipt.key")
        raw = read_if_there(path)
        if raw is None:
            if used:
                raise StateDamaged(
                    f"{path} is missing, and the database was made with it. Restore it from the "
                    "backup of the keys."
                )
            raw = Ed25519PrivateKey.generate().private_bytes_raw()
            write_private(path, raw)
        if len(raw) != 32 or not any(raw):
            raise StateDamaged(f"{path} is damaged. Restore it from the backup of the keys.")
        return Ed25519PrivateKey.from_private_bytes(raw)
