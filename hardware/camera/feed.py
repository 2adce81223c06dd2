"""The pictures of one camera for as long as the kiosk runs, through every fault of the camera.

One thread reads the camera into the ring (`hardware.camera.ring`). A second thread watches the
first: no picture for a second is a fault, whatever the driver reports, and the camera is opened
again and again until it delivers. A device that tells that it has a picture ready
(`CameraSource.has_picture`) is not silent; the reading thread is late.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TypeAlias

from hardware.camera.camera import CameraSource, Size
from hardware.camera.pace import ENOUGH, Pace
from hardware.camera.ring import Lease, Mailbox, Ring
from hardware.faults import DeviceFault, PermanentFault, TemporaryFault
from protocol.backoff import pause_after

__all__ = [
    "SIZE",
    "Broken",
    "Feed",
    "FeedState",
    "FeedTimeouts",
    "Lease",
    "Mailbox",
    "Recovering",
    "Starting",
    "Streaming",
]

_log = logging.getLogger(__name__)

SIZE = (720, 1280)
"""The (height, width) of pictures for a camera that is mounted upright."""

LEFT_BEHIND_AT_MOST = 3
"""The largest number of readers stuck in a driver that does not return. They cannot be stopped;
with so many, no further one is started until one returns."""


@dataclass(frozen=True, slots=True)
class Starting:
    """No picture has come yet, and no fault is known."""


@dataclass(frozen=True, slots=True)
class Streaming:
    """Pictures arrive."""

    def __str__(self) -> str:
        return "delivers pictures."


@dataclass(frozen=True, slots=True)
class Recovering:
    """The camera has failed and is opened again and again until it works."""

    fault: DeviceFault

    def __str__(self) -> str:
        return str(self.fault)


@dataclass(frozen=True, slots=True)
class Broken:
    """The camera works only after somebody has done something; it is still tried now and then."""

    fault: PermanentFault

    def __str__(self) -> str:
        return str(self.fault)


FeedState: TypeAlias = Starting | Streaming | Recovering | Broken


@dataclass(frozen=True, slots=True)
class FeedTimeouts:
    """How long a feed waits, in seconds."""

    silence: float = 0.9
    """For the next picture. Together with the time to notice it is under a second."""
    opening: float = 8.0
    """For the first picture: a camera on the network needs longer."""
    letting_go: float = 1.5
    """For a dismissed reader to close the camera, since most cameras can be open only once. Drivers
    that have a timeout of their own are given 1 s."""
    retry: float = 0.2
    """Before the camera is opened again; doubled with every failure in a row."""
    retry_at_most: float = 2.0
    broken: float = 15.0
    """Before the camera is tried again after a fault that only a person can mend."""


class Feed:
    """Delivers pictures of one size, (height, width), from `start` to `stop`. Thread-safe."""

    def __init__(
        self, source: CameraSource, size: Size = SIZE, timeouts: FeedTimeouts | None = None
    ) -> None:
        self.source = source
        self.size = size
        self._timeouts = timeouts or FeedTimeouts()
        self._ring = Ring(size)
        self._changed = threading.Condition()
        self._state: FeedState = Starting()
        self._state_watchers: list[Callable[[FeedState], None]] = []
        self._stopping = False
        self._left_behind: list[_Reader] = []
        self._pace = Pace()
        self._told_too_few = False
        self._watchdog = threading.Thread(target=self._watch, name="camera watchdog", daemon=True)

    def start(self) -> None:
        self._watchdog.start()

    def stop(self) -> None:
        """Closes the camera, wipes every buffer and waits for both threads. A reader whose driver
        does not return is not waited for; it closes the camera when the driver returns."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._watchdog.is_alive():
            self._watchdog.join()
        self._ring.close()

    def subscribe(self, on_arrival: Callable[[], None] | None = None) -> Mailbox:
        """Returns a mailbox for one reader of pictures. `on_arrival` is called on the camera's
        thread with every new picture until the mailbox is closed, and must return at once."""
        return self._ring.subscribe(on_arrival)

    def wipe(self) -> None:
        """Overwrites every picture in memory with zeros, a leased one when it is given back. No
        picture that was taken before is delivered afterwards."""
        self._ring.wipe()

    @property
    def is_watched(self) -> bool:
        """Whether the thread runs that opens the camera again when it fails."""
        return self._watchdog.is_alive()

    @property
    def state(self) -> FeedState:
        return self._state

    @property
    def too_few(self) -> TemporaryFault | None:
        """What is wrong when the camera delivers, but fewer than ENOUGH pictures a second; None
        while it is well or not measured yet."""
        rate = self._pace.rate
        if rate is None or rate >= ENOUGH:
            return None
        return TemporaryFault(
            f"Too few pictures: {self.source.name} delivers {rate:.1f} a second, and a palm needs "
            f"{ENOUGH:g}. (Pictures that come together count as one.)",
            "Give it more light, a cable instead of Wi-Fi, or smaller pictures (size=640x480).",
        )

    def on_state(self, watcher: Callable[[FeedState], None]) -> Callable[[], None]:
        """Calls `watcher` with every new state, on the feed's own thread; it must return at once.
        Returns a function after which `watcher` is not called any more."""
        with self._changed:
            self._state_watchers.append(watcher)

        def take_back() -> None:
            with self._changed:
                self._state_watchers.remove(watcher)

        return take_back

    def _watch(self) -> None:
        """Runs the watchdog: starts one reader after the other."""
        failures = 0
        while not self._stopping:
            self._pace = Pace()
            reader = _Reader(self.source, self._ring, self._changed, self._pace)
            reader.start()
            fault = self._follow(reader)
            if fault is None:
                reader.join(self._timeouts.silence)
                return
            failures = 0 if reader.delivered else failures + 1
            permanent = isinstance(fault, PermanentFault)
            self._enter(Broken(fault) if permanent else Recovering(fault))
            self._rest(reader, self._timeouts.broken if permanent else self._back_off(failures))

    def _follow(self, reader: "_Reader") -> DeviceFault | None:
        """Watches a reader until it ends or the camera is silent, and dismisses it. Returns what
        went wrong, None when the feed stops."""

        def begun() -> bool:
            return bool(self._stopping or reader.fault or reader.delivered)

        with self._changed:
            while not self._changed.wait_for(begun, self._timeouts.opening):
                if not self.source.has_picture():
                    break
        if reader.delivered:
            self._enter(Streaming())
        with self._changed:
            while reader.delivered and not (self._stopping or reader.fault):
                left = reader.delivered + self._timeouts.silence - time.monotonic()
                if left <= 0 and not self.source.has_picture():
                    break
                self._tell_pace()
                self._changed.wait(left if left > 0 else self._timeouts.silence)
            reader.dismissed = True
            if self._stopping:
                return None
            if reader.fault is None:
                self._left_behind.append(reader)
        return reader.fault or TemporaryFault(
            f"The camera {self.source.name} has stopped answering.",
            "If it does not come back by itself, unplug it and plug it in again.",
        )

    def _back_off(self, failures: int) -> float:
        pause = pause_after(failures, self._timeouts.retry, self._timeouts.retry_at_most)
        # Without jitter two kiosks that share a camera would take it from each other for ever.
        return pause * random.uniform(0.75, 1.25)  # noqa: S311 - nothing secret

    def _rest(self, reader: "_Reader", pause: float) -> None:
        def crowded() -> bool:
            self._left_behind = [r for r in self._left_behind if r.fault is None]
            return len(self._left_behind) >= LEFT_BEHIND_AT_MOST

        with self._changed:
            self._changed.wait_for(
                lambda: self._stopping or reader.fault, self._timeouts.letting_go
            )
            self._changed.wait_for(lambda: self._stopping, pause)
            self._changed.wait_for(lambda: self._stopping or not crowded())

    def _tell_pace(self) -> None:
        """Logs when the camera begins to deliver too few pictures, and when it no longer does."""
        fault = self.too_few
        if fault is not None and not self._told_too_few:
            _log.warning("Camera %s: %s", self.source.name, fault)
        elif fault is None and self._told_too_few and self._pace.rate is not None:
            _log.info("Camera %s: delivers enough pictures again.", self.source.name)
        else:
            return
        self._told_too_few = fault is not None

    def _enter(self, state: FeedState) -> None:
        with self._changed:
            before, self._state = self._state, state
            for watcher in tuple(self._state_watchers):
                watcher(state)
        if str(before) != str(state):
            level = logging.WARNING if isinstance(state, Recovering | Broken) else logging.INFO
            _log.log(level, "Camera %s: %s", self.source.name, state)


