"""Runs functions of tests in processes of their own, where they may be killed or short of room.

They are forked from one process that has already loaded their modules, which takes longer than most
of what they do. That process, `python -m tests.support.forks`, reads a request from each line of
its standard input, and answers with the exit status. It has no threads, and ends with its input.
"""

import atexit
import gc
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any, NoReturn

_started: "list[subprocess.Popen[str]]" = []


def run_forked(
    function: Callable[[], int | None], *words: object
) -> "subprocess.CompletedProcess[str]":
    """Calls a function of a module with these words as `sys.argv[1:]`, in a process that ends with
    what it returns as its exit status. Returns that status, and what was written to standard output
    and standard error."""
    server = _server()
    assert server.stdin
    assert server.stdout
    # Pipes, as a limit to the size of files would be one to what is written there.
    pipes = [os.pipe() for _ in ("standard output", "standard error")]
    request = {
        "module": function.__module__,
        "function": function.__name__,
        "words": [str(word) for word in words],
        "files": [os.devnull, *(f"/proc/{os.getpid()}/fd/{writing}" for _, writing in pipes)],
        "environment": dict(os.environ),
        "folder": os.getcwd(),
    }
    with ThreadPoolExecutor(len(pipes)) as readers:
        written = [readers.submit(_read, reading) for reading, _ in pipes]
        try:
            server.stdin.write(json.dumps(request) + "\n")
            server.stdin.flush()
            status = int(server.stdout.readline())
        finally:
            for _, writing in pipes:
                os.close(writing)
        out, err = (each.result() for each in written)
    return subprocess.CompletedProcess(request["words"], status, out, err)


def _read(pipe: int) -> str:
    with open(pipe) as file:
        return file.read()


def _server() -> "subprocess.Popen[str]":
    """Returns the process that forks. It is started once, and runs for as long as this one."""
    if not _started:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.support.forks"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # OpenBLAS would start threads as soon as numpy is loaded.
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
            text=True,
            # A terminal interrupts the process that asked, and not this one.
            start_new_session=True,
        )
        _started.append(server)

        @atexit.register
        def end() -> None:
            server.communicate()

    return _started[0]


def _serve() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        import_module(request["module"])
        # A fork that looked for garbage here would copy the memory it looks at.
        gc.freeze()
        child = os.fork()
        if child == 0:
            _become(request)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()


def _become(request: Any) -> NoReturn:
    status: object = 1
    try:
        for number, name in enumerate(request["files"]):
            file = os.open(name, os.O_RDWR)
            os.dup2(file, number)
            os.close(file)
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.argv = [request["function"], *request["words"]]
        status = getattr(sys.modules[request["module"]], request["function"])() or 0
    except SystemExit as ended:
        status = ended.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else 1)


if __name__ == "__main__":
    _serve()
