"""What keeps a key that wraps other keys: a file, a token, a service of a cloud.

Rows are not wrapped with such a key. It wraps one secret a process, which is asked for once, at its
start, and is in its memory from then on (`cloud.keys.stored`). So whoever serves needs the keeper
when they start and when keys change, and never for a request.

An address names a key: the kind of its keeper, a colon, and what keepers of this kind understand.
For each kind there is a module in `cloud.keys.keepers` with a function `opened`, which gets what
follows the colon and opens the keeper while a block lasts. A new module is a new kind.
"""

import os
import pkgutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Protocol

_KEEPERS = "cloud.keys.keepers"


class KeysUnusable(RuntimeError):
    """A key that wraps others cannot be used: the message tells the operator cause and remedy."""


class KeysAway(KeysUnusable):
    """A key that wraps others cannot be reached now. This may pass by itself, so whoever ends
    because of it is worth starting again later."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A secret that only a keeper opens."""

    key_id: str
    """Which of the keeper's keys wraps it."""
    wrapped: bytes = field(repr=False)


class Keeper(Protocol):
    """Keeps one key under an address, and beside it the keys that were there before: they still
    unwrap until they are removed. Every method raises KeysUnusable."""

    def wrap(self, secret: bytes, purpose: str) -> Wrapped:
        """Wraps a secret with the newest key. It is unwrapped for the same purpose only."""
        ...

    def unwrap(self, wrapped: Wrapped, purpose: str) -> bytes: ...

    def is_newest(self, key_id: str) -> bool:
        """Returns whether `wrap` would use this key."""
        ...


def opened(address: str) -> AbstractContextManager[Keeper]:
    """Opens the keeper of an address while the block lasts. Raises KeysUnusable, here or at the
    block's beginning."""
    kind, _, rest = address.partition(":")
    modules = pkgutil.iter_modules(import_module(_KEEPERS).__path__)
    kinds = [module.name.replace("_", "-") for module in modules]
    if kind not in kinds or not rest:
        # The address is not quoted: somebody may have put a secret there.
        raise KeysUnusable(
            "master_key, or the vault's --wrapped-by, names no key. It is plain, or begins with "
            f"{', '.join(f'{each}:' for each in kinds)} (docs/operating.md, Where the keys lie)."
        )
    try:
        module = import_module(f"{_KEEPERS}.{kind.replace('-', '_')}")
    except ModuleNotFoundError as error:
        raise KeysUnusable(
            f"keys that {kind}: names need {error.name}, which is not installed here. Install what "
            "docs/operating.md names (Where the keys lie)."
        ) from None
    open_keeper: Callable[[str], AbstractContextManager[Keeper]] = module.opened
    return open_keeper(rest)


def credential(name: str) -> Path:
    """Returns the path of a file that a setting names: a path from the root, or the name of a
    credential that systemd has loaded (systemd.exec(5), LoadCredential=). Raises KeysUnusable."""
    path, folder = Path(name), os.environ.get("CREDENTIALS_DIRECTORY")
    if path.is_absolute():
        return path
    if folder is None:
        raise KeysUnusable(
            f"{name} is no path from the root, so it names a credential of systemd's, and there "
            "are none here. Write the whole path, or load it in the unit (LoadCredential=)."
        )
    return Path(folder) / path


def read_credential(name: str) -> tuple[Path, bytes]:
    """Returns the path and the content of a file that a setting names. Raises KeysUnusable."""
    path = credential(name)
    try:
        return path, path.read_bytes()
    except OSError as error:
        raise KeysUnusable(
            f"{path} cannot be read: {error.strerror}. Restore it, mount what it lies on, or "
            "correct the setting that names it."
        ) from None
