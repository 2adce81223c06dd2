"""Keeps the memory of a process, which holds palms or keys, from a disk."""

import ctypes
import logging
import os
import re
import resource
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

_PR_SET_DUMPABLE = 4
_CURRENT, _FUTURE, _ON_FAULT = 1, 2, 4


def keep_from_disk() -> None:
    """Makes sure that the memory of this process is never written to a file when it crashes,
    whatever catches the dumps of the machine, and locks it. The log is told where it may be swapped
    out all the same. A limit alone does not keep the kernel from handing a dump to a program
    (prctl(2), core(5))."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    lock_memory()
    if may_be_swapped():
        log.warning(
            "memory with keys may be swapped out to a disk: have LimitMEMLOCK=infinity in the unit "
            "(`ulimit -l unlimited`), or no swap"
        )


def lock_memory() -> bool:
    """Keeps what this process has in memory, and will have, from swap (mlockall(2)). Processes that
    it forks have to ask for themselves. Returns False where the kernel refuses: without the
    privilege, RLIMIT_MEMLOCK has to be unlimited. A lower limit would let a process lock what it
    has, and then refuse it more memory at all."""
    _, limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if limit != resource.RLIM_INFINITY and os.geteuid() != 0:
        return False
    # A unit may have it that none is set, and has set it before.
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (limit, limit))
    return ctypes.CDLL(None).mlockall(_CURRENT | _FUTURE | _ON_FAULT) == 0


def give_back() -> None:
    """Gives the system what is free of this process's memory. The C library keeps it otherwise,
    with what was in it, wherever something is in use behind it (malloc_trim(3))."""
    ctypes.CDLL(None).malloc_trim(0)


def may_be_swapped() -> bool:
    """Returns whether memory of this process may be written to a disk: it is not locked, and there
    is swap, or nothing says that there is none."""
    try:
        locked = re.search(r"^VmLck:\s*([0-9]+)", Path("/proc/self/status").read_text(), re.M)
        if locked is not None and int(locked[1]) > 0:
            return False
        return len(Path("/proc/swaps").read_text().splitlines()) > 1
    except OSError:
        return True
