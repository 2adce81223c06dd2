"""Light rings on a serial line: `serial:/dev/ttyACM0?baud=115200`. The protocol and what the
firmware of a ring has to do are in docs/light-ring.md."""

from enum import IntEnum

from hardware.address import Address
from hardware.asked import AskedDevice
from hardware.faults import PermanentFault
from hardware.serial_port import baud_of
from protocol.ring import SEGMENTS, Levels

ANSWER_S = 0.05
"""The timeout for an answer in seconds; at 115,200 baud command and answer take 4 ms."""


class Command(IntEnum):
    """A command to the ring's firmware. Each sets a state, so it may be repeated."""

    HELLO = 0x01
    SHOW = 0x02
    OFF = 0x03


class SerialLight:
    """A ring that is opened with the first command, and again after every fault."""

    def __init__(self, address: Address) -> None:
        """Raises BadAddress."""
        address.known("baud")
        if not address.rest.startswith("/dev/"):
            raise address.wrong("names no device", "Write serial:/dev/ttyACM0.")
        self._ring = AskedDevice(
            address.rest,
            baud_of(address, 115200),
            called="light ring",
            answer_s=ANSWER_S,
            hello=Command.HELLO,
            greeted=self._greeted,
        )
        self._latency = 0.0

    @property
    def name(self) -> str:
        return self._ring.name

    @property
    def latency(self) -> float:
        """The latency that the ring told, 0 before the first command."""
        return self._latency

    def show(self, levels: Levels) -> None:
        """See `Light.show`."""
        self._ring.ask(Command.SHOW, bytes(level for segment in levels for level in segment))

    def off(self) -> None:
        """See `Light.off`."""
        self._ring.ask(Command.OFF)

    def close(self) -> None:
        self._ring.close()

    def _greeted(self, said: bytes) -> None:
        """Raises PermanentFault."""
        if len(said) < 3 or said[0] != SEGMENTS:
            raise PermanentFault(
                f"The ring at {self.name} does not have {SEGMENTS} segments.",
                "Set its firmware up for this ring (docs/light-ring.md).",
            )
        self._latency = int.from_bytes(said[1:3]) / 1000
