"""The kiosk as a reader on a controller's OSDP line: `osdp:/dev/ttyUSB0?address=0&baud=9600`.

The line is kept by a process of its own (`hardware.osdp`), which may die and is started again.
"""

import asyncio
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from typing import Any, NoReturn, TypeGuard

from hardware.address import Address
from hardware.faults import DeviceFault, PermanentFault, TemporaryFault
from hardware.gate.cues import Buzzer, Color, Cue, Lamp, LampAsBefore, LineStands, Output, Words
from hardware.gate.gate import Heard, Verdict
from hardware.osdp.said import (
    Command,
    Dropped,
    Line,
    Local,
    Present,
    Said,
    Sent,
    Standing,
    State,
    Withdraw,
    read,
    written,
)
from hardware.serial_port import baud_of
from protocol.backoff import pause_after
from protocol.credential import Credential
from protocol.encoding import to_base64
from protocol.sealed import SealedPath

KEPT = "door-reader.json"
"""The file in the kiosk's state folder. A kiosk has one gate, and its adapter may get another name
when it is plugged in elsewhere."""
ANSWER_S = 2.0
"""Seconds in which a controller shows a light, unless the address says otherwise."""
SENT_WITHIN_S = 1.0
"""Seconds in which a controller polls a reader that it has not lost."""
DEAD_AFTER_S = 2.0
"""Seconds after which a process that has neither sent nor dropped a credential is killed."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 10.0
"""The pauses before the process is started again."""

_COLORS = list(Color)  # In the order of the standard's codes.
_VERDICTS = {Color.GREEN: Verdict.GRANTED, Color.RED: Verdict.DENIED}


class OsdpReader:
    def __init__(self, address: Address, state: SealedPath) -> None:
        """Keeps its base key in the folder `state`. Raises BadAddress."""
        options = address.known("address", "baud", "install", "answer", "capture")
        if not address.rest.startswith("/"):
            raise address.wrong("names no device", "Write osdp:/dev/ttyUSB0.")
        at = int(address.number("address", 0, least=0, most=126))
        self._answer_s = address.number("answer", ANSWER_S, least=0.1, most=30)
        kept = state / KEPT
        self._line = Line(
            device=address.rest,
            address=at,
            baud=baud_of(address, 9600),
            install=address.flag("install", default=False),
            kept=str(kept.path),
            key=to_base64(kept.key),
            capture=options.get("capture"),
        )
        self._state = State(Standing.CONNECTING)
        self._heard: Heard = _nobody
        self._process: Process | None = None
        self._local = Local(tampered=False, power_failing=False)
        self._one_at_a_time = asyncio.Lock()
        self._number = 0
        self._sent: asyncio.Future[None] | None = None
        """Whether the credential of the presentation under way was sent; it has a DeviceFault when
        it was dropped."""
        self._verdict: asyncio.Future[Verdict] | None = None
        """What the controller shows since then."""

    @property
    def name(self) -> str:
        return self._line.device

    @property
    def fault(self) -> DeviceFault | None:
        """See `Controller.fault`."""
        return fault_of(self._state, self._line)

    @property
    def process_id(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def run(self, heard: Heard) -> NoReturn:
        """See `Controller.run`."""
        self._heard = heard
        failures = 0
        while True:
            failures = 0 if await self._live() else failures + 1
            await asyncio.sleep(pause_after(failures, FIRST_PAUSE_S, LONGEST_PAUSE_S))

    async def present(self, credential: Credential) -> Verdict:
        """See `Controller.present`."""
        async with self._one_at_a_time:
            if self.fault is not None:
                raise self.fault
            loop = asyncio.get_running_loop()
            self._number += 1
            sent = self._sent = loop.create_future()
            verdict = self._verdict = loop.create_future()
            try:
                self._tell(
                    Present(
                        number=self._number,
                        bits=credential.bits(),
                        raw=credential.format.startswith("raw"),
                        until=time.monotonic() + SENT_WITHIN_S,
                    )
                )
                await self._was_sent(sent)
                await asyncio.wait({verdict}, timeout=self._answer_s)
                return verdict.result() if verdict.done() else Verdict.NONE
            finally:
                if not sent.done():
                    self._tell(Withdraw())
                self._sent = self._verdict = None

    def tell_tampering(self, tampered: bool) -> None:
        """See `Controller.tell_tampering`."""
        self._local = Local(tampered=tampered, power_failing=False)
        self._tell(self._local)

    async def _was_sent(self, sent: asyncio.Future[None]) -> None:
        """Raises DeviceFault when it was not."""
        done, _ = await asyncio.wait({sent}, timeout=DEAD_AFTER_S)
        if not done:
            # It has the credential and does not move: it must not send it when it moves again.
            self._kill()
            self._become(State(Standing.NO_PORT, "its process does not answer"))
        await sent

    async def _live(self) -> bool:
        """Runs the process until it ends. Returns whether it has told how the line stands."""
        process = self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "hardware.osdp",
            # It ends when this pipe closes, so it ends also when the kiosk is killed.
            stdin=PIPE,
            stdout=PIPE,
            # Ctrl-C in the terminal is for the kiosk alone.
            process_group=0,
        )
        assert process.stdout
        spoke = False
        try:
            self._tell(self._line)
            self._tell(self._local)
            while line := await process.stdout.readline():
                spoke = True
                self._take(read(line))
        finally:
            self._kill()
            self._process = None
            self._become(State(Standing.NO_PORT, "its process has ended"))
            await process.wait()
        return spoke

    def _tell(self, said: Said) -> None:
        process = self._process
        if process is not None and process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(written(said))

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    def _take(self, said: Said) -> None:
        match said:
            case State():
                self._become(said)
            case Sent(number) if number == self._number and _is_open(self._sent):
                self._sent.set_result(None)
            case Dropped(number) if number == self._number and _is_open(self._sent):
                self._sent.set_exception(self._dropped())
            case Command():
                cue = cue_of(said)
                if cue is not None:
                    self._judge(cue)
                    self._heard(cue)
            case _:
                pass

    def _dropped(self) -> DeviceFault:
        """Returns why a credential was dropped."""
        return self.fault or TemporaryFault(
            f"The controller did not fetch a credential on {self._line.device} in time.",
            "Try again; the secure channel may have been set up anew.",
        )

    def _judge(self, cue: Cue) -> None:
        """Takes the first green or red after the credential for the controller's verdict."""
        if self._sent is None or not self._sent.done() or not _is_open(self._verdict):
            return
        if isinstance(cue, Lamp) and cue.tells in _VERDICTS:
            self._verdict.set_result(_VERDICTS[cue.tells])

    def _become(self, state: State) -> None:
        if state == self._state:
            return
        self._state = state
        fault = self.fault
        self._heard(LineStands(fault))
        if fault is None:
            return
        if _is_open(self._sent):
            self._sent.set_exception(fault)
        elif _is_open(self._verdict):
            self._verdict.set_result(Verdict.NONE)


