"""The kiosk as a card reader on a controller's Wiegand wires, through a converter:
`wiegand:/dev/ttyACM0`.

Wiegand is neither encrypted nor supervised: whoever reaches the two wires reads and sends any card.
The kiosk supervises the converter only.
"""

import asyncio
from typing import NoReturn

from hardware.address import Address
from hardware.faults import DeviceFault, TemporaryFault
from hardware.gate.converter import Command, Has, Wires, converter_at
from hardware.gate.cues import Buzzer, Color, Lamp, LineStands
from hardware.gate.gate import Heard, Verdict
from protocol.credential import Credential

ANSWER_S = 2.0
"""Seconds in which a controller shows a lamp, unless the address says otherwise."""
LOOKS_S = 0.1
"""The pause between two looks at the controller's wires, in seconds."""

_LAMPS = {Wires.GREEN: Color.GREEN, Wires.RED: Color.RED}
_VERDICTS = {Wires.GREEN: Verdict.GRANTED, Wires.RED: Verdict.DENIED}


class WiegandReader:
    def __init__(self, address: Address) -> None:
        """Raises BadAddress."""
        address.known("baud", "answer")
        self._answer_s = address.number("answer", ANSWER_S, least=0.1, most=30)
        self._converter = converter_at(address, Has.WIEGAND)
        self._fault: DeviceFault | None = TemporaryFault(
            f"The converter at {self.name} was not heard yet.", "Wait a second."
        )
        self._wires = Wires(0)
        self._one_at_a_time = asyncio.Lock()
        self._asking = asyncio.Lock()
        """What is heard before a card is handled before it, and no verdict on it."""
        self._verdict: asyncio.Future[Verdict] | None = None

    @property
    def name(self) -> str:
        return self._converter.name

    @property
    def fault(self) -> DeviceFault | None:
        """See `Controller.fault`."""
        return self._fault

    async def run(self, heard: Heard) -> NoReturn:
        """See `Controller.run`."""
        while True:
            async with self._asking:
                try:
                    said = await asyncio.to_thread(self._converter.ask, Command.INPUTS)
                except DeviceFault as fault:
                    self._stand(fault, heard)
                else:
                    self._stand(None, heard)
                    self._take(said, heard)
            await asyncio.sleep(LOOKS_S)

    async def present(self, credential: Credential) -> Verdict:
        """See `Controller.present`."""
        async with self._one_at_a_time:
            if self._fault is not None:
                raise self._fault
            bits = credential.bits()
            packed = int(bits + "0" * (-len(bits) % 8), 2).to_bytes((len(bits) + 7) // 8)
            verdict = asyncio.get_running_loop().create_future()
            async with self._asking:
                await asyncio.to_thread(
                    self._converter.ask, Command.CARD, bytes((len(bits),)) + packed
                )
                self._verdict = verdict
            try:
                await asyncio.wait({verdict}, timeout=self._answer_s)
                return verdict.result() if verdict.done() else Verdict.NONE
            finally:
                self._verdict = None

    def tell_tampering(self, tampered: bool) -> None:
        """See `Controller.tell_tampering`: Wiegand carries no such thing."""

    def close(self) -> None:
        self._converter.close()

    def _stand(self, fault: DeviceFault | None, heard: Heard) -> None:
        before, self._fault = self._fault, fault
        if fault is not None:
            self._decide(Verdict.NONE)
        if str(before) != str(fault):
            heard(LineStands(fault))

    def _take(self, said: bytes, heard: Heard) -> None:
        """Takes which wires are on, and which came on since they were last told."""
        on, came = Wires(said[0]), Wires(said[1])
        for wire, color in _LAMPS.items():
            if wire in came:
                self._decide(_VERDICTS[wire])
                heard(Lamp(color, Color.NONE, 1, 0, None))
            elif wire in self._wires and wire not in on:
                heard(Lamp(Color.NONE, Color.NONE, 1, 0, None))
        if Wires.BUZZER in came:
            heard(Buzzer(tone=True, on_s=0.1, off_s=0, times=1))
        self._wires = on

    def _decide(self, verdict: Verdict) -> None:
        if self._verdict is not None and not self._verdict.done():
            self._verdict.set_result(verdict)
