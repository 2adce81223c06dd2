"""Reading a palm: guidance on the screen, and a burst of frames once it is held still."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from math import ceil, hypot
from typing import Literal, NoReturn

import cv2
import numpy as np

from hardware.camera.feed import Broken, Feed, FeedState, Lease, Recovering, Streaming
from hardware.faults import TemporaryFault
from kiosk.challenge import Challenger
from kiosk.eyes import Eyes, Sight
from kiosk.guidance import HOLD, Advice, Guidance, Instruction, advise
from kiosk.race import first
from kiosk.screens import Choice, HoldPalm
from kiosk.stage import Stage
from palm.hand import Hand, Side
from palm.observation import Observation
from protocol.capture import MAX_BYTES, Burst, Frame
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

REFRESH = 1 / 15
"""Seconds between two updates of the same instruction on the screen."""

DONE_SHOWN = 0.08
"""Seconds: long enough to be seen, short enough not to be waited for."""

START = 3.0
"""Seconds for the camera's first picture after the kiosk was started."""


class PalmReader:
    """The palm reader of the kiosk: camera, light, vision, guidance and capture together."""

    def __init__(self, eyes: Eyes, feed: Feed, challenger: Challenger | None = None) -> None:
        """Without a `challenger` palms are captured in whatever light there is."""
        self._eyes = eyes
        self._feed = feed
        self._challenger = challenger

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
            return await first(capture, stage.ask(screen), self._lose_camera())
        async with self._challenger.lit():
            return await first(
                self._capture_lit(view, self._challenger),
                stage.ask(screen),
                self._lose_camera(),
                self._challenger.keep_one_ahead(),
            )

    async def _capture(self, view: "_View") -> Burst:
        with _Kept(BURST) as kept:
            async with self._eyes.watch() as sights:
                await self._hold(view, sights, kept, HOLD)
            return await _developed(kept, _Region.of(kept.newest), time.monotonic())

    async def _capture_lit(self, view: "_View", challenger: Challenger) -> Burst:
        """Under one challenge after another, until the hand stays for all of one."""
        if view.screen.lifeless:
            await asyncio.sleep(TO_READ)
        async with self._eyes.watch() as sights:
            while True:
                with _Kept(WHITE_BURST) as kept:
                    white = (s async for s in sights if challenger.was_white(s.observation.at))
                    await self._hold(view, white, kept, HOLD_BEFORE_LIGHT)
                    region = _Region.of(kept.newest)
                    challenge = await challenger.next()
                    take = partial(_take, view, kept, region)
                    playing = challenger.play(challenge, take)
                    answered = await first(playing, _until_moved(sights, region))
                    over_at = time.monotonic()
                    if not answered:
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
            view.tell(guidance)
            if advice.guidance.instruction is Instruction.DONE:
                return

    async def _lose_camera(self) -> NoReturn:
        """Waits for what happens to the camera, and raises it."""
        loop = asyncio.get_running_loop()
        states: asyncio.Queue[FeedState] = asyncio.Queue()

        def tell(state: FeedState) -> None:
            loop.call_soon_threadsafe(states.put_nowait, state)

        take_back = self._feed.on_state(tell)
        try:
            state = self._feed.state
            while True:
                if isinstance(state, Recovering | Broken):
                    raise state.fault
                async with asyncio.timeout(None if isinstance(state, Streaming) else START):
                    state = await states.get()
        except TimeoutError:
            raise TemporaryFault(
                f"The camera {self._feed.source.name} has not delivered a picture yet.",
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


def _take(view: "_View", kept: "_Kept", region: "_Region", step: int, frame: Lease) -> None:
    kept.take(step, frame, region)
    before = HOLD_BEFORE_LIGHT / HOLD
    progress = before + (1 - before) * (step + 1) / STEPS
    view.tell(Guidance(Instruction.HOLD_STILL, progress, view.points))


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

    def jpeg(self, frame: Lease, quality: int) -> bytearray:
        inside = frame.image[self.top : self.top + self.side, self.left : self.left + self.side]
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


class _Kept:
    """What is kept of the hold that is going on: the best frames, as leases until they are
    developed, and one under each step of the light. What is not handed over in a burst is wiped."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held_since: float | None = None
        self._candidates: list[_Candidate] = []
        self._white: list[_Still] = []
        """The best first."""
        self._lit: list[_Still] = []

    def __enter__(self) -> "_Kept":
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()
        for still in (*self._white, *self._lit):
            still.jpeg[:] = bytes(len(still.jpeg))

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
        self._lit.append(_Still(frame.at, region.jpeg(frame, LIT_QUALITY), step))

    def burst(self, challenge_id: str | None = None) -> Burst:
        """All of it, in order of time; without the worst should it be too much."""
        chosen = list(self._lit)
        for still in self._white:
            if sum(len(each.jpeg) for each in (*chosen, still)) > MAX_BYTES:
                break
            chosen.append(still)
        chosen.sort(key=lambda still: still.at)
        began = chosen[0].at
        frames = [Frame(round((s.at - began) * 1000), s.jpeg, s.step) for s in chosen]
        self._white = [still for still in self._white if still not in chosen]
        self._lit.clear()
        return Burst(frames, challenge_id)

    def _let_go(self) -> None:
        for candidate in self._candidates:
            candidate.frame.close()
        self._candidates.clear()
