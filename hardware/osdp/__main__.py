"""The process of one OSDP reader: speaks with the controller through libosdp, and with the kiosk
through its standard input and output (`hardware.osdp.said`).

It ends when its input ends. It has one thread, since libosdp holds its lock while it calls back.
"""

import ctypes
import json
import os
import select
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import osdp_sys  # pyright: ignore[reportMissingModuleSource]

from hardware.osdp.frames import AGREED, CHALLENGED, REFUSED, Arriving, answer_in
from hardware.osdp.kept import Kept, Place, Unreadable
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
from hardware.serial_port import SPEEDS, be_prompt, open_port, set_speed
from protocol.encoding import from_base64
from protocol.memory import keep_from_disk
from protocol.sealed import SealedPath

REFRESH_S = 0.02
"""The longest pause between two refreshes of libosdp, which wants one at least every 50 ms."""
SILENCE_S = 1.0
"""A reader that was not polled for so long is offline; controllers poll several times a second.
libosdp itself waits for 8 s."""
HANDSHAKE_S = 0.5
"""After so long without an end a handshake has failed: the controller has found that the key is
another one, and says nothing."""
REOPEN_S = 0.5
"""The pause before a port that is gone is opened again."""

_COMMANDS = {
    osdp_sys.CMD_LED: "led",
    osdp_sys.CMD_BUZZER: "buzzer",
    osdp_sys.CMD_TEXT: "text",
    osdp_sys.CMD_OUTPUT: "output",
}
_TAKEN, _REFUSED = (0, None), (-1, None)

_CAPABILITIES = {
    # The function, the level of compliance and the number of items.
    osdp_sys.CAP_OUTPUT_CONTROL: (1, 1),
    osdp_sys.CAP_CARD_DATA_FORMAT: (1, 1),
    osdp_sys.CAP_READER_LED_CONTROL: (4, 1),
    osdp_sys.CAP_READER_AUDIBLE_OUTPUT: (2, 1),
    osdp_sys.CAP_READER_TEXT_OUTPUT: (1, 1),
    osdp_sys.CAP_CHECK_CHARACTER_SUPPORT: (1, 0),
    osdp_sys.CAP_COMMUNICATION_SECURITY: (1, 1),
    osdp_sys.CAP_READERS: (1, 1),
}


def say(said: Said) -> None:
    os.write(1, written(said))


class Port:
    """The channel that libosdp reads and writes, and what passing frames tell of the line."""

    def __init__(self, device: str, place: Place, capture: "Capture | None") -> None:
        """Raises OSError."""
        self.id = 0
        self.descriptor = open_port(device, place.baud)
        self.broken: OSError | None = None
        self.heard = self.answered = self.secured = -SILENCE_S
        """When something came, was answered, and was answered in the secure channel."""
        self.challenged: float | None = None
        """When the reader answered a challenge, None once the controller has agreed."""
        self.refusing: float | None = None
        """Since when nothing but refusals was answered, because there is no secure channel."""
        self.last_frame = b""
        """The last answer."""
        self._arriving = Arriving(place.address)
        self._frames: list[bytes] = []
        self._capture = capture

    def move(self, place: Place) -> None:
        """Raises termios.error."""
        set_speed(self.descriptor, place.baud)
        self._arriving.address = place.address

    def read(self, most: int) -> bytes:
        """Returns the next frame, or the first part of it."""
        if not self._frames:
            self._frames = self._arriving.take(self._come(), time.monotonic())
        if not self._frames:
            return b""
        frame = self._frames.pop(0)
        if len(frame) > most:
            self._frames.insert(0, frame[most:])
        return frame[:most]

    def _come(self) -> bytes:
        try:
            came = os.read(self.descriptor, 4096)
        except BlockingIOError:
            return b""
        except OSError as error:
            self.broken = error
            return b""
        if came:
            self.heard = time.monotonic()
            if self._capture is not None:
                self._capture.add("input", came)
        else:
            # A port without bytes to read says so by blocking: this one has been pulled out.
            self.broken = OSError("hung up")
        return came

    def write(self, frame: bytes) -> int:
        try:
            os.write(self.descriptor, frame)
        except OSError as error:
            self.broken = error
            return -1
        if self._capture is not None:
            self._capture.add("output", frame)
        again, self.last_frame = frame == self.last_frame, frame
        answer = answer_in(frame)
        # The same answer is to a frame that was said again, which anybody on the line can do.
        if answer is None or (answer.secured and again):
            return len(frame)
        now = self.answered = time.monotonic()
        if answer.secured:
            self.secured = now
        elif answer.kind == CHALLENGED:
            self.challenged = now
        elif answer.kind == AGREED:
            self.challenged, self.secured = None, now
        if answer.secured or answer.kind != REFUSED:
            self.refusing = None
        elif self.refusing is None:
            self.refusing = now
        return len(frame)

    def flush(self) -> None:
        """Keeps what has come: it may be the next frame already."""


