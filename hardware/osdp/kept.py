"""What a reader keeps over a loss of power: its base key, and where the controller has moved it.

The file stands in the kiosk's state folder and is sealed as its other secrets are: the process of
the line is told the key of this file, and of no other.
"""

import json
from dataclasses import dataclass, replace

from protocol.sealed import SealedPath

KEY_BYTES = 16


class Unreadable(Exception):
    """The file is there and holds no key. Nothing of it is in the message."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reader is on its line."""

    address: int
    """0 to 126."""
    baud: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one reader. The keys are left out of what is printed."""

    key: bytes | None
    """The base key (SCBK), None until a controller has set one."""
    before: bytes | None
    """The key before that one, until the controller has shown that it has the new one: the power
    may fail before the controller hears that its key was taken."""
    set_for: Place
    """The place in the settings when the controller moved the reader. In other settings the
    installer has moved it since, and theirs hold."""
    moved_to: Place

    def __repr__(self) -> str:
        return f"Kept({'a key' if self.key else 'no key'}, {self.moved_to})"

    def at(self, place: Place) -> "Kept":
        """Returns this for a reader whose settings name `place`."""
        return self if self.set_for == place else replace(self, set_for=place, moved_to=place)

    def with_key(self, key: bytes) -> "Kept":
        return replace(self, key=key, before=self.key)

    def proved(self) -> "Kept":
        """Returns this without the key before, once the controller has shown that it has `key`."""
        return replace(self, before=None)

    def turned_back(self) -> "Kept":
        """Returns this with the other one of two keys."""
        return replace(self, key=self.before, before=self.key)

    def write(self, file: SealedPath) -> None:
        """Raises OSError."""
        keys = {"key": self.key, "before": self.before}
        held = {name: key.hex() for name, key in keys.items() if key is not None}
        places = {"set_for": self.set_for, "moved_to": self.moved_to}
        held |= {name: [place.address, place.baud] for name, place in places.items()}
        file.write(json.dumps(held).encode())

    @classmethod
    def read(cls, file: SealedPath, place: Place) -> "Kept":
        """Returns what is kept in `file` of a reader whose settings name `place`. Raises OSError
        and Unreadable."""
        try:
            content = file.read()
            if content is None:
                return cls(None, None, place, place)
            held = json.loads(content)
            key, before = (bytes.fromhex(held.get(name, "")) for name in ("key", "before"))
            set_for, moved_to = (Place(*map(int, held[name])) for name in ("set_for", "moved_to"))
            if any(len(each) not in (0, KEY_BYTES) for each in (key, before)):
                raise ValueError
        except (ValueError, TypeError, KeyError, AttributeError):
            raise Unreadable from None
        return cls(key or None, before or None, set_for, moved_to).at(place)
