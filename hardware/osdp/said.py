"""What the reader's process and the kiosk say to each other, a line of JSON each.

To the process, first `Line` and then `Present`, `Withdraw` and `Local`; from it `State`, `Sent`,
`Dropped` and `Command`. Keys and a credential's bits go through this pipe and stand in no argument.
"""

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Standing(StrEnum):
    """How a line stands, as far as the reader can tell."""

    SECURE = "secure"
    """The controller has polled within a second, in the secure channel under the kept key."""
    INSTALLING = "installing"
    """No key was set yet, and the one of the standard is taken."""
    CONNECTING = "connecting"
    """The controller speaks with the reader, and the secure channel is not there yet."""
    SILENT = "silent"
    """Nothing comes."""
    UNREAD = "unread"
    """Something comes, and none of it is for this reader."""
    PLAIN = "plain"
    """The controller speaks without the secure channel."""
    WRONG_KEY = "wrong_key"
    """The last handshake failed."""
    NO_KEY = "no_key"
    """No key was set, and the reader is not in install mode: it answers nothing."""
    BAD_FILE = "bad_file"
    """What is kept cannot be read."""
    NO_PORT = "no_port"
    """The serial port cannot be opened, or is gone."""


@dataclass(frozen=True, slots=True)
class Line:
    device: str
    address: int
    baud: int
    install: bool
    kept: str
    """The path of the file of `hardware.osdp.kept`."""
    key: str = field(repr=False)
    """The key of that file, in Base64."""
    capture: str | None
    """The folder for the capture of all that passes, None for none."""


@dataclass(frozen=True, slots=True)
class Present:
    number: int
    """Tells presentations apart."""
    bits: str
    raw: bool
    """Whether the bits have no parities."""
    until: float
    """On the clock of `time.monotonic`, which processes of one machine share."""

    def __repr__(self) -> str:
        return f"Present({self.number})"


@dataclass(frozen=True, slots=True)
class Withdraw:
    """What was presented and is not sent yet shall not be sent."""


@dataclass(frozen=True, slots=True)
class Local:
    tampered: bool
    power_failing: bool


@dataclass(frozen=True, slots=True)
class State:
    standing: Standing
    why: str = ""
    """What the system says of a port or file."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The credential was in an answer to the controller."""

    number: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """The credential was not sent, and never will be."""

    number: int


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the controller, with the names that libosdp gives its parts."""

    kind: str
    parts: dict[str, Any]


Said = Line | Present | Withdraw | Local | State | Sent | Dropped | Command
_KINDS: dict[str, type[Said]] = {
    kind.__name__: kind for kind in (Line, Present, Withdraw, Local, State, Sent, Dropped, Command)
}


def written(said: Said) -> bytes:
    return json.dumps([type(said).__name__, asdict(said)]).encode() + b"\n"


def read(line: bytes) -> Said:
    """Raises ValueError for what is none of them."""
    try:
        name, fields = json.loads(line)
        if name == "State":
            return State(Standing(fields["standing"]), fields["why"])
        return _KINDS[name](**fields)
    except (KeyError, TypeError):
        raise ValueError("not a message of the reader's process") from None
