"""A secret of 32 bytes in a file: as it is, or wrapped by a key that is kept elsewhere.

The file tells by itself which it is. One that is as it is has 32 bytes; the other is a JSON object
that names the address of the keeper (`cloud.keys.keeper`) and the id of the key. A file is replaced
as a whole, so a secret that moves from one keeper to another can be read at every moment.
"""

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from cloud.keys.keeper import KeysUnusable, Wrapped, opened
from cloud.state import StateDamaged
from protocol.encoding import from_base64, to_base64
from protocol.files import read_if_there, write_private

PLAIN = "plain"
"""In the place of an address: as it is."""
SECRET_BYTES = 32


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    wrapped_by: str
    key_id: str
    wrapped: str


@dataclass(frozen=True, slots=True)
class Stored:
    secret: bytes = field(repr=False)
    is_settled: bool
    """Whether it is wrapped as was asked, with the newest key."""


def read(path: Path, purpose: str, asked: str | None) -> Stored | None:
    """Returns the secret in a file, None when there is no file.

    `asked` is how it should be wrapped: an address, PLAIN, or None for as it is already. Raises
    StateDamaged, KeysUnusable and OSError.
    """
    content = read_if_there(path)
    if content is None:
        return None
    document = _document(path, content)
    if document is None:
        return Stored(content, asked in (None, PLAIN))
    address = document.wrapped_by
    if asked is not None and _key_of(asked) == _key_of(address):
        # The same key, which may be reached in another way by now.
        address = asked
    with opened(address) as keeper:
        secret = keeper.unwrap(Wrapped(document.key_id, from_base64(document.wrapped)), purpose)
        is_settled = asked is None or (
            asked == document.wrapped_by and keeper.is_newest(document.key_id)
        )
    if len(secret) != SECRET_BYTES:
        raise _damaged(path)
    return Stored(secret, is_settled)


def wrapped_by(path: Path) -> str:
    """Returns how the secret in a file is wrapped; PLAIN when there is none. Raises StateDamaged
    and OSError."""
    content = read_if_there(path)
    document = None if content is None else _document(path, content)
    return PLAIN if document is None else document.wrapped_by


def write(path: Path, purpose: str, secret: bytes, asked: str) -> None:
    """Writes a secret as is `asked`, by an address or PLAIN, once it is known to open again. Raises
    KeysUnusable and OSError."""
    if asked == PLAIN:
        write_private(path, secret)
        return
    with opened(asked) as keeper:
        wrapped = keeper.wrap(secret, purpose)
        if keeper.unwrap(wrapped, purpose) != secret:
            raise KeysUnusable(
                f"what wraps {path.name} does not give back what it has wrapped. Nothing was "
                "changed. Use another key."
            )
    document = _Document(
        wrapped_by=asked, key_id=wrapped.key_id, wrapped=to_base64(wrapped.wrapped)
    )
    write_private(path, document.model_dump_json().encode())


def _document(path: Path, content: bytes) -> _Document | None:
    """Returns how a secret is wrapped, None for one that is as it is. Raises StateDamaged."""
    if len(content) == SECRET_BYTES and any(content):
        return None
    try:
        document = _Document.model_validate_json(content)
        from_base64(document.wrapped)
    except ValueError:
        raise _damaged(path) from None
    return document


def _damaged(path: Path) -> StateDamaged:
    return StateDamaged(f"{path} is damaged. Restore it from the backup of the keys.")


def _key_of(address: str) -> str:
    """Returns what names the key in an address, without how it is reached."""
    return address.partition("?")[0]
