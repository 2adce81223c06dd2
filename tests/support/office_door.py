"""A door of an office: the panel of `./run door` with a line to the kiosk, in a process of its own,
for tests that walk through a window.

Nothing of the line passes through the test's process, which is busy drawing: a controller takes a
reader that answers late for lost.
"""

import subprocess
import sys
from pathlib import Path

from hardware.gate.osdp import KEPT
from hardware.osdp.kept import Kept, Place
from tests.support.sealed import sealed

KEY = bytes(range(16))


class OfficeDoor:
    """Panel and kiosk have agreed on a key before. `address` is that of the kiosk's gate."""

    def __init__(self, kiosk_state: Path, folder: Path) -> None:
        self._line = folder / "line"
        self.address = f"osdp:{self._line}"
        self._key, self._said = folder / "panel.key", folder / "panel.txt"
        self._key.write_text(KEY.hex())
        Kept(KEY, None, Place(0, 9600), Place(0, 9600)).write(sealed(kiosk_state / KEPT))

    def __enter__(self) -> "OfficeDoor":
        program = (sys.executable, "-m", "door", "--link", str(self._line))
        with self._said.open("wb") as said:
            self._panel = subprocess.Popen(
                (*program, "--key-file", str(self._key)), stdin=subprocess.PIPE, stdout=said
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._panel.kill()
        self._panel.communicate()

    def does(self, command: str) -> None:
        """Has the panel do what `./run door` has a line for."""
        assert self._panel.stdin
        self._panel.stdin.write(f"{command}\n".encode())
        self._panel.stdin.flush()

    @property
    def cards(self) -> list[str]:
        """The cards that the panel has got."""
        return [line for line in self._said.read_text().splitlines() if "card: " in line]
