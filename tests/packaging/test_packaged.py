"""The program as it is packaged, from its window to its vault: no picture of a palm reaches a file.

It is what `./run package` has built last. Where nothing was built, or something older than the
source, or where the libraries of Debian are missing that its package needs, this is skipped and
says so.
"""

import os
import re
import socket
import sqlite3
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import cv2
import pytest

from bench.soak import children, words
from tests.support.hands import people
from tests.support.nothing_written import watching

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "packaging" / "dist" / "palm-kiosk" / "palm-kiosk"
ROOMS = ("cloud", "drawn", "hardware", "kiosk", "palm", "protocol", "ui")
MY_CARDS = (1088, 505)
"""Where that button of the welcome screen is on a window of 1280x800."""
LESS_THAN_A_CAPTURE = 100_000
"""As in `tests/journeys/test_privacy.py`."""
PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def program() -> Path:
    if not PROGRAM.exists():
        pytest.skip("./run package has built no program")
    sources = (path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    if max(path.stat().st_mtime for path in sources) > PROGRAM.stat().st_mtime:
        pytest.skip("the program is older than the source: ./run package")
    asked = [PROGRAM, "--self-test"]
    ran = subprocess.run(asked, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        pytest.skip(f"the program does not run here: {ran.stderr.strip().splitlines()[-1:]}")
    return PROGRAM


class Window:
    """The window of a packaged kiosk, which is touched over VNC (RFC 6143)."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self._lines: list[str] = []
        for pipe in (process.stdout, process.stderr):
            threading.Thread(target=self._read, args=(pipe,), daemon=True).start()

    def _read(self, pipe: Iterator[str]) -> None:
        self._lines.extend(pipe)

    def says(self, pattern: str) -> "re.Match[str]":
        found: list[re.Match[str]] = []
        wait_for(lambda: found.extend(re.finditer(pattern, "".join(self._lines))) or bool(found))
        return found[0]

    def touch(self, x: int, y: int) -> None:
        port = int(self.says(r"vncviewer 127\.0\.0\.1::(\d+)")[1])
        with socket.create_connection(("127.0.0.1", port)) as viewer, viewer.makefile("rb") as told:
            told.read(12)
            viewer.sendall(b"RFB 003.003\n")
            told.read(4)
            viewer.sendall(b"\x01")
            told.read(20)
            told.read(struct.unpack(">I", told.read(4))[0])
            for pressed in (1, 0):
                viewer.sendall(struct.pack(">BBHH", 5, pressed, x, y))


def wait_for(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


@contextmanager
def kiosk_of(program: Path, folder: Path, hands: Path) -> Iterator[Window]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    }
    # A payment provider that nobody asks anything: it is a package of its own.
    environment["PALM_CLOUD_PAYMENTS__STRIPE_URL"] = "http://127.0.0.1:9"
    # The first start of a version writes its compiled screens, which would be counted.
    environment["QML_DISABLE_DISK_CACHE"] = "1"
    command = [program, "--state", folder, "--camera", f"replay:{hands}"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Window(process)
        finally:
            process.terminate()


def all_below(pid: int) -> Iterator[int]:
    for child in children(pid):
        yield child
        yield from all_below(child)


def searches(state: Path) -> int:
    """Returns how many palms the service has searched for."""
    address = f"file:{state / 'service' / 'palms.db'}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as stored:
        return stored.execute("SELECT count(*) FROM identifications").fetchone()[0]


def test_no_picture_is_written_while_a_packaged_kiosk_reads_a_palm(program: Path, on_disk: Path):
    ada, _ = people()
    hands, state = on_disk / "hands", on_disk / "state"
    hands.mkdir()
    for number, frame in enumerate(ada.left[:2]):
        cv2.imwrite(str(hands / f"{number}.png"), frame)
    with kiosk_of(program, state, hands) as window:
        window.says("shoppers can sign up")
        kiosk = window.process.pid
        below = list(all_below(kiosk))
        vaults = [pid for pid in below if "cloud.vault" in words(pid)]
        assert vaults
        for pid in (kiosk, *below):
            # It may not be dumped, so what tells of it is the superuser's (proc(5)).
            assert Path(f"/proc/{pid}/environ").stat().st_uid == 0
            assert "Max core file size        0 " in Path(f"/proc/{pid}/limits").read_text()
        # The service writes to its database, and is watched there. What the others have written,
        # only the superuser is told of processes that may not be dumped.
        counted = (kiosk, *vaults[:2]) if os.geteuid() == 0 else ()
        with watching(state, processes=counted) as written:
            window.touch(*MY_CARDS)
            wait_for(lambda: searches(state) > 0)
    written.assert_no_picture(LESS_THAN_A_CAPTURE)
