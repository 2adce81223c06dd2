"""`palm-kiosk -m kiosk.updates.check` as systemd runs it: what it says, and that it always ends."""

import resource
import socket
import sys
from pathlib import Path

import pytest

from kiosk.service.identity import Identity
from kiosk.updates.check import main
from kiosk.updates.versions import Versions
from tests.support.forks import run_forked
from tests.support.releases import Mirror, Operator
from tests.support.sealed import state_of

pytestmark = pytest.mark.process


def check() -> int:
    """Runs in a process of its own. Its arguments are a deadline in seconds, the size in bytes that
    no file may exceed, and the options of the program."""
    deadline_s, largest, *options = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest), int(largest)))
    return main(options, float(deadline_s))


def run(
    state: Path, *options: str, deadline_s: float = 250, largest: int = resource.RLIM_INFINITY
) -> tuple[int, str]:
    """Returns the status and what was logged. No file may become larger than `largest` bytes."""
    ended = run_forked(check, deadline_s, largest, "--state", state, *options)
    return ended.returncode, ended.stderr


def updates(url: str, root: Path) -> list[str]:
    return ["--updates.url", url, "--updates.root", str(root)]


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    operator = Operator(tmp_path / "operator")
    (tmp_path / "root.json").write_bytes(operator.root)
    return operator


def test_without_a_repository_it_has_nothing_to_do(tmp_path: Path):
    status, said = run(tmp_path / "state")
    assert status == 0
    assert "updates come as packages" in said


def test_without_the_operators_root_it_says_which_file_is_missing(tmp_path: Path):
    status, said = run(tmp_path / "state", *updates("http://127.0.0.1:9", tmp_path / "root.json"))
    assert status == 2
    assert str(tmp_path / "root.json") in said


def test_a_repository_that_is_silent_is_given_up(operator: Operator, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        status, said = run(tmp_path / "state", *updates(url, tmp_path / "root.json"), deadline_s=1)
    assert status == 1
    assert "silent" in said
    assert not Versions(tmp_path / "state").waits()


def test_a_disk_that_is_full_is_said_and_the_next_time_goes_on(operator: Operator, tmp_path: Path):
    operator.release("0.2.0")
    Identity.load_or_make(state_of(tmp_path / "state").files / "identity.json")
    versions = Versions(tmp_path / "state")
    with Mirror(operator.repository) as mirror:
        options = updates(mirror.url, tmp_path / "root.json")
        for largest in (100, 1500, 4500):
            status, said = run(tmp_path / "state", *options, largest=largest)
            assert status == 1
            assert "quota" in said
            assert not versions.waits()
            assert not list(versions.work.glob("targets/*"))
        assert not list(versions.folder.iterdir())
        assert run(tmp_path / "state", *options)[0] == 0
    assert versions.waits()
