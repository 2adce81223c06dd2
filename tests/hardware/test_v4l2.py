"""OpenCV's V4L2 backend on a virtual camera of PipeWire."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

import pytest

from hardware.camera import camera_at, v4l2
from hardware.faults import PermanentFault, TemporaryFault
from tests.support.log_lines import records_here

SHIM = next(Path("/usr/lib").glob("*/pipewire-0.3/v4l2/libpw-v4l2.so"), None)
PROGRAMS = ("pipewire", "wireplumber", "dbus-run-session", "gst-launch-1.0", "pw-cli")
MISSING = [program for program in PROGRAMS if shutil.which(program) is None]

needs_pipewire = pytest.mark.skipif(
    SHIM is None or bool(MISSING),
    reason=f"no PipeWire virtual camera: {', '.join(MISSING) or 'libpw-v4l2.so'} not installed",
)

PATIENCE = 60.0


class Source:
    """The process that feeds the virtual camera: it can be killed and started again, or frozen for
    good. PipeWire drops a process that does not answer, and its shim may crash when it closes one
    that was dropped."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        name = "stream-properties=p,media.class=Video/Source,node.name=palm-test"
        picture = "video/x-raw,format=YUY2,width=1280,height=720,framerate=30/1"
        self._process = subprocess.Popen(
            f"gst-launch-1.0 -q videotestsrc is-live=true pattern=ball ! {picture} "
            f"! pipewiresink mode=provide {name}".split(),
            env=self._environment,
        )
        wait_for("Node", "palm-test", self._environment)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)


@pytest.fixture(scope="module")
def pipewire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment variables of a private PipeWire."""
    folder = tmp_path_factory.mktemp("pipewire")
    folder.chmod(0o700)
    # Its Bluetooth monitor waits for logind, which a machine without systemd does not have.
    settings = folder / ".config" / "wireplumber" / "bluetooth.lua.d" / "80-off.lua"
    settings.parent.mkdir(parents=True)
    settings.write_text("bluez_monitor.enabled = false\n")
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder), "HOME": str(folder)}
    environment.pop("XDG_CONFIG_HOME", None)
    with ExitStack() as running, (folder / "log").open("wb") as log:
        for command in (["pipewire"], ["dbus-run-session", "--", "wireplumber"]):
            # A process group of its own: the bus outlives a dbus-run-session that is terminated.
            server = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )
            running.callback(server.wait, PATIENCE)
            running.callback(os.killpg, server.pid, signal.SIGTERM)
        wait_for("Client", "WirePlumber", environment)
        yield environment


def wait_for(kind: str, name: str, environment: dict[str, str]) -> None:
    """Waits until PipeWire knows an object of this kind and name."""
    give_up = time.monotonic() + PATIENCE
    while (
        f'name = "{name}'
        not in subprocess.run(
            ["pw-cli", "ls", kind], env=environment, capture_output=True, text=True, check=False
        ).stdout
    ):
        assert time.monotonic() < give_up, f"PipeWire has no {name}"


@pytest.fixture
def source(pipewire: dict[str, str]) -> Iterator[Source]:
    source = Source(pipewire)
    source.start()
    yield source
    source.kill()


class Reported:
    """The output of a feed in a process of its own."""

    def __init__(self, environment: dict[str, str], address: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.report_feed", address],
            env={**environment, "LD_PRELOAD": str(SHIM)},
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: Queue[str] = Queue()
        self._listener = Thread(target=self._listen)
        self._listener.start()

    def until(self, start: str) -> str:
        """Returns the next line that starts so."""
        give_up = time.monotonic() + PATIENCE
        heard: list[str] = []
        while not (heard and heard[-1].startswith(start)):
            try:
                heard.append(self._lines.get(timeout=max(0.0, give_up - time.monotonic())))
            except Empty:
                raise AssertionError(f"no '{start}', only {heard}") from None
        return heard[-1]

    def close(self) -> int:
        """Ends the process and returns its exit status."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        code = self._process.wait(PATIENCE)
        self._listener.join(PATIENCE)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.strip())


@pytest.fixture
def feed(pipewire: dict[str, str], source: Source) -> Iterator[Reported]:
    feed = Reported(pipewire, "v4l2:/dev/video0")
    yield feed
    feed.close()


@needs_pipewire
@pytest.mark.process
def test_a_v4l2_camera_delivers_pictures_and_closes_cleanly(feed: Reported) -> None:
    assert feed.until("Picture") == "Picture (720, 1280, 3) True"
    assert feed.close() == 0


@needs_pipewire
@pytest.mark.process
def test_a_v4l2_camera_without_the_size_asked_for_is_used_as_it_is_and_the_log_says_so(
    pipewire: dict[str, str], source: Source
) -> None:
    feed = Reported(pipewire, "v4l2:/dev/video0?size=640x480")
    assert "gives 1280x720" in feed.until("/dev/video0 was asked for 640x480")
    feed.until("Picture (720, 1280, 3) True")
    feed.close()


@needs_pipewire
@pytest.mark.process
def test_a_v4l2_camera_that_is_pulled_is_noticed_and_found_again(
    feed: Reported, source: Source
) -> None:
    feed.until("Streaming")
    source.kill()
    feed.until("Recovering")
    assert "no camera at /dev/video0" in feed.until("Recovering There")
    source.start()
    feed.until("Streaming")


@needs_pipewire
@pytest.mark.process
def test_a_v4l2_camera_that_stalls_is_noticed_before_its_driver_says_so(
    feed: Reported, source: Source
) -> None:
    feed.until("Streaming")
    source.freeze()
    assert "stopped answering" in feed.until("Recovering")


def test_a_device_that_is_absent_may_come() -> None:
    with pytest.raises(TemporaryFault, match="no camera at /dev/video97"):
        camera_at("v4l2:/dev/video97").open()


def test_a_device_that_is_no_camera_is_told_apart_from_one_that_is_absent() -> None:
    with pytest.raises(TemporaryFault, match="is no camera"):
        camera_at("v4l2:/dev/null").open()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may use every device")
def test_a_device_that_may_not_be_used_is_a_matter_for_the_operator() -> None:
    with pytest.raises(PermanentFault, match="group 'video'"):
        camera_at("v4l2:/dev/mem").open()


@pytest.fixture
def by_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of lasting names; the picture of one camera is /dev/null."""
    folder = tmp_path / "by-id"
    folder.mkdir()
    (folder / "usb-Maker_Camera_7-video-index0").symlink_to("/dev/null")
    (folder / "usb-Maker_Camera_7-video-index1").symlink_to("/dev/zero")
    monkeypatch.setattr(v4l2, "BY_ID", folder)
    return folder


@pytest.mark.parametrize("device", ["/dev/video97", "/dev/null"])
def test_the_fault_of_a_camera_names_the_cameras_that_are_attached(
    by_id: Path, device: str
) -> None:
    with pytest.raises(TemporaryFault) as fault:
        camera_at(f"v4l2:{device}").open()
    assert f"v4l2:{by_id}/usb-Maker_Camera_7-video-index0." in fault.value.remedy
    assert "index1" not in fault.value.remedy


def test_a_camera_that_is_named_by_its_number_is_logged_with_the_name_that_stays(
    by_id: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    camera_at("v4l2:/dev/null")
    assert f"v4l2:{by_id}/usb-Maker_Camera_7-video-index0 stays" in caplog.text
    caplog.clear()
    camera_at("v4l2:/dev/video97")
    assert records_here(caplog) == []
