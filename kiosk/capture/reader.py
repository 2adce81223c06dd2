"""Reading a palm: guidance on the screen, and a burst of frames once the hand is held still."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Literal, NoReturn, TypeVar

from hardware.camera.feed import Broken, Feed, FeedState, Lease, Mailbox, Recovering, Streaming
from hardware.faults import TemporaryFault
from kiosk.capture.eyes import Eyes, Sight
from kiosk.capture.guidance import HOLD, Advice, Guidance, Instruction, advise, lost
from kiosk.capture.hold import HoldRecord, Region
from kiosk.capture.light_challenge import Challenger
from kiosk.race import both, first
from kiosk.screens import PalmScreen
from kiosk.service.errors import TooSlow
from kiosk.stage import Stage
from palm.hand.landmarks import Side
from palm.liveness.pulse import PAUSE_AT_MOST
from protocol.capture import Burst
from protocol.challenge import STEPS

Answer = TypeVar("Answer")

BURST = 5
"""The largest number of frames in a burst; they are spread over the hold
(`kiosk.capture.hold`)."""

WHITE_BURST = 3
"""The largest number of frames in white light when those under a challenge are sent as well: as
many as the vault makes templates of."""

HOLD_BEFORE_LIGHT = 0.1
"""Seconds that a hand is held still before the challenge begins, which takes the rest of the
hold."""

SLOW_AT_MOST = 3
"""How often in one reading the service may be too slow for the hand that is held."""

TO_READ = 2.5
"""The least time in seconds between two attempts when the hand was not found to be alive: time to
read what may help."""

GONE = 0.3
"""Seconds without a hand in view after which it has left: a detection may fail once."""
GONE_FRAMES = 3
"""The least number of frames without a hand after which it has left."""

REFRESH = 1 / 15
"""The least time in seconds between two updates of the same instruction on the screen."""

DONE_SHOWN = 0.08
"""Seconds for which DONE is shown: long enough to be seen, too short to be waited for."""

START = 3.0
"""Seconds that the camera's first picture may take after the kiosk was started."""


