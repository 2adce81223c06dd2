"""What concerns every test: the display, what is skipped, and which tests are fast."""

import atexit
import gc
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain, groupby
from operator import attrgetter, itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis
import pytest
from PySide6.QtGui import QGuiApplication

from lab.sets import PALM_SETS
from tests.support import engine
from tests.support.shared import Shared
from ui.tour import display as xvfb

TESTS = Path(__file__).parent
SLOW_FOLDERS = tuple(TESTS / name for name in ("interop", "journeys", "ui"))
"""Every test in these opens a window or runs another program."""
WAITING_FOLDERS = tuple(TESTS / name for name in ("interop", "journeys"))
"""Most tests in these wait for another program, or for a finger, more than they compute."""
SHORT_FOLDERS = (TESTS / "protocol",)
"""No file in these takes more than a second or two."""
SLOW_FIXTURES = {"books", "display", "house", "portal", "qapp", "qtbot", "served", "token"}
"""Windows, services in this process with their databases, and a token that a program makes."""
SLOW_MARKERS = ("palm_sets", "process", "slow")
STARTERS = {"Served", "Process", "VaultClient", "EmbeddedService"}
"""Whatever imports one of these starts the service or its vault."""
STARTS_PROCESS = {"subprocess.Popen", "os.exec", "os.fork", "os.posix_spawn", "os.system"}
"""Audit events, as the documentation of `sys.audit` lists them."""

# How long an example takes on a busy machine says nothing about it.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fast",
        action="store_true",
        help="leave out tests that need a window, a service, a process, real palms or seconds",
    )
    parser.addoption(
        "--database",
        choices=engine.ENGINES,
        default=engine.SQLITE,
        help="what the tested services keep their data in",
    )


def pytest_configure(config: pytest.Config) -> None:
    # Half a million objects are collected, and all of them stay. Python would look through them
    # again and again: that was a quarter of the time of collecting.
    gc.disable()
    # A machine on which tests run may have a TPM, which is not theirs.
    os.environ["PALM_KIOSK_TPM"] = "none:"
    os.environ[engine.VARIABLE] = config.option.database
    if config.option.fast:
        sys.addaudithook(forbid_processes)


def forbid_processes(event: str, _: tuple[object, ...]) -> None:
    """Fails a test that starts a process although it counts as fast."""
    if event in STARTS_PROCESS and "PYTEST_CURRENT_TEST" in os.environ:
        raise RuntimeError("a fast test starts a process: mark it with pytest.mark.process")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if config.option.fast and collection_path in SLOW_FOLDERS else None


def pytest_itemcollected(item: pytest.Item) -> None:
    for marker in item.iter_markers("palm_sets"):
        missing = [name for name in marker.args if not (PALM_SETS / name).is_dir()]
        if missing:
            sets = " and ".join(missing)
            reason = f"needs the real palms of {sets}: docs/palm-sets.md tells how to get them"
            item.add_marker(pytest.mark.skip(reason=reason))
    if engine.is_server() and item.get_closest_marker("sqlite"):
        item.add_marker(pytest.mark.skip(reason="is about the file of SQLite"))


def is_fast(item: pytest.Item) -> bool:
    """Returns whether a test belongs to `--fast`."""
    fixtures: Iterable[str] = getattr(item, "fixturenames", ())
    return (
        not is_in(SLOW_FOLDERS, item)
        and SLOW_FIXTURES.isdisjoint(fixtures)
        and not any(item.get_closest_marker(name) for name in SLOW_MARKERS)
        and STARTERS.isdisjoint(dir(getattr(item, "module", None)))
    )


def is_in(folders: Iterable[Path], item: pytest.Item) -> bool:
    return any(item.path.is_relative_to(folder) for folder in folders)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.fast:
        slow = {item for item in items if not is_fast(item)}
        config.hook.pytest_deselected(items=list(slow))
        items[:] = [item for item in items if item not in slow]
    # They wait more than they compute. Side by side, they would leave the processors idle. So would
    # a long file at the end, when no other is left.
    files = files_of(items)
    waiting = [file for file in files if is_in(WAITING_FOLDERS, file[0])]
    short = [file for file in files if is_in(SHORT_FOLDERS, file[0])]
    computing = [file for file in files if not is_in(WAITING_FOLDERS + SHORT_FOLDERS, file[0])]
    items[:] = [*spread(waiting, computing), *chain.from_iterable(short)]


def files_of(items: Iterable[pytest.Item]) -> list[list[pytest.Item]]:
    return [list(tests) for _, tests in groupby(items, key=attrgetter("path"))]


def spread(few: list[list[pytest.Item]], many: list[list[pytest.Item]]) -> list[pytest.Item]:
    """Returns the tests of all files, and the few files evenly among the many."""
    places = [
        ((place + 0.5) / len(files), file)
        for files in (few, many)
        for place, file in enumerate(files)
    ]
    return [item for _, file in sorted(places, key=itemgetter(0)) for item in file]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tells in a line each which tests were skipped and why."""
    tests: dict[tuple[str, str], set[str]] = {}
    for report in terminalreporter.stats.get("skipped", ()):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        file, _, test = report.nodeid.partition("::")
        tests.setdefault((file, reason), set()).add(test)
    for (file, reason), names in sorted(tests.items()):
        where = f"{file}::{min(names)}" if len(names) == 1 and min(names) else file
        number = f" ({len(names)} tests)" if len(names) > 1 else ""
        terminalreporter.write_line(f"skipped {where}{number}: {reason}")


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()
    # Python looks for garbage after every 700 new objects: that was a twentieth of the time.
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture
def on_disk() -> Iterator[Path]:
    """A folder on a disk, for what only a disk shows: pytest's own may lie in memory."""
    with TemporaryDirectory(dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def display() -> None:
    """Provides the display there is, or an Xvfb.

    Qt's "offscreen" platform is no substitute: its software scene graph does not draw as a kiosk
    does. The display outlives the Qt application, which lives until the process ends.
    """
    open_to_the_end = ExitStack()
    atexit.register(open_to_the_end.close)
    open_to_the_end.enter_context(xvfb())


@pytest.fixture(scope="session")
def qapp_cls(display: None) -> type[QGuiApplication]:
    return QGuiApplication


@pytest.fixture(scope="session")
def shared_service() -> Iterator[Shared[Any]]:
    """The service in this process that tests of the cloud share."""
    shared = Shared[Any]()
    yield shared
    shared.end()


@pytest.fixture
def alone(shared_service: Shared[Any]) -> None:
    """Ends the shared service, whose housekeeping writes to its database now and then."""
    shared_service.end()
