"""The independent `osdp` package as a control panel: osdp_panel.py DEVICE MASTER_KEY.

It is run by the Python of .venv-osdp, since it has the import name of libosdp. A line `green` or
`red` on its input lights the reader, and it prints what it hears.
"""

# ruff: noqa: T201 - it answers on standard output
# pyright: basic, reportAttributeAccessIssue=false, reportCallIssue=false, reportArgumentType=false

import os
import sys

from osdp import (
    ControlPanel,
    ErrorCode,
    LedColor,
    PermanentReaderControlCode,
    ReaderLedControl,
    ReaderLedControls,
    SerialPortOsdpConnection,
    TemporaryReaderControlCode,
)

ADDRESS = 0


def say(words):
    print(words, flush=True)


class Panel(ControlPanel):
    def on_reply_received(self, reply):
        super().on_reply_received(reply)
        device = self._reader()
        say("secure" if device.is_security_established and not device.is_scbkd else "not secure")

    def on_nak_reply_received(self, address, nak):
        say(f"nak {nak.error_code.name}")
        # The package begins anew after one kind of refusal only, and asks in vain for ever after
        # the others; a panel has to do so also when its reader was without power.
        # Its first poll is refused, as it is in plain text; it goes on by itself then.
        first = nak.error_code is ErrorCode.CommunicationSecurityNotMet
        if not first or self._reader().is_security_established:
            add_reader(self, next(iter(self._buses)))

    def _reader(self):
        return next(iter(self._buses.values()))._configured_devices[ADDRESS]

    def on_raw_card_data_reply_received(self, address, raw_card_data):
        bits = "".join(f"{byte:08b}" for byte in raw_card_data.data)
        say(f"card {bits[: raw_card_data.bit_count]}")

    def on_local_status_report_reply_received(self, address, local_status):
        say(f"status {local_status.tamper}")


def add_reader(panel, line):
    panel.add_device(line, ADDRESS, use_crc=True, use_secure_channel=True)


def light(color):
    return ReaderLedControls(
        [
            ReaderLedControl(
                0,
                0,
                TemporaryReaderControlCode.SetTemporaryAndStartTimer,
                10,
                0,
                color,
                color,
                30,
                PermanentReaderControlCode.Nop,
                0,
                0,
                LedColor.Black,
                LedColor.Black,
            )
        ]
    )


def main():
    device, key = sys.argv[1:]
    panel = Panel(bytes.fromhex(key))
    line = panel.start_connection(SerialPortOsdpConnection(device, 9600))
    add_reader(panel, line)
    for asked in sys.stdin:
        color = {"green": LedColor.Green, "red": LedColor.Red}[asked.strip()]
        try:
            say(f"lit {panel.reader_led_control(line, ADDRESS, light(color))}")
        except TimeoutError:
            # What was to be sent to a reader that was added anew meanwhile is lost.
            say("not lit")
    # Its thread would go on, and open the line again by its name, which may be another one's then.
    os._exit(0)


if __name__ == "__main__":
    main()
