"""Takes systemd's place at the end of its socket."""

import os
import socket
import threading
from collections.abc import Callable
from typing import Self

from protocol.watchdog import Part

FEED = b"WATCHDOG=1"
PATIENCE_S = 0.2
"""What the program is told that systemd's patience is. Nobody ends it."""
SOON_S = 60.0


class Listening:
    """Systemd's socket, which lies in the abstract namespace."""

    def __init__(self) -> None:
        self._bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._bound.bind("")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bound.close()

    @property
    def environment(self) -> dict[str, str]:
        """What a program finds in its environment."""
        name: bytes = self._bound.getsockname()
        return {
            "NOTIFY_SOCKET": "@" + os.fsdecode(name[1:]),
            "WATCHDOG_USEC": str(int(PATIENCE_S * 1e6)),
        }

    def hears(self) -> bytes:
        """Waits for the next message."""
        self._bound.settimeout(SOON_S)
        return self._bound.recv(64)

    def forget(self) -> None:
        """Throws away what has come."""
        while not self.has_heard_nothing:
            pass

    @property
    def has_heard_nothing(self) -> bool:
        """Whether no message waits; takes one that does."""
        self._bound.setblocking(False)
        try:
            self._bound.recv(64)
        except BlockingIOError:
            return True
        return False


class Asked:
    """A part that counts how often it is asked."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self.times = 0
        self._asked = threading.Condition()

    def __call__(self, answer: Callable[[], None]) -> None:
        self._part(answer)
        with self._asked:
            self.times += 1
            self._asked.notify_all()

    def again(self, times: int) -> None:
        """Waits until the part is asked so many times from now on."""
        with self._asked:
            last = self.times + times
            assert self._asked.wait_for(lambda: self.times >= last, SOON_S)