def _nobody(cue: Cue) -> None:
    """Before the line is kept, nobody hears of it."""


_LASTING = {Standing.NO_KEY, Standing.BAD_FILE}


def fault_of(state: State, line: Line) -> DeviceFault | None:
    """Returns what an operator is told of how a line stands, None while it is secure."""
    at = f"the reader's line {line.device}"
    told = {
        Standing.CONNECTING: (
            f"The secure channel is being set up on {at}.",
            "Wait a second.",
        ),
        Standing.SILENT: (
            f"The controller is not heard on {at}.",
            "Check its cable, A and B, and the controller; the line recovers by itself.",
        ),
        Standing.UNREAD: (
            f"On {at} nothing is for this reader, number {line.address} at {line.baud} baud.",
            "Give it the address and the rate that the controller has for it, and check A and B.",
        ),
        Standing.PLAIN: (
            f"The controller speaks in plain text on {at}, which is refused.",
            "Turn the secure channel on for this reader at the controller.",
        ),
        Standing.WRONG_KEY: (
            f"The controller has another key than this kiosk for {at}.",
            f"Remove {line.kept} and set the key anew in install mode (docs/integrations/door.md).",
        ),
        Standing.INSTALLING: (
            f"No key was set yet on {at}, so nobody's credential is sent.",
            "Have the controller set its key; install mode then ends by itself.",
        ),
        Standing.NO_KEY: (
            f"This kiosk has no key for {at}.",
            "Add install=1 to its address, and have the controller set its key "
            "(docs/integrations/door.md).",
        ),
        Standing.BAD_FILE: (
            f"The key for {at} cannot be read: {state.why or 'it is damaged'}.",
            f"Remove {line.kept} and set the key anew in install mode.",
        ),
        Standing.NO_PORT: (
            f"There is no reader's line at {line.device}: {state.why}.",
            "Plug its adapter in; it is found by itself.",
        ),
    }
    if state.standing not in told:
        return None
    kind = PermanentFault if state.standing in _LASTING else TemporaryFault
    return kind(*told[state.standing])


def _is_open(future: asyncio.Future[Any] | None) -> TypeGuard[asyncio.Future[Any]]:
    return future is not None and not future.done()


def cue_of(command: Command) -> Cue | None:
    """Returns what a command of the controller means to the kiosk, None for nothing."""
    parts = command.parts
    match command.kind:
        case "led" if parts["control_code"] > 0:
            cue = _lamp(parts)
        case "buzzer":
            cue = Buzzer(
                tone=parts["control_code"] >= 2,
                on_s=parts["on_count"] / 10,
                off_s=parts["off_count"] / 10,
                times=parts["rep_count"],
            )
        case "text":
            lasts_s = parts["temp_time"] if parts["control_code"] in (3, 4) else None
            cue = Words(parts["data"], parts["offset_row"], parts["offset_col"], lasts_s)
        case "output" if parts["control_code"] > 0:
            code = parts["control_code"]
            lasts_s = parts["timer_count"] / 10 if code in (5, 6) else None
            cue = Output(on=code in (2, 4, 5), lasts_s=lasts_s)
        case _:
            cue = None
    return cue


def _lamp(parts: Mapping[str, Any]) -> Lamp | LampAsBefore:
    if parts["temporary"] and parts["control_code"] == 1:
        return LampAsBefore()
    return Lamp(
        color=_color(parts["on_color"]),
        between=_color(parts["off_color"]),
        on_s=parts["on_count"] / 10,
        off_s=parts["off_count"] / 10,
        lasts_s=parts["timer_count"] / 10 if parts["temporary"] else None,
    )


def _color(code: int) -> Color:
    return _COLORS[code] if code < len(_COLORS) else Color.NONE
