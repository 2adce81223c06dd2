"""Reading a palm: guidance on the screen, and a burst of frames once it is held still."""

import asyncio
from dataclasses import dataclass, replace
from math import ceil
from typing import Literal, NoReturn

import cv2
import numpy as np
import numpy.typing as npt

from hardware.camera.feed import Broken, Feed, FeedState, Lease, Recovering, Streaming
from hardware.faults import TemporaryFault
from kiosk.eyes import Eyes, Sight
from kiosk.guidance import Advice, Guidance, Instruction, advise
from kiosk.race import first
from kiosk.screens import Choice, HoldPalm
from kiosk.stage import Stage
from palm.hand import Side
from palm.image import Colour
from palm.observation import Observation
from protocol.capture import MAX_BYTES, Burst, Frame

BURST = 5
"""Frames at most; the best of those seen while the hand is held still."""

MARGIN = 0.2
"""Around the hand's landmarks, as a share of their extent: fingertips reach beyond the last."""

SIDE = 640
"""Pixels a side of a frame in the burst at least, where the camera's own allow it."""

JPEG_QUALITY = 95

REFRESH = 1 / 15
"""Seconds between two updates of the same instruction on the screen."""

DONE_SHOWN = 0.12
"""Seconds: long enough to be seen, short enough not to be waited for."""

START = 3.0
"""Seconds for the camera's first picture after the kiosk was started."""


class PalmReader:
    """The palm reader of the kiosk: camera, vision, guidance and capture together."""

    def __init__(self, eyes: Eyes, feed: Feed) -> None:
        self._eyes = eyes
        self._feed = feed

    async def present(
        self, stage: Stage, screen: HoldPalm
    ) -> Burst | Literal[Choice.BACK, Choice.HELP, Choice.USE_NUMBER]:
        """Shows the live view with guidance until a palm is captured or something is pressed.

        The burst is the caller's to wipe, and the frames it was cut from are wiped with
        `Feed.wipe`. Raises DeviceFault when the camera goes away: the live view would stand still.
        """
        return await first(self._capture(stage, screen), stage.ask(screen), self._lose_camera())

    async def _capture(self, stage: Stage, screen: HoldPalm) -> Burst:
        wanted = None if screen.side is None else Side(screen.side)
        now = asyncio.get_running_loop().time
        advice: Advice | None = None
        shown, shown_at = screen.guidance, 0.0
        with _Kept() as kept:
            async with self._eyes.watch() as sights:
                async for sight in sights:
                    advice = advise(sight.observation, advice, wanted, self._feed.size)
                    kept.consider(sight, advice)
                    if _is_news(advice.guidance, shown) or (
                        advice.guidance != shown and now() - shown_at >= REFRESH
                    ):
                        shown, shown_at = advice.guidance, now()
                        stage.show(replace(screen, guidance=shown))
                    if shown.instruction is Instruction.DONE:
                        break
            await asyncio.sleep(DONE_SHOWN)
            return kept.burst()

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


def _is_news(guidance: Guidance, shown: Guidance) -> bool:
    return guidance.instruction is not shown.instruction


@dataclass(frozen=True, slots=True)
class _Candidate:
    seen: Observation
    hand: npt.NDArray[np.float32]
    frame: Lease

    @property
    def worth(self) -> float:
        """Sharp and still; the middle of a hold is better than its edges by itself."""
        return self.seen.sharpness - self.seen.motion


class _Kept:
    """The best frames of the hold that is going on. Leases, not copies."""

    def __init__(self) -> None:
        self._held_since: float | None = None
        self._candidates: list[_Candidate] = []

    def __enter__(self) -> "_Kept":
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()

    def consider(self, sight: Sight, advice: Advice) -> None:
        if advice.held_since != self._held_since:
            self._let_go()
            self._held_since = advice.held_since
        hand = sight.observation.hand
        if advice.fit_to_keep and hand is not None:
            self._candidates.append(_Candidate(sight.observation, hand.landmarks, sight.keep()))
            if len(self._candidates) > BURST:
                worst = min(self._candidates, key=lambda c: c.worth)
                self._candidates.remove(worst)
                worst.frame.close()

    def burst(self) -> Burst:
        """The candidates as JPEG, in order of time; without the worst should it be too much."""
        chosen: list[tuple[float, bytearray]] = []
        for candidate in sorted(self._candidates, key=lambda c: c.worth, reverse=True):
            jpeg = _jpeg(_region(candidate.frame.image, candidate.hand))
            if len(jpeg) + sum(len(other) for _, other in chosen) > MAX_BYTES:
                break
            chosen.append((candidate.seen.at, jpeg))
        chosen.sort(key=lambda each: each[0])
        began = chosen[0][0]
        return Burst([Frame(round((at - began) * 1000), jpeg) for at, jpeg in chosen])

    def _let_go(self) -> None:
        for candidate in self._candidates:
            candidate.frame.close()
        self._candidates.clear()


def _region(image: Colour, landmarks: npt.NDArray[np.float32]) -> Colour:
    """The square of the frame that holds the hand: a view, not a copy."""
    height, width = image.shape[:2]
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    side = min(max(ceil(float((high - low).max()) * (1 + 2 * MARGIN)), SIDE), height, width)
    left, top = (
        int(np.clip(round(float(middle) - side / 2), 0, length - side))
        for middle, length in zip((low + high) / 2, (width, height), strict=True)
    )
    return image[top : top + side, left : left + side]


def _jpeg(picture: Colour) -> bytearray:
    encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    jpeg = bytearray(encoded.data)
    encoded.fill(0)
    return jpeg
