"""Keeps the memory of a process from a disk when it crashes."""

import ctypes
import resource

_PR_SET_DUMPABLE = 4


def leave_no_core_dump() -> None:
    """Makes sure that the memory of this process is never written to a file, whatever catches the
    dumps of the machine: it holds palms or keys. A limit alone does not keep the kernel from
    handing a dump to a program (prctl(2), core(5))."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
