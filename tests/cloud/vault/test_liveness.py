"""The vault judges pictures of drawn hands, and attacks: under a light challenge, in near infrared
and by the pulse."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest

from cloud.settings import Settings
from drawn import Presentation, identity
from drawn.burst import Film, Shot, film
from drawn.heart import Heart, Recording, record
from drawn.lit import WHITE as LIT_WHITE
from drawn.lit import LitHand, Specimen, living
from drawn.presentation import show
from palm.hand.landmarks import Side
from palm.image import Colour
from protocol.capture import Burst, Frame, Pulse, Spectrum
from protocol.challenge import steps
from protocol.encoding import from_base64
from protocol.messages import Challenge, Identification, Outcome, ProblemType, Purpose
from protocol.ring import WHITE, Levels
from tests.support.device import Refused, TestDevice
from tests.support.served import Served

Scene = Callable[[Levels], Colour]
"""Returns what the camera sees under a step of the light challenge."""

POSE = Presentation(span=0.45)


@cache
def hand(seed: int, side: Side = Side.LEFT) -> Scene:
    """Returns a drawn hand that reflects the light as a living one does."""
    palm = identity(seed, side)
    lit, rng = LitHand(palm, POSE), np.random.default_rng(seed)

    def seen(step: Levels) -> Colour:
        image = np.empty((720, 1280, 3), np.uint8)
        show(palm, lit.under(np.array(step, np.float32) / 255), POSE, rng, image)
        return image

    return seen


def other(side: Side) -> Side:
    return Side.RIGHT if side is Side.LEFT else Side.LEFT


def still(scene: Scene) -> Scene:
    """Returns a picture on a screen, which the light does not change."""
    picture = scene(WHITE)
    return lambda _: picture


def taken(scene: Scene, challenge: Challenge, of: Challenge | None = None) -> Burst:
    """Returns a burst of a scene under a challenge; `of` is the challenge that the ring showed, if
    it was another."""
    shown = steps(from_base64((of or challenge).seed))
    jpegs = [_jpeg(scene(WHITE)) for _ in range(3)] + [_jpeg(scene(step)) for step in shown]
    lights = [None] * 3 + list(range(len(shown)))
    frames = [
        Frame(40 * n, jpeg, light)
        for n, (jpeg, light) in enumerate(zip(jpegs, lights, strict=True))
    ]
    return Burst(frames, challenge.challenge_id)


def _jpeg(picture: Colour) -> bytearray:
    return bytearray(cv2.imencode(".jpg", picture)[1].tobytes())


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = Settings(liveness="required")
    with Served(tmp_path_factory.mktemp("lit"), settings) as served:
        yield served


@pytest.fixture
def kiosk(strict: Served) -> TestDevice:
    return strict.kiosk()


def identify(kiosk: TestDevice, shown: Burst) -> Identification:
    envelope = kiosk.seal(shown, Purpose.PAY, secrets.token_urlsafe(12))
    return kiosk.post("/identifications", envelope, Identification)


def test_a_living_hand_is_recognised_under_another_challenge(kiosk: TestDevice) -> None:
    ada = hand(1)
    enrolment_id = kiosk.verified_enrolment()
    kiosk.add_card(enrolment_id)
    kiosk.add_palm(enrolment_id, taken(ada, kiosk.challenge()))
    kiosk.send("POST", f"/enrolments/{enrolment_id}/completion")
    found = identify(kiosk, taken(ada, kiosk.challenge()))
    assert (found.outcome, found.live) == (Outcome.ACCEPTED, True)


def test_a_picture_that_does_not_answer_the_light_is_not_live(kiosk: TestDevice) -> None:
    assert not identify(kiosk, taken(still(hand(1)), kiosk.challenge())).live


def test_a_burst_recorded_under_another_challenge_is_not_live(kiosk: TestDevice) -> None:
    recorded, asked = kiosk.challenge(), kiosk.challenge()
    assert not identify(kiosk, taken(hand(1), asked, of=recorded)).live


def test_one_palm_in_white_and_another_under_the_steps_is_not_live(
    kiosk: TestDevice,
) -> None:
    """The attacker shows a stolen picture in white, and their own hand under the steps."""
    challenge = kiosk.challenge()
    stolen, own = taken(hand(1), challenge), taken(hand(2), challenge)
    spliced = Burst([*stolen.frames[:3], *own.frames[3:]], challenge.challenge_id)
    assert not identify(kiosk, spliced).live


WHERE = [(0, 1), (0,), (1,), (2,), (0, 2), (1, 2)]
"""The positions of the victim's frames among three in white."""


