"""The frames on the serial line of a device of our own, such as a light ring, in both directions
(docs/light-ring.md).

A frame is a packet in consistent overhead byte stuffing (Cheshire and Baker, "Consistent Overhead
Byte Stuffing", IEEE/ACM Transactions on Networking 1999), ended by a zero byte. A packet is
version, sequence number, command, payload, and the CRC-16 of all that (CCITT-FALSE: polynomial
0x1021, initial value 0xFFFF, high byte first).
"""

from binascii import crc_hqx
from dataclasses import dataclass
from enum import IntEnum

VERSION = 1
MAX_FRAME = 64
"""The largest frame in bytes, including its final zero."""


ANSWER = 0x80
"""The bit that is set in the command of an answer."""


class Status(IntEnum):
    """The first byte of an answer's payload."""

    DONE = 0
    UNKNOWN_COMMAND = 1
    BAD_PAYLOAD = 2
    OTHER_VERSION = 3


class BadFrame(ValueError):
    """The bytes were damaged on the way or are not a frame."""


@dataclass(frozen=True, slots=True)
class Packet:
    sequence: int
    """The sequence number, 0 to 255; an answer has that of its command."""
    command: int
    payload: bytes = b""
    version: int = VERSION

    def encode(self) -> bytes:
        head = bytes((self.version, self.sequence, self.command)) + self.payload
        return _stuff(head + _crc(head).to_bytes(2)) + b"\0"

    @classmethod
    def decode(cls, frame: bytes) -> "Packet":
        """Returns the packet in a frame without its final zero. Raises BadFrame."""
        packet = _unstuff(frame)
        if len(packet) < 5 or _crc(packet) != 0:
            raise BadFrame("damaged, or not a frame")
        return cls(packet[1], packet[2], packet[3:-2], packet[0])


def _crc(data: bytes) -> int:
    """Returns the CRC-16/CCITT-FALSE. That of data followed by its own CRC is 0."""
    return crc_hqx(data, 0xFFFF)


def _stuff(data: bytes) -> bytes:
    """Replaces each zero by the distance to the next one. Packets must be under 254 bytes."""
    return b"".join(bytes((len(run) + 1,)) + run for run in data.split(b"\0"))


def _unstuff(data: bytes) -> bytes:
    """Raises BadFrame."""
    runs: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + data[at]
        if data[at] == 0 or end > len(data):
            raise BadFrame("damaged, or not a frame")
        runs.append(data[at + 1 : end])
        at = end
    return b"\0".join(runs)
