"""Tells systemd that a program is ready, and that it lives for as long as all its parts do.

A program tells it by datagrams of text to the socket that NOTIFY_SOCKET names (sd_notify(3)). Of a
unit with `WatchdogSec=`, systemd ends a program that has not said WATCHDOG=1 for that long
(systemd.service(5)). Started by anything else, a program tells nobody.
"""

import faulthandler
import logging
import queue
import socket
import threading
import time
from collections.abc import Callable, Generator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeAlias

Part: TypeAlias = Callable[[Callable[[], None]], object]
"""A part of a program. It is given a function and calls it soon, on the thread whose life it
proves. It may be asked again before it has answered. One that blocks holds the watchdog's thread,
which then feeds no more."""

ROUNDS = 4
"""How often every part is asked within the time after which systemd ends the program."""

LEAVE_S = 2.0
"""How long the thread is waited for at the end, in seconds."""

_log = logging.getLogger(__name__)


class Systemd:
    """The line to systemd."""

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        """Takes what systemd has set from the environment: no child speaks for this process.
        WATCHDOG_PID does not count, since another process may stand between (xinit).

        Raises OSError when systemd's socket cannot be reached.
        """
        address = environment.pop("NOTIFY_SOCKET", None)
        patience_us = environment.pop("WATCHDOG_USEC", "0")
        environment.pop("WATCHDOG_PID", None)
        self._line: socket.socket | None = None
        self._round_s = int(patience_us) / 1e6 / ROUNDS
        if address is not None:
            self._line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            # An address that begins with @ is in the abstract namespace, unix(7).
            self._line.connect(f"\0{address[1:]}" if address.startswith("@") else address)

    def ready(self) -> None:
        """Tells that the program has started."""
        self._tell("READY=1")

    def starts_within(self, seconds: float) -> None:
        """Tells that the program may take so long from now on until it is ready, where that is
        longer than its unit allows."""
        self._tell(f"EXTEND_TIMEOUT_USEC={round(seconds * 1e6)}")

    def feed(self) -> None:
        """Feeds the watchdog once, whatever lives."""
        self._tell("WATCHDOG=1")

    @contextmanager
    def watching(self, parts: Mapping[str, Part]) -> Generator[None]:
        """Feeds the watchdog while the block lasts, each time that all parts have answered. The
        names of the parts are for the log: "the window".

        When systemd ends the program with SIGABRT, all threads write where they are to standard
        error.
        """
        if self._line is None or not self._round_s:
            yield
            return
        faulthandler.enable()
        answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        thread = threading.Thread(
            target=self._watch, args=(parts, answers), name="watchdog", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            # What it asks may be gone soon. A part that hangs may hold it.
            answers.put(None)
            thread.join(LEAVE_S)

    def _watch(self, parts: Mapping[str, Part], answers: "queue.SimpleQueue[str | None]") -> None:
        silent, rounds = set(parts), 0
        while True:
            for name in silent:
                parts[name](partial(answers.put, name))
            rounds += 1
            until = time.monotonic() + self._round_s
            while (left := until - time.monotonic()) > 0:
                with suppress(queue.Empty):
                    answered = answers.get(timeout=left)
                    if answered is None:
                        return
                    silent.discard(answered)
            if not silent:
                self.feed()
                silent, rounds = set(parts), 0
            elif rounds == ROUNDS // 2:
                _log.critical(
                    "no answer for %.0f seconds from %s: systemd will start this program again",
                    rounds * self._round_s,
                    " and ".join(sorted(silent)),
                )

    def _tell(self, what: str) -> None:
        if self._line is not None:
            # systemd itself may be started again at this moment.
            with suppress(OSError):
                self._line.send(what.encode())
