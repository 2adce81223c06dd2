"""Runs an unchanged localstripe in a process of its own: `--directory DIR --port PORT --pages-port
PORT`. The pages on which cards are saved (`cloud.providers.sandbox_pages`) run beside it.

localstripe listens on every interface and keeps its state in `/tmp/localstripe.pickle`, where
anybody could put a pickle for it to load; it has no option for either. Its licence is GPL-3, so it
is neither imported nor changed: it runs as a program, for which `socket` and `open` are replaced so
that it listens on loopback and keeps its file in a private directory.
"""

import argparse
import builtins
import ctypes
import io
import os
import runpy
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from cloud.providers.sandbox_pages import Pages

_STATE = "/tmp/localstripe.pickle"  # noqa: S108 - localstripe's choice, and never opened
_PR_SET_PDEATHSIG = 1


class _Loopback(socket.socket):
    def __init__(self, family: int = -1, *arguments: Any, **options: Any) -> None:
        if family == socket.AF_INET6:
            family = socket.AF_INET
        super().__init__(family, *arguments, **options)

    def bind(self, address: Any, /) -> None:
        super().bind(("127.0.0.1", address[1]))


class _Whole(io.BytesIO):
    """A file that is replaced as a whole when it is closed, so that a killed process leaves the old
    one."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def close(self) -> None:
        if not self.closed:
            partial = self._path.with_suffix(".partial")
            partial.write_bytes(self.getvalue())
            partial.replace(self._path)
        super().close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m cloud.providers.localstripe")
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pages-port", type=int, required=True)
    arguments = parser.parse_args()

    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
    if os.getppid() != parent:
        return

    ours = arguments.directory / "localstripe.pickle"
    really_open = builtins.open

    def open_ours(file: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
        if file != _STATE:
            return really_open(file, mode, *rest, **options)
        return _Whole(ours) if "w" in mode else really_open(ours, mode)

    builtins.open = open_ours
    socket.socket = _Loopback
    Pages(arguments.pages_port, f"http://127.0.0.1:{arguments.port}").start()
    sys.argv = ["localstripe", "--port", str(arguments.port)]
    runpy.run_module("localstripe", run_name="__main__")


if __name__ == "__main__":
    main()