def with_victim(own: Burst, victim: Burst, where: tuple[int, ...]) -> Burst:
    """Returns the attacker's own burst with frames in white of the victim in its place."""
    frames = list(own.frames)
    for position in where:
        frames[position] = Frame(frames[position].at_ms, victim.frames[position].jpeg)
    return Burst(frames, own.challenge, own.pulse)


@pytest.mark.parametrize("where", WHERE, ids=str)
@pytest.mark.parametrize(("attacker", "victim"), [(2, 1), (4, 3)])
def test_a_victims_frames_beside_those_of_the_attackers_own_living_hand_are_not_live(
    kiosk: TestDevice, where: tuple[int, ...], attacker: int, victim: int
) -> None:
    challenge = kiosk.challenge()
    own, stolen = taken(hand(attacker), challenge), taken(hand(victim), challenge)
    assert not identify(kiosk, with_victim(own, stolen, where)).live


@pytest.mark.parametrize("side", [Side.LEFT, Side.RIGHT])
def test_frames_of_the_other_side_are_not_left_out_of_the_judgement(
    kiosk: TestDevice, side: Side
) -> None:
    """Most frames decide which side a palm is of; the attacker's is then the other one."""
    challenge = kiosk.challenge()
    own, stolen = taken(hand(2, side), challenge), taken(hand(1, other(side)), challenge)
    assert not identify(kiosk, with_victim(own, stolen, (0, 1))).live


def test_a_victims_frame_that_no_template_would_be_made_of_is_judged_too(
    kiosk: TestDevice,
) -> None:
    challenge = kiosk.challenge()
    own, stolen = taken(hand(2), challenge), taken(hand(1), challenge)
    fourth = Frame(own.frames[2].at_ms, stolen.frames[2].jpeg)
    shown = Burst([*own.frames[:3], fourth, *own.frames[3:]], own.challenge)
    assert not identify(kiosk, shown).live


def test_a_victims_frame_in_white_after_the_steps_is_not_live(kiosk: TestDevice) -> None:
    challenge = kiosk.challenge()
    own, stolen = taken(hand(2), challenge), taken(hand(1), challenge)
    after = Frame(own.frames[-1].at_ms + 40, stolen.frames[0].jpeg)
    assert not identify(kiosk, Burst([*own.frames, after], own.challenge)).live


def test_frames_in_white_after_the_steps_only_make_no_template(kiosk: TestDevice) -> None:
    whole = taken(hand(1), kiosk.challenge())
    last = whole.frames[-1].at_ms
    after = [Frame(last + 1 + frame.at_ms, frame.jpeg) for frame in whole.frames[:3]]
    with pytest.raises(Refused) as refused:
        identify(kiosk, Burst([*whole.frames[3:], *after], whole.challenge))
    assert refused.value.problem.type is ProblemType.PALM_UNUSABLE


@pytest.mark.parametrize("where", [(0, 1), (1,)], ids=str)
def test_a_victims_frames_are_not_enrolled_with_the_attackers_living_hand(
    kiosk: TestDevice, where: tuple[int, ...]
) -> None:
    enrolment_id, challenge = kiosk.verified_enrolment(), kiosk.challenge()
    own, stolen = taken(hand(2), challenge), taken(hand(1), challenge)
    with pytest.raises(Refused) as refused:
        kiosk.add_palm(enrolment_id, with_victim(own, stolen, where))
    assert refused.value.problem.type is ProblemType.PALM_NOT_LIVE


def test_a_burst_without_one_of_the_steps_is_not_live(kiosk: TestDevice) -> None:
    whole = taken(hand(1), kiosk.challenge())
    assert not identify(kiosk, Burst(whole.frames[:-1], whole.challenge)).live


