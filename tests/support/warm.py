"""Starts services from a process that has already loaded their modules, which takes longer than
most of what a test does with a service.

`python -m tests.support.warm FD` is that process. It reads requests from the socket FD and forks.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import IO, NoReturn

_LONGEST = 1 << 16


class Started:
    """A process that runs `python -m cloud` with given words; its standard error goes to a file."""

    def __init__(self, words: list[str], errors: Path) -> None:
        stdin, self._stdin = os.pipe()
        out, stdout = os.pipe()
        with errors.open("wb") as stderr:
            self.pid = _warm().ask(words, [stdin, stdout, stderr.fileno()])
        os.close(stdin)
        os.close(stdout)
        self._errors = errors
        self._ended = os.pidfd_open(self.pid)
        self.stdout: IO[bytes] = os.fdopen(out, "rb")
        self.returncode: int | None = None

    def hang_up(self) -> None:
        """Closes its standard input, as when the process that started it has ended."""
        os.close(self._stdin)
        self._stdin = -1

    def send_signal(self, number: signal.Signals) -> None:
        signal.pidfd_send_signal(self._ended, number)

    def wait(self, timeout: float) -> str:
        """Waits until it has ended; returns what it wrote to standard error."""
        if not select.select([self._ended], [], [], timeout)[0]:
            raise TimeoutError(f"it has not ended after {timeout} s")
        self.returncode = _warm().ask(self.pid)
        self.stdout.close()
        os.close(self._ended)
        if self._stdin >= 0:
            self.hang_up()
        return self._errors.read_text()


class _Warm:
    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._one_at_a_time = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.warm", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
            )

    def ask(self, request: list[str] | int, files: list[int] | None = None) -> int:
        """Starts a service with these words and returns its process, or returns the exit status of
        a process that has ended."""
        with self._one_at_a_time:
            socket.send_fds(self._socket, [json.dumps(request).encode()], files or [])
            return json.loads(self._socket.recv(_LONGEST))

    def close(self) -> None:
        self._socket.close()
        self._process.wait()


@cache
def _warm() -> _Warm:
    warm = _Warm()
    atexit.register(warm.close)
    return warm


def _serve(requests: socket.socket) -> None:
    from cloud.__main__ import main

    while True:
        message, files, _, _ = socket.recv_fds(requests, _LONGEST, 3)
        if not message:
            return
        request = json.loads(message)
        if isinstance(request, int):
            answer = os.waitstatus_to_exitcode(os.waitpid(request, 0)[1])
        else:
            answer = os.fork()
            if answer == 0:
                requests.close()
                for number, file in enumerate(files):
                    os.dup2(file, number)
                    os.close(file)
                _become(main, request)
            for file in files:
                os.close(file)
        requests.send(json.dumps(answer).encode())


def _become(main: Callable[[list[str]], int], words: list[str]) -> NoReturn:
    # Those of the process that forked remember what kind of file was behind them.
    sys.stdout, sys.stderr = (
        os.fdopen(number, "w", buffering=1, closefd=False) for number in (1, 2)
    )
    status = 1
    try:
        status = main(words)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
