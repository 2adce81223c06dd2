"""A device that answers what it is asked, at the other end of a pseudo-terminal."""

import os
import select
import threading
import tty
from collections.abc import Callable
from types import TracebackType
from typing import Self

from hardware.packets import BadFrame, Packet

Answer = Callable[[Packet], bytes]
"""The type of a function that returns the bytes to send for an intact packet."""


class Firmware:
    """`received` holds every intact packet. `answer` may be replaced at any time."""

    def __init__(self, answer: Answer) -> None:
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        self.device = os.ttyname(self._theirs)
        self.received: list[Packet] = []
        self.answer = answer
        self._stop, self._stopped = os.pipe()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.unplug()
        os.close(self._stop)

    def unplug(self) -> None:
        """Hangs up the line."""
        if self._thread.is_alive():
            os.write(self._stopped, b"\0")
            self._thread.join()
            for line in (self._ours, self._theirs, self._stopped):
                os.close(line)

    def say(self, noise: bytes) -> None:
        os.write(self._ours, noise)

    def _run(self) -> None:
        unread = b""
        while True:
            ready, _, _ = select.select([self._ours, self._stop], [], [])
            if self._stop in ready:
                return
            unread += os.read(self._ours, 256)
            *frames, unread = unread.split(b"\0")
            for frame in frames:
                try:
                    packet = Packet.decode(frame)
                except BadFrame:
                    continue
                self.received.append(packet)
                os.write(self._ours, self.answer(packet))