# Near infrared and the pulse

SHOT = Shot(Presentation(span=0.45, y=0.6))
HEART = Heart(depth=0.006)


def whole(seed: int) -> Specimen:
    return living(identity(seed, Side.LEFT), SHOT.shown)


def filmed(seed: int, challenge: Challenge) -> Film:
    """Returns what both cameras see: three frames in white, one under each step, one in white."""
    shown = [np.array(step, np.float32) / 255 for step in steps(from_base64(challenge.seed))]
    lights = [*[LIT_WHITE] * 3, *shown, LIT_WHITE]
    rng = np.random.default_rng(seed)
    return film(identity(seed, Side.LEFT), whole(seed), SHOT, lights, rng)


def recorded(seed: int, heart: Heart | None) -> Recording:
    rng = np.random.default_rng(seed)
    return record(identity(seed, Side.LEFT), whole(seed), SHOT, rng, heart)


def together(
    colour: Film,
    challenge: Challenge,
    *,
    infrared: Film | None = None,
    pulse: Recording | None = None,
) -> Burst:
    *lit, after = colour.lit
    frames = [
        Frame(60 * n, _jpeg(frame.image), n - 3 if n > 2 else None) for n, frame in enumerate(lit)
    ]
    if infrared is not None:
        frames += [
            Frame(60 * n, _jpeg(still.image), None, Spectrum.INFRARED)
            for n, still in zip((3, 7), infrared.infrared, strict=True)
        ]
    beats = None
    if pulse is not None:
        at_ms = [500 + round(1000 * at) for at in pulse.at]
        beats = Pulse(at_ms, bytearray(pulse.cells.astype("<u2").tobytes()))
        frames.append(Frame(at_ms[-1], _jpeg(after.image)))
    frames.sort(key=lambda frame: frame.at_ms)
    return Burst(frames, challenge.challenge_id, beats)


def test_a_living_hand_is_live_in_near_infrared_and_by_its_pulse(kiosk: TestDevice) -> None:
    challenge = kiosk.challenge()
    seen = filmed(1, challenge)
    shown = together(seen, challenge, infrared=seen, pulse=recorded(1, HEART))
    assert identify(kiosk, shown).live


def test_another_hand_in_near_infrared_is_not_live(kiosk: TestDevice) -> None:
    challenge = kiosk.challenge()
    shown = together(filmed(1, challenge), challenge, infrared=filmed(2, challenge))
    assert not identify(kiosk, shown).live


def test_another_hand_in_one_of_the_near_infrared_frames_is_not_live(kiosk: TestDevice) -> None:
    challenge = kiosk.challenge()
    seen, strange = filmed(1, challenge), filmed(2, challenge)
    mixed = replace(seen, infrared=[seen.infrared[0], strange.infrared[1]])
    assert not identify(kiosk, together(seen, challenge, infrared=mixed)).live


@pytest.mark.parametrize("where", [(0, 1), (2,)], ids=str)
def test_a_victims_frames_before_the_attackers_pulse_and_near_infrared_are_not_live(
    kiosk: TestDevice, where: tuple[int, ...]
) -> None:
    challenge = kiosk.challenge()
    seen = filmed(2, challenge)
    own = together(seen, challenge, infrared=seen, pulse=recorded(2, HEART))
    stolen = together(filmed(1, challenge), challenge)
    assert not identify(kiosk, with_victim(own, stolen, where)).live


def test_a_recording_without_a_pulse_is_not_live(kiosk: TestDevice) -> None:
    challenge = kiosk.challenge()
    shown = together(filmed(1, challenge), challenge, pulse=recorded(1, None))
    assert not identify(kiosk, shown).live


def test_a_pulse_recorded_in_another_light_is_not_live(kiosk: TestDevice) -> None:
    challenge = kiosk.challenge()
    pulse = recorded(1, HEART)
    pulse.cells[:] = pulse.cells // 2
    assert not identify(kiosk, together(filmed(1, challenge), challenge, pulse=pulse)).live
