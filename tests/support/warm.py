"""Starts the programs of the service from a process that has already loaded their modules, which
takes longer than most of what a test does with a service.

That process, `tests.support.warm_process`, forks for every program that is asked for. A service
that was started in this way starts its vault and its simulated provider in this way too.
"""

import asyncio
import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import pytest

PROGRAMS = ("cloud", "cloud.vault", "cloud.providers.localstripe")
"""What `python -m` may run there."""
LONGEST = 1 << 16
"""The longest request in bytes."""

_asked: list[socket.socket] = []
"""Where programs are asked for, once that process was started."""
_create_subprocess_exec = asyncio.create_subprocess_exec


class Forked:
    """A program that was started: its process, and later its exit status.

    Its descriptors are those of `descriptors`, a copy of each by the number it has there. When this
    object is closed before the program has ended, the program is told to end.
    """

    def __init__(
        self,
        module: str,
        words: list[str],
        descriptors: Mapping[int, int],
        environment: Mapping[str, str] = os.environ,
        *,
        asks: bool = True,
    ) -> None:
        """With `asks`, the program asks for programs here too, instead of starting them."""
        self._end, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = {
            "module": module,
            "words": words,
            "numbers": list(descriptors),
            "environment": dict(environment),
            "folder": os.getcwd(),
            "asks": asks,
        }
        with theirs:
            files = [theirs.fileno(), *descriptors.values()]
            socket.send_fds(_ask_where(), [json.dumps(request).encode()], files)
        told, (self._process,), _, _ = socket.recv_fds(self._end, LONGEST, 1)
        self.pid: int = json.loads(told)

    def fileno(self) -> int:
        """Returns a descriptor that can be read from once the program has ended."""
        return self._end.fileno()

    def send_signal(self, number: signal.Signals) -> None:
        # As subprocess.Popen does with a process that has ended meanwhile.
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._process, number)

    def status(self) -> int:
        """Waits for the end of the program, and returns its exit status."""
        return json.loads(self._end.recv(LONGEST))

    def close(self) -> None:
        self._end.close()
        os.close(self._process)


def _ask_where() -> socket.socket:
    if not _asked:
        _asked.append(_start())
    return _asked[0]


def _start() -> socket.socket:
    """Starts the process that forks, for as long as this one runs."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # What is asked for may bring its own along.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with theirs:
        numbers = [end.fileno() for end in (ours, theirs)]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.warm_process", *map(str, numbers)],
            pass_fds=numbers,
            # It ends when this pipe closes.
            stdin=subprocess.PIPE,
            # As a vault is started: the number of threads is decided when modules are loaded.
            env=environment | {"OPENBLAS_NUM_THREADS": "1"},
        )

    @atexit.register
    def end() -> None:
        assert process.stdin
        process.stdin.close()
        process.wait()

    return ours


def ask_on(asking: socket.socket) -> None:
    """Asks for programs on this socket, and never starts them otherwise, in the whole process."""
    _asked[:] = [asking]
    asyncio.create_subprocess_exec = _create


@contextmanager
def warm_starts() -> Generator[None]:
    """Has whatever starts programs with asyncio inside this context start them warm."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "create_subprocess_exec", _create)
        yield


class Started:
    """A process that runs `python -m cloud` with given words; its standard error goes to a file.

    With `asks`, its own child processes are started warm, and are not its children.
    """

    def __init__(self, words: list[str], errors: Path, *, asks: bool = True) -> None:
        stdin, self._stdin = os.pipe()
        out, stdout = os.pipe()
        with errors.open("wb") as stderr:
            descriptors = {0: stdin, 1: stdout, 2: stderr.fileno()}
            self._forked = Forked("cloud", words, descriptors, asks=asks)
        os.close(stdin)
        os.close(stdout)
        self._errors = errors
        self.stdout: IO[bytes] = os.fdopen(out, "rb")
        self.returncode: int | None = None

    @property
    def pid(self) -> int:
        return self._forked.pid

    def hang_up(self) -> None:
        """Closes its standard input, as when the process that started it has ended."""
        os.close(self._stdin)
        self._stdin = -1

    def send_signal(self, number: signal.Signals) -> None:
        self._forked.send_signal(number)

    def wait(self, timeout: float) -> str:
        """Waits until it has ended; returns what it wrote to standard error."""
        if not select.select([self._forked], [], [], timeout)[0]:
            raise TimeoutError(f"it has not ended after {timeout} s")
        self.returncode = self._forked.status()
        self._forked.close()
        self.stdout.close()
        if self._stdin >= 0:
            self.hang_up()
        return self._errors.read_text()


class _Running:
    """What `asyncio.create_subprocess_exec` returns, as far as the kiosk and the service use it."""

    def __init__(self, forked: Forked, stdin: int | None) -> None:
        self.pid = forked.pid
        self.returncode: int | None = None
        self.stdout: asyncio.StreamReader | None = None
        self.stderr: asyncio.StreamReader | None = None
        self._stdin = stdin
        self._forked = forked
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._loop.add_reader(forked, self._end)

    def _end(self) -> None:
        self._loop.remove_reader(self._forked)
        self.returncode = self._forked.status()
        self._forked.close()
        if self._stdin is not None:
            os.close(self._stdin)
        self._ended.set_result(self.returncode)

    async def wait(self) -> int:
        return await asyncio.shield(self._ended)

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.returncode is not None:
            raise ProcessLookupError
        self._forked.send_signal(number)


async def _create(program: str, *words: str, **options: Any) -> Any:
    """Stands in for `asyncio.create_subprocess_exec`."""
    if program != sys.executable or words[0] != "-m" or words[1] not in PROGRAMS:
        return await _create_subprocess_exec(program, *words, **options)
    theirs: dict[int, int] = {number: number for number in options.get("pass_fds", ())}
    ours: dict[int, int] = {}
    opened: list[int] = []
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        match options.get(name):
            case asyncio.subprocess.PIPE:
                reading, writing = os.pipe()
                theirs[number], ours[number] = (writing, reading) if number else (reading, writing)
                opened.append(theirs[number])
            case asyncio.subprocess.DEVNULL:
                theirs[number] = os.open(os.devnull, os.O_RDWR)
                opened.append(theirs[number])
            case None:
                theirs[number] = number
            case file:
                theirs[number] = file.fileno()
    forked = Forked(
        words[1],
        list(words[2:]),
        theirs,
        options.get("env") or os.environ,
        asks=words[1] == "cloud",
    )
    running = _Running(forked, ours.get(0))
    for descriptor in opened:
        os.close(descriptor)
    if 1 in ours:
        running.stdout = await _reader(ours[1])
    if 2 in ours:
        running.stderr = await _reader(ours[2])
    return running


async def _reader(pipe: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb", 0)
    )
    return reader
