"""A small light ring firmware at the other end of a pseudo-terminal."""

import os
import select
import threading
import tty
from collections.abc import Callable
from types import TracebackType

from hardware.light.packets import ANSWER, VERSION, BadFrame, Command, Packet, Status

SEGMENTS = 8
LATENCY_MS = 3

Answer = Callable[[Packet], bytes]
"""The type of a function that returns the bytes to send for an intact packet."""


def well(packet: Packet) -> bytes:
    """Returns the answer of docs/light-ring.md."""
    match packet:
        case Packet(version=version) if version != VERSION:
            said = bytes((Status.OTHER_VERSION,))
        case Packet(command=Command.HELLO):
            said = bytes((Status.DONE, SEGMENTS)) + LATENCY_MS.to_bytes(2) + b"test"
        case Packet(command=Command.SHOW, payload=payload) if len(payload) == 3 * SEGMENTS:
            said = bytes((Status.DONE,))
        case Packet(command=Command.OFF):
            said = bytes((Status.DONE,))
        case Packet(command=Command.SHOW):
            said = bytes((Status.BAD_PAYLOAD,))
        case _:
            said = bytes((Status.UNKNOWN_COMMAND,))
    return Packet(packet.sequence, packet.command | ANSWER, said).encode()


class RingFirmware:
    """`received` holds every intact packet. `answer` may be replaced at any time."""

    def __init__(self) -> None:
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        self.device = os.ttyname(self._theirs)
        self.received: list[Packet] = []
        self.answer: Answer = well
        self._stop, self._stopped = os.pipe()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "RingFirmware":
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

    @property
    def shown(self) -> list[bytes]:
        return [packet.payload for packet in self.received if packet.command == Command.SHOW]

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
