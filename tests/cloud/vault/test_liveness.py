"""The vault judges pictures of drawn hands, and attacks: under a light challenge, in near infrared
and by the pulse."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import cycle
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from cloud.recognition import challenges
from cloud.settings import Settings
from drawn import Presentation, identity
from drawn.burst import Film, Shot, film
from drawn.heart import Heart, Recording, record
from drawn.lit import Specimen, light_of, living
from palm.hand.landmarks import Side
from palm.image import Colour
from palm.liveness.pulse import FRAMES, SECONDS
from protocol.capture import Burst, Frame, Pulse, Spectrum
from protocol.challenge import SEED_BYTES, steps
from protocol.encoding import from_base64
from protocol.messages import Challenge, Identification, Outcome, ProblemType, Purpose
from protocol.ring import WHITE, Levels
from tests.support.device import Refused, TestDevice
from tests.support.served import Served

Scene = Callable[[Levels, int], bytes]
"""Returns the JPEG of what the camera sees under a step of the light challenge, in the frame with a
number."""

SEEDS = [bytes([number]) * SEED_BYTES for number in (1, 2)]
"""The seeds of the challenges of a test, in turn. They are the same in all tests, so that a hand is
filmed once under each."""

SHOT = Shot(Presentation(span=0.45, y=0.6))
HEART = Heart(depth=0.006)
WHITE_FRAMES = 4
"""The number of frames in white that are filmed of a hand."""


@cache
def whole(seed: int) -> Specimen:
    return living(identity(seed, Side.LEFT), SHOT.shown)


@cache
def filmed(seed: int, *shown: tuple[Levels, ...]) -> Film:
    """Returns what both cameras see of a hand: some frames in white, and one in white before each
    of these series of steps."""
    lights = [light_of(step) for series in shown for step in (WHITE, *series)]
    lights = [*[light_of(WHITE)] * (WHITE_FRAMES - 1), *lights]
    rng = np.random.default_rng(seed)
    return film(identity(seed, Side.LEFT), whole(seed), SHOT, lights, rng)


@cache
def hand(seed: int, side: Side = Side.LEFT) -> Scene:
    """Returns a drawn hand that reflects the light as a living one does.

    A right hand is the mirror image of a left one under the mirrored light of the ring.
    """
    mirrored = side is Side.RIGHT
    challenges = [steps(each) for each in (SEEDS[:1] if mirrored else SEEDS)]
    if mirrored:
        taken = filmed(seed, *(tuple(map(mirror, series)) for series in challenges))
    else:
        taken = filmed(seed, *challenges)
    white = taken.lit[:WHITE_FRAMES]
    under = [step for series in challenges for step in (WHITE, *series)]
    lit = dict(zip(under, taken.lit[WHITE_FRAMES - 1 :], strict=True))

    def seen(step: Levels, frame: int) -> bytes:
        image = (white[frame % WHITE_FRAMES] if step == WHITE else lit[step]).image
        return _jpeg(np.ascontiguousarray(image[:, ::-1]) if mirrored else image)

    return cache(seen)


def mirror(step: Levels) -> Levels:
    """Returns the light of a ring whose left and right are exchanged."""
    return tuple(step[-segment] for segment in range(len(step)))


def other(side: Side) -> Side:
    return Side.RIGHT if side is Side.LEFT else Side.LEFT


def still(scene: Scene) -> Scene:
    """Returns a picture on a screen, which the light does not change."""
    picture = scene(WHITE, 0)
    return lambda step, frame: picture


def taken(
    kiosk: TestDevice,
    scene: Scene,
    *,
    white: Sequence[Scene] | None = None,
    seed: bytes | None = None,
    lit: Scene | None = None,
) -> Burst:
    """Returns a burst of a scene under a challenge of the service's.

    `white` is what was seen in each frame in white, if it was something else, and `lit` what was
    seen under the steps. `seed` is that of the challenge that the ring showed, if it was another.
    """
    before = [
        Frame(40 * n, bytearray(each(WHITE, n))) for n, each in enumerate(white or [scene] * 3)
    ]

    def take(challenge: Challenge | None) -> Burst:
        if challenge is None:
            return Burst(before)
        shown = enumerate(steps(seed or from_base64(challenge.seed)), len(before))
        answer = [
            Frame(40 * n, bytearray((lit or scene)(step, n)), n - len(before)) for n, step in shown
        ]
        return Burst([*before, *answer], challenge.challenge_id)

    return kiosk.lit(take)


def _jpeg(picture: Colour) -> bytes:
    return cv2.imencode(".jpg", picture)[1].tobytes()


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = Settings(liveness="required")
    with Served(tmp_path_factory.mktemp("lit"), settings) as served:
        yield served


@pytest.fixture
def kiosk(strict: Served, monkeypatch: pytest.MonkeyPatch) -> TestDevice:
    """A device whose service has its clock stopped, because drawing takes longer than a kiosk, and
    issues challenges with SEEDS."""
    seeds = cycle(SEEDS)
    monkeypatch.setattr(challenges, "os", SimpleNamespace(urandom=lambda _: next(seeds)))
    strict.stop_clock()
    return strict.kiosk()


def identify(kiosk: TestDevice, shown: Burst) -> Identification:
    envelope = kiosk.seal(shown, Purpose.PAY, secrets.token_urlsafe(12))
    return kiosk.post("/identifications", envelope, Identification)


def test_a_living_hand_is_recognised_under_another_challenge(kiosk: TestDevice) -> None:
    ada = hand(1)
    enrolment_id = kiosk.verified_enrolment()
    kiosk.add_card(enrolment_id)
    kiosk.add_palm(enrolment_id, taken(kiosk, ada))
    kiosk.send("POST", f"/enrolments/{enrolment_id}/completion")
    found = identify(kiosk, taken(kiosk, ada))
    assert (found.outcome, found.live) == (Outcome.ACCEPTED, True)


def test_a_picture_that_does_not_answer_the_light_is_not_live(kiosk: TestDevice) -> None:
    assert not identify(kiosk, taken(kiosk, still(hand(1)))).live


def test_a_burst_recorded_under_another_challenge_is_not_live(kiosk: TestDevice) -> None:
    assert not identify(kiosk, taken(kiosk, hand(1), seed=SEEDS[1])).live


def test_one_palm_in_white_and_another_under_the_steps_is_not_live(
    kiosk: TestDevice,
) -> None:
    """The attacker shows a stolen picture in white, and their own hand under the steps."""
    assert not identify(kiosk, taken(kiosk, hand(1), lit=hand(2))).live


def beside(scene: Scene, entering: Scene) -> Scene:
    """Returns a scene to the right of which another hand is seen from the second frame on."""

    def seen(step: Levels, frame: int) -> bytes:
        left, right = (
            cv2.imdecode(np.frombuffer(each(step, frame), np.uint8), cv2.IMREAD_COLOR)
            for each in (scene, entering)
        )
        assert left is not None
        assert right is not None
        both = np.hstack([left, right if frame else np.full_like(left, 90)])
        return _jpeg(np.asarray(both, np.uint8))

    return seen


def test_a_living_hand_beside_a_picture_does_not_make_the_picture_live(kiosk: TestDevice) -> None:
    """The hand that was found first is followed by its lines, and nobody looks for another: what is
    judged is what was found."""
    assert not identify(kiosk, taken(kiosk, beside(still(hand(1)), hand(2)))).live
    alive = identify(kiosk, taken(kiosk, beside(hand(1), still(hand(2)))))
    assert alive.live


WHERE = [(0, 1), (0,), (1,), (2,), (0, 2), (1, 2)]
"""The positions of the victim's frames among three in white."""


