"""The kiosk as a program of its own, on a machine without a display."""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from kiosk.state import in_use
from ui.display import free_port

LISTENING = "0A"
"""The state of a listening socket in /proc/net/tcp, proc(5)."""
LOOKS_S = 0.005
"""Seconds between two looks at a kiosk that starts."""


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {k: v for k, v in os.environ.items() if k not in hidden}
    with subprocess.Popen(
        [sys.executable, "-m", "ui", "--state", str(tmp_path)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        yield process
        process.kill()


def test_the_window_is_served_over_vnc_on_loopback_alone_until_control_c_ends_it_in_good_order(
    kiosk: "subprocess.Popen[str]",
) -> None:
    assert kiosk.stdout
    line = next(line for line in kiosk.stdout if "vncviewer" in line)
    port = int(line.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=60) as viewer:
        assert viewer.recv(12).startswith(b"RFB ")
    rows = [
        row.split()
        for table in ("tcp", "tcp6")
        for row in Path(f"/proc/{kiosk.pid}/net/{table}").read_text().splitlines()[1:]
    ]
    addresses = {row[1] for row in rows if row[3] == LISTENING and row[1].endswith(f":{port:04X}")}
    assert addresses == {f"0100007F:{port:04X}"}
    kiosk.send_signal(signal.SIGINT)
    _, complaints = kiosk.communicate(timeout=60)
    assert kiosk.returncode == 0
    assert "Traceback" not in complaints


def has_loaded(kiosk: "subprocess.Popen[str]", library: str) -> bool:
    return library in Path(f"/proc/{kiosk.pid}/maps").read_text()


def has_started_the_service(kiosk: "subprocess.Popen[str]") -> bool:
    children = [p.read_text() for p in Path(f"/proc/{kiosk.pid}/task").glob("*/children")]
    return any(children)


STARTS = "the service starts"
MOMENTS: dict[str, Callable[["subprocess.Popen[str]"], bool]] = {
    "Qt is loaded": partial(has_loaded, library="libQt6Core"),
    "models are loaded": partial(has_loaded, library="onnxruntime"),
    STARTS: has_started_the_service,
}


@pytest.mark.parametrize(
    ("moment", "number"),
    [*((moment, signal.SIGINT) for moment in MOMENTS), (STARTS, signal.SIGTERM)],
)
def test_a_kiosk_that_is_stopped_while_it_starts_prints_no_trace(
    kiosk: "subprocess.Popen[str]", moment: str, number: signal.Signals
) -> None:
    """Ctrl-C in a terminal reaches the whole group of processes."""
    assert kiosk.stderr
    while not MOMENTS[moment](kiosk):
        # Whoever looks all the time keeps it from starting.
        select.select([kiosk.stderr], [], [], LOOKS_S)
        assert kiosk.poll() is None
    os.killpg(kiosk.pid, number)
    _, complaints = kiosk.communicate(timeout=120)
    assert kiosk.returncode in (0, -number)
    assert "Traceback" not in complaints
    assert "Fatal Python error" not in complaints


def test_a_wrong_setting_is_told_with_its_remedy(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "ui", "--state", str(tmp_path), "--camera", "pinhole:1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "pinhole" in ended.stderr
    assert "Use v4l2:" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_second_kiosk_on_one_state_folder_is_told_at_once(tmp_path: Path) -> None:
    with in_use(tmp_path):
        ended = subprocess.run(
            [sys.executable, "-m", "ui", "--state", str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert ended.returncode == 2
    assert f"running in the state folder {tmp_path}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_next_port_is_taken_where_one_is_in_use() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        assert free_port(taken) > taken
