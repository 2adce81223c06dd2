"""A gate that the kiosk releases through a relay: `relay:/dev/ttyACM0?seconds=3`.

The kiosk only says how long. The converter ends the pulse by its own clock, so the gate is closed
again also when the kiosk has died meanwhile.
"""

import asyncio

from hardware.address import Address
from hardware.gate.converter import Command, Has, converter_at

PULSE_S = 3.0


class Relay:
    def __init__(self, address: Address) -> None:
        """Raises BadAddress."""
        address.known("baud", "seconds")
        self._seconds = address.number("seconds", PULSE_S, least=0.1, most=30)
        self._converter = converter_at(address, Has.RELAY)

    @property
    def name(self) -> str:
        return self._converter.name

    async def open(self) -> None:
        """See `Release.open`."""
        tenths = round(self._seconds * 10)
        await asyncio.to_thread(self._converter.ask, Command.PULSE, tenths.to_bytes(2))

    def close(self) -> None:
        self._converter.close()
