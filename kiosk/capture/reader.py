"""Reading a palm: guidance on the screen, and a burst of frames once it is held still."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from math import ceil, hypot
from typing import Any, Literal, NoReturn

import cv2
import numpy as np

from hardware.camera.feed import Broken, Feed, FeedState, Lease, Mailbox, Recovering, Streaming
from hardware.faults import TemporaryFault
from kiosk.capture.eyes import Eyes, Sight
from kiosk.capture.guidance import GLITCH, HOLD, Advice, Guidance, Instruction, advise
from kiosk.capture.light_challenge import Challenger
from kiosk.race import first
from kiosk.screens import Choice, HoldPalm
from kiosk.stage import Stage
from palm.hand.landmarks import Hand, Side
from palm.hand.observation import Observation
from palm.liveness.pulse import PAUSE_AT_MOST, PulseRecorder
from protocol.capture import MAX_BYTES, PULSE_SIDE, Burst, Frame, Pulse, Spectrum
from protocol.challenge import STEPS

BURST = 5
"""Frames at most; the best of those seen while the hand is held still."""

WHITE_BURST = 3
"""The same where those under a challenge come with them: as many as the vault signs."""

HOLD_BEFORE_LIGHT = 0.1
"""Seconds a hand is held still before it is shown a challenge, which takes the rest of the hold."""

AWAY = 0.5
"""Palm lengths from where the challenge began, from which the hand has not stayed."""

TO_READ = 2.5
"""Seconds in which somebody whose hand was not seen to be alive can read what may help, before the
next attempt is made."""

MARGIN = 0.2
"""Around the hand's landmarks, as a share of their extent: fingertips reach beyond the last."""

SIDE = 640
"""Pixels a side of a frame in the burst at least, where the camera's own allow it."""

QUALITY, LIT_QUALITY = 95, 85
"""Of JPEGs: what is signed needs every ridge, what is judged by its light does not."""

WIDER = 1.5
"""Side of what is sent in near infrared over that in colour: its camera looks from beside."""

REFRESH = 1 / 15
"""Seconds between two updates of the same instruction on the screen."""

DONE_SHOWN = 0.08
"""Seconds: long enough to be seen, short enough not to be waited for."""

