"""Takes the network, core dumps, swap and tracing from a process for good, without being root; and,
from one that needs even less, files and other processes.

A seccomp filter refuses system calls. `confine` refuses those that make sockets and io_urings
(which could make sockets); what was open before stays open. A filter applies to every thread that
the process has and will have, and to every process that it forks. See seccomp(2), prctl(2), and the
kernel's `Documentation/userspace-api/seccomp_filter.rst`.
"""

import ctypes
import errno
import os
import platform
import resource
import struct
from collections.abc import Sequence

from protocol.memory import lock_memory

_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC = 1, 1

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | errno.EACCES
_KILL = 0x80000000
_X32 = 0x40000000

_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""AUDIT_ARCH_… by machine, and the column of the table below."""
_NUMBERS = {
    "seccomp": (317, 277),
    "socket": (41, 198),
    "io_uring_setup": (425, 425),
    "open": (2, None),
    "openat": (257, 56),
    "openat2": (437, 437),
    "creat": (85, None),
    "memfd_create": (319, 279),
    "shmget": (29, 194),
    "truncate": (76, 45),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, None),
    "vfork": (58, None),
    "clone": (56, 220),
    "clone3": (435, 435),
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
    "prlimit64": (302, 261),
}
"""The numbers of system calls, by machine; None where the machine has no such call."""
_SOCKETS = ("socket", "io_uring_setup")
_FILES = (
    *("open", "openat", "openat2", "creat", "truncate"),
    *("unlink", "unlinkat", "rename", "renameat", "renameat2", "execve", "execveat"),
    # Files and segments in memory, which may outgrow the limit of a process, and outlive it.
    *("memfd_create", "shmget"),
)
_PROCESSES = (
    *("fork", "vfork", "clone", "clone3", "prlimit64"),
    *("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal"),
)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def confine() -> None:
    """Confines this process, and locks its memory where the limits allow it. Raises OSError when
    the kernel refuses the rest, and on an architecture that is not listed here."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    _succeed(libc.prctl(_PR_SET_DUMPABLE, *_words(0, 0, 0, 0)))
    _succeed(libc.prctl(_PR_SET_NO_NEW_PRIVS, *_words(1, 0, 0, 0)))
    lock_memory()
    _refuse(_SOCKETS)


def forgo_files() -> None:
    """Takes from a confined process what opens, makes, replaces, removes or runs a file, in memory
    as well. What was open before stays open. Raises OSError."""
    _refuse(_FILES)


def forgo_processes() -> None:
    """Takes from a confined process what starts another process or thread, or ends one. Raises
    OSError."""
    _refuse(_PROCESSES)


def _refuse(calls: Sequence[str]) -> None:
    """Makes the kernel answer these system calls with EACCES from now on. Raises OSError."""
    try:
        architecture, column = _ARCHITECTURES[platform.machine()]
    except KeyError:
        raise OSError(errno.ENOSYS, "no system call filter for this architecture") from None
    numbers = [n for n in (_NUMBERS[call][column] for call in calls) if n is not None]
    instructions = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),
        (_AT_LEAST, len(numbers) + 1, 0, _X32),
        *((_EQUAL, len(numbers) - n, 0, number) for n, number in enumerate(numbers)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *i) for i in instructions))
    program = _Program(len(instructions), ctypes.addressof(code))
    arguments = _words(
        _NUMBERS["seccomp"][column] or 0,
        _SECCOMP_SET_MODE_FILTER,
        _SECCOMP_FILTER_FLAG_TSYNC,
        ctypes.addressof(program),
    )
    _succeed(ctypes.CDLL(None, use_errno=True).syscall(*arguments))


def _words(*values: int) -> list[ctypes.c_ulong]:
    return [ctypes.c_ulong(value) for value in values]


def _succeed(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