class _Reader(threading.Thread):
    """One opening of the camera. A daemon thread: a driver that hangs must not keep the process
    alive."""

    def __init__(
        self, source: CameraSource, ring: Ring, changed: threading.Condition, pace: Pace
    ) -> None:
        super().__init__(name="camera", daemon=True)
        self._source = source
        self._ring = ring
        self._changed = changed
        self._pace = pace
        self.delivered = 0.0
        """When the last picture came, on the clock of `time.monotonic`; 0 before the first one."""
        self.dismissed = False
        """Set by the watchdog: pictures that still come are dropped."""
        self.fault: DeviceFault | None = None
        """Why the thread has ended; None while it runs."""

    def run(self) -> None:
        fault = self._read()
        with self._changed:
            self.fault = fault
            self._changed.notify_all()

    def _read(self) -> DeviceFault:
        buffer = None
        try:
            with closing(self._source.open()) as camera:
                buffer = self._ring.claim()
                while buffer is not None and not self.dismissed:
                    at = camera.read(buffer.image)
                    if not self.dismissed:
                        self._pace.add(at)
                        buffer = self._ring.publish(buffer, at)
                        self._report()
        except DeviceFault as fault:
            return fault
        except Exception:
            _log.exception("The driver of %s failed", self._source.name)
        finally:
            if buffer is not None:
                self._ring.give_back(buffer)
        return TemporaryFault(
            f"The driver of {self._source.name} failed.", "See the log; it is tried again."
        )

    def _report(self) -> None:
        first = not self.delivered
        self.delivered = time.monotonic()
        if first:
            with self._changed:
                self._changed.notify_all()
