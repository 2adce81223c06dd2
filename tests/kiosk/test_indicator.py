"""What the site's controller has its reader show and sound is shown and heard at the kiosk."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from hardware.faults import TemporaryFault
from hardware.gate import Buzzer, Color, Cue, Lamp, LampAsBefore, LineStands, Output, Words
from hardware.sound import SimulatedSound, Tone
from kiosk.indicator import SHORTEST_S, Indicator
from kiosk.screens import Indicated
from tests.support.clocks import TurnedClock
from tests.support.scripted import ScriptedStage

pytestmark = pytest.mark.anyio

RED = Lamp(Color.RED, Color.RED, 1, 0, None)
GREEN_FOR_3_S = Lamp(Color.GREEN, Color.NONE, 3, 0, 3)
GONE = LineStands(TemporaryFault("The line is gone.", "Mend it."))


@dataclass
class Reader:
    """The kiosk as the reader of a controller."""

    indicator: Indicator
    stage: ScriptedStage
    clock: TurnedClock
    sound: SimulatedSound

    async def hears(self, *cues: Cue) -> Indicated | None:
        for cue in cues:
            self.indicator.hear(cue)
        return await self.after(0)

    async def after(self, seconds: float) -> Indicated | None:
        await self.clock.turn(seconds)
        return self.stage.indicated[-1]


@asynccontextmanager
async def reader(sound: SimulatedSound | None = None) -> AsyncIterator[Reader]:
    stage, clock, heard = ScriptedStage([]), TurnedClock(), sound or SimulatedSound()
    indicator = Indicator(stage, heard, clock)
    running = asyncio.create_task(indicator.run())
    await clock.turn(0)
    try:
        yield Reader(indicator, stage, clock, heard)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_light_for_a_time_gives_way_to_the_one_for_good() -> None:
    async with reader() as it:
        assert it.stage.indicated == [None]
        assert await it.hears(RED) == Indicated(Color.RED, Color.RED)
        assert await it.hears(GREEN_FOR_3_S) == Indicated(Color.GREEN, Color.GREEN)
        assert await it.after(2.9) == Indicated(Color.GREEN, Color.GREEN)
        assert await it.after(0.2) == Indicated(Color.RED, Color.RED)
        await it.hears(GREEN_FOR_3_S)
        assert await it.hears(LampAsBefore()) == Indicated(Color.RED, Color.RED)


async def test_a_light_that_blinks_fast_blinks_no_faster_than_is_safe() -> None:
    async with reader() as it:
        shown = await it.hears(Lamp(Color.AMBER, Color.NONE, 0.1, 0.1, None))
        assert shown == Indicated(Color.AMBER, Color.NONE, SHORTEST_S, SHORTEST_S)
        assert 1 / (2 * SHORTEST_S) < 3


async def test_a_light_that_is_off_is_nothing_to_show() -> None:
    async with reader() as it:
        await it.hears(RED)
        assert await it.hears(Lamp(Color.NONE, Color.NONE, 1, 0, None)) is None


async def test_words_stand_in_their_rows_and_those_for_a_time_alone() -> None:
    async with reader() as it:
        shown = await it.hears(Words("MAIN DOOR", 1, 1, None), Words("12:00", 2, 3, None))
        assert shown == Indicated(words="MAIN DOOR\n  12:00")
        assert await it.hears(Words("WAIT", 1, 1, 5)) == Indicated(words="WAIT")
        assert await it.after(5) == shown
        assert await it.hears(Words("01", 2, 6, None)) == Indicated(words="MAIN DOOR\n  12:01")
        assert await it.hears(Words(" " * 9, 1, 1, None)) == Indicated(words="  12:01")


async def test_an_output_is_shown_while_it_is_on() -> None:
    async with reader() as it:
        assert await it.hears(Output(on=True, lasts_s=3)) == Indicated(output=True)
        assert await it.after(3) is None


async def test_a_buzzer_sounds_as_often_as_it_is_told_to() -> None:
    async with reader() as it:
        await it.hears(Buzzer(tone=True, on_s=0.2, off_s=0.1, times=2))
        await it.after(10)
        assert it.sound.buzzed == [0.2, 0.2]


async def test_a_buzzer_without_an_end_is_ended_by_the_next_command() -> None:
    async with reader() as it:
        await it.hears(Buzzer(tone=True, on_s=0.5, off_s=0.5, times=0))
        await it.after(5)
        so_far = len(it.sound.buzzed)
        assert so_far > 5
        await it.hears(Buzzer(tone=False, on_s=0, off_s=0, times=0))
        await it.after(5)
        assert len(it.sound.buzzed) == so_far


async def test_a_lost_line_leaves_nothing_shown_and_nothing_heard() -> None:
    async with reader() as it:
        await it.hears(RED, Words("MAIN DOOR", 1, 1, None), Output(on=True, lasts_s=None))
        await it.hears(Buzzer(tone=True, on_s=0.5, off_s=0.5, times=0))
        assert await it.hears(GONE) is None
        so_far = len(it.sound.buzzed)
        await it.after(5)
        assert len(it.sound.buzzed) == so_far
        assert await it.hears(LineStands(None)) is None


class Broken(SimulatedSound):
    async def buzz(self, seconds: float) -> None:
        raise TemporaryFault("The loudspeaker is gone.", "Plug it in.")

    async def play(self, tone: Tone) -> None:
        raise TemporaryFault("The loudspeaker is gone.", "Plug it in.")


async def test_a_loudspeaker_that_fails_changes_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with reader(Broken()) as it:
        await it.hears(Buzzer(tone=True, on_s=0.2, off_s=0.1, times=2))
        assert await it.hears(RED) == Indicated(Color.RED, Color.RED)
    assert "buzzer was not heard" in caplog.text
