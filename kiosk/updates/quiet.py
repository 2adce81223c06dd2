"""The quiet moment in which a newer version may be tried, seen from the version that runs."""

from collections.abc import Callable
from datetime import datetime
from typing import NoReturn

from kiosk.clock import Clock
from kiosk.settings import Updates
from kiosk.updates.versions import Versions, answer

QUIET_S = 600.0
"""Seconds in which nobody has been there."""
LOOKS_S = 1.0
"""Seconds between two looks."""


class VersionWaits(Exception):
    """The kiosk ends, so that the version that waits is tried."""


class Quiet:
    def __init__(self, updates: Updates, versions: Versions, clock: Clock) -> None:
        self._updates = updates
        self._versions = versions
        self._clock = clock

    async def watch(self, serves: Callable[[], bool], last_touch: Callable[[], float]) -> NoReturn:
        """Runs while the kiosk waits for the next person. Says that this version serves, as soon as
        it does. Raises VersionWaits when another one waits, nobody has been there for QUIET_S, and
        this one serves: otherwise it could not be told whether the other is at fault."""
        since = self._clock.now()
        while True:
            await self._clock.sleep(LOOKS_S)
            if not serves():
                continue
            answer()
            quiet_s = self._clock.now() - max(since, last_touch())
            now = self._clock.wall().astimezone()
            if quiet_s >= QUIET_S and may_try_at(self._updates, now) and self._versions.waits():
                raise VersionWaits


def may_try_at(updates: Updates, local: datetime) -> bool:
    """Returns whether the hours in which a version may be tried have come; they may lie around
    midnight."""
    if updates.between is None:
        return True
    begin, end = (each.replace(tzinfo=None) for each in updates.between)
    now = local.time().replace(tzinfo=None)
    return begin <= now < end if begin <= end else now >= begin or now < end
