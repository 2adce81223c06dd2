"""A stage without a window that records what is shown while a palm is read."""

import asyncio
from collections.abc import Callable
from typing import Any

from kiosk.capture.guidance import Instruction
from kiosk.screens import Bill, Choice, HoldPalm, Indicated, Screen, StillThere
from protocol.fleet import Variant

SOON = 60.0
"""Seconds after which a test gives up."""


class LiveStage:
    def __init__(self) -> None:
        self.asked: list[Screen[Any]] = []
        self.shown: list[HoldPalm] = []
        self.withdrawn = 0
        self._answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._changed = asyncio.Event()

    async def ask(self, screen: Screen[Any]) -> Any:
        self.asked.append(screen)
        try:
            return await asyncio.shield(self._answer)
        except asyncio.CancelledError:
            self.withdrawn += 1
            raise

    def show(self, screen: Screen[object]) -> None:
        assert isinstance(screen, HoldPalm)
        self.shown.append(screen)
        self._changed.set()

    def press(self, choice: Choice) -> None:
        self._answer.set_result(choice)

    async def until(self, is_so: Callable[[HoldPalm], bool]) -> None:
        """Waits until `is_so` holds for the last screen shown."""
        async with asyncio.timeout(SOON):
            while not (self.shown and is_so(self.shown[-1])):
                self._changed.clear()
                await self._changed.wait()

    @property
    def told(self) -> list[Instruction]:
        """The sequence of instructions, without repetitions."""
        told: list[Instruction] = []
        for screen in self.shown:
            if not told or told[-1] is not screen.guidance.instruction:
                told.append(screen.guidance.instruction)
        return told

    def overlay(self, screen: StillThere | None) -> None:
        raise AssertionError("a reader warns nobody")

    def bill(self, bill: Bill | None) -> None:
        raise AssertionError("a reader sells nothing")

    def indicate(self, shown: Indicated | None) -> None:
        raise AssertionError("a reader stands at no gate")

    def dress(self, variant: Variant, accent: str | None = None) -> None:
        raise AssertionError("a reader has no operator")

    def last_touch(self) -> float:
        raise AssertionError("a reader watches the palm, not the window")