class PalmReader:
    """The palm reader of the kiosk: camera, light, vision, guidance and capture together."""

    def __init__(
        self,
        eyes: Eyes,
        feed: Feed,
        challenger: Challenger | None = None,
        infrared: Feed | None = None,
    ) -> None:
        """Without a `challenger` palms are captured in whatever light there is. `infrared` is a
        second camera beside the first that looks at the same place."""
        self._eyes = eyes
        self._feed = feed
        self._challenger = challenger
        self._infrared = infrared

    async def present(self, stage: Stage, screen: PalmScreen[Answer]) -> Burst | Answer:
        """Shows the live view with guidance until a palm is captured or something is pressed.

        The caller wipes the burst, and wipes the frames it was cut from with `Feed.wipe`. Raises
        DeviceFault when the camera or the light is lost, because the live view would freeze, and
        ServiceError when the service does not answer, or too late.
        """
        view = _View(stage, screen)
        if self._challenger is None:
            capture = self._capture(view)
            return await first(capture, stage.ask(screen), *self._until_camera_lost())
        async with self._challenger.lit():
            return await first(
                self._capture_lit(view, self._challenger),
                stage.ask(screen),
                *self._until_camera_lost(),
                self._challenger.keep_near(),
            )

    async def _capture(self, view: "_View") -> Burst:
        async with self._eyes.watch() as sights:
            await _until_gone(view, sights)
            while True:
                with HoldRecord(BURST, HOLD) as record, self._infrared_mailbox() as infrared:
                    await self._hold(view, sights, record, HOLD)
                    region = record.region
                    if infrared is not None and not record.take_infrared(infrared, region):
                        continue
                    if not view.screen.longer or await _record_pulse(view, sights, record, region):
                        return await _developed(record, region, time.monotonic())

    def _infrared_mailbox(self) -> "closing[Mailbox] | nullcontext[None]":
        """Returns what the near-infrared camera delivers meanwhile; None without that camera."""
        return closing(self._infrared.subscribe()) if self._infrared else nullcontext()

    async def _capture_lit(self, view: "_View", challenger: Challenger) -> Burst:
        """Plays one challenge after another until the hand stays for all of one.

        Raises TooSlow when the service was too slow SLOW_AT_MOST times.
        """
        too_slow = 0
        async with self._eyes.watch() as sights:
            shown_at = time.monotonic()
            await _until_gone(view, _in_white(sights, challenger))
            if view.screen.lifeless:
                await asyncio.sleep(shown_at + TO_READ - time.monotonic())
            while True:
                with (
                    HoldRecord(WHITE_BURST, HOLD_BEFORE_LIGHT) as record,
                    self._infrared_mailbox() as infrared,
                ):
                    try:
                        burst = await self._challenged(view, challenger, sights, record, infrared)
                    except TooSlow:
                        too_slow += 1
                        if too_slow == SLOW_AT_MOST:
                            raise
                        continue
                    if burst is not None:
                        return burst

    async def _challenged(
        self,
        view: "_View",
        challenger: Challenger,
        sights: AsyncIterator[Sight],
        record: HoldRecord,
        infrared: Mailbox | None,
    ) -> Burst | None:
        """Plays one challenge over a hand that is held still. Returns None when the hand did not
        stay. Raises TooSlow."""
        white = _in_white(sights, challenger)
        await self._hold(view, white, record, HOLD_BEFORE_LIGHT)
        region = record.region
        asked = challenger.challenge(record.commit(region), view.screen.purpose)
        challenge = await first(asked, _until_left(sights, region))
        if challenge is None:
            return None
        lit = _LitCapture(view, record, region, infrared)
        playing = challenger.play(challenge, lit.take)
        answered = await first(playing, _until_moved(sights, region))
        over_at = time.monotonic()
        if not answered or (infrared is not None and not record.has_infrared):
            return None
        if view.screen.longer:
            white = _in_white(sights, challenger)
            staying = _record_pulse(view, white, record, region)
        else:
            # DONE is shown before it is known whether the hand stayed to the end, so that the
            # shopper does not wait for that last frame.
            view.tell(Guidance(Instruction.DONE, 1.0, view.points))
            staying = _stayed(sights, region, over_at)
        stayed, _ = await both(staying, challenger.answer(challenge, record.answer()))
        if not stayed:
            return None
        if view.screen.longer:
            over_at = time.monotonic()
        return await _developed(record, region, over_at, challenge.challenge_id)

    async def _hold(
        self, view: "_View", sights: AsyncIterator[Sight], record: HoldRecord, hold: float
    ) -> None:
        """Guides the hand until it has been held still for `hold` seconds."""
        wanted = None if view.screen.side is None else Side(view.screen.side)
        advice: Advice | None = None
        async for sight in sights:
            advice = advise(sight.observation, advice, wanted, self._feed.size, hold)
            record.consider(sight, advice)
            guidance = advice.guidance
            if hold < HOLD and guidance.progress > 0:
                # The challenge takes the rest of the hold, and of the progress shown.
                progress = guidance.progress * hold / HOLD
                guidance = replace(guidance, instruction=Instruction.HOLD_STILL, progress=progress)
            elif view.screen.longer and guidance.instruction is Instruction.DONE:
                guidance = replace(guidance, instruction=Instruction.HOLD_LONGER, progress=0.0)
            view.tell(guidance)
            if advice.guidance.instruction is Instruction.DONE:
                return

    def _until_camera_lost(self) -> list[Coroutine[Any, Any, NoReturn]]:
        feeds = [self._feed] if self._infrared is None else [self._feed, self._infrared]
        return [until_lost(feed) for feed in feeds]


async def until_lost(feed: Feed) -> NoReturn:
    """Waits until the camera is lost and raises its fault; raises TemporaryFault when it has not
    delivered a first picture after START seconds."""
    loop = asyncio.get_running_loop()
    states: asyncio.Queue[FeedState] = asyncio.Queue()

    def tell(state: FeedState) -> None:
        loop.call_soon_threadsafe(states.put_nowait, state)

    take_back = feed.on_state(tell)
    try:
        state = feed.state
        while not isinstance(state, Recovering | Broken):
            try:
                async with asyncio.timeout(None if isinstance(state, Streaming) else START):
                    state = await states.get()
            except TimeoutError:
                if not feed.source.has_picture():
                    raise TemporaryFault(
                        f"The camera {feed.source.name} has not delivered a picture yet.",
                        "Wait a moment; if it stays so, check its cable and its address.",
                    ) from None
        raise state.fault
    finally:
        take_back()


async def _in_white(sights: AsyncIterator[Sight], challenger: Challenger) -> AsyncIterator[Sight]:
    """Yields the sights that were taken in white light."""
    async for sight in sights:
        if challenger.was_white(sight.observation.at):
            yield sight


