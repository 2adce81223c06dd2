"""What the site's controller has its reader show and sound: the kiosk's screen is the light and the
display, and its loudspeaker the buzzer."""

import asyncio
import logging
from dataclasses import dataclass, replace
from itertools import count
from typing import Generic, NoReturn, TypeVar

from hardware.faults import DeviceFault
from hardware.gate import Buzzer, Color, Cue, Lamp, LampAsBefore, LineStands, Output, Words
from hardware.sound import Sound
from kiosk.clock import Clock
from kiosk.race import first
from kiosk.screens import Indicated
from kiosk.stage import Stage

log = logging.getLogger(__name__)

SHORTEST_S = 0.2
"""The shortest time for which a blinking light has one colour, in seconds: controllers blink up to
five times a second, and a screen may flash three times at most (WCAG 2.2, 2.3.1)."""
DARK = Lamp(Color.NONE, Color.NONE, 1, 0, None)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Shown(Generic[T]):
    """What is shown for good, and what instead of it for a time."""

    for_good: T
    for_now: T | None = None
    until: float = 0.0
    """When the second one ends, on the clock."""

    def told(self, shown: T, lasts_s: float | None, now: float) -> "_Shown[T]":
        if lasts_s is None:
            return replace(self, for_good=shown)
        return replace(self, for_now=shown, until=now + lasts_s)

    def at(self, now: float) -> T:
        return self.for_now if self.for_now is not None and now < self.until else self.for_good


_Rows = tuple[tuple[int, str], ...]
"""The words of each row, by the rows' numbers."""
_NO_ROWS: _Rows = ()


class Indicator:
    """The indicator of one kiosk. `run` has to run beside what tells it `hear`."""

    def __init__(self, stage: Stage, sound: Sound | None, clock: Clock) -> None:
        self._stage = stage
        self._sound = sound
        self._clock = clock
        self._heard = asyncio.Event()
        self._buzzing: asyncio.Task[None] | None = None
        self._become_dark()

    def hear(self, cue: Cue) -> None:
        """Shows and sounds what the controller commands. A line that is lost ends all of it."""
        now = self._clock.now()
        match cue:
            case Lamp():
                self._lamp = self._lamp.told(cue, cue.lasts_s, now)
            case LampAsBefore():
                self._lamp = _Shown(self._lamp.for_good)
            case Words():
                # Words for a time stand alone, those for good beside the others.
                before = self._rows.for_good if cue.lasts_s is None else _NO_ROWS
                self._rows = self._rows.told(_written(before, cue), cue.lasts_s, now)
            case Output():
                self._output = self._output.told(cue.on, cue.lasts_s, now)
            case Buzzer():
                self._buzz(cue)
            case LineStands(fault):
                if fault is not None:
                    self._become_dark()
                    self._end_buzz()
        self._heard.set()

    async def run(self) -> NoReturn:
        """Keeps the screen as the controller wants it, until it is cancelled."""
        try:
            while True:
                self._heard.clear()
                now = self._clock.now()
                self._stage.indicate(self._indicated(now))
                ends = [shown.until for shown in (self._lamp, self._rows, self._output)]
                due = min((end for end in ends if end > now), default=None)
                waits = [] if due is None else [self._clock.sleep(due - now)]
                await first(self._heard.wait(), *waits)
        finally:
            self._end_buzz()

    def _become_dark(self) -> None:
        self._lamp = _Shown(DARK)
        self._rows = _Shown(_NO_ROWS)
        self._output = _Shown(for_good=False)

    def _indicated(self, now: float) -> Indicated | None:
        lamp, rows, on = self._lamp.at(now), self._rows.at(now), self._output.at(now)
        blinks = lamp.on_s > 0 and lamp.off_s > 0 and lamp.color is not lamp.between
        shown = Indicated(
            lamp.tells,
            lamp.between if blinks else lamp.tells,
            max(lamp.on_s, SHORTEST_S) if blinks else 0,
            max(lamp.off_s, SHORTEST_S) if blinks else 0,
            "\n".join(text for _, text in rows),
            output=on,
        )
        return None if shown == Indicated() else shown

    def _buzz(self, buzzer: Buzzer) -> None:
        self._end_buzz()
        if self._sound is not None and buzzer.tone and buzzer.on_s > 0:
            self._buzzing = asyncio.create_task(self._sounds(self._sound, buzzer))

    def _end_buzz(self) -> None:
        if self._buzzing is not None:
            self._buzzing.cancel()
            self._buzzing = None

    async def _sounds(self, sound: Sound, buzzer: Buzzer) -> None:
        try:
            for _ in range(buzzer.times) if buzzer.times else count():
                await sound.buzz(buzzer.on_s)
                await self._clock.sleep(buzzer.off_s)
        except DeviceFault as fault:
            log.warning("the controller's buzzer was not heard: %s", fault)


def _written(rows: _Rows, words: Words) -> _Rows:
    """Returns the rows with other words at their place. A row without any is none."""
    row, at = max(words.row, 1), max(words.column, 1) - 1
    all_rows = dict(rows)
    before = all_rows.pop(row, "").ljust(at)
    text = (before[:at] + words.text + before[at + len(words.text) :]).rstrip()
    if text:
        all_rows[row] = text
    return tuple(sorted(all_rows.items()))
