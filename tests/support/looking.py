"""A running camera feed and vision thread for tests that read palms."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from hardware.camera import CameraSource
from hardware.camera.feed import Feed
from kiosk.capture.eyes import Eyes
from kiosk.capture.reader import PalmReader
from kiosk.screens import HoldPalm
from protocol.capture import Burst
from tests.support.live_stage import SOON, LiveStage
from tests.support.posed import FRAME


@contextmanager
def looking(camera: CameraSource) -> Iterator[tuple[Feed, Eyes]]:
    feed = Feed(camera, FRAME)
    eyes = Eyes(feed)
    feed.start()
    eyes.start()
    pass_frames(feed, 1)
    try:
        yield feed, eyes
    finally:
        eyes.stop()
        feed.stop()


def pass_frames(feed: Feed, number: int) -> None:
    """Waits for this number of pictures."""
    mailbox = feed.subscribe()
    for _ in range(number):
        lease = mailbox.take(SOON)
        assert lease is not None, "the camera does not deliver"
        lease.close()
    mailbox.close()


async def captured(reader: PalmReader, stage: LiveStage, screen: HoldPalm) -> Burst:
    async with asyncio.timeout(SOON):
        burst = await reader.present(stage, screen)
    assert isinstance(burst, Burst)
    return burst
