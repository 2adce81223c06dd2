"""Examiners that do what a hole in a decoder would let a sender do."""

import os
import resource
import signal
import socket
from collections.abc import Sequence
from pathlib import Path

from cloud.vault.examiner import Flaw, Presentation, Unusable
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
    taken: list[bytearray] = []
    while True:
        taken.append(bytearray(b"\1") * 2**24)


def _fail() -> None:
    raise OverflowError("4111 1111 1111 1111")


def _recur() -> None:
    _recur()


def told(deed: str) -> Burst:
    """Returns a burst that has the examiner do this."""
    return Burst([Frame(0, bytearray(b"\xff\xd8\xff" + deed.encode() + b"\xff\xd9"))])


def _reach() -> None:
    """Raises Unusable when nothing is in reach that a process could take or end."""
    attempts = (
        lambda: Path("/proc/self/status").read_bytes(),
        lambda: Path("/nowhere").unlink(),
        lambda: Path("/nowhere").rename("/elsewhere"),
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
    "fail": _fail,
    "recur": _recur,
    "abort": os.abort,
    "leave": lambda: os._exit(0),
    "reach": _reach,
}