async def _until_gone(view: "_View", sights: AsyncIterator[Sight]) -> None:
    """Waits until no hand is in view when the palm is asked for another try: a hand that stays
    where it was would use up every try by itself."""
    if not view.screen.another_try:
        return
    gone_at: float | None = None
    frames = 0
    async for sight in sights:
        if sight.observation.hands:
            gone_at, frames = None, 0
            view.tell(Guidance(Instruction.TAKE_AWAY))
            continue
        gone_at = sight.observation.at if gone_at is None else gone_at
        frames += 1
        if frames >= GONE_FRAMES and sight.observation.at - gone_at >= GONE:
            return


async def _developed(
    record: HoldRecord, region: Region, over_at: float, challenge_id: str | None = None
) -> Burst:
    """Encodes the burst while DONE is shown; `over_at` is when the capture ended."""
    record.develop(region)
    await asyncio.sleep(over_at + DONE_SHOWN - time.monotonic())
    return record.burst(challenge_id)


async def _record_pulse(
    view: "_View", sights: AsyncIterator[Sight], record: HoldRecord, region: Region
) -> bool:
    """Records the pulse of a hand that stays in the region; returns False when it leaves."""
    recorder = record.recorder
    seen_at: float | None = None
    missed = 0
    async for sight in sights:
        seen = sight.observation
        seen_at = seen.at if seen_at is None else seen_at
        if seen.hand is None or not region.holds(seen):
            missed += 1
            if lost(seen.at - seen_at, missed):
                return False
            continue
        if seen.at - seen_at > PAUSE_AT_MOST:
            return False
        seen_at, missed = seen.at, 0
        recorder.add(sight.frame.image, seen.hand, seen.at)
        if recorder.progress == 1:
            record.take_last(sight.frame, region)
            view.tell(Guidance(Instruction.DONE, 1.0, view.points))
            return True
        view.tell(Guidance(Instruction.HOLD_LONGER, recorder.progress, view.points))
    return False


async def _until_left(sights: AsyncIterator[Sight], region: Region) -> None:
    """Waits until no hand has been seen in the region for so long that it has left, in white
    light."""
    held_at: float | None = None
    missed = 0
    async for sight in sights:
        seen = sight.observation
        if held_at is None or region.holds(seen):
            held_at, missed = seen.at, 0
            continue
        missed += 1
        if lost(seen.at - held_at, missed):
            break


async def _until_moved(sights: AsyncIterator[Sight], region: Region) -> Literal[False]:
    """Waits until a hand is seen outside the region. A frame without a hand does not count: in the
    dark and in coloured light a hand may go undetected."""
    async for sight in sights:
        if sight.observation.hands and not region.holds(sight.observation):
            break
    return False


async def _stayed(sights: AsyncIterator[Sight], region: Region, over_at: float) -> bool:
    """Returns whether the hand is in the region in the first frame after `over_at`, the end of the
    challenge."""
    async for sight in sights:
        if sight.observation.at > over_at:
            return region.holds(sight.observation)
    return False


class _View:
    """The screen while a palm is read. Progress alone updates it at most every REFRESH seconds."""

    def __init__(self, stage: Stage, screen: PalmScreen[Any]) -> None:
        self.screen = screen
        self._stage = stage
        self._shown, self._shown_at = screen.guidance, 0.0

    @property
    def points(self) -> tuple[tuple[float, float], ...]:
        """The landmarks that were shown last."""
        return self._shown.points

    def tell(self, guidance: Guidance) -> None:
        now = asyncio.get_running_loop().time()
        if guidance.instruction is not self._shown.instruction or (
            guidance != self._shown and now - self._shown_at >= REFRESH
        ):
            self._shown, self._shown_at = guidance, now
            self._stage.show(replace(self.screen, guidance=guidance))


@dataclass(frozen=True, slots=True)
class _LitCapture:
    """Takes the pictures of one light challenge and shows how far it is."""

    view: _View
    record: HoldRecord
    region: Region
    infrared: Mailbox | None

    def take(self, step: int, frame: Lease) -> None:
        self.record.take_step(step, frame, self.region)
        if self.infrared is not None and step in (0, STEPS - 1):
            self.record.take_infrared(self.infrared, self.region)
        before = HOLD_BEFORE_LIGHT / HOLD
        progress = before + (1 - before) * (step + 1) / STEPS
        self.view.tell(Guidance(Instruction.HOLD_STILL, progress, self.view.points))
