"""A light challenge over a hand that is held still: what is shown, what is kept, and that no
challenge is used twice."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from hardware.address import Address
from hardware.camera import SimulatedCamera
from hardware.camera.feed import Feed
from hardware.faults import TemporaryFault
from hardware.light import SimulatedLight
from kiosk.capture.guidance import Instruction
from kiosk.capture.light_challenge import Challenger
from kiosk.capture.reader import WHITE_BURST, PalmReader
from kiosk.screens import Choice, HoldPalm
from kiosk.service.client import SignatureService
from kiosk.service.errors import ServiceUnavailable
from palm.image import Colour
from protocol.capture import Burst, Frame
from protocol.challenge import STEPS, steps
from protocol.encoding import from_base64
from protocol.envelope import read_header
from protocol.messages import Challenge, ProblemType, Purpose
from protocol.ring import DARK, WHITE, Levels
from tests.support.canned import CannedService, challenge, problem
from tests.support.live_stage import SOON, LiveStage
from tests.support.looking import captured, looking, pass_frames
from tests.support.posed import AWAY, Posed, drawn

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

LEAVE = HoldPalm(Purpose.LEAVE)


class RecordedLight(SimulatedLight):
    """A light ring that records every command."""

    def __init__(self) -> None:
        super().__init__(Address.parse("sim:"))
        self.told: list[Levels] = []

    def show(self, levels: Levels) -> None:
        super().show(levels)
        self.told.append(levels)

    def off(self) -> None:
        super().off()
        self.told.append(DARK)


class LitHand(Posed):
    """A drawn palm, lit by the ring and the room."""

    def __init__(self, light: SimulatedLight) -> None:
        super().__init__()
        self._light = light
        self.when: dict[Levels, Callable[[], object]] = {}
        """What is called, once, when the ring is seen to show these levels."""

    def draw(self, out: Colour, at: float) -> None:
        levels = self._light.at(at)
        self.when.pop(levels, lambda: None)()
        cv2.multiply(self.image, np.append(brightness(levels), 0), dst=out)


def brightness(levels: Levels) -> npt.NDArray[np.float64]:
    """Returns (3,) the light in blue, green and red relative to WHITE; a part of it is the
    room's."""
    return 0.4 + 0.6 * np.mean(levels, axis=0)[::-1] / WHITE[0][0]


@dataclass
class Kiosk:
    """The parts of a kiosk that read a palm under its light."""

    scene: LitHand
    light: RecordedLight
    camera: SimulatedCamera
    feed: Feed
    reader: PalmReader

    async def captured(self, stage: LiveStage) -> Burst:
        return await captured(self.reader, stage, LEAVE)


@pytest.fixture
async def kiosk(service: SignatureService) -> AsyncIterator[Kiosk]:
    light = RecordedLight()
    scene = LitHand(light)
    camera = SimulatedCamera(scene)
    with looking(camera) as (feed, eyes):
        reader = PalmReader(eyes, feed, Challenger(light, service, feed))
        yield Kiosk(scene, light, camera, feed, reader)


def given(canned: CannedService, *good_for: timedelta) -> list[Challenge]:
    """Sets the challenges that the service gives next."""
    challenges = [challenge(f"challenge-{n}", life) for n, life in enumerate(good_for)]
    canned.will("POST /challenges", *challenges)
    return challenges


def shown(challenge: Challenge) -> list[Levels]:
    return [WHITE, *steps(from_base64(challenge.seed)), WHITE]


SOME_TIME = timedelta(minutes=2)


async def test_a_hand_that_is_held_still_is_shown_a_challenge_and_taken_under_every_step(
    kiosk: Kiosk, canned: CannedService
) -> None:
    first, *_ = given(canned, SOME_TIME)
    stage = LiveStage()
    burst = await kiosk.captured(stage)
    lights = [frame.light for frame in burst.frames]
    assert lights == [None] * lights.count(None) + list(range(STEPS))
    assert 1 <= lights.count(None) <= WHITE_BURST
    assert burst.challenge == first.challenge_id
    assert kiosk.light.told == [*shown(first), DARK], "white to guide the hand, dark afterwards"
    assert stage.told == [Instruction.SHOW_PALM, Instruction.HOLD_STILL, Instruction.DONE]


