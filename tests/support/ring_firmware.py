"""A small light ring firmware at the other end of a pseudo-terminal."""

from hardware.light.serial import Command
from hardware.packets import ANSWER, VERSION, Packet, Status
from tests.support.firmware import Firmware

SEGMENTS = 8
LATENCY_MS = 3


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


class RingFirmware(Firmware):
    def __init__(self) -> None:
        super().__init__(well)

    @property
    def shown(self) -> list[bytes]:
        return [packet.payload for packet in self.received if packet.command == Command.SHOW]
