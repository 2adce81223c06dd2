"""Devices on a serial line that answer what they are asked, and never speak first. The line is that
of docs/light-ring.md."""

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable

from hardware.faults import PermanentFault, TemporaryFault
from hardware.packets import ANSWER, MAX_FRAME, BadFrame, Packet, Status
from hardware.serial_port import open_port

TRIES = 3


class AskedDevice:
    """A device that is greeted with the first question, and again after every fault. Questions may
    come from any thread; each waits for the one before."""

    def __init__(
        self,
        device: str,
        baud: int,
        *,
        called: str,
        answer_s: float,
        hello: int,
        greeted: Callable[[bytes], None],
    ) -> None:
        """`called` is what an operator knows it as, and `answer_s` the timeout for an answer in
        seconds. `greeted` gets what it answers to the command `hello`, and raises PermanentFault
        when it is not the one that was expected."""
        self.name = device
        self._baud = baud
        self._called = called
        self._answer_s = answer_s
        self._hello = hello
        self._greeted = greeted
        self._lock = threading.Lock()
        self._line: int | None = None
        self._unread = b""
        self._sequence = 0

    def ask(self, command: int, payload: bytes = b"") -> bytes:
        """Returns the answer after its status. A question whose answer does not come is repeated
        under the same number. Raises DeviceFault."""
        with self._lock:
            try:
                if self._line is None:
                    self._open()
                return self._ask(command, payload)
            except OSError as error:
                self._let_go()
                raise TemporaryFault(
                    f"There is no {self._called} at {self.name}: {error.strerror or error}.",
                    "Plug it in; it is found by itself.",
                ) from None
            except (TemporaryFault, PermanentFault):
                self._let_go()
                raise

    def close(self) -> None:
        with self._lock:
            self._let_go()

    # All methods below need the lock.

    def _open(self) -> None:
        try:
            self._line = open_port(self.name, self._baud)
        except PermissionError:
            raise PermanentFault(
                f"This kiosk may not use {self.name}.",
                "Add its user to the group 'dialout' and start it again.",
            ) from None
        self._unread = b""
        self._greeted(self._ask(self._hello))

    def _ask(self, command: int, payload: bytes = b"") -> bytes:
        self._sequence = (self._sequence + 1) % 256
        question = Packet(self._sequence, command, payload)
        for _ in range(TRIES):
            self._write(question.encode())
            answer = self._answer_to(question)
            if answer is not None:
                return answer
        raise TemporaryFault(
            f"The {self._called} at {self.name} does not answer.",
            "Check its cable and power; it is tried again by itself.",
        )

    def _answer_to(self, question: Packet) -> bytes | None:
        """Returns the rest of the answer, None when none comes in time."""
        deadline = time.monotonic() + self._answer_s
        while (frame := self._read_frame(deadline)) is not None:
            try:
                packet = Packet.decode(frame)
            except BadFrame:
                continue
            if (packet.sequence, packet.command) != (question.sequence, question.command | ANSWER):
                continue
            if packet.payload[:1] != bytes((Status.DONE,)):
                raise PermanentFault(
                    f"The {self._called} at {self.name} does not understand this kiosk.",
                    "Bring its firmware up to date.",
                )
            return packet.payload[1:]
        return None

    def _read_frame(self, deadline: float) -> bytes | None:
        assert self._line is not None
        while b"\0" not in self._unread:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._line], [], [], left)[0]:
                return None
            read = os.read(self._line, MAX_FRAME)
            if not read:
                raise OSError("hung up")
            # Noise without an end is dropped; the next frame begins after the next zero.
            self._unread = (self._unread + read)[-4 * MAX_FRAME :]
        frame, _, self._unread = self._unread.partition(b"\0")
        return frame

    def _write(self, frame: bytes) -> None:
        assert self._line is not None
        deadline = time.monotonic() + self._answer_s
        while frame:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([], [self._line], [], left)[1]:
                return
            frame = frame[os.write(self._line, frame) :]

    def _let_go(self) -> None:
        if self._line is not None:
            with contextlib.suppress(OSError):
                os.close(self._line)
            self._line = None
