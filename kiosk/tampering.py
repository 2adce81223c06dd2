"""Watching for signs that somebody tampers with the kiosk, and telling the till and the access
controller of them."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import NoReturn

from hardware.camera.feed import Broken, Feed, Recovering, Streaming
from hardware.enclosure import Contact
from hardware.faults import DeviceFault
from hardware.gate import Controller
from kiosk.clock import Clock
from kiosk.till.till import Tampering, Till
from protocol.backoff import pause_after

log = logging.getLogger(__name__)

LOOKS_S = 1.0
"""Seconds between two looks at every sign."""
LASTS_S = 3.0
"""How long a sign has to last before the till is told, in seconds: a camera on the network may be
lost for a moment."""
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 60.0
"""The pauses before a till that has not heard of a sign is told again."""


class Watch:
    """Tells of each sign once, and again after it was gone."""

    def __init__(
        self,
        signs: Mapping[Tampering, Callable[[], bool]],
        till: Till,
        clock: Clock,
        controller: Controller | None = None,
    ) -> None:
        """`signs` return whether they are seen. They return at once, and may raise DeviceFault."""
        self._signs = signs
        self._till = till
        self._clock = clock
        self._controller = controller
        self._seen: set[Tampering] = set()
        self._unreadable: set[Tampering] = set()
        """The signs whose device cannot be read, and of which the log was told."""

    async def run(self) -> NoReturn:
        async with asyncio.TaskGroup() as group:
            for sign in self._signs:
                group.create_task(self._watch(sign))
        raise AssertionError("signs are watched until that is cancelled")

    async def _watch(self, sign: Tampering) -> NoReturn:
        while True:
            await self._until(sign, seen=True)
            log.error("somebody may tamper with the kiosk: %s", sign)
            self._seen.add(sign)
            self._tell_controller()
            await self._tell(sign)
            await self._until(sign, seen=False)
            self._seen.remove(sign)
            self._tell_controller()
            log.info("a sign of tampering is gone: %s", sign)
            self._till.tampering_ended(sign)

    async def _until(self, sign: Tampering, *, seen: bool) -> None:
        """Waits until a sign was seen, or not, for LASTS_S."""
        since: float | None = None
        while True:
            now = self._clock.now()
            if self._sees(sign) is not seen:
                since = None
            elif since is None:
                since = now
            elif now - since >= LASTS_S:
                return
            await self._clock.sleep(LOOKS_S)

    def _tell_controller(self) -> None:
        if self._controller is not None:
            self._controller.tell_tampering(bool(self._seen))

    async def _tell(self, sign: Tampering) -> None:
        failures = 0
        while not await self._till.tampering(sign):
            await self._clock.sleep(pause_after(failures, SHORTEST_PAUSE_S, LONGEST_PAUSE_S))
            failures += 1

    def _sees(self, sign: Tampering) -> bool:
        try:
            seen = self._signs[sign]()
        except DeviceFault as fault:
            if sign not in self._unreadable:
                self._unreadable.add(sign)
                log.error("tampering cannot be seen: %s", fault)
            return False
        self._unreadable.discard(sign)
        return seen


def signs_of(
    camera: Feed, infrared: Feed | None, enclosure: Contact | None
) -> dict[Tampering, Callable[[], bool]]:
    """Returns the signs that these devices show."""
    signs: dict[Tampering, Callable[[], bool]] = {Tampering.CAMERA: Lost(camera)}
    if infrared is not None:
        signs[Tampering.INFRARED] = Lost(infrared)
    if enclosure is not None:
        signs[Tampering.ENCLOSURE] = enclosure.was_opened
    return signs


class Lost:
    """Returns whether a camera that has delivered pictures is gone. One that never did is not set
    up yet, or is not what its address says."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._delivered = False

    def __call__(self) -> bool:
        state = self._feed.state
        self._delivered = self._delivered or isinstance(state, Streaming)
        return self._delivered and isinstance(state, Recovering | Broken)
