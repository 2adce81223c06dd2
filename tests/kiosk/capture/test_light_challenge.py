"""A light challenge over a hand that is held still: what is shown, what is kept, and that no
challenge is used twice."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from hardware.address import Address
from hardware.camera import SimulatedCamera
from hardware.camera.feed import Feed
from hardware.faults import TemporaryFault
from hardware.light import WATCHDOG_S, SimulatedLight
from kiosk.capture.guidance import Instruction
from kiosk.capture.light_challenge import Challenger
from kiosk.capture.reader import SLOW_AT_MOST, WHITE_BURST, PalmReader
from kiosk.screens import Choice, HoldPalm
from kiosk.service.client import SignatureService
from kiosk.service.errors import Refused, ServiceUnavailable, TooSlow
from palm.image import Colour
from protocol.binding import answer_of, commitment_of, is_bound
from protocol.capture import Burst, Frame
from protocol.challenge import STEPS, steps
from protocol.encoding import from_base64, to_base64
from protocol.envelope import read_header
from protocol.messages import Challenge, ProblemType, Purpose
from protocol.ring import DARK, WHITE, Levels
from tests.support.canned import Asked, CannedService, challenge, problem
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
async def kiosk(service: SignatureService, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Kiosk]:
    # A busy machine may need longer.
    monkeypatch.setattr("kiosk.capture.light_challenge.SEED_WITHIN", SOON)
    monkeypatch.setattr("kiosk.capture.light_challenge.LONGEST_STEP", 0.9 * WATCHDOG_S)
    light = RecordedLight()
    scene = LitHand(light)
    camera = SimulatedCamera(scene, fps=15)
    with looking(camera) as (feed, eyes):
        reader = PalmReader(eyes, feed, Challenger(light, service, feed))
        yield Kiosk(scene, light, camera, feed, reader)


def given(canned: CannedService, number: int) -> list[Challenge]:
    """Sets the challenges that the service gives next."""
    challenges = [challenge(f"challenge-{n}") for n in range(number)]
    canned.will("POST /challenges", *challenges)
    return challenges


def shown(challenge: Challenge) -> list[Levels]:
    return [WHITE, *steps(from_base64(challenge.seed)), WHITE]


async def test_a_hand_that_is_held_still_is_shown_a_challenge_and_taken_under_every_step(
    kiosk: Kiosk, canned: CannedService
) -> None:
    (first,) = given(canned, 1)
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
    (first,) = given(canned, 1)
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
    first, second = given(canned, 2)
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


async def test_no_challenge_is_asked_for_before_a_hand_is_held_still(
    kiosk: Kiosk, canned: CannedService
) -> None:
    kiosk.scene.image = drawn(AWAY)
    reading = asyncio.create_task(kiosk.captured(LiveStage()))
    await asyncio.to_thread(pass_frames, kiosk.feed, 10)
    assert canned.requests("POST /challenges") == []
    kiosk.scene.hold()
    await reading
    assert len(canned.requests("POST /challenges")) == 1


async def test_the_kiosk_tells_exactly_the_pictures_that_it_sends(
    kiosk: Kiosk, canned: CannedService
) -> None:
    burst = await kiosk.captured(LiveStage())
    (committed,) = canned.requests("POST /challenges")
    (answered,) = canned.requests("POST /challenges/{id}/answer")
    assert answered.path == f"/challenges/{burst.challenge}/answer"
    commitment, answer = committed.json["commitment"], answered.json["answer"]
    assert commitment == to_base64(commitment_of(burst))
    assert answer == to_base64(answer_of(burst))
    assert is_bound(burst, from_base64(commitment), from_base64(answer))


async def test_a_hand_that_leaves_while_the_service_is_slow_is_not_shown_a_challenge(
    kiosk: Kiosk, canned: CannedService
) -> None:
    gone = asyncio.Event()

    async def leave(_: Asked) -> Challenge:
        kiosk.scene.image = drawn(AWAY)
        await gone.wait()
        return challenge("challenge-late")

    canned.will("POST /challenges", leave)
    reading = asyncio.create_task(kiosk.captured(stage := LiveStage()))
    await stage.until(lambda s: s.guidance.progress > 0)
    await stage.until(lambda s: s.guidance.instruction is Instruction.SHOW_PALM)
    kiosk.scene.hold()
    burst = await reading
    gone.set()
    assert burst.challenge != "challenge-late"


async def test_a_challenge_that_comes_too_late_is_not_shown_and_another_is_asked_for(
    kiosk: Kiosk, canned: CannedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, fresh = challenge("challenge-late"), challenge("challenge-fresh")

    def come(asked: Challenge, within: float) -> Callable[[Asked], Challenge]:
        def answer(_: Asked) -> Challenge:
            monkeypatch.setattr("kiosk.capture.light_challenge.SEED_WITHIN", within)
            return asked

        return answer

    canned.will("POST /challenges", come(late, 0.0), come(fresh, SOON))
    burst = await kiosk.captured(LiveStage())
    assert burst.challenge != late.challenge_id
    assert kiosk.light.told[:2] == shown(fresh)[:2]


async def test_an_answer_that_comes_too_late_is_followed_by_another_challenge(
    kiosk: Kiosk, canned: CannedService
) -> None:
    canned.will("POST /challenges/{id}/answer", problem(ProblemType.CHALLENGE_REFUSED, 409))
    burst = await kiosk.captured(LiveStage())
    refused, taken = canned.requests("POST /challenges/{id}/answer")
    assert refused.path != taken.path == f"/challenges/{burst.challenge}/answer"


async def test_a_service_that_is_always_too_slow_is_told_and_nobody_waits_for_ever(
    kiosk: Kiosk, canned: CannedService
) -> None:
    refusal = problem(ProblemType.CHALLENGE_REFUSED, 409)
    canned.will("POST /challenges/{id}/answer", *[refusal] * SLOW_AT_MOST)
    with pytest.raises(TooSlow):
        await kiosk.captured(LiveStage())
    assert len(canned.requests("POST /challenges/{id}/answer")) == SLOW_AT_MOST


async def test_a_device_that_had_too_many_challenges_is_told(
    kiosk: Kiosk, canned: CannedService
) -> None:
    canned.will("POST /challenges", problem(ProblemType.TOO_MANY_ATTEMPTS, 429))
    with pytest.raises(Refused) as refused:
        await kiosk.captured(LiveStage())
    assert refused.value.type is ProblemType.TOO_MANY_ATTEMPTS


async def test_a_service_that_is_gone_is_told_before_anybody_holds_a_hand_still(
    kiosk: Kiosk, canned: CannedService
) -> None:
    kiosk.scene.image = drawn(AWAY)
    canned.will("GET /service", problem(ProblemType.INTERNAL, 500))
    with pytest.raises(ServiceUnavailable):
        await kiosk.captured(LiveStage())


async def test_who_was_not_seen_to_be_alive_has_time_to_read_what_may_help(
    kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.capture.reader.TO_READ", SOON)
    stage = LiveStage()
    reading = asyncio.create_task(kiosk.reader.present(stage, replace(LEAVE, lifeless=True)))
    await asyncio.to_thread(pass_frames, kiosk.feed, 10)
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
    (first,) = given(canned, 1)
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
