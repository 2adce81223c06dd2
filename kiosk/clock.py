"""The source of time in the kiosk, which tests replace by a clock that they turn."""

import asyncio
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Returns seconds on the running loop's clock, for durations."""
        ...

    def wall(self) -> datetime:
        """Returns date and time in UTC, for what has to outlive a restart."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