async def test_every_picture_was_taken_under_the_step_it_says(
    kiosk: Kiosk, canned: CannedService
) -> None:
    first, *_ = given(canned, SOME_TIME)
    played = steps(from_base64(first.seed))
    white, *lit = sorted(
        (await kiosk.captured(LiveStage())).frames[-STEPS - 1 :], key=lambda frame: frame.at_ms
    )
    for frame in lit:
        assert frame.light is not None
        seen = _mean(frame) / _mean(white)
        assert np.allclose(seen, brightness(played[frame.light]), atol=0.05)


def _mean(frame: Frame) -> npt.NDArray[np.float64]:
    picture = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture.mean(axis=(0, 1))


async def test_a_hand_that_does_not_stay_is_shown_another_challenge_and_never_the_same(
    kiosk: Kiosk, canned: CannedService
) -> None:
    first, second, *_ = given(canned, SOME_TIME, SOME_TIME)
    kiosk.scene.when[shown(first)[2]] = lambda: setattr(kiosk.scene, "image", drawn(AWAY))
    reading = asyncio.create_task(kiosk.captured(stage := LiveStage()))
    await stage.until(lambda s: s.guidance.progress > 0)
    await stage.until(lambda s: s.guidance.instruction is Instruction.SHOW_PALM)
    kiosk.scene.hold()
    burst = await reading
    assert burst.challenge == second.challenge_id
    assert kiosk.light.told[-len(shown(second)) :] == [*shown(second)[1:], DARK]
    lit = next(step for step in steps(from_base64(first.seed)) if step != DARK)
    assert kiosk.light.told.count(lit) == 1


async def test_a_challenge_is_there_before_the_hand_is_and_one_that_has_grown_old_is_not_shown(
    kiosk: Kiosk, canned: CannedService
) -> None:
    _, fresh = given(canned, timedelta(seconds=10), SOME_TIME)
    assert (await kiosk.captured(LiveStage())).challenge == fresh.challenge_id


async def test_who_was_not_seen_to_be_alive_has_time_to_read_what_may_help(
    kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.capture.reader.TO_READ", SOON)
    stage = LiveStage()
    reading = asyncio.create_task(kiosk.reader.present(stage, replace(LEAVE, lifeless=True)))
    await asyncio.to_thread(pass_frames, kiosk.feed, 30)
    stage.press(Choice.BACK)
    assert await reading is Choice.BACK, "and can leave meanwhile"
    assert kiosk.light.told == [WHITE, DARK]


async def test_the_envelope_names_the_challenge(
    kiosk: Kiosk, canned: CannedService, service: SignatureService
) -> None:
    burst = await kiosk.captured(LiveStage())
    challenge_id = burst.challenge
    await service.identify(burst, Purpose.PAY, "visit-1234")
    (asked,) = canned.requests("POST /identifications")
    assert challenge_id
    assert read_header(asked.body).context.challenge == challenge_id


async def test_a_ring_that_is_not_there_is_told_before_anybody_holds_a_hand_out(
    kiosk: Kiosk,
) -> None:
    kiosk.light.unplug()
    stage = LiveStage()
    with pytest.raises(TemporaryFault, match="light ring"):
        await kiosk.captured(stage)
    assert stage.asked == []


async def test_a_ring_pulled_in_the_middle_of_a_challenge_is_told(
    kiosk: Kiosk, canned: CannedService
) -> None:
    first, *_ = given(canned, SOME_TIME)
    kiosk.scene.when[shown(first)[2]] = kiosk.light.unplug
    with pytest.raises(TemporaryFault, match="light ring"):
        await kiosk.captured(LiveStage())


async def test_without_a_service_there_is_no_challenge_and_no_palm(
    kiosk: Kiosk, canned: CannedService
) -> None:
    canned.will("POST /challenges", problem(ProblemType.INTERNAL, 500))
    with pytest.raises(ServiceUnavailable):
        await kiosk.captured(LiveStage())


async def test_whoever_leaves_leaves_the_ring_dark(kiosk: Kiosk) -> None:
    kiosk.scene.image = drawn(AWAY)
    stage = LiveStage()
    stage.press(Choice.BACK)
    async with asyncio.timeout(SOON):
        assert await kiosk.reader.present(stage, LEAVE) is Choice.BACK
    assert kiosk.light.told == [WHITE, DARK]
