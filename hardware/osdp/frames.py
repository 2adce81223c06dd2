"""The part of OSDP's frames that the reader has to know besides libosdp (IEC 60839-11-5).

libosdp does not tell when the controller last spoke in the secure channel, and that is what decides
whether a credential may be sent. It loses a frame that comes closely behind one of another reader,
and ends the secure channel for a damaged one. So it gets whole frames for this reader only.
"""

from binascii import crc_hqx
from dataclasses import dataclass

_MARK, _START = 0xFF, 0x53
_HAS_CRC, _HAS_SECURITY_BLOCK = 0x04, 0x08
_EVERYBODY = 0x7F
_SHORTEST, _LONGEST = 7, 1440
_TORN_AFTER_S = 0.1
"""A frame whose rest does not come for so long is none: at 9,600 baud a byte takes 1 ms."""
_FIRST_SECURED = 0x15
"""SCS_15 to SCS_18 are inside the channel, SCS_11 to SCS_14 its handshake."""

REFUSED = 0x41
"""osdp_NAK."""
CHALLENGED = 0x76
"""osdp_CCRYPT: the reader has answered a challenge."""
AGREED = 0x78
"""osdp_RMAC_I: the controller has shown that it has the key."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of this reader: it means that a frame for it was just received."""

    kind: int
    secured: bool


def answer_in(frame: bytes) -> Answer | None:
    """Returns what a frame answers, None when it is not one."""
    if frame[:1] == bytes((_MARK,)):
        frame = frame[1:]
    if len(frame) < 8 or frame[0] != _START:
        return None
    if not frame[4] & _HAS_SECURITY_BLOCK:
        return Answer(frame[5], secured=False)
    end_of_block = 5 + frame[5]
    if frame[5] < 2 or len(frame) <= end_of_block:
        return None
    return Answer(frame[end_of_block], secured=frame[6] >= _FIRST_SECURED)


class Arriving:
    """Finds in what comes the frames for a reader."""

    def __init__(self, address: int) -> None:
        self.address = address
        self._unread = b""
        self._since = 0.0

    def take(self, came: bytes, now: float) -> list[bytes]:
        """Returns the frames for this reader that are whole now."""
        if not came and now - self._since > _TORN_AFTER_S:
            self._unread = self._unread[1:]
        if came:
            self._since = now
        self._unread += came
        found: list[bytes] = []
        while (start := self._unread.find(_START)) >= 0:
            self._unread = self._unread[start:]
            if len(self._unread) < 5:
                return found
            length = int.from_bytes(self._unread[2:4], "little")
            if not _SHORTEST <= length <= _LONGEST:
                self._unread = self._unread[1:]
                continue
            if len(self._unread) < length:
                return found
            frame = self._unread[:length]
            whole = is_whole(frame)
            self._unread = self._unread[length if whole else 1 :]
            if whole and frame[1] in (self.address, _EVERYBODY):
                found.append(frame)
        self._unread = b""
        return found


def is_whole(frame: bytes) -> bool:
    """Returns whether the check at the end of a frame holds: a CRC-16 with the initial value
    0x1D0F, or a sum."""
    if frame[4] & _HAS_CRC:
        return crc_hqx(frame[:-2], 0x1D0F) == int.from_bytes(frame[-2:], "little")
    return sum(frame) & 0xFF == 0
