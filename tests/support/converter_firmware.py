"""A converter's firmware at the other end of a pseudo-terminal, as docs/integrations/door.md asks
for it."""

import threading

from hardware.gate.converter import Command, Has, Wires
from hardware.packets import ANSWER, VERSION, Packet, Status
from tests.support.firmware import Firmware


class ConverterFirmware(Firmware):
    """`cards` are the bits that it has sent on D0 and D1, and `pulses` the seconds for which its
    relay was told to be on. `shows` are the wires that the controller switches on for a card."""

    def __init__(self, has: Has = Has.WIEGAND | Has.RELAY) -> None:
        super().__init__(self._well)
        self.cards: list[str] = []
        self.pulses: list[float] = []
        self.shows = Wires(0)
        self._has = has
        self._lock = threading.Lock()
        self._on = self._came = Wires(0)
        self._last: tuple[int, int] | None = None
        self._said = b""

    def switch(self, wires: Wires) -> None:
        """Switches a controller's wires on, and all others off."""
        with self._lock:
            self._came |= wires & ~self._on
            self._on = wires

    def _well(self, packet: Packet) -> bytes:
        again = self._last == (packet.sequence, packet.command)
        if not again:
            self._last = (packet.sequence, packet.command)
            with self._lock:
                self._said = self._do(packet)
        return Packet(packet.sequence, packet.command | ANSWER, self._said).encode()

    def _do(self, packet: Packet) -> bytes:
        done = bytes((Status.DONE,))
        match packet:
            case Packet(version=version) if version != VERSION:
                return bytes((Status.OTHER_VERSION,))
            case Packet(command=Command.HELLO):
                return done + bytes((self._has,)) + b"test"
            case Packet(command=Command.CARD, payload=payload) if Has.WIEGAND in self._has:
                bits = "".join(f"{byte:08b}" for byte in payload[1:])
                self.cards.append(bits[: payload[0]])
                self._came = self.shows & ~self._on
                return done
            case Packet(command=Command.INPUTS):
                came, self._came = self._came, Wires(0)
                return done + bytes((self._on, came))
            case Packet(command=Command.PULSE, payload=payload) if Has.RELAY in self._has:
                self.pulses.append(int.from_bytes(payload) / 10)
                return done
            case _:
                return bytes((Status.UNKNOWN_COMMAND,))
