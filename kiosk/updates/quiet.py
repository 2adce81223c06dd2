"""A try of another version, seen from the one that runs: how it answers when it is tried, and the
quiet moment in which it makes room for the next."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import NoReturn

from kiosk.clock import Clock
from kiosk.settings import Updates
from kiosk.updates.versions import Versions, answer, is_tried
from protocol import VERSION

QUIET_S = 600.0
"""Seconds in which nobody has been there."""
LOOKS_S = 1.0
"""Seconds between two looks."""


class VersionWaits(Exception):
    """The kiosk ends, so that the version that waits is tried."""


class Quiet:
    def __init__(self, updates: Updates | None, versions: Versions, clock: Clock) -> None:
        """Without `updates`, no other version is waited for: they were switched off after this one
        was fetched."""
        self._updates = updates
        self._versions = versions
        self._clock = clock
        self.kept = asyncio.Event()
        """Set once there is no way back from this version any more; at once unless it is tried."""
        if not is_tried():
            self.kept.set()

    async def until_kept(self, serves: Callable[[], bool]) -> None:
        """Says that this version serves, as soon as it would, and returns when it is kept. Whoever
        has started it ends it otherwise."""
        while not self.kept.is_set():
            await self._clock.sleep(LOOKS_S)
            if serves():
                answer()
            if self._versions.current == VERSION:
                self.kept.set()

    async def watch(self, serves: Callable[[], bool], last_touch: Callable[[], float]) -> NoReturn:
        """Runs while the kiosk waits for the next person. Raises VersionWaits when another version
        waits, nobody has been there for QUIET_S, and this one serves: otherwise it could not be
        told whether the other is at fault."""
        since = self._clock.now()
        while True:
            await self._clock.sleep(LOOKS_S)
            if self._updates is None or not serves():
                continue
            quiet_s = self._clock.now() - max(since, last_touch())
            now = self._clock.wall().astimezone()
            if quiet_s >= QUIET_S and may_try_at(self._updates, now) and self._versions.waits():
                raise VersionWaits


def may_try_at(updates: Updates, local: datetime) -> bool:
    """Returns whether the hours in which a version may be tried have come; they may lie around
    midnight, and are the whole day where they end when they begin."""
    if updates.between is None:
        return True
    begin, end = (each.replace(tzinfo=None) for each in updates.between)
    now = local.time().replace(tzinfo=None)
    return begin <= now < end if begin < end else now >= begin or now < end
