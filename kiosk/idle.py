"""Ending a visit when the shopper has left or the till has withdrawn its sale.

A visit is interrupted only while a question is asked, so a payment is never left half done.
"""

from collections.abc import Awaitable, Callable
from math import ceil
from typing import NoReturn, TypeVar

from kiosk.capture.guidance import Instruction
from kiosk.clock import Clock
from kiosk.race import first
from kiosk.screens import HoldPalm, Screen, StillThere
from kiosk.settings import Patience
from kiosk.stage import Stage, WalkedAway

Answer = TypeVar("Answer")

NO_HAND = Instruction.SHOW_PALM
BLINK = 0.1
"""Seconds between two checks whether the warning was answered."""


class SaleWithdrawn(Exception):
    """The till has withdrawn its sale."""


class IdleWatch:
    """A stage whose questions end when the shopper has been idle for too long.

    A touch counts as activity, and so does a hand before the camera, which is known from the
    guidance shown. `withdrawn` returns when the till withdraws its sale.
    """

    def __init__(
        self,
        stage: Stage,
        clock: Clock,
        patience: Patience,
        withdrawn: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._stage = stage
        self._clock = clock
        self._patience = patience
        self._active_at = clock.now()
        self._withdrawn = withdrawn

    async def ask(self, screen: Screen[Answer]) -> Answer:
        """Asks as the stage does. Raises WalkedAway, SaleWithdrawn, and what the stage raises."""
        self._active_at = self._clock.now()
        interruptions = [self._until_idle()]
        if self._withdrawn is not None:
            interruptions.append(_until_withdrawn(self._withdrawn()))
        return await first(self._stage.ask(screen), *interruptions)

    def show(self, screen: Screen[object]) -> None:
        if isinstance(screen, HoldPalm) and screen.guidance.instruction is not NO_HAND:
            self._active_at = self._clock.now()
        self._stage.show(screen)

    def overlay(self, screen: StillThere | None) -> None:
        self._stage.overlay(screen)

    def last_touch(self) -> float:
        return self._stage.last_touch()

    async def _until_idle(self) -> NoReturn:
        warning = self._patience.warning_s
        counting: int | None = None
        try:
            while True:
                active_at = max(self._active_at, self.last_touch())
                left = active_at + self._patience.idle_s - self._clock.now()
                if left <= 0:
                    raise WalkedAway
                seconds = ceil(left) if left <= warning else None
                if seconds != counting:
                    self.overlay(None if seconds is None else StillThere(seconds))
                    counting = seconds
                await self._clock.sleep(BLINK if seconds is not None else left - warning)
        finally:
            if counting is not None:
                self.overlay(None)


async def _until_withdrawn(withdrawn: Awaitable[None]) -> NoReturn:
    await withdrawn
    raise SaleWithdrawn
