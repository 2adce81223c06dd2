import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from hardware.camera import CameraSource, SimulatedCamera
from hardware.camera.camera import Colour
from hardware.camera.feed import Feed, Streaming
from hardware.faults import TemporaryFault
from kiosk.capture.eyes import Eyes
from kiosk.capture.guidance import HOLD_FRAMES, Instruction
from kiosk.capture.hold import SIDE
from kiosk.capture.reader import BURST, PalmReader
from kiosk.screens import Choice, HoldPalm
from palm.hand.find import HandFinder
from palm.hand.landmarks import Shown
from protocol.capture import Burst
from protocol.messages import Money, Purpose, Side
from tests.support.live_stage import SOON, LiveStage
from tests.support.looking import captured, looking, pass_frames
from tests.support.nothing_written import watching
from tests.support.posed import AWAY, Posed, drawn
from tests.support.states import States

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

FPS = 15
"""Half the pictures of a usual camera: every one of them costs a look of the vision thread."""
WHILE = 10
"""The number of pictures in which whatever is not to happen would have happened."""
PAY = HoldPalm(Purpose.PAY, amount=Money(minor=1250, currency="USD"), merchant="Corner Shop")


@dataclass
class Kiosk:
    """The parts of a kiosk that read a palm."""

    scene: Posed
    camera: SimulatedCamera
    feed: Feed
    eyes: Eyes
    reader: PalmReader

    def hand_away(self) -> None:
        self.scene.image = drawn(AWAY)

    async def captured(self, stage: LiveStage, screen: HoldPalm = PAY) -> Burst:
        return await captured(self.reader, stage, screen)


@pytest.fixture
def kiosk() -> Iterator[Kiosk]:
    scene = Posed()
    camera = SimulatedCamera(scene, fps=FPS)
    with looking(camera) as (feed, eyes):
        yield Kiosk(scene, camera, feed, eyes, PalmReader(eyes, feed))


def pictures(burst: Burst) -> list[np.ndarray]:
    decoded = [
        cv2.imdecode(np.frombuffer(f.jpeg, np.uint8), cv2.IMREAD_COLOR) for f in burst.frames
    ]
    return [picture for picture in decoded if picture is not None]


async def test_a_palm_held_still_is_captured_by_itself(kiosk: Kiosk) -> None:
    stage = LiveStage()
    burst = await kiosk.captured(stage)
    assert HOLD_FRAMES <= len(burst.frames) <= BURST
    assert burst.frames[0].at_ms == 0
    assert len({frame.at_ms for frame in burst.frames}) == len(burst.frames)
    assert stage.asked == [PAY]
    assert stage.withdrawn == 1, "the question is taken back"


class Clumps:
    """A camera whose pictures are held up on the way and come six together."""

    name = "camera on Wi-Fi"
    identity = None

    def __init__(self, scene: Posed) -> None:
        self._camera = SimulatedCamera(scene, paced=False)
        self._passed = threading.Event()
        self._read = 0

    def open(self) -> "Clumps":
        self._opened = self._camera.open()
        self.size = self._opened.size
        return self

    def read(self, out: Colour) -> float:
        if self._read % 6 == 0:
            self._passed.wait(0.4)  # what a network does, not what a test waits for
        self._read += 1
        return self._opened.read(out)

    def close(self) -> None:
        self._opened.close()

    def has_picture(self) -> bool:
        return True


@pytest.mark.parametrize(
    "source", [lambda scene: SimulatedCamera(scene, fps=5), Clumps], ids=["5 a second", "clumps"]
)
async def test_a_palm_is_captured_when_pictures_are_few_or_come_in_clumps(
    source: Callable[[Posed], CameraSource],
) -> None:
    with looking(source(Posed())) as (feed, eyes):
        burst = await captured(PalmReader(eyes, feed), LiveStage(), PAY)
    assert len(burst.frames) >= HOLD_FRAMES


async def test_what_is_captured_is_the_whole_hand_large_enough_to_be_read(kiosk: Kiosk) -> None:
    finder = HandFinder()
    for picture in pictures(await kiosk.captured(LiveStage())):
        height, width = picture.shape[:2]
        assert height == width >= SIDE
        (hand,) = finder.find(picture)
        assert hand.shown is Shown.PALM
        assert np.all((hand.landmarks > 0) & (hand.landmarks < width))


async def test_the_screen_follows_the_hand_to_the_end(kiosk: Kiosk) -> None:
    stage = LiveStage()
    kiosk.hand_away()
    reading = asyncio.create_task(kiosk.captured(stage))
    await asyncio.to_thread(pass_frames, kiosk.feed, 5)
    kiosk.scene.hold(span=0.2)
    await stage.until(lambda s: s.guidance.instruction is Instruction.MOVE_CLOSER)
    kiosk.scene.hold()
    await reading
    assert stage.told[-3:] == [Instruction.MOVE_CLOSER, Instruction.HOLD_STILL, Instruction.DONE]
    progress = [s.guidance.progress for s in stage.shown]
    assert progress[-1] == 1
    assert all(replace(s, guidance=PAY.guidance) == PAY for s in stage.shown)


@pytest.mark.parametrize("choice", [Choice.BACK, Choice.HELP, Choice.USE_NUMBER])
async def test_what_is_pressed_ends_the_reading(kiosk: Kiosk, choice: Choice) -> None:
    kiosk.hand_away()
    stage = LiveStage()
    stage.press(choice)
    async with asyncio.timeout(SOON):
        assert await kiosk.reader.present(stage, PAY) is choice


