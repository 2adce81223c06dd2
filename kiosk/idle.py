"""Noticing that nobody is there any more.

A visit is interrupted at a question and nowhere else: while the kiosk is busy with a payment or a
palm, neither idleness nor the till's second thoughts can leave it half done.
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
"""Seconds between two looks at whether the warning was answered."""


class SaleWithdrawn(Exception):
    """The till has taken its sale back."""


class IdleWatch:
    """A stage whose every question ends when nobody attends to it.

    A touch is attention, and so is a hand before the camera, which shows in the guidance it is
    given. `withdrawn` returns when the till takes its sale back.
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
        self._attended = clock.now()
        self._withdrawn = withdrawn

    async def ask(self, screen: Screen[Answer]) -> Answer:
        """Raises WalkedAway and SaleWithdrawn, and what the stage itself raises."""
        self._attended = self._clock.now()
        interruptions = [self._until_nobody_is_there()]
        if self._withdrawn is not None:
            interruptions.append(_until_withdrawn(self._withdrawn()))
        return await first(self._stage.ask(screen), *interruptions)

    def show(self, screen: Screen[object]) -> None:
        if isinstance(screen, HoldPalm) and screen.guidance.instruction is not NO_HAND:
            self._attended = self._clock.now()
        self._stage.show(screen)

    def overlay(self, screen: StillThere | None) -> None:
        self._stage.overlay(screen)

    def last_touch(self) -> float:
        return self._stage.last_touch()

    async def _until_nobody_is_there(self) -> NoReturn:
        warning = self._patience.warning_s
        counting: int | None = None
        try:
            while True:
                attended = max(self._attended, self.last_touch())
                left = attended + self._patience.idle_s - self._clock.now()
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