def with_victim(own: Scene, victim: Scene, where: tuple[int, ...]) -> list[Scene]:
    """Returns what is seen in each frame in white: the victim in some, else the attacker."""
    return [victim if n in where else own for n in range(3)]


@pytest.mark.parametrize(
    ("attacker", "victim", "where"),
    [*((2, 1, where) for where in WHERE), (1, 2, (0, 1))],
    ids=str,
)
def test_a_victims_frames_beside_those_of_the_attackers_own_living_hand_are_not_live(
    kiosk: TestDevice, where: tuple[int, ...], attacker: int, victim: int
) -> None:
    own = hand(attacker)
    shown = taken(kiosk, own, white=with_victim(own, hand(victim), where))
    assert not identify(kiosk, shown).live


@pytest.mark.parametrize("side", [Side.LEFT, Side.RIGHT])
def test_frames_of_the_other_side_are_not_left_out_of_the_judgement(
    kiosk: TestDevice, side: Side
) -> None:
    """Most frames decide which side a palm is of; the attacker's is then the other one."""
    own = hand(2, side)
    shown = taken(kiosk, own, white=with_victim(own, hand(1, other(side)), (0, 1)))
    assert not identify(kiosk, shown).live


def test_a_victims_frame_that_no_template_would_be_made_of_is_judged_too(
    kiosk: TestDevice,
) -> None:
    own = hand(2)
    assert not identify(kiosk, taken(kiosk, own, white=[own, own, own, hand(1)])).live


def test_a_frame_in_white_after_the_steps_is_not_live(kiosk: TestDevice) -> None:
    own = taken(kiosk, hand(2))
    after = Frame(own.frames[-1].at_ms + 40, bytearray(hand(1)(WHITE, len(own.frames))))
    assert not identify(kiosk, Burst([*own.frames, after], own.challenge)).live


def test_frames_in_white_after_the_steps_only_are_not_live(kiosk: TestDevice) -> None:
    whole = taken(kiosk, hand(1))
    last = whole.frames[-1].at_ms
    after = [Frame(last + 1 + frame.at_ms, frame.jpeg) for frame in whole.frames[:3]]
    assert not identify(kiosk, Burst([*whole.frames[3:], *after], whole.challenge)).live


