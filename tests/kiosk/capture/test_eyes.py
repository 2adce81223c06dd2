import asyncio
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from hardware.camera import SimulatedCamera
from hardware.camera.feed import Feed
from hardware.faults import PermanentFault
from kiosk.capture import eyes as vision
from kiosk.capture.eyes import FAILURES_AT_MOST, Eyes
from palm.hand.landmarks import Shown, Side
from palm.hand.observation import Observation
from palm.hand.observe import observe
from tests.support.live_stage import SOON
from tests.support.looking import pass_frames
from tests.support.posed import AWAY, FRAME, Posed, drawn

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
def scene() -> Posed:
    return Posed()


@pytest.fixture
def feed(scene: Posed) -> Iterator[Feed]:
    feed = Feed(SimulatedCamera(scene), FRAME)
    feed.start()
    yield feed
    feed.stop()


@pytest.fixture
def eyes(feed: Feed) -> Iterator[Eyes]:
    eyes = Eyes(feed)
    eyes.start()
    yield eyes
    eyes.stop()


PIXELS = "12 34 56"


class Counted:
    """Replaces `observe`: counts its calls and fails the first of them."""

    def __init__(self, failing: int = 0) -> None:
        self.calls = 0
        self.failing = failing

    def __call__(self, *seen: Any) -> Observation:
        self.calls += 1
        if self.calls <= self.failing:
            raise ValueError(PIXELS)
        return observe(*seen)


async def test_a_hand_held_before_the_camera_is_seen(eyes: Eyes) -> None:
    async with asyncio.timeout(SOON), eyes.watch() as sights:
        async for sight in sights:
            if sight.observation.hands:
                break
    seen = sight.observation
    assert seen.hand is not None
    assert (seen.hand.shown, seen.hand.side) == (Shown.PALM, Side.LEFT)
    assert sight.seconds > 0


async def test_two_can_watch_at_once(eyes: Eyes) -> None:
    async with asyncio.timeout(SOON), eyes.watch() as first, eyes.watch() as second:
        assert (await anext(first)).observation.at > 0
        assert (await anext(second)).observation.at > 0


async def test_whoever_is_slow_sees_the_newest(eyes: Eyes, feed: Feed) -> None:
    mailbox = feed.subscribe()
    async with asyncio.timeout(SOON), eyes.watch() as sights:
        first = (await anext(sights)).frame.sequence
        for _ in range(10):
            lease = await asyncio.to_thread(mailbox.take, SOON)
            assert lease is not None
            lease.close()
        assert (await anext(sights)).frame.sequence > first + 3


async def test_a_frame_is_kept_for_as_long_as_it_is_wanted(eyes: Eyes, scene: Posed) -> None:
    async with asyncio.timeout(SOON), eyes.watch() as sights:
        kept = (await anext(sights)).keep()
        scene.image = drawn(AWAY)
        for _ in range(20):
            await anext(sights)
    with kept:
        assert np.array_equal(kept.image, drawn())


async def test_nothing_is_looked_at_while_nobody_watches(
    eyes: Eyes, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted()
    monkeypatch.setattr(vision, "observe", counted)
    async with asyncio.timeout(SOON), eyes.watch() as sights:
        await anext(sights)
    calls = counted.calls
    await asyncio.to_thread(pass_frames, feed, 10)
    assert counted.calls <= calls + 1, "only the pass under way when the watcher left may end"


async def test_a_pass_that_fails_is_survived_and_logged_without_what_was_in_the_frame(
    eyes: Eyes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(vision, "observe", Counted(failing=3))
    async with asyncio.timeout(SOON), eyes.watch() as sights:
        await anext(sights)
    assert caplog.text.count("A vision pass failed with ValueError") == 3
    assert "test_eyes.py" in caplog.text
    assert PIXELS not in caplog.text


async def test_vision_that_only_fails_is_told_and_tried_again_by_the_next(
    eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vision, "observe", Counted(failing=FAILURES_AT_MOST))
    async with asyncio.timeout(SOON), eyes.watch() as sights:
        with pytest.raises(PermanentFault, match="Vision does not work"):
            await anext(sights)
    async with asyncio.timeout(SOON), eyes.watch() as sights:
        await anext(sights)


async def test_no_frame_stays_leased_when_the_watchers_have_left(eyes: Eyes, feed: Feed) -> None:
    images: dict[int, np.ndarray] = {}
    async with asyncio.timeout(SOON), eyes.watch() as sights:
        for _ in range(20):
            image = (await anext(sights)).frame.image
            images[image.ctypes.data] = image
    eyes.stop()
    feed.stop()
    assert not any(image.any() for image in images.values()), "all could be wiped"


async def test_a_feed_that_has_stopped_leaves_the_eyes_waiting_and_able_to_stop(
    eyes: Eyes, feed: Feed
) -> None:
    async with asyncio.timeout(SOON), eyes.watch() as sights:
        await anext(sights)
        feed.stop()
        eyes.stop()
