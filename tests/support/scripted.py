"""A stage that answers from a script and fails on a screen that the script does not have next."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from kiosk.screens import Bill, Choice, Entered, HoldPalm, Indicated, PalmScreen, Screen, StillThere
from kiosk.simulated.till import SimulatedTill
from kiosk.stage import Stage
from kiosk.visits.visit import Visit
from protocol.capture import Burst, Frame
from protocol.fleet import Variant


class OffScript(AssertionError):
    """A screen was shown that the script does not have at this place."""


class Nobody(Enum):
    """The answer WAITS."""

    WAITS = auto()
    """The question stays open until something else ends it."""


WAITS = Nobody.WAITS

Line = tuple[type[Screen[Any]] | Screen[Any], Any]
"""The expected screen, by type or by value, and what follows: an answer, an exception to raise,
WAITS, or a function that returns one of these."""


def typed(text: str) -> Entered:
    return Entered(text)


@dataclass
class ScriptedStage:
    """`shown` holds every screen asked or shown, `bills` every bill, `overlays` every overlay,
    `warnings` the seconds on it, `indicated` what a controller had shown, and `dresses` the
    colours."""

    script: list[Line]
    now: Callable[[], float] = field(default=lambda: asyncio.get_running_loop().time())
    shown: list[Screen[Any]] = field(default_factory=list)
    bills: list[Bill | None] = field(default_factory=list)
    overlays: list[StillThere | None] = field(default_factory=list)
    indicated: list[Indicated | None] = field(default_factory=list)
    dresses: list[Variant] = field(default_factory=list)
    accent: str | None = None
    touched: float = float("-inf")

    def __post_init__(self) -> None:
        self._at = 0
        self._off: OffScript | None = None
        self._moved = asyncio.Condition()

    async def ask(self, screen: Screen[Any]) -> Any:
        self.shown.append(screen)
        if self._holds_on(screen):
            await asyncio.Event().wait()
        answer = self._answer(screen)
        await self._move()
        if callable(answer):
            answer = answer()
            if asyncio.iscoroutine(answer):
                answer = await answer
        if answer is WAITS:
            await asyncio.Event().wait()
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, Choice):
            assert answer in type(screen).choices, f"{type(screen)} does not offer {answer}"
        self.touched = self.now()
        return answer

    def _holds_on(self, screen: Screen[Any]) -> bool:
        """Returns whether a palm is asked for again while the hand is still held: it may have been
        unclear, or not certainly alive. A script that expects this has a line for it."""
        if type(screen) is not HoldPalm or self._at == 0 or self._off is not None:
            return False
        before, answer = self.script[self._at - 1]
        then = self.script[self._at][0] if self._at < len(self.script) else None
        expected = screen == then or type(screen) is then
        return answer is WAITS and HoldPalm in (before, type(before)) and not expected

    def _answer(self, screen: Screen[Any]) -> Any:
        # A question after the first surprise, such as a screen of trouble, raises the first one.
        if self._off is None:
            if self._at == len(self.script):
                self._off = OffScript(f"the script is over, and then came {screen}")
            else:
                expected, answer = self.script[self._at]
                if screen == expected or type(screen) is expected:
                    return answer
                before = self.shown[-2] if len(self.shown) > 1 else None
                told = f"line {self._at} has {expected}, and after {before} came {screen}"
                self._off = OffScript(told)
        raise self._off

    def show(self, screen: Screen[Any]) -> None:
        self.shown.append(screen)

    def overlay(self, screen: StillThere | None) -> None:
        self.overlays.append(screen)

    def bill(self, bill: Bill | None) -> None:
        self.bills.append(bill)

    def indicate(self, shown: Indicated | None) -> None:
        self.indicated.append(shown)

    def dress(self, variant: Variant, accent: str | None = None) -> None:
        self.dresses.append(variant)
        self.accent = accent

    @property
    def warnings(self) -> list[int | None]:
        return [None if screen is None else screen.seconds for screen in self.overlays]

    def last_touch(self) -> float:
        return self.touched

    async def reached(self, line: int | None = None) -> None:
        """Waits until a line, counted from 0, has been asked; by default the last one."""
        wanted = len(self.script) if line is None else line + 1
        async with self._moved:
            await self._moved.wait_for(lambda: self._at >= wanted)

    @property
    def over(self) -> bool:
        return self._at == len(self.script)

    async def _move(self) -> None:
        async with self._moved:
            self._at += 1
            self._moved.notify_all()


def palm() -> Burst:
    """Returns a new burst of one empty picture; the receiver wipes it."""
    return Burst([Frame(0, bytearray(b"\xff\xd8\xff not a palm \xff\xd9"))])


@dataclass(frozen=True)
class ScriptedVisit(Visit):
    """A visit that is played from a script, for a simulated till."""

    stage: ScriptedStage
    till: SimulatedTill


class ScriptedReader:
    """A palm reader that takes palms from the script: `(HoldPalm, palm)` presents one."""

    async def present(self, stage: Stage, screen: PalmScreen[Any]) -> Any:
        return await stage.ask(screen)


class ScriptedCodes:
    """A code reader before which cards are held one after the other."""

    def __init__(self, *codes: str) -> None:
        self.held = list(codes)
        self.last: str | None = None

    async def read(self, but: str | None = None) -> str:
        while self.held:
            code = self.held.pop(0)
            if code != but:
                self.last = code
                return code
        return await asyncio.Future[str]()