@pytest.mark.parametrize("where", [(0, 1), (1,)], ids=str)
def test_a_victims_frames_are_not_enrolled_with_the_attackers_living_hand(
    kiosk: TestDevice, where: tuple[int, ...]
) -> None:
    own = hand(2)
    shown = taken(kiosk, own, white=with_victim(own, hand(1), where))
    with pytest.raises(Refused) as refused:
        kiosk.add_palm(kiosk.verified_enrolment(), shown)
    assert refused.value.problem.type is ProblemType.PALM_NOT_LIVE


def test_a_burst_without_one_of_the_steps_is_not_live(kiosk: TestDevice) -> None:
    whole = taken(kiosk, hand(1))
    assert not identify(kiosk, Burst(whole.frames[:-1], whole.challenge)).live


@pytest.mark.parametrize(
    "at_ms",
    [
        pytest.param(lambda step: 300 - 40 * step, id="reversed"),
        pytest.param(lambda step: 120 + 20_000 * step, id="20 s apart"),
    ],
)
def test_a_living_hand_at_times_at_which_no_kiosk_takes_it_is_not_live(
    kiosk: TestDevice, at_ms: Callable[[int], int]
) -> None:
    shown = taken(kiosk, hand(1))
    frames = [
        frame if frame.light is None else replace(frame, at_ms=at_ms(frame.light))
        for frame in shown.frames
    ]
    frames.sort(key=lambda frame: frame.at_ms)
    assert not identify(kiosk, replace(shown, frames=frames)).live


# Near infrared and the pulse


@cache
def recorded(seed: int, heart: Heart | None) -> Recording:
    """Returns a recording at the fewest frames a second that the kiosk takes."""
    palm, rng = whole(seed).palm_alone(), np.random.default_rng(seed)
    return record(identity(seed, Side.LEFT), palm, SHOT, rng, heart, rate=FRAMES / SECONDS)


def together(
    kiosk: TestDevice,
    seed: int,
    *,
    white: Sequence[int] | None = None,
    infrared: Sequence[int] | None = None,
    pulse: Recording | None = None,
) -> Burst:
    """Returns a burst of the hand with this seed under a challenge of the service's.

    `white` are the seeds of the hands in the three frames in white, if there were others, and
    `infrared` those of the hands that the second camera sees in its two frames.
    """

    def take(challenge: Challenge | None) -> Burst:
        frames = [
            Frame(60 * n, bytearray(hand(each)(WHITE, n)))
            for n, each in enumerate(white or [seed] * 3)
        ]
        if challenge is None:
            return Burst(frames)
        lit = enumerate(steps(from_base64(challenge.seed)))
        frames += [Frame(180 + 60 * n, bytearray(hand(seed)(step, n)), n) for n, step in lit]
        if infrared is not None:
            for n, (at_ms, each) in enumerate(zip((190, 430), infrared, strict=True)):
                still = filmed(each, *map(steps, SEEDS)).infrared[n]
                frames.append(Frame(at_ms, bytearray(_jpeg(still.image)), None, Spectrum.INFRARED))
        beats = None
        if pulse is not None:
            at_ms = [500 + round(1000 * at) for at in pulse.at]
            beats = Pulse(at_ms, bytearray(pulse.cells.astype("<u2").tobytes()))
            frames.append(Frame(at_ms[-1], bytearray(hand(seed)(WHITE, 3))))
        frames.sort(key=lambda frame: frame.at_ms)
        return Burst(frames, challenge.challenge_id, beats)

    return kiosk.lit(take)


def test_a_living_hand_is_live_in_near_infrared_and_by_its_pulse(kiosk: TestDevice) -> None:
    shown = together(kiosk, 1, infrared=(1, 1), pulse=recorded(1, HEART))
    assert identify(kiosk, shown).live


def test_another_hand_in_near_infrared_is_not_live(kiosk: TestDevice) -> None:
    assert not identify(kiosk, together(kiosk, 1, infrared=(2, 2))).live


def test_another_hand_in_one_of_the_near_infrared_frames_is_not_live(kiosk: TestDevice) -> None:
    assert not identify(kiosk, together(kiosk, 1, infrared=(1, 2))).live


@pytest.mark.parametrize("where", [(0, 1), (2,)], ids=str)
def test_a_victims_frames_before_the_attackers_pulse_and_near_infrared_are_not_live(
    kiosk: TestDevice, where: tuple[int, ...]
) -> None:
    white = [1 if n in where else 2 for n in range(3)]
    shown = together(kiosk, 2, white=white, infrared=(2, 2), pulse=recorded(2, HEART))
    assert not identify(kiosk, shown).live


def test_a_recording_without_a_pulse_is_not_live(kiosk: TestDevice) -> None:
    assert not identify(kiosk, together(kiosk, 1, pulse=recorded(1, None))).live


def test_a_pulse_recorded_in_another_light_is_not_live(kiosk: TestDevice) -> None:
    pulse = recorded(1, HEART)
    pulse = replace(pulse, cells=pulse.cells // 2)
    assert not identify(kiosk, together(kiosk, 1, pulse=pulse)).live
