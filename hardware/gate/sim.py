"""A simulated controller and a simulated release: `sim:` grants, `sim:?answers=denied` denies, and
`sim:release` is opened by the kiosk."""

import asyncio
import threading
from typing import NoReturn

from hardware.address import Address
from hardware.faults import DeviceFault, TemporaryFault
from hardware.gate.cues import Color, Cue, Lamp, LineStands
from hardware.gate.gate import Heard, Verdict
from protocol.credential import Credential

SHOWN_S = 3.0
"""How long a simulated controller lights the reader, in seconds."""
_COLORS = {Verdict.GRANTED: Color.GREEN, Verdict.DENIED: Color.RED}


class SimulatedController:
    """All but `run` and `present` may be called from any thread."""

    def __init__(self, address: Address) -> None:
        """Raises BadAddress."""
        options = address.known("answers", "after")
        try:
            self._answers = Verdict(options.get("answers", Verdict.GRANTED))
        except ValueError:
            raise address.wrong(
                f"cannot have answers={options['answers']}", f"Use {', '.join(Verdict)}."
            ) from None
        self._after_s = address.number("after", 0.1, least=0, most=60)
        self._lock = threading.Lock()
        self._credentials: list[Credential] = []
        self._tampered = False
        self._fault: DeviceFault | None = None
        self._next_fault: DeviceFault | None = None
        self._lost: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._heard: tuple[asyncio.AbstractEventLoop, Heard] | None = None

    @property
    def name(self) -> str:
        return "simulated controller"

    @property
    def fault(self) -> DeviceFault | None:
        """See `Controller.fault`."""
        with self._lock:
            return self._fault

    @property
    def credentials(self) -> list[Credential]:
        """What was presented so far."""
        with self._lock:
            return list(self._credentials)

    @property
    def is_told_of_tampering(self) -> bool:
        with self._lock:
            return self._tampered

    async def run(self, heard: Heard) -> NoReturn:
        """See `Controller.run`."""
        with self._lock:
            self._heard = (asyncio.get_running_loop(), heard)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            with self._lock:
                self._heard = None
        raise AssertionError("a line is kept until that is cancelled")

    async def present(self, credential: Credential) -> Verdict:
        """See `Controller.present`."""
        lost = asyncio.Event()
        with self._lock:
            fault, self._next_fault = self._next_fault or self._fault, None
            if fault is not None:
                raise fault
            self._credentials.append(credential)
            self._lost = (asyncio.get_running_loop(), lost)
        try:
            async with asyncio.timeout(self._after_s):
                await lost.wait()
        except TimeoutError:
            return self._answer()
        finally:
            with self._lock:
                self._lost = None
        return Verdict.NONE

    def tell_tampering(self, tampered: bool) -> None:
        """See `Controller.tell_tampering`."""
        with self._lock:
            self._tampered = tampered

    def answer(self, verdict: Verdict) -> None:
        """Answers each credential from now on, by silence with `Verdict.NONE`."""
        with self._lock:
            self._answers = verdict

    def cue(self, cue: Cue) -> None:
        """Has the reader show or sound something."""
        with self._lock:
            if self._heard is not None:
                loop, heard = self._heard
                loop.call_soon_threadsafe(heard, cue)

    def fail_next(self, fault: DeviceFault) -> None:
        """Makes the next presentation end with `fault`."""
        with self._lock:
            self._next_fault = fault

    def cut(self) -> None:
        """Loses the line."""
        with self._lock:
            self._fault = TemporaryFault(
                "The simulated controller is not heard.", "Mend its line in the dock."
            )
            if self._lost is not None:
                loop, lost = self._lost
                loop.call_soon_threadsafe(lost.set)
            fault = self._fault
        self.cue(LineStands(fault))

    def mend(self) -> None:
        with self._lock:
            self._fault = None
        self.cue(LineStands(None))

    def _answer(self) -> Verdict:
        with self._lock:
            verdict = self._answers
        if verdict in _COLORS:
            self.cue(Lamp(_COLORS[verdict], Color.NONE, SHOWN_S, 0, SHOWN_S))
        return verdict


class SimulatedRelease:
    """All but `open` may be called from any thread."""

    name = "simulated release"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times = 0
        self._fault: DeviceFault | None = None
        self._next_fault: DeviceFault | None = None

    @property
    def times(self) -> int:
        """How often it was opened."""
        with self._lock:
            return self._times

    async def open(self) -> None:
        """See `Release.open`."""
        with self._lock:
            fault, self._next_fault = self._next_fault or self._fault, None
            if fault is not None:
                raise fault
            self._times += 1

    def fail_next(self, fault: DeviceFault) -> None:
        """Makes the next opening end with `fault`."""
        with self._lock:
            self._next_fault = fault

    def unplug(self) -> None:
        with self._lock:
            self._fault = TemporaryFault(
                "The simulated release is unplugged.", "Plug it in in the dock."
            )

    def plug_in(self) -> None:
        with self._lock:
            self._fault = None