async def test_the_hand_that_is_not_asked_for_is_not_captured(kiosk: Kiosk) -> None:
    stage = LiveStage()
    reading = asyncio.create_task(kiosk.captured(stage, replace(PAY, side=Side.RIGHT)))
    await stage.until(lambda s: s.guidance.instruction is Instruction.OTHER_HAND)
    await asyncio.to_thread(pass_frames, kiosk.feed, WHILE)
    assert not reading.done()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


async def test_the_hand_that_is_asked_for_is_captured(kiosk: Kiosk) -> None:
    assert await kiosk.captured(LiveStage(), replace(PAY, side=Side.LEFT))


@pytest.mark.parametrize(
    "screen",
    [replace(PAY, attempts_left=2), replace(PAY, lifeless=True)],
    ids=["unknown", "not alive"],
)
async def test_another_try_begins_only_when_the_hand_has_left_and_come_again(
    kiosk: Kiosk, screen: HoldPalm
) -> None:
    stage = LiveStage()
    reading = asyncio.create_task(kiosk.captured(stage, screen))
    await stage.until(lambda s: s.guidance.instruction is Instruction.TAKE_AWAY)
    await asyncio.to_thread(pass_frames, kiosk.feed, WHILE)
    assert not reading.done()
    assert stage.told == [Instruction.TAKE_AWAY]
    kiosk.hand_away()
    await stage.until(lambda s: s.guidance.instruction is Instruction.SHOW_PALM)
    assert not reading.done()
    kiosk.scene.hold()
    assert await reading


async def test_a_hand_that_has_left_already_is_not_told_to(kiosk: Kiosk) -> None:
    kiosk.hand_away()
    stage = LiveStage()
    await asyncio.to_thread(pass_frames, kiosk.feed, 5)
    reading = asyncio.create_task(kiosk.captured(stage, replace(PAY, attempts_left=2)))
    await asyncio.to_thread(pass_frames, kiosk.feed, WHILE)
    kiosk.scene.hold()
    assert await reading
    assert Instruction.TAKE_AWAY not in stage.told


@pytest.mark.parametrize("breaking", [SimulatedCamera.unplug, SimulatedCamera.stall])
async def test_a_camera_lost_while_a_palm_is_read_is_told_instead_of_a_frozen_picture(
    kiosk: Kiosk, breaking: object
) -> None:
    stage = LiveStage()
    kiosk.scene.hold(span=0.2)
    reading = asyncio.create_task(kiosk.captured(stage))
    await stage.until(lambda s: s.guidance.instruction is Instruction.MOVE_CLOSER)
    breaking(kiosk.camera)  # type: ignore[operator]
    with pytest.raises(TemporaryFault):
        await reading
    assert stage.withdrawn == 1
    kiosk.camera.resume()


async def test_a_camera_pulled_while_holding_still_captures_nothing(kiosk: Kiosk) -> None:
    stage = LiveStage()
    reading = asyncio.create_task(kiosk.captured(stage))
    await stage.until(lambda s: s.guidance.progress > 0)
    kiosk.camera.unplug()
    with pytest.raises(TemporaryFault):
        await reading


async def test_without_a_camera_reading_does_not_even_begin(kiosk: Kiosk) -> None:
    kiosk.camera.unplug()
    stage = LiveStage()
    for _ in range(2):  # it is found lost, and then it is known to be lost
        with pytest.raises(TemporaryFault):
            await kiosk.captured(stage)
    assert stage.shown == []


async def test_once_the_camera_is_back_a_palm_is_read_without_a_restart(kiosk: Kiosk) -> None:
    kiosk.camera.unplug()
    with pytest.raises(TemporaryFault):
        await kiosk.captured(LiveStage())
    states = States(kiosk.feed)
    kiosk.camera.plug_in()
    await asyncio.to_thread(states.until, Streaming)
    assert await kiosk.captured(LiveStage())


async def test_when_the_visit_ends_nothing_of_the_palm_is_left_in_memory_that_is_ours(
    kiosk: Kiosk,
) -> None:
    seen: dict[int, np.ndarray] = {}
    mailbox = kiosk.feed.subscribe()

    def remember() -> None:
        with mailbox.take() or pytest.fail("told of a picture that is not there") as lease:
            seen[lease.image.ctypes.data] = lease.image

    mailbox.on_arrival = remember
    burst = await kiosk.captured(LiveStage())
    kiosk.camera.unplug()
    kiosk.feed.wipe()
    burst.wipe()
    assert not any(any(frame.jpeg) for frame in burst.frames)
    # A vision pass holds its picture until it ends.
    kiosk.eyes.stop()
    kiosk.feed.stop()
    assert len(seen) > 2
    assert not any(image.any() for image in seen.values())


async def test_leaving_in_the_middle_of_a_hold_gives_every_frame_back(kiosk: Kiosk) -> None:
    stage = LiveStage()
    for _ in range(4):  # more frames than there are buffers
        reading = asyncio.create_task(kiosk.reader.present(stage, PAY))
        await stage.until(lambda s: s.guidance.progress > 0.5)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        stage.shown.clear()
    assert await kiosk.captured(LiveStage())


async def test_no_image_bytes_are_written_anywhere_while_a_palm_is_read(
    alone: None, kiosk: Kiosk, tmp_path: Path
) -> None:
    with watching(tmp_path) as written:
        burst = await kiosk.captured(LiveStage())
        burst.wipe()
        kiosk.feed.wipe()
    written.assert_nothing()
    assert min(len(frame.jpeg) for frame in burst.frames) > 10_000, "more than could go unseen"
