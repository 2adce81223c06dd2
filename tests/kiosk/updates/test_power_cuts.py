"""Power cuts in the middle of an update, at every step that changes a file: the version before is
whole and runs, and the next time goes on where that stopped."""

import hashlib
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.service.identity import Identity
from kiosk.settings import Settings, Updates
from kiosk.updates import start
from kiosk.updates.check import check
from kiosk.updates.versions import Versions
from protocol import VERSION
from tests.support.forks import run_forked
from tests.support.releases import Mirror, Operator, write_program
from tests.support.sealed import state_of

pytestmark = pytest.mark.process

STEPS = {
    "os.chmod",
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "os.truncate",
    "os.utime",
    "socket.connect",
    "subprocess.Popen",
}
"""Audit events of what changes something, besides opening a file to write into it."""


def is_step(event: str, arguments: tuple[object, ...]) -> bool:
    if event == "open":
        flags = arguments[2]
        return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))
    return event in STEPS


def fork(what: Callable[[], object], cut_at: int | None = None) -> int:
    """Does something in a process of its own, whose power is cut before that step. Returns its
    status."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    left = cut_at

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if left is not None and is_step(event, arguments):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    try:
        what()
    finally:
        # Not reached by what becomes another program.
        os._exit(0 if sys.exc_info()[0] is None else 1)


def content(folder: Path) -> str:
    """Returns a digest of all that a folder holds."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        digest.update(f"{path.relative_to(folder)} {about.st_mode} {about.st_nlink}\n".encode())
        if path.is_symlink():
            digest.update(os.readlink(path).encode())
        elif path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def cut_everywhere() -> None:
    """Runs in a process of its own without threads. Its arguments are what to cut, the address of
    the repository, and a folder with the operator's root and a state to begin from. Writes there
    how often it has cut."""
    what, url, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    root = (folder / "root.json").read_bytes()
    cuts = 0
    seen: set[str] = set()
    while True:
        state = folder / "state"
        shutil.rmtree(state, ignore_errors=True)
        shutil.copytree(folder / "before", state, symlinks=True)
        versions = Versions(state)

        def fetch(versions: Versions = versions) -> None:
            updates = Updates(url=url, root=folder)
            settings = Settings(state=versions.folder.parent, updates=updates)
            with versions.held():
                check(settings, updates, versions, root, folder / "packaged")

        def begin(state: Path = state) -> None:
            start.main(["--state", str(state)], folder / "packaged" / "palm-kiosk")

        work = fetch if what == "fetch" else begin
        was_cut = os.WIFSIGNALED(fork(work, cuts + 1))
        cuts += was_cut
        # What the disk holds is all that is left: the same again goes on in the same way.
        left = content(state)
        if was_cut and left in seen:
            continue
        seen.add(left)
        if what == "fetch":
            assert versions.current == "0.2.0"
            assert fork(begin) == 0
            last = (state / "ran").read_text().splitlines()[-1].split()[0]
            tried = versions.current == "0.3.0"
            assert last == ("0.3.0" if tried else "0.2.0"), last
            assert fork(fetch) == 0
            assert tried or versions.trial == "0.3.0"
            shown = sorted(path.name for path in versions.folder.iterdir())
            assert shown == (["0.3.0"] if tried else ["0.2.0", "0.3.0"])
        else:
            assert versions.current in ("0.2.0", "0.3.0")
            assert fork(begin) == 0
            assert versions.current == "0.3.0"
            assert not versions.waits()
        if not was_cut:
            (folder / "cuts").write_text(str(cuts))
            return


def cut(what: str, url: str, folder: Path) -> int:
    ended = run_forked(cut_everywhere, what, url, folder)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return int((folder / "cuts").read_text())


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """A folder in which the kiosk runs 0.2.0."""
    write_program(tmp_path / "packaged", VERSION)
    versions = Versions(tmp_path / "before")
    write_program(versions.folder / "0.2.0", "0.2.0")
    versions.keep("0.2.0")
    Identity.load_or_make(state_of(tmp_path / "before").files / "identity.json")
    (tmp_path / "root.json").touch()
    return tmp_path


def test_a_power_cut_at_any_step_of_fetching_loses_nothing(before: Path):
    operator = Operator(before / "operator")
    operator.release("0.3.0")
    (before / "root.json").write_bytes(operator.root)
    with Mirror(operator.repository) as mirror:
        assert cut("fetch", mirror.url, before) > 20


def test_a_power_cut_at_any_step_of_a_try_loses_nothing(before: Path):
    versions = Versions(before / "before")
    write_program(versions.folder / "0.3.0", "0.3.0")
    versions.offer("0.3.0")
    assert cut("try", "http://127.0.0.1:9", before) > 5
