"""The part of OSDP's frames that tells how a line stands (IEC 60839-11-5).

libosdp reads and writes whole frames. It does not tell when the controller last spoke in the secure
channel, and that is what decides whether a credential may be sent.
"""

from dataclasses import dataclass

_MARK, _START = 0xFF, 0x53
_HAS_SECURITY_BLOCK = 0x08
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
