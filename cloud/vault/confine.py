"""Takes the network, core dumps and tracing from a process for good, without being root.

A seccomp filter refuses to make sockets and io_urings (which could make sockets); what was open
before stays open. It applies to every thread that the process has and will have. See seccomp(2),
prctl(2), and the kernel's `Documentation/userspace-api/seccomp_filter.rst`.
"""

import ctypes
import errno
import os
import platform
import resource
import struct

_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC = 1, 1

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | errno.EACCES
_KILL = 0x80000000
_X32 = 0x40000000
_IO_URING_SETUP = 425

_ARCHITECTURES = {"x86_64": (0xC000003E, 41, 317), "aarch64": (0xC00000B7, 198, 277)}
"""AUDIT_ARCH_… and the system call numbers of socket(2) and seccomp(2), by machine."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def confine() -> None:
    """Confines this process. Raises OSError when the kernel refuses, and on an architecture that is
    not listed here."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    _succeed(libc.prctl(_PR_SET_DUMPABLE, *_words(0, 0, 0, 0)))
    _succeed(libc.prctl(_PR_SET_NO_NEW_PRIVS, *_words(1, 0, 0, 0)))
    try:
        architecture, socket, seccomp = _ARCHITECTURES[platform.machine()]
    except KeyError:
        raise OSError(errno.ENOSYS, "no system call filter for this architecture") from None
    instructions = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),
        (_AT_LEAST, 3, 0, _X32),
        (_EQUAL, 2, 0, socket),
        (_EQUAL, 1, 0, _IO_URING_SETUP),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *i) for i in instructions))
    program = _Program(len(instructions), ctypes.addressof(code))
    arguments = _words(
        seccomp, _SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC, ctypes.addressof(program)
    )
    _succeed(libc.syscall(*arguments))


def _words(*values: int) -> list[ctypes.c_ulong]:
    return [ctypes.c_ulong(value) for value in values]


def _succeed(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
