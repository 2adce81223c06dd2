"""The vault judging real pictures under a light challenge: a drawn hand, and what is not one."""

import secrets
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest

from cloud.settings import Settings
from palm.factory import Presentation, identity
from palm.factory.lit import LitHand
from palm.factory.presentation import show
from palm.hand import Side
from palm.image import Colour
from protocol.capture import Burst, Frame
from protocol.challenge import WHITE, Step, steps
from protocol.encoding import from_base64
from protocol.messages import Challenge, Identification, Outcome, Purpose
from tests.cloud.device import TestDevice
from tests.cloud.served import Served

Scene = Callable[[Step], Colour]
"""What the camera sees under a step."""

POSE = Presentation(span=0.45)


def hand(seed: int) -> Scene:
    """A drawn hand that lives."""
    palm = identity(seed, Side.LEFT)
    lit, rng = LitHand(palm, POSE), np.random.default_rng(seed)

    def seen(step: Step) -> Colour:
        image = np.empty((720, 1280, 3), np.uint8)
        show(palm, lit.under(np.array(step, np.float32) / 255), POSE, rng, image)
        return image

    return seen


def still(scene: Scene) -> Scene:
    """A screen in a room where the ring does nothing to it: it shows what it shows."""
    picture = scene(WHITE)
    return lambda _: picture


def taken(scene: Scene, challenge: Challenge, of: Challenge | None = None) -> Burst:
    """A burst of a scene under a challenge; `of` is what the ring really showed."""
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


def test_a_living_hand_is_known_again_under_another_challenge(kiosk: TestDevice) -> None:
    ada = hand(1)
    enrolment_id = kiosk.verified_enrolment()
    kiosk.add_card(enrolment_id)
    kiosk.add_palm(enrolment_id, taken(ada, kiosk.challenge()))
    kiosk.send("POST", f"/enrolments/{enrolment_id}/completion")
    found = identify(kiosk, taken(ada, kiosk.challenge()))
    assert (found.outcome, found.live) == (Outcome.ACCEPTED, True)


def test_a_picture_that_does_not_answer_is_no_hand(kiosk: TestDevice) -> None:
    assert not identify(kiosk, taken(still(hand(1)), kiosk.challenge())).live


def test_a_burst_injected_from_another_challenge_is_no_hand(kiosk: TestDevice) -> None:
    recorded, asked = kiosk.challenge(), kiosk.challenge()
    assert not identify(kiosk, taken(hand(1), asked, of=recorded)).live


def test_somebodys_palm_in_white_and_anothers_under_the_steps_is_nobodys(
    kiosk: TestDevice,
) -> None:
    """A stolen picture to be signed, and a living hand of one's own to be judged."""
    challenge = kiosk.challenge()
    stolen, own = taken(hand(1), challenge), taken(hand(2), challenge)
    spliced = Burst([*stolen.frames[:3], *own.frames[3:]], challenge.challenge_id)
    assert not identify(kiosk, spliced).live


def test_a_burst_that_leaves_a_step_out_is_no_answer(kiosk: TestDevice) -> None:
    whole = taken(hand(1), kiosk.challenge())
    assert not identify(kiosk, Burst(whole.frames[:-1], whole.challenge)).live
