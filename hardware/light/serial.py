"""Light rings on a serial line: `serial:/dev/ttyACM0?baud=115200`. The protocol and what the
firmware of a ring has to do are in docs/light-ring.md."""

import contextlib
import os
import select
import termios
import threading
import time

from hardware.address import Address
from hardware.faults import PermanentFault, TemporaryFault
from hardware.light.packets import ANSWER, MAX_FRAME, BadFrame, Command, Packet, Status
from protocol.ring import SEGMENTS, Levels

ANSWER_S = 0.05
"""The timeout for an answer in seconds; at 115,200 baud command and answer take 4 ms."""
TRIES = 3
_SPEEDS = {
    "9600": termios.B9600,
    "57600": termios.B57600,
    "115200": termios.B115200,
    "921600": termios.B921600,
}


class SerialLight:
    """A ring that is opened with the first command, and again after every fault."""

    def __init__(self, address: Address) -> None:
        """Raises BadAddress."""
        baud = address.known("baud").get("baud", "115200")
        if not address.rest.startswith("/dev/"):
            raise address.wrong("names no device", "Write serial:/dev/ttyACM0.")
        if baud not in _SPEEDS:
            raise address.wrong(f"cannot have baud={baud}", f"Use one of: {', '.join(_SPEEDS)}.")
        self._device = address.rest
        self._speed = _SPEEDS[baud]
        self._lock = threading.Lock()
        self._line: int | None = None
        self._unread = b""
        self._sequence = 0
        self._latency = 0.0

    @property
    def name(self) -> str:
        return self._device

    @property
    def latency(self) -> float:
        """The latency that the ring told, 0 before the first command."""
        return self._latency

    def show(self, levels: Levels) -> None:
        """See `Light.show`."""
        self._tell(Command.SHOW, bytes(level for segment in levels for level in segment))

    def off(self) -> None:
        """See `Light.off`."""
        self._tell(Command.OFF)

    def close(self) -> None:
        with self._lock:
            self._let_go()

    def _tell(self, command: Command, payload: bytes = b"") -> None:
        with self._lock:
            try:
                if self._line is None:
                    self._open()
                self._ask(command, payload)
            except OSError as error:
                self._let_go()
                raise _gone(self._device, error) from None
            except (TemporaryFault, PermanentFault):
                self._let_go()
                raise

    # All methods below need the lock.

    def _open(self) -> None:
        try:
            self._line = os.open(self._device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except PermissionError:
            raise PermanentFault(
                f"This kiosk may not use {self._device}.",
                "Add its user to the group 'dialout' and start it again.",
            ) from None
        _make_raw(self._line, self._speed)
        self._unread = b""
        said = self._ask(Command.HELLO)
        if len(said) < 3 or said[0] != SEGMENTS:
            raise PermanentFault(
                f"The ring at {self._device} does not have {SEGMENTS} segments.",
                "Set its firmware up for this ring (docs/light-ring.md).",
            )
        self._latency = int.from_bytes(said[1:3]) / 1000

    def _ask(self, command: Command, payload: bytes = b"") -> bytes:
        """Returns the answer after its status. Every command may be repeated, since it sets a state
        and does not change one."""
        self._sequence = (self._sequence + 1) % 256
        question = Packet(self._sequence, command, payload)
        for _ in range(TRIES):
            self._write(question.encode())
            answer = self._answer_to(question)
            if answer is not None:
                return answer
        raise TemporaryFault(
            f"The light ring at {self._device} does not answer.",
            "Check its cable and power; it is tried again by itself.",
        )

    def _answer_to(self, question: Packet) -> bytes | None:
        """Returns the rest of the answer, None when none comes in time."""
        deadline = time.monotonic() + ANSWER_S
        while (frame := self._read_frame(deadline)) is not None:
            try:
                packet = Packet.decode(frame)
            except BadFrame:
                continue
            if (packet.sequence, packet.command) != (question.sequence, question.command | ANSWER):
                continue
            if packet.payload[:1] != bytes((Status.DONE,)):
                raise PermanentFault(
                    f"The ring at {self._device} does not understand this kiosk.",
                    "Bring its firmware up to date (docs/light-ring.md).",
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
        deadline = time.monotonic() + ANSWER_S
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


def _make_raw(line: int, speed: int) -> None:
    """Sets eight bits, no parity, one stop bit and no interpretation, as cfmakeraw(3) does."""
    control = termios.CS8 | termios.CREAD | termios.CLOCAL
    characters = termios.tcgetattr(line)[6]
    termios.tcsetattr(line, termios.TCSANOW, [0, 0, control, 0, speed, speed, characters])
    termios.tcflush(line, termios.TCIOFLUSH)


def _gone(device: str, error: OSError) -> TemporaryFault:
    return TemporaryFault(
        f"There is no light ring at {device}: {error.strerror or error}.",
        "Plug it in; it is found by itself.",
    )
