"""Which version of the program runs after a start, and what becomes of one that does not serve."""

import fcntl
import shutil
import sys
from pathlib import Path

import pytest

from kiosk.updates.start import main
from kiosk.updates.versions import TRIES, Versions
from protocol import VERSION
from tests.support.forks import run_forked
from tests.support.releases import offer, write_program
from tests.support.systemd import Listening

pytestmark = pytest.mark.process


def start() -> int:
    """Runs in a process of its own. Its arguments are the package's own program, the seconds that a
    try may take, and the options of the program."""
    packaged, within_s, *options = sys.argv[1:]
    return main(options, Path(packaged), float(within_s))


class Machine:
    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.state.mkdir()
        self.versions = Versions(self.state)
        self.packaged = write_program(folder / "packaged", VERSION) / "palm-kiosk"

    def offer(self, version: str, *, answer: str = "") -> None:
        offer(self.state, version, answer=answer)

    def start(self, *options: str, within_s: float = 120) -> str:
        """Returns what the start has logged."""
        ended = run_forked(start, self.packaged, within_s, "--state", self.state, *options)
        ended.check_returncode()
        return ended.stderr

    def ran(self) -> list[str]:
        """Returns the versions that ran, in order."""
        return [line.split()[0] for line in (self.state / "ran").read_text().splitlines()]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_packages_own_version_runs_with_the_same_options(machine: Machine):
    machine.start("--camera", "sim:")
    said = f"{VERSION} --state {machine.state} --camera sim:\n"
    assert (machine.state / "ran").read_text() == said


def test_a_version_that_serves_is_kept(machine: Machine):
    machine.offer("0.2.0")
    machine.start()
    machine.start()
    assert machine.ran() == ["0.2.0", "0.2.0"]
    assert machine.versions.current == "0.2.0"
    assert machine.versions.trial is None


@pytest.mark.parametrize("answer", ["sys.exit(1)", "os.abort()", "sys.exit(0)", "raise OSError"])
def test_where_a_version_does_not_serve_the_one_before_does_at_once(machine: Machine, answer: str):
    machine.offer("0.2.0")
    machine.start()
    machine.offer("0.3.0", answer=answer)
    said = machine.start()
    assert machine.ran() == ["0.2.0", "0.3.0", "0.2.0"]
    assert "0.3.0 does not serve" in said
    assert machine.versions.current == "0.2.0"


def test_a_version_that_hangs_is_ended_with_all_that_it_has_started(machine: Machine):
    hangs = """import fcntl, signal, time
    held = open(os.path.join(state, "held"), "w")
    fcntl.flock(held, fcntl.LOCK_EX)
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(10**6)"""
    machine.offer("0.2.0", answer=hangs)
    machine.start(within_s=1)
    assert machine.ran() == ["0.2.0", VERSION]
    # Nobody holds it any more.
    with (machine.state / "held").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)


def test_a_version_that_never_serves_is_given_up(machine: Machine):
    machine.offer("0.2.0", answer="sys.exit(1)")
    for _ in range(TRIES + 2):
        machine.start()
    assert machine.ran().count("0.2.0") == TRIES
    assert machine.ran().count(VERSION) == TRIES + 2
    assert not machine.versions.waits()


def test_a_version_that_served_at_its_last_try_may_be_tried_again(machine: Machine):
    machine.offer("0.2.0", answer="os.path.exists(os.path.join(state, 'online')) or sys.exit(1)")
    for _ in range(TRIES - 1):
        machine.start()
    (machine.state / "online").touch()
    machine.start()
    assert machine.versions.current == "0.2.0"
    assert machine.versions.may_try("0.2.0")


@pytest.mark.parametrize("damage", ["missing", "not a program"])
def test_a_version_that_is_damaged_does_not_keep_the_kiosk_from_starting(
    machine: Machine, damage: str
):
    for lead in (machine.versions.offer, machine.versions.keep):
        folder = write_program(machine.versions.folder / "0.2.0", "0.2.0")
        lead("0.2.0")
        if damage == "missing":
            (folder / "palm-kiosk").unlink()
        else:
            (folder / "palm-kiosk").write_bytes(bytes(64))
        machine.start()
        shutil.rmtree(folder)
    assert machine.ran() == [VERSION, VERSION]


def test_systemd_waits_for_a_try_and_for_the_version_before(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
):
    machine.offer("0.2.0", answer="sys.exit(1)")
    with Listening() as systemd:
        for name, value in systemd.environment.items():
            monkeypatch.setenv(name, value)
        machine.start(within_s=100)
        assert systemd.hears() == b"EXTEND_TIMEOUT_USEC=200000000"
        # A version that has shown a screen is watched, and says nothing more while it ends.
        assert not systemd.has_heard_nothing
        assert machine.ran() == ["0.2.0", VERSION]


def test_a_newer_package_wins(machine: Machine):
    machine.offer("0.0.8")
    machine.versions.keep("0.0.8")
    machine.offer("0.0.9")
    machine.start()
    assert machine.ran() == [VERSION]
    assert machine.versions.current is None
    assert machine.versions.trial is None


def test_the_packages_own_version_runs_again_when_it_is_offered(machine: Machine):
    machine.offer("0.2.0")
    machine.start()
    machine.versions.offer_package(VERSION, machine.packaged.parent)
    assert machine.versions.waits()
    machine.start()
    assert machine.ran() == ["0.2.0", VERSION]
    assert not machine.versions.waits()


def test_what_waits_is_not_tried_while_a_version_is_fetched(machine: Machine):
    machine.offer("0.2.0")
    with machine.versions.held():
        machine.start()
    assert machine.ran() == [VERSION]
    assert machine.versions.waits()


def test_a_try_that_cannot_be_counted_is_not_made(machine: Machine):
    machine.offer("0.2.0")
    (machine.versions.work / "tries.json").mkdir(parents=True)
    assert "tries.json" in machine.start()
    assert machine.ran() == [VERSION]
