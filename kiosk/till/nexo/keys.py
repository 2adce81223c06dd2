"""The keys that tills and this kiosk share, in a file that may change while the kiosk runs."""

import json
import logging
import secrets
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from kiosk.faults import FileUnusable
from kiosk.till.nexo.envelope import SharedKey
from protocol.files import read_if_there, write_private
from protocol.storage import cause_and_remedy

log = logging.getLogger(__name__)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    key: list[SharedKey] = []


class KeyFile:
    """The file `till-keys.toml`, with a table `[[key]]` for each key: identifier, version and
    passphrase. It is read anew when it has changed, so that a key can be added or withdrawn while
    tills use another."""

    def __init__(self, path: Path) -> None:
        """Raises FileUnusable. A file that is not there holds no key."""
        self.path = path
        self._keys, self._read_of = _read(path), _state(path)

    def keys(self) -> list[SharedKey]:
        """Returns the keys. What cannot be read leaves them as they were, and the log is told."""
        state = _state(self.path)
        if state != self._read_of:
            self._read_of = state
            try:
                self._keys = _read(self.path)
            except FileUnusable as unusable:
                log.error("the keys of the till stay as they were: %s", unusable)
            else:
                log.info("the keys of the till were read: %d", len(self._keys))
        return self._keys


def add_key(path: Path, identifier: str = "till") -> SharedKey:
    """Adds a key with a passphrase drawn at random to the file, and returns it. Its version follows
    the last one of its identifier. Raises FileUnusable."""
    used = [key.version for key in _read(path) if key.identifier == identifier]
    key = SharedKey(
        identifier=identifier,
        version=max(used, default=0) + 1,
        passphrase=secrets.token_urlsafe(24),
    )
    table = (
        f"[[key]]\nidentifier = {json.dumps(identifier)}\nversion = {key.version}\n"
        f'passphrase = "{key.passphrase}"\n'
    )
    try:
        before = read_if_there(path)
        write_private(path, (before + b"\n" if before else b"") + table.encode())
    except OSError as error:
        raise FileUnusable(path, *cause_and_remedy(error)) from None
    return key


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> list[SharedKey]:
    try:
        return _File.model_validate(tomllib.loads(path.read_text())).key
    except FileNotFoundError:
        return []
    except OSError as error:
        raise FileUnusable(path, *cause_and_remedy(error)) from None
    except ValidationError as wrong:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            for fault in wrong.errors(include_input=False, include_url=False)
        )
        cause = f"The keys of the till in {path} cannot be used ({faults})."
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # Without the message, which may quote a passphrase.
        cause = f"The keys of the till in {path} are no TOML."
    raise FileUnusable(path, cause, "Correct the file, as docs/integrations/till.md shows it.")
