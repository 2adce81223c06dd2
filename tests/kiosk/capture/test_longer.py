"""A palm that is captured in near infrared as well, and held longer for its pulse."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest

from hardware.camera import SimulatedCamera
from hardware.camera.feed import Feed
from hardware.faults import TemporaryFault
from kiosk.capture.guidance import Instruction
from kiosk.capture.reader import PalmReader
from kiosk.screens import HoldPalm
from palm.image import Colour
from palm.liveness.pulse import FRAMES, SECONDS
from protocol.capture import PULSE_SIDE, Spectrum
from protocol.messages import Purpose
from tests.support.live_stage import LiveStage
from tests.support.looking import captured, looking, pass_frames
from tests.support.posed import AWAY, FRAME, Posed, drawn

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

PAY = HoldPalm(Purpose.PAY)
LONGER = replace(PAY, longer=True)
BRIGHT = 200


class Grey:
    """A scene of one shade, by which the near-infrared camera's pictures are recognised."""

    def draw(self, out: Colour, at: float) -> None:
        del at
        out.fill(BRIGHT)


@dataclass
class Kiosk:
    scene: Posed
    infrared: SimulatedCamera
    beside: Feed
    reader: PalmReader
    plain: PalmReader
    """A reader without the second camera."""


@pytest.fixture
def kiosk() -> Iterator[Kiosk]:
    scene = Posed()
    infrared = SimulatedCamera(Grey())
    beside = Feed(infrared, FRAME)
    beside.start()
    with looking(SimulatedCamera(scene)) as (feed, eyes):
        pass_frames(beside, 1)
        reader = PalmReader(eyes, feed, infrared=beside)
        yield Kiosk(scene, infrared, beside, reader, PalmReader(eyes, feed))
    beside.stop()


async def test_a_palm_comes_with_what_the_second_camera_saw_while_it_was_held(
    kiosk: Kiosk,
) -> None:
    burst = await captured(kiosk.reader, LiveStage(), PAY)
    (beside,) = [f for f in burst.frames if f.spectrum is Spectrum.INFRARED]
    picture = cv2.imdecode(np.frombuffer(beside.jpeg, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    assert picture.ndim == 2
    assert abs(picture.mean() - BRIGHT) < 2
    assert burst.pulse is None
    colour = [f.at_ms for f in burst.frames if f.spectrum is Spectrum.COLOUR]
    assert beside.at_ms > min(colour) - 150, "not a picture from before"


async def test_without_a_second_camera_all_is_in_colour(kiosk: Kiosk) -> None:
    burst = await captured(kiosk.plain, LiveStage(), PAY)
    assert {frame.spectrum for frame in burst.frames} == {Spectrum.COLOUR}


async def test_a_second_camera_that_is_gone_reads_no_palm(kiosk: Kiosk) -> None:
    kiosk.infrared.unplug()
    with pytest.raises(TemporaryFault):
        await captured(kiosk.reader, LiveStage(), PAY)


async def test_held_longer_a_palm_comes_with_its_pulse_and_a_last_picture(kiosk: Kiosk) -> None:
    stage = LiveStage()
    burst = await captured(kiosk.plain, stage, LONGER)
    assert burst.pulse
    at_ms = burst.pulse.at_ms
    assert len(at_ms) >= FRAMES
    assert at_ms[-1] - at_ms[0] >= 1000 * SECONDS
    assert burst.frames[-1].at_ms == at_ms[-1]
    cells = np.frombuffer(burst.pulse.cells, "<u2").reshape(-1, PULSE_SIDE, PULSE_SIDE, 3) / 256
    assert cells.std(axis=0).max() < 2, "a drawn palm that does not move"
    assert 60 < cells.mean() < 230
    held = [Instruction.HOLD_STILL, Instruction.HOLD_LONGER, Instruction.DONE]
    assert stage.told[-3:] == held
    progress = [
        s.guidance.progress
        for s in stage.shown
        if s.guidance.instruction is Instruction.HOLD_LONGER
    ]
    # A camera that was starved for a moment has the hold begin anew.
    whole = progress[len(progress) - 1 - progress[::-1].index(0.0) :]
    assert len(whole) > 1
    assert whole == sorted(whole)


async def test_a_hand_that_does_not_stay_is_asked_again(kiosk: Kiosk) -> None:
    stage = LiveStage()
    reading = asyncio.create_task(captured(kiosk.plain, stage, LONGER))
    await stage.until(lambda s: s.guidance.instruction is Instruction.HOLD_LONGER)
    kiosk.scene.image = drawn(AWAY)
    await stage.until(lambda s: s.guidance.instruction is Instruction.SHOW_PALM)
    assert not reading.done()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
