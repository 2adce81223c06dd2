"""The processes that fork for `tests.support.warm`: each has loaded the modules of its programs and
runs a program in a fork of itself for each request.

`python -m tests.support.warm_process ASKING ANSWERING`: requests are put to the socket ASKING, here
and in the programs that may ask, and are read from the socket ANSWERING. It ends when its standard
input is closed.

The vault is forked from a process that has loaded little else. It forks a reader for each capture,
and a fork takes the longer the more memory there is.
"""

import fcntl
import gc
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

from tests.support import warm

VAULT = "cloud.vault"
OF_VAULT = (
    f"{VAULT}.__main__",
    f"{VAULT}.palms",
    "tests.support.plain_palms",
    # What it loads when it begins to serve.
    "numpy.fft",
    "numpy.ma",
    "numpy.polynomial",
    "numpy.random",
)
OF_SERVICE = (
    "cloud.__main__",
    "cloud.providers.localstripe",
    # What they load when they begin to serve.
    "aiohttp.web",
    "alembic.autogenerate",
    "cloud.db.direct",
    "uvicorn.lifespan.on",
)


def serve(
    asking: socket.socket, answering: socket.socket, service: socket.socket | None = None
) -> None:
    """Forks for what is asked of `answering`, or hands it on to `service` if it is not a vault."""
    os.set_inheritable(asking.fileno(), False)
    os.set_inheritable(answering.fileno(), False)
    selector = selectors.DefaultSelector()

    def answer() -> None:
        message, files, _, _ = socket.recv_fds(answering, warm.LONGEST, 16)
        if not message:
            sys.exit()
        request = json.loads(message)
        if service is not None and request["module"] != VAULT:
            socket.send_fds(service, [message], files)
            for file in files:
                os.close(file)
            return
        end = socket.socket(fileno=files[0])
        pid = os.fork()
        if pid == 0:
            _become(request, files[1:], asking)
        for file in files[1:]:
            os.close(file)
        process = os.pidfd_open(pid)
        watch(process, lambda: has_ended(pid, process, end))
        watch(end, lambda: hangs_up(process, end))
        with suppress(OSError):
            socket.send_fds(end, [json.dumps(pid).encode()], [process])

    def hangs_up(process: int, end: socket.socket) -> None:
        """Has a program end because nobody waits for it any more."""
        selector.unregister(end)
        signal.pidfd_send_signal(process, signal.SIGTERM)

    def has_ended(pid: int, process: int, end: socket.socket) -> None:
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with suppress(OSError):
            end.send(json.dumps(status).encode())
        selector.unregister(process)
        os.close(process)
        with suppress(KeyError):
            selector.unregister(end)
        end.close()

    def watch(file: Any, act: Callable[[], None]) -> None:
        selector.register(file, selectors.EVENT_READ, act)

    watch(answering, answer)
    if service is not None:
        watch(sys.stdin, sys.exit)
    while True:
        for key, _ in selector.select():
            # What came before may have been the end of the program that this is about.
            if selector.get_map().get(key.fd) is key:
                key.data()


def _become(request: Any, files: list[int], asking: socket.socket) -> NoReturn:
    """Runs a program, with a copy of each file at its number, until it ends."""
    status: object = 1
    try:
        _place(files, request["numbers"], [asking.fileno()] if request["asks"] else [])
        # Those of the process that forked remember what kind of file was behind them.
        sys.stdin = os.fdopen(0, closefd=False)
        sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
        sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False, errors="backslashreplace")
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        _customise(os.environ.get("PYTHONPATH", ""))
        # A terminal interrupts the process that asked, and not what it has asked for.
        os.setpgid(0, 0)
        if request["asks"]:
            warm.ask_on(asking)
        sys.argv = [request["module"], *request["words"]]
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as ended:
        status = ended.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else 1)


def _customise(path: str) -> None:
    """Runs what Python runs at its start where it finds it on this PYTHONPATH."""
    for folder in filter(None, path.split(os.pathsep)):
        with suppress(FileNotFoundError):
            runpy.run_path(os.path.join(folder, "sitecustomize.py"))


def _place(files: list[int], numbers: list[int], kept: list[int]) -> None:
    """Puts each file at its number, and closes all others but those to be kept, which have no such
    number."""
    above = max(*numbers, *files) + 1
    moved = [fcntl.fcntl(file, fcntl.F_DUPFD, above) for file in files]
    for file, number in zip(moved, numbers, strict=True):
        os.dup2(file, number)
    stay = {*numbers, *kept}
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in stay:
            # The listing itself was read through one that is closed by now.
            with suppress(OSError):
                os.close(int(name))


def load(modules: Iterable[str]) -> None:
    # What modules make stays, and there is no use in looking through it again and again.
    gc.disable()
    for name in modules:
        import_module(name)
    for program in warm.PROGRAMS:
        # They are run anew, as `python -m` runs them.
        for name in (program, f"{program}.__main__"):
            if not hasattr(sys.modules.get(name), "__path__"):
                sys.modules.pop(name, None)
    gc.collect()
    # A fork that looked for garbage here would copy the memory it looks at.
    gc.freeze()
    gc.enable()


def main() -> None:
    asking, answering = (socket.socket(fileno=int(word)) for word in sys.argv[1:])
    load(OF_VAULT)
    service, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        try:
            service.close()
            answering.close()
            load(OF_SERVICE)
            serve(asking, theirs)
        finally:
            # Libraries would wait at the end for threads that only the first process has.
            os._exit(0)
    theirs.close()
    serve(asking, answering, service)


if __name__ == "__main__":
    main()
