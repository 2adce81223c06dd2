"""`./run door`: a controller's panel in this terminal. A kiosk on this machine is its reader."""

# ruff: noqa: T201 - it answers on standard output

import argparse
import os
import secrets
import select
import sys
import tty
from pathlib import Path

from door.panel import COLORS, Panel
from hardware.serial_port import SPEEDS, be_prompt, open_port
from protocol.files import read_if_there, write_private

HELP = """\
  green, red, amber  light the reader for three seconds
  answer COLOR       light every card in it at once; without a colour, none
  buzz               sound its buzzer
  text WORDS         show words, 32 at most
  output             switch its output on for three seconds
  key                set a new key, which it takes in the secure channel only
  move ADDRESS BAUD  give it another address and rate (COMSET)
  status             ask for tamper and power
  cut, mend          cut the line, and mend it
  quit               end the panel"""


def main(arguments: list[str]) -> int:
    asked = _parser().parse_args(arguments)
    try:
        port = _port(asked.port, asked.baud, asked.address[0], asked.link)
    except OSError as error:
        print(f"{asked.port or asked.link} cannot be used: {error.strerror}.", file=sys.stderr)
        return 2
    path: Path | None = asked.key_file

    def keep(key: bytes) -> None:
        if path is not None:
            write_private(path, key.hex().encode())

    kept = read_if_there(path) if path is not None else None
    key = bytes.fromhex(kept.decode()) if kept else secrets.token_bytes(16)
    keep(key)
    panel = Panel(
        port,
        asked.address,
        asked.baud,
        key,
        lambda said: print(said, flush=True),
        insists=kept is not None,
        answers=asked.answer,
        keep_key=keep,
    )
    print(HELP, flush=True)
    be_prompt()
    try:
        _serve(panel, port)
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./run door",
        description=(
            "A simulated OSDP controller with one reader, for demonstrations. Without a port it "
            "makes a line on this machine, and prints the address that the kiosk has to be given."
        ),
    )
    parser.add_argument("--port", help="a serial port with an RS-485 adapter")
    parser.add_argument("--link", type=Path, help="a name for the line that it makes")
    parser.add_argument(
        "--address", type=int, nargs="+", default=[0], help="its readers' addresses (default: 0)"
    )
    parser.add_argument("--baud", type=int, default=9600, choices=SPEEDS, help="default: 9600")
    parser.add_argument(
        "--key-file",
        type=Path,
        help="a file for the key, made if it is not there; without it the panel has another key "
        "each time. It sets its key by itself in a reader that is in install mode",
    )
    parser.add_argument("--answer", choices=COLORS, help="light every card at once")
    return parser


def _port(device: str | None, baud: int, address: int, link: Path | None) -> int:
    """Returns the panel's end of the line. Raises OSError."""
    if device is not None:
        return open_port(device, baud)
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    os.set_blocking(ours, False)
    name = os.ttyname(theirs)
    if link is not None:
        # One that an earlier run has left leads to nowhere. A file of that name stays.
        if link.is_symlink():
            link.unlink()
        link.symlink_to(name)
        name = str(link.absolute())
    # `theirs` stays open: a line is there also while no reader is.
    print(f"reader at osdp:{name}?address={address}&baud={baud}&install=1", flush=True)
    return ours


def _serve(panel: Panel, port: int) -> None:
    os.set_blocking(0, False)
    unread = b""
    while True:
        ready, _, _ = select.select([0, port], [], [], 0.02)
        if 0 in ready:
            came = os.read(0, 4096)
            if not came:
                return
            *lines, unread = (unread + came).split(b"\n")
            for line in lines:
                if not _follow(panel, line.decode(errors="replace").split()):
                    return
        panel.turn()


def _follow(panel: Panel, words: list[str]) -> bool:
    """Does what a line asks for. Returns whether the panel shall go on."""
    does = {
        "buzz": panel.buzz,
        "output": panel.output,
        "status": panel.ask_status,
        "key": lambda: panel.set_key(secrets.token_bytes(16)),
        "cut": lambda: panel.cut(True),
        "mend": lambda: panel.cut(False),
    }
    match words:
        case ["quit"]:
            return False
        case [color] if color in COLORS:
            panel.show(color)
        case [word] if word in does:
            does[word]()
        case ["answer", *color] if not color or color[0] in COLORS:
            panel.answers = color[0] if color else None
        case ["text", *said]:
            panel.text(" ".join(said))
        case ["move", address, baud] if address.isdecimal() and baud.isdecimal():
            panel.move(int(address), int(baud))
        case _:
            print(HELP, flush=True)
    return True


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    # Without the end of libosdp's panel, which its binding gets wrong.
    os._exit(status)
