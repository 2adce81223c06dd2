"""A software TPM (Debian's swtpm) that starts, ends and is turned as a machine's own."""

import shutil
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

TOOLS = ("swtpm", "tpm2_unseal")
STARTED = ("--flags", "not-need-init,startup-clear", "--log", "level=0")
"""As firmware has started it."""


@contextmanager
def switched_on() -> Generator["SoftwareTpm"]:
    """Skips a test where there is none."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            pytest.skip(f"needs Debian's swtpm and tpm2-tools: there is no {tool}")
    with TemporaryDirectory() as folder:
        machine = SoftwareTpm(Path(folder))
        machine.start()
        try:
            yield machine
        finally:
            machine.end()


class SoftwareTpm:
    """Its state outlasts the process, and its registers do not."""

    def __init__(self, folder: Path) -> None:
        """`folder` has a short path: that of a socket has 107 bytes at most."""
        self._folder = folder
        self._socket = folder / "socket"
        self.address = f"swtpm:path={self._socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it as a machine does that is switched on."""
        state, server = f"dir={self._folder}", f"type=unixio,path={self._socket}"
        sockets = ("--server", server, "--ctrl", f"{server}.ctrl")
        self._process = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", state, *sockets, *STARTED],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while True:
            with socket.socket(socket.AF_UNIX) as tried:
                try:
                    tried.connect(str(self._socket))
                    return
                except OSError:
                    assert self._process.poll() is None, "swtpm has ended"

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self._socket.unlink(missing_ok=True)

    def restart(self) -> None:
        """Starts the machine again, in its first boot state."""
        self.end()
        self.start()

    def change_boot_state(self) -> None:
        """Measures something else than before into register 7."""
        self._do("pcrextend", f"7:sha256={'1f' * 32}")

    def clear(self) -> None:
        """Makes another TPM of it."""
        self._do("clear")

    def _do(self, tool: str, *arguments: str) -> None:
        subprocess.run(
            [f"tpm2_{tool}", "-T", self.address, *arguments], check=True, capture_output=True
        )
