"""`file:PATH`: keys in a file apart from what they wrap, such as a credential of systemd's.

The file holds 32 random bytes for each key, the newest key first. So a key is rotated by writing a
file with a new one in front of it, and removed from its end once nothing is wrapped with it.
"""

from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha256

from cryptography.exceptions import InvalidTag

from cloud.keys.keeper import Keeper, KeysUnusable, Wrapped, read_credential
from cloud.keys.person_keys import Key

_KEY_BYTES = 32


@contextmanager
def opened(rest: str) -> Generator[Keeper]:
    """Opens the file of that path, or the credential of that name. Raises KeysUnusable."""
    path, content = read_credential(rest)
    keys = [content[at : at + _KEY_BYTES] for at in range(0, len(content), _KEY_BYTES)]
    if not keys or any(len(key) != _KEY_BYTES or not any(key) for key in keys):
        raise KeysUnusable(
            f"{path} does not hold keys of {_KEY_BYTES} random bytes each. Restore it from the "
            "backup of the keys."
        )
    yield _File(str(path), {_id_of(key): Key(key) for key in keys})


class _File:
    def __init__(self, name: str, keys: dict[str, Key]) -> None:
        self._name = name
        self._keys = keys
        self._newest = next(iter(keys))

    def wrap(self, secret: bytes, purpose: str) -> Wrapped:
        return Wrapped(self._newest, self._keys[self._newest].seal(secret, purpose))

    def unwrap(self, wrapped: Wrapped, purpose: str) -> bytes:
        key = self._keys.get(wrapped.key_id)
        if key is None:
            raise KeysUnusable(
                f"{self._name} does not hold the key {wrapped.key_id} any more, which is needed. "
                "Put it back behind the newer ones, from the backup of the keys."
            )
        try:
            return key.open(wrapped.wrapped, purpose)
        except InvalidTag:
            raise KeysUnusable(
                f"the key {wrapped.key_id} in {self._name} does not open what it has wrapped: that "
                "was altered. Restore it from the backup of the keys."
            ) from None

    def is_newest(self, key_id: str) -> bool:
        return key_id == self._newest


def _id_of(key: bytes) -> str:
    return sha256(b"palm-kiosk key in a file\0" + key).hexdigest()[:16]