START = 3.0
"""Seconds for the camera's first picture after the kiosk was started."""


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
        second camera, beside the first and looking where it looks."""
        self._eyes = eyes
        self._feed = feed
        self._challenger = challenger
        self._infrared = infrared

    async def present(
        self, stage: Stage, screen: HoldPalm
    ) -> Burst | Literal[Choice.BACK, Choice.HELP, Choice.USE_NUMBER]:
        """Shows the live view with guidance until a palm is captured or something is pressed.

        The burst is the caller's to wipe, and the frames it was cut from are wiped with
        `Feed.wipe`. Raises DeviceFault when the camera or the light goes away, since the live view
        would stand still, and ServiceError when there is no challenge to be had.
        """
        view = _View(stage, screen)
        if self._challenger is None:
            capture = self._capture(view)
            return await first(capture, stage.ask(screen), *self._lose_cameras())
        async with self._challenger.lit():
            return await first(
                self._capture_lit(view, self._challenger),
                stage.ask(screen),
                *self._lose_cameras(),
                self._challenger.keep_one_ahead(),
            )

    async def _capture(self, view: "_View") -> Burst:
        async with self._eyes.watch() as sights:
            while True:
                with _Kept(BURST) as kept, self._beside() as beside:
                    await self._hold(view, sights, kept, HOLD)
                    region = _Region.of(kept.newest)
                    if beside is not None and not kept.take_beside(beside, region):
                        continue
                    if not view.screen.longer or await _record(view, sights, kept, region):
                        return await _developed(kept, region, time.monotonic())

    def _beside(self) -> "closing[Mailbox] | nullcontext[None]":
        """What the near-infrared camera sees meanwhile, where there is one."""
        return closing(self._infrared.subscribe()) if self._infrared else nullcontext()

    async def _capture_lit(self, view: "_View", challenger: Challenger) -> Burst:
        """Under one challenge after another, until the hand stays for all of one."""
        if view.screen.lifeless:
            await asyncio.sleep(TO_READ)
        async with self._eyes.watch() as sights:
            while True:
                with _Kept(WHITE_BURST) as kept, self._beside() as beside:
                    white = (s async for s in sights if challenger.was_white(s.observation.at))
                    await self._hold(view, white, kept, HOLD_BEFORE_LIGHT)
                    region = _Region.of(kept.newest)
                    challenge = await challenger.next()
                    take = partial(_take, view, kept, region, beside)
                    playing = challenger.play(challenge, take)
                    answered = await first(playing, _until_moved(sights, region))
                    over_at = time.monotonic()
                    if not answered or (beside is not None and not kept.has_infrared):
                        continue
                    if view.screen.longer:
                        white = (s async for s in sights if challenger.was_white(s.observation.at))
                        if await _record(view, white, kept, region):
                            over_at = time.monotonic()
                            return await _developed(kept, region, over_at, challenge.challenge_id)
                        continue
                    # Thanked on trust: it is still looked whether the hand stayed to the end.
                    view.tell(Guidance(Instruction.DONE, 1.0, view.points))
                    if await _stayed(sights, region, over_at):
                        return await _developed(kept, region, over_at, challenge.challenge_id)

    async def _hold(
        self, view: "_View", sights: AsyncIterator[Sight], kept: "_Kept", hold: float
    ) -> None:
        """Guides the hand until it has been held still for so long."""
        wanted = None if view.screen.side is None else Side(view.screen.side)
        advice: Advice | None = None
        async for sight in sights:
            advice = advise(sight.observation, advice, wanted, self._feed.size, hold)
            kept.consider(sight, advice)
            guidance = advice.guidance
            if hold < HOLD and guidance.progress > 0:
                # What is left of the hold is the light's.
                progress = guidance.progress * hold / HOLD
                guidance = replace(guidance, instruction=Instruction.HOLD_STILL, progress=progress)
            elif view.screen.longer and guidance.instruction is Instruction.DONE:
                guidance = replace(guidance, instruction=Instruction.HOLD_LONGER, progress=0.0)
            view.tell(guidance)
            if advice.guidance.instruction is Instruction.DONE:
                return

    def _lose_cameras(self) -> list[Coroutine[Any, Any, NoReturn]]:
        feeds = [self._feed] if self._infrared is None else [self._feed, self._infrared]
        return [_lose(feed) for feed in feeds]


async def _lose(feed: Feed) -> NoReturn:
    """Waits for what happens to a camera, and raises it."""
    loop = asyncio.get_running_loop()
    states: asyncio.Queue[FeedState] = asyncio.Queue()

    def tell(state: FeedState) -> None:
        loop.call_soon_threadsafe(states.put_nowait, state)

    take_back = feed.on_state(tell)
    try:
        state = feed.state
        while True:
            if isinstance(state, Recovering | Broken):
                raise state.fault
            async with asyncio.timeout(None if isinstance(state, Streaming) else START):
                state = await states.get()
    except TimeoutError:
        raise TemporaryFault(
            f"The camera {feed.source.name} has not delivered a picture yet.",
            "Wait a moment; if it stays so, check its cable and its address.",
        ) from None
    finally:
        take_back()


async def _developed(
    kept: "_Kept", region: "_Region", over_at: float, challenge_id: str | None = None
) -> Burst:
    """While the shopper is thanked, since the capture was over."""
    kept.develop(region)
    await asyncio.sleep(over_at + DONE_SHOWN - time.monotonic())
    return kept.burst(challenge_id)


def _take(  # noqa: PLR0917 - the moment, and all that takes part in it
    view: "_View",
    kept: "_Kept",
    region: "_Region",
    beside: Mailbox | None,
    step: int,
    frame: Lease,
) -> None:
    kept.take(step, frame, region)
    if beside is not None and step in (0, STEPS - 1):
        kept.take_beside(beside, region)
    before = HOLD_BEFORE_LIGHT / HOLD
    progress = before + (1 - before) * (step + 1) / STEPS
    view.tell(Guidance(Instruction.HOLD_STILL, progress, view.points))


async def _record(
    view: "_View", sights: AsyncIterator[Sight], kept: "_Kept", region: "_Region"
) -> bool:
    """Records the pulse of a hand that goes on being held still. False when it does not."""
    recorder = kept.recorder
    seen_at: float | None = None
    async for sight in sights:
        seen = sight.observation
        seen_at = seen.at if seen_at is None else seen_at
        if seen.hand is None or not region.holds(seen):
            if seen.at - seen_at > GLITCH:
                return False
            continue
        if seen.at - seen_at > PAUSE_AT_MOST:
            return False
        seen_at = seen.at
        recorder.add(sight.frame.image, seen.hand, seen.at)
        if recorder.progress == 1:
            kept.take_after(sight.frame, region)
            view.tell(Guidance(Instruction.DONE, 1.0, view.points))
            return True
        view.tell(Guidance(Instruction.HOLD_LONGER, recorder.progress, view.points))
    return False


async def _until_moved(sights: AsyncIterator[Sight], region: "_Region") -> Literal[False]:
    """In the dark, and in odd light, a hand may go unseen; one that is seen has to be there."""
    async for sight in sights:
        if sight.observation.hands and not region.holds(sight.observation):
            break
    return False


async def _stayed(sights: AsyncIterator[Sight], region: "_Region", over_at: float) -> bool:
    """Whether the hand is still there in the first white light after a challenge."""
    async for sight in sights:
        if sight.observation.at > over_at:
            return region.holds(sight.observation)
    return False


class _View:
    """What is told on the screen while a palm is read; a number that only grows, not too often."""

    def __init__(self, stage: Stage, screen: HoldPalm) -> None:
        self.screen = screen
        self._stage = stage
        self._shown, self._shown_at = screen.guidance, 0.0

    @property
    def points(self) -> tuple[tuple[float, float], ...]:
        """The hand as it was last shown."""
        return self._shown.points

    def tell(self, guidance: Guidance) -> None:
        now = asyncio.get_running_loop().time()
        if guidance.instruction is not self._shown.instruction or (
            guidance != self._shown and now - self._shown_at >= REFRESH
        ):
            self._shown, self._shown_at = guidance, now
            self._stage.show(replace(self.screen, guidance=guidance))


@dataclass(frozen=True, slots=True)
class _Region:
    """The square of the frame that holds the hand, while it is held still."""

    left: int
    top: int
    side: int
    hand: Hand

    @classmethod
    def of(cls, candidate: "_Candidate") -> "_Region":
        height, width = candidate.frame.image.shape[:2]
        low, high = candidate.hand.landmarks.min(axis=0), candidate.hand.landmarks.max(axis=0)
        extent = float((high - low).max()) * (1 + 2 * MARGIN)
        side = min(max(ceil(extent), SIDE), height, width)
        left, top = (
            int(np.clip(round(float(middle) - side / 2), 0, length - side))
            for middle, length in zip((low + high) / 2, (width, height), strict=True)
        )
        return cls(left, top, side, candidate.hand)

    def holds(self, seen: Observation) -> bool:
        """Whether the hand is seen there."""
        if seen.hand is None:
            return False
        moved = hypot(*(seen.hand.palm_centre - self.hand.palm_centre))
        return moved < AWAY * self.hand.palm_length

    def wider(self, frame: Lease) -> "_Region":
        """About the same place of another camera's picture of the same size."""
        height, width = frame.image.shape[:2]
        side = min(round(self.side * WIDER), height, width)
        left, top = (
            min(max(at + (self.side - side) // 2, 0), length - side)
            for at, length in ((self.left, width), (self.top, height))
        )
        return replace(self, left=left, top=top, side=side)

    def jpeg(self, frame: Lease, quality: int, *, grey: bool = False) -> bytearray:
        inside = frame.image[self.top : self.top + self.side, self.left : self.left + self.side]
        if grey:
            inside = inside[..., 1]
        encoded = cv2.imencode(".jpg", inside, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        jpeg = bytearray(encoded.data)
        encoded.fill(0)
        return jpeg


@dataclass(frozen=True, slots=True)
class _Candidate:
    seen: Observation
    hand: Hand
    frame: Lease

    @property
    def worth(self) -> float:
        """Sharp and still; the middle of a hold is better than its edges by itself."""
        return self.seen.sharpness - self.seen.motion


@dataclass(frozen=True, slots=True)
class _Still:
    """A picture that is ready to be sent, and when it was taken."""

    at: float
    jpeg: bytearray
    step: int | None = None
    spectrum: Spectrum = Spectrum.COLOUR


class _Kept:
    """What is kept of the hold that is going on: the best frames, as leases until they are
    developed, one under each step of the light, what a near-infrared camera saw beside them, and
    the pulse. What is not handed over in a burst is wiped."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held_since: float | None = None
        self._candidates: list[_Candidate] = []
        self._white: list[_Still] = []
        """The best first."""
        self._wanted: list[_Still] = []
        """All of which is sent."""
        self.recorder = PulseRecorder(PULSE_SIDE)

    def __enter__(self) -> "_Kept":
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()
        for still in (*self._white, *self._wanted):
            still.jpeg[:] = bytes(len(still.jpeg))
        self.recorder.wipe()

    @property
    def newest(self) -> _Candidate:
        return self._candidates[-1]

    def consider(self, sight: Sight, advice: Advice) -> None:
        if advice.held_since != self._held_since:
            self._let_go()
            self._held_since = advice.held_since
        hand = sight.observation.hand
        if advice.fit_to_keep and hand is not None:
            self._candidates.append(_Candidate(sight.observation, hand, sight.keep()))
            if len(self._candidates) > self._limit:
                worst = min(self._candidates, key=lambda c: c.worth)
                self._candidates.remove(worst)
                worst.frame.close()

    def develop(self, region: _Region) -> None:
        """Makes pictures of the best frames and gives the frames back."""
        self._candidates.sort(key=lambda c: c.worth, reverse=True)
        self._white += [_Still(c.seen.at, region.jpeg(c.frame, QUALITY)) for c in self._candidates]
        self._let_go()

    def take(self, step: int, frame: Lease, region: _Region) -> None:
        self._wanted.append(_Still(frame.at, region.jpeg(frame, LIT_QUALITY), step))

    def take_beside(self, mailbox: Mailbox, region: _Region) -> bool:
        """The newest in near infrared; False when there is none."""
        frame = mailbox.take()
        if frame is None:
            return False
        with frame:
            jpeg = region.wider(frame).jpeg(frame, LIT_QUALITY, grey=True)
            self._wanted.append(_Still(frame.at, jpeg, None, Spectrum.INFRARED))
        return True

    def take_after(self, frame: Lease, region: _Region) -> None:
        """The last of what was recorded: the palm whose pulse it is."""
        self._wanted.append(_Still(frame.at, region.jpeg(frame, QUALITY)))

    @property
    def has_infrared(self) -> bool:
        return any(still.spectrum is Spectrum.INFRARED for still in self._wanted)

    def burst(self, challenge_id: str | None = None) -> Burst:
        """All of it, in order of time; without the worst should it be too much."""
        chosen = list(self._wanted)
        for still in self._white:
            if sum(len(each.jpeg) for each in (*chosen, still)) > MAX_BYTES:
                break
            chosen.append(still)
        chosen.sort(key=lambda still: still.at)
        began = chosen[0].at
        frames = [Frame(round((s.at - began) * 1000), s.jpeg, s.step, s.spectrum) for s in chosen]
        self._white = [still for still in self._white if still not in chosen]
        self._wanted.clear()
        return Burst(frames, challenge_id, self._pulse(began))

    def _pulse(self, began: float) -> Pulse | None:
        if not self.recorder.at:
            return None
        cells = bytearray(np.array(self.recorder.cells, "<u2").tobytes())
        return Pulse([round((at - began) * 1000) for at in self.recorder.at], cells)

    def _let_go(self) -> None:
        for candidate in self._candidates:
            candidate.frame.close()
        self._candidates.clear()
