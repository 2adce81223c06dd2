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
_COLLAPSE = 25
_HUGE = 2 << 20
"""The size in bytes of a huge page."""
_WRITABLE = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) rw-p \S+ \S+ 0 *(?:\[heap])?$", re.M)
"""A part of the memory that is no file's, in /proc/self/maps (proc(5)): its begin and end."""


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


def widen_pages() -> None:
    """Joins the pages of this process's own memory to huge ones, as far as the kernel can (from
    6.1; MADV_COLLAPSE, madvise(2)). A process that is forked then has fewer to take over, to lock
    and to give up."""
    advise = ctypes.CDLL(None).madvise
    for begin, end in _WRITABLE.findall(Path("/proc/self/maps").read_text()):
        for at in range(-(-int(begin, 16) // _HUGE) * _HUGE, int(end, 16) - _HUGE + 1, _HUGE):
            advise(ctypes.c_void_p(at), ctypes.c_size_t(_HUGE), _COLLAPSE)


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
