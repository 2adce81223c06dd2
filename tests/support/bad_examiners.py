"""Examiners that do what a hole in a decoder would let a sender do."""

import ctypes
import mmap
import os
import resource
import signal
import socket
from collections.abc import Sequence
from pathlib import Path

from cloud.vault.examiner import Flaw, Presentation, Unusable
from cloud.vault.reader import MEMORY
from protocol.capture import Burst, Frame
from protocol.ring import Levels
from tests.support.plain_palms import PlainExaminer

NOTHING_IN_REACH = Flaw.CUT_OFF
"""Any flaw that the plain examiner never finds by itself."""


class Driven(PlainExaminer):
    """Does what a picture says instead of judging it, if it says anything of the kind."""

    def examine(self, burst: Burst, shown: Sequence[Levels]) -> Presentation:
        asked = bytes(burst.frames[0].jpeg[3:-2]).decode("latin-1")
        if asked in DEEDS:
            DEEDS[asked]()
        return super().examine(burst, shown)


def _hang() -> None:
    while True:
        pass


def _pause() -> None:
    """Waits for a signal that every other process ignores."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGWINCH})
    signal.sigwait({signal.SIGWINCH})


def _devour() -> None:
    # At once: by pieces, which are locked in memory, a busy machine takes longer than a reader may.
    taken = bytearray(2 * MEMORY)
    # It was given as much as it has asked for.
    while taken:
        pass


def _share() -> None:
    """Raises Unusable when there is no more memory that several processes could share, either."""
    try:
        mmap.mmap(-1, 2 * MEMORY)
    except OSError:
        raise Unusable(NOTHING_IN_REACH) from None
    raise AssertionError


def _fail() -> None:
    raise OverflowError("4111 1111 1111 1111")


def _recur() -> None:
    _recur()


def told(deed: str) -> Burst:
    """Returns a burst that has the examiner do this."""
    return Burst([Frame(0, bytearray(b"\xff\xd8\xff" + deed.encode() + b"\xff\xd9"))])


def _make_segment() -> None:
    """Makes a segment of shared memory (shmget(2)). Raises OSError."""
    libc, private, create = ctypes.CDLL(None, use_errno=True), 0, 0o1000
    if libc.shmget(private, 4096, create | 0o600) < 0:
        raise OSError(ctypes.get_errno(), "no segment")


def _reach() -> None:
    """Raises Unusable when nothing is in reach that a process could take or end."""
    attempts = (
        lambda: Path("/proc/self/status").read_bytes(),
        lambda: Path("/nowhere").unlink(),
        lambda: Path("/nowhere").rename("/elsewhere"),
        lambda: os.memfd_create("more"),
        _make_segment,
        socket.socket,
        os.fork,
        lambda: os.execv("/nowhere", ["nowhere"]),
        lambda: os.kill(os.getppid(), 0),
        lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CPU),
    )
    for attempt in attempts:
        try:
            attempt()
        except PermissionError:
            continue
        raise AssertionError
    raise Unusable(NOTHING_IN_REACH)


DEEDS = {
    "hang": _hang,
    "pause": _pause,
    "devour": _devour,
    "share": _share,
    "fail": _fail,
    "recur": _recur,
    "abort": os.abort,
    "leave": lambda: os._exit(0),
    "reach": _reach,
}
