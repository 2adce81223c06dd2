"""A control panel of libosdp on a serial port: it polls its readers, and tells what it hears."""

import contextlib
import os
import termios
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import osdp_sys

from hardware.serial_port import set_speed
from protocol.credential import Credential, CredentialFormat

COLORS = {
    "green": osdp_sys.LED_COLOR_GREEN,
    "red": osdp_sys.LED_COLOR_RED,
    "amber": osdp_sys.LED_COLOR_AMBER,
}
AWAY_S = 1.0
"""After so long without a reader it is looked for anew: libosdp would wait for five minutes."""

Says = Callable[[str], None]
KeepsKey = Callable[[bytes], None]


class _Wire:
    """The channel of libosdp. While it is cut nothing passes."""

    def __init__(self, port: int) -> None:
        self.id = 0
        self.is_cut = False
        self._port = port

    def read(self, most: int) -> bytes:
        # A reader that is not there is silence, as on a real line.
        with contextlib.suppress(OSError):
            came = os.read(self._port, most)
            return b"" if self.is_cut else came
        return b""

    def write(self, frame: bytes) -> int:
        if not self.is_cut:
            with contextlib.suppress(OSError):
                os.write(self._port, frame)
        return len(frame)

    def flush(self) -> None:
        with contextlib.suppress(termios.error):
            termios.tcflush(self._port, termios.TCIFLUSH)


@dataclass
class _Stand:
    """How the line to a reader stands."""

    online: bool = False
    secure: bool = False
    since: float = 0.0


class Panel:
    """Not thread-safe: `turn` is called at least every 50 ms, from where all else is called."""

    def __init__(
        self,
        port: int,
        addresses: Sequence[int],
        baud: int,
        key: bytes,
        say: Says,
        *,
        insists: bool,
        answers: str | None = None,
        keep_key: KeepsKey = lambda _: None,
    ) -> None:
        """Speaks with the readers under `key`. Unless it `insists` on that, it tries the default
        key as well, under which it sets its own one, and plain text after that. `answers` is a
        colour that it shows at once for every card. What it is told to send goes to the reader that
        had the last card."""
        self._say = say
        self.answers = answers
        self._keep_key = keep_key
        self._port = port
        self._wire = _Wire(port)
        self._addresses = addresses
        self._stands = [_Stand() for _ in addresses]
        self._at = 0
        self._new_key: bytes | None = None
        info = {
            "name": "reader",
            "baud_rate": baud,
            "flags": osdp_sys.FLAG_ENFORCE_SECURE if insists else 0,
            "scbk": key,
            "channel": self._wire,
            "version": 1,
            "model": 1,
            "vendor_code": 0,
            "serial_number": 0,
            "firmware_version": 0,
        }
        osdp_sys.set_loglevel(osdp_sys.LOG_EMERG)
        self._panel = osdp_sys.ControlPanel([info | {"address": each} for each in addresses])
        self._panel.set_event_callback(self._event)
        self._panel.set_command_completion_callback(self._completed)
        self._due: str | None = None

    def turn(self) -> None:
        self._panel.refresh()
        if self._due is not None:
            # Not within the callback, where libosdp holds its lock.
            color, self._due = self._due, None
            self.show(color)
        online, secure = self._panel.status(), self._panel.sc_status()
        for reader, stand in enumerate(self._stands):
            self._look(reader, stand, bool(online >> reader & 1), bool(secure >> reader & 1))

    def _look(self, reader: int, stand: "_Stand", online: bool, secure: bool) -> None:
        if (online, secure) != (stand.online, stand.secure):
            stand.online, stand.secure, stand.since = online, secure, time.monotonic()
            channel = "in the secure channel" if secure else "in plain text"
            self._tell(reader, f"reader is there, {channel}" if online else "reader is away")
        elif not online and time.monotonic() - stand.since > AWAY_S:
            stand.since = time.monotonic()
            self._panel.disable_pd(reader)
            self._panel.enable_pd(reader)

    def show(self, color: str) -> None:
        """Lights the reader for three seconds."""
        self._submit(
            osdp_sys.CMD_LED,
            temporary=True,
            reader=0,
            led_number=0,
            control_code=2,
            on_count=10,
            off_count=0,
            on_color=COLORS[color],
            off_color=COLORS[color],
            timer_count=30,
        )

    def buzz(self) -> None:
        self._submit(
            osdp_sys.CMD_BUZZER, reader=0, control_code=2, on_count=2, off_count=1, rep_count=2
        )

    def text(self, words: str) -> None:
        self._submit(
            osdp_sys.CMD_TEXT,
            reader=0,
            control_code=3,
            temp_time=5,
            offset_row=1,
            offset_col=1,
            data=words[:32],
        )

    def output(self) -> None:
        self._submit(osdp_sys.CMD_OUTPUT, output_no=0, control_code=5, timer_count=30)

    def ask_status(self) -> None:
        self._submit(osdp_sys.CMD_STATUS, type=osdp_sys.STATUS_REPORT_LOCAL)

    def set_key(self, key: bytes) -> None:
        self._new_key = key
        self._submit(osdp_sys.CMD_KEYSET, type=1, data=key)

    def move(self, address: int, baud: int) -> None:
        self._submit(osdp_sys.CMD_COMSET, address=address, baud_rate=baud)

    def cut(self, is_cut: bool) -> None:
        self._wire.is_cut = is_cut
        self._say("line is cut" if is_cut else "line is whole")

    def _submit(self, command: int, **parts: Any) -> None:
        if not self._panel.submit_command(self._at, {"command": command, **parts}):
            self._say("command was not taken: is the reader there?")

    def _completed(self, reader: int, command: dict[str, Any], status: int) -> None:
        done = status == osdp_sys.COMPLETION_OK
        if command["command"] == osdp_sys.CMD_KEYSET and self._new_key is not None and done:
            self._keep_key(self._new_key)
        if command["command"] == osdp_sys.CMD_COMSET and done:
            set_speed(self._port, command["baud_rate"])
        self._tell(reader, "command was done" if done else "command was refused")

    def _event(self, reader: int, event: dict[str, Any]) -> int:
        match event["event"]:
            case osdp_sys.EVENT_CARDREAD:
                bits = "".join(f"{byte:08b}" for byte in event["data"])[: event["length"]]
                self._at = reader
                self._tell(reader, f"card: {told(bits)}")
                self._due = self.answers
            case osdp_sys.EVENT_STATUS:
                tamper, power = event["report"][:2]
                self._tell(
                    reader, f"status: {'tampered' if tamper else 'untouched'}, power {power}"
                )
            case kind:
                self._tell(reader, f"event {kind}")
        return 0

    def _tell(self, reader: int, said: str) -> None:
        several = len(self._addresses) > 1
        self._say(f"{self._addresses[reader]}: {said}" if several else said)


def told(bits: str) -> str:
    """Returns what a card's bits say, to whoever demonstrates a door: its numbers are invented."""
    for form in CredentialFormat:
        if not form.endswith(f"_{len(bits)}"):
            continue
        try:
            card = Credential.read(form, bits)
        except ValueError:
            return f"{form} with a wrong parity"
        facility = "" if card.facility is None else f", facility {card.facility}"
        return f"{form}{facility}, number {card.number}"
    return f"{len(bits)} bits of no known format"
