"""The keys that tills and this kiosk share, in a file that may change while the kiosk runs."""

import json
import logging
import secrets
import tomllib
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from kiosk.faults import FileUnusable
from kiosk.till.nexo.envelope import SharedKey
from protocol.sealed import SealedPath, Unopened
from protocol.storage import cause_and_remedy

log = logging.getLogger(__name__)

NAME = "till-keys.toml"
"""The name of the file in the state folder."""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    key: list[SharedKey] = []


class KeyFile:
    """The file `till-keys.toml`, which is sealed, with a table `[[key]]` for each key: identifier,
    version and passphrase. It is read anew when it has changed, so that a key can be added or
    withdrawn while tills use another."""

    def __init__(self, file: SealedPath) -> None:
        """Raises FileUnusable. A file that is not there holds no key."""
        self._file, self.path = file, file.path
        self._keys, self._read_of = read_keys(file), _state(self.path)

    def keys(self) -> list[SharedKey]:
        """Returns the keys. What cannot be read leaves them as they were, and the log is told."""
        state = _state(self.path)
        if state != self._read_of:
            self._read_of = state
            try:
                self._keys = read_keys(self._file)
            except FileUnusable as unusable:
                log.error("the keys of the till stay as they were: %s", unusable)
            else:
                log.info("the keys of the till were read: %d", len(self._keys))
        return self._keys


def add_key(file: SealedPath, identifier: str = "till", passphrase: str | None = None) -> SharedKey:
    """Adds a key to the file, and returns it; its passphrase is drawn at random where none is
    given. Its version follows the last one of its identifier. Raises FileUnusable, and
    ValidationError for a passphrase of a wrong length."""
    keys = read_keys(file)
    used = [key.version for key in keys if key.identifier == identifier]
    key = SharedKey(
        identifier=identifier,
        version=max(used, default=0) + 1,
        passphrase=passphrase or secrets.token_urlsafe(24),
    )
    _write(file, (*keys, key))
    return key


def remove_key(file: SealedPath, identifier: str, version: int) -> bool:
    """Takes a key out of the file. Returns whether it was there. Raises FileUnusable."""
    keys = read_keys(file)
    kept = [key for key in keys if (key.identifier, key.version) != (identifier, version)]
    if len(kept) == len(keys):
        return False
    _write(file, kept)
    return True


def _write(file: SealedPath, keys: Iterable[SharedKey]) -> None:
    tables = (
        f"[[key]]\nidentifier = {_quoted(key.identifier)}\nversion = {key.version}\n"
        f"passphrase = {_quoted(key.passphrase)}\n"
        for key in keys
    )
    try:
        file.write("\n".join(tables).encode())
    except OSError as error:
        raise FileUnusable(file.path, *cause_and_remedy(error)) from None


def _quoted(text: str) -> str:
    """A basic string of TOML, which escapes as JSON does, but for one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def read_keys(file: SealedPath) -> list[SharedKey]:
    """Returns the keys in a file, none where there is no file. Raises FileUnusable."""
    path, remedy = file.path, "Correct the file, as docs/integrations/till.md shows it."
    try:
        return _File.model_validate(tomllib.loads((file.read() or b"").decode())).key
    except OSError as error:
        raise FileUnusable(path, *cause_and_remedy(error)) from None
    except ValidationError as wrong:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            for fault in wrong.errors(include_input=False, include_url=False)
        )
        cause = f"The keys of the till in {path} cannot be used ({faults})."
    except Unopened:
        cause = f"The keys of the till in {path} are damaged, or sealed by another kiosk."
        remedy = "Restore the file; or remove it, and make new keys."
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # Without the message, which may quote a passphrase.
        cause = f"The keys of the till in {path} are no TOML."
    raise FileUnusable(path, cause, remedy)