class Capture:
    """Writes what passes in the form of `.osdpcap`, which tools of OSDP read: a line of JSON for
    each piece, as it was on the wire."""

    def __init__(self, folder: Path, device: str) -> None:
        """Raises OSError."""
        self._full = False
        name = f"{Path(device).name}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.osdpcap"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / name
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def add(self, direction: str, data: bytes) -> None:
        seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
        line = {
            "timeSec": str(seconds),
            "timeNano": f"{nanoseconds:09}",
            "io": direction,
            "data": data.hex(" "),
            "osdpTraceVersion": "1",
            "osdpSource": "palm-kiosk",
        }
        try:
            if not self._full:
                os.write(self._file, json.dumps(line).encode() + b"\n")
        except OSError:
            self._full = True


_LET_GO: list[Any] = []
"""All devices of libosdp that there were: its binding frees them twice. There are few."""


class Reader:
    """A reader on an open port."""

    def __init__(self, line: Line, kept: Kept, port: Port, local: Local) -> None:
        self._file = kept_file(line)
        self._kept = kept
        self._port = port
        self._local = local
        self._secure = False
        self._waiting: Present | None = None
        """The credential that libosdp holds for the next poll."""
        self._with_credential = b""
        """The last answer that had a credential."""
        self._wrong_key = False
        self._takes_plain = False
        """Whether the device of libosdp is still the one of install mode, which answers polls in
        plain text: a controller goes on counting with it after it has set its key."""
        self._owes_local = False
        self._said = Standing.SILENT
        say(State(self._said))
        self._device = self._build()

    def turn(self) -> None:
        """Lets libosdp work on what has come, and looks at how the line stands. Raises OSError when
        the port is broken."""
        self._device.refresh()
        if self._port.broken is not None:
            self.withdraw()
            raise self._port.broken
        self._judge()
        if self._owes_local and self._secure:
            self._owes_local = False
            self._submit_local()

    def present(self, asked: Present) -> None:
        """Gives libosdp a credential for the next poll, unless the line is not secure."""
        self._judge()
        if not self._secure or self._waiting is not None or time.monotonic() > asked.until:
            say(Dropped(asked.number))
            return
        bits = asked.bits + "0" * (-len(asked.bits) % 8)
        form = osdp_sys.CARD_FMT_RAW_UNSPECIFIED if asked.raw else osdp_sys.CARD_FMT_RAW_WIEGAND
        event = {
            "event": osdp_sys.EVENT_CARDREAD,
            "reader_no": 0,
            "direction": 0,
            "format": form,
            "length": len(asked.bits),
            "data": int(bits, 2).to_bytes(len(bits) // 8),
        }
        self._waiting = asked
        if not self._device.submit_event(event):
            self.withdraw()

    def withdraw(self) -> None:
        """Takes back what was not sent."""
        self._device.flush_events()
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            say(Dropped(waiting.number))

    def tell(self, local: Local) -> None:
        self._local = local
        if self._secure:
            self._submit_local()

    def _submit_local(self) -> None:
        report = bytes((self._local.tampered, self._local.power_failing))
        self._device.submit_event(
            {
                "event": osdp_sys.EVENT_STATUS,
                "type": osdp_sys.STATUS_REPORT_LOCAL,
                "report": report,
            }
        )

    def _judge(self) -> None:
        now = time.monotonic()
        polled = now - self._port.secured < SILENCE_S
        secure = self._kept.key is not None and polled and self._device.is_sc_active()
        was, self._secure = self._secure, secure
        if secure and not was:
            self._prove()
        self._watch_handshake(now)
        standing = self._standing(now)
        if standing != self._said:
            self._said = standing
            say(State(standing))
        # After that, so that what is dropped was dropped for what was said.
        if secure and not was:
            self._submit_local()
        elif was and not secure:
            self._end()
        if self._waiting is not None and now > self._waiting.until:
            self.withdraw()

    def _prove(self) -> None:
        """The controller has shown that it has the key."""
        self._wrong_key = False
        if self._kept.before is not None:
            self._kept = self._kept.proved()
            # A full disk is no fault of the line: both keys stay there, until the next start.
            with suppress(OSError):
                self._kept.write(self._file)

    def _end(self) -> None:
        self.withdraw()
        if self._takes_plain or self._port.last_frame == self._with_credential:
            # A controller that did not hear it asks for the same answer again. Another device has
            # neither that answer nor a channel to ask in.
            self._device = self._build()

    def _watch_handshake(self, now: float) -> None:
        challenged = self._port.challenged
        if challenged is None or now - challenged < HANDSHAKE_S:
            return
        self._port.challenged = None
        self._wrong_key = True
        if self._kept.before is not None:
            self._kept = self._kept.turned_back()
            self._device = self._build()

    def _standing(self, now: float) -> Standing:
        port = self._port
        if self._secure:
            return Standing.SECURE
        if self._kept.key is None:
            return Standing.INSTALLING
        if self._wrong_key:
            return Standing.WRONG_KEY
        if now - port.answered < SILENCE_S:
            plain = port.refusing is not None and now - port.refusing > SILENCE_S
            return Standing.PLAIN if plain else Standing.CONNECTING
        return Standing.UNREAD if now - port.heard < SILENCE_S else Standing.SILENT

    def _build(self) -> Any:
        """Returns a device of libosdp with what is kept, which begins with an empty queue and
        without a channel."""
        kept = self._kept
        secure = kept.key is not None
        self._takes_plain = not secure
        info = {
            "name": "palm kiosk",
            "address": kept.moved_to.address,
            "baud_rate": kept.moved_to.baud,
            "flags": osdp_sys.FLAG_ENFORCE_SECURE if secure else osdp_sys.FLAG_INSTALL_MODE,
            "channel": self._port,
            "version": 1,
            "model": 1,
            # Ours is no vendor with an identifier of the IEEE: locally administered.
            "vendor_code": 0x02504B,
            "serial_number": 1,
            "firmware_version": 0x000100,
            "scbk": kept.key,
        }
        capabilities = [
            {"function_code": function, "compliance_level": level, "num_items": items}
            for function, (level, items) in _CAPABILITIES.items()
        ]
        device = osdp_sys.PeripheralDevice(info, capabilities=capabilities)
        device.set_command_callback(self._command)
        device.set_event_completion_callback(self._completed)
        _LET_GO.append(device)
        return device

    # libosdp calls these within `turn`.

    def _completed(self, event: dict[str, Any], status: int) -> None:
        if event["event"] != osdp_sys.EVENT_CARDREAD or self._waiting is None:
            return
        if status == osdp_sys.COMPLETION_OK:
            self._with_credential = self._port.last_frame
            waiting, self._waiting = self._waiting, None
            say(Sent(waiting.number))

    def _command(self, parts: dict[str, Any]) -> tuple[int, None]:
        # The binding of 3.2.9 gives back one reference to the second part too many, for each
        # command: after some thousand there would be no None any more.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(None))
        try:
            return self._answer(parts)
        except Exception as error:
            # It would pass through C code, which cannot take it.
            print(f"a command failed: {type(error).__name__}", file=sys.stderr)  # noqa: T201
            return _REFUSED

    def _answer(self, parts: dict[str, Any]) -> tuple[int, None]:
        if self._kept.key is not None and not self._device.is_sc_active():
            return _REFUSED
        match parts.pop("command"):
            case osdp_sys.CMD_KEYSET:
                return self._take_key(parts["data"])
            case osdp_sys.CMD_COMSET:
                return _TAKEN if parts["baud_rate"] in SPEEDS else _REFUSED
            case osdp_sys.CMD_COMSET_DONE:
                self._move(Place(parts["address"], parts["baud_rate"]))
            case kind if kind in _COMMANDS:
                say(Command(_COMMANDS[kind], parts))
            case osdp_sys.CMD_STATUS:
                # libosdp answers that all is well. What is not follows with the next poll.
                self._owes_local = self._local.tampered or self._local.power_failing
            case _:
                return _REFUSED
        return _TAKEN

    def _take_key(self, key: bytes) -> tuple[int, None]:
        """Keeps a key before the controller hears that it was taken."""
        kept = self._kept.with_key(key)
        kept.write(self._file)
        self._kept = kept
        return _TAKEN

    def _move(self, place: Place) -> None:
        """The controller has been answered already, and waits at the new place."""
        self._kept = replace(self._kept, moved_to=place)
        self._port.move(place)
        self._kept.write(self._file)


def kept_file(line: Line) -> SealedPath:
    return SealedPath(Path(line.kept), from_base64(line.key))


def serve(line: Line) -> None:
    """Serves a line until the input ends. Raises OSError."""
    place, file = Place(line.address, line.baud), kept_file(line)
    try:
        kept = Kept.read(file, place)
    except Unreadable:
        say(State(Standing.BAD_FILE))
        wait_for_the_end()
        return
    except OSError as error:
        say(State(Standing.BAD_FILE, error.strerror or str(error)))
        wait_for_the_end()
        return
    if kept.key is None and not line.install:
        say(State(Standing.NO_KEY))
        wait_for_the_end()
        return
    capture = None if line.capture is None else Capture(Path(line.capture), line.device)
    orders = Orders()
    while not orders.ended:
        port: Port | None = None
        try:
            kept = Kept.read(file, place)
            port = Port(line.device, kept.moved_to, capture)
            reader = Reader(line, kept, port, orders.local)
            while not orders.ended:
                select.select([port.descriptor, 0], [], [], REFRESH_S)
                orders.follow(reader)
                reader.turn()
        except OSError as error:
            say(State(Standing.NO_PORT, error.strerror or str(error)))
            if port is not None:
                os.close(port.descriptor)
            orders.wait(REOPEN_S)


class Orders:
    """What the kiosk says."""

    def __init__(self) -> None:
        self.ended = False
        self.local = Local(tampered=False, power_failing=False)
        self._unread = b""
        os.set_blocking(0, False)

    def follow(self, reader: Reader) -> None:
        for said in self._new():
            match said:
                case Present():
                    reader.present(said)
                case Withdraw():
                    reader.withdraw()
                case Local():
                    reader.tell(said)
                case _:
                    pass

    def wait(self, seconds: float) -> None:
        """Waits while no line is open: nothing is presented."""
        select.select([0], [], [], seconds)
        for said in self._new():
            if isinstance(said, Present):
                say(Dropped(said.number))

    def _new(self) -> list[Said]:
        try:
            came = os.read(0, 65536)
        except BlockingIOError:
            return []
        self.ended = not came
        *lines, self._unread = (self._unread + came).split(b"\n")
        said = [read(line) for line in lines]
        self.local = next((each for each in reversed(said) if isinstance(each, Local)), self.local)
        return said


def wait_for_the_end() -> None:
    orders = Orders()
    while not orders.ended:
        orders.wait(3600)


def main() -> None:
    first = sys.stdin.buffer.raw.readline()  # pyright: ignore[reportAttributeAccessIssue]
    line = read(first)
    if not isinstance(line, Line):
        raise TypeError("the first message names the line")
    osdp_sys.set_loglevel(osdp_sys.LOG_CRIT)
    keep_from_disk()
    be_prompt()
    serve(line)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    # Without the end of libosdp's devices, which its binding frees twice.
    os._exit(0)
