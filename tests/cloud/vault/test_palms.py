"""The vault examines pictures of drawn hands, and of photographed ones if they are there."""

import contextlib
import secrets
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from cloud.settings import Settings
from cloud.vault.examiner import Flaw
from drawn import Presentation, draw, identity
from lab.sets import PALM_SETS
from palm.hand.landmarks import Side as PalmSide
from palm.image import Colour
from protocol.capture import Burst, Frame
from protocol.messages import Account, Identification, Outcome, ProblemType, Purpose, Side
from tests.support.device import Refused, TestDevice
from tests.support.real_palms import needs_palm_sets
from tests.support.served import Served

PHOTOGRAPHED = PALM_SETS / "hands-rgb"


def burst(pictures: list[Colour]) -> Burst:
    return Burst(
        [
            Frame(33 * number, bytearray(cv2.imencode(".jpg", picture)[1].tobytes()))
            for number, picture in enumerate(pictures)
        ]
    )


def drawn(seed: int, side: PalmSide, showing: int, *, back: bool = False) -> Burst:
    """Returns a burst of a drawn hand; another `showing` holds it slightly differently."""
    return burst(pictures(seed, side, showing, back=back))


@cache
def pictures(seed: int, side: PalmSide, showing: int, *, back: bool) -> list[Colour]:
    rng = np.random.default_rng([seed, showing])
    shown = [
        Presentation(
            x=0.5 + rng.uniform(-0.03, 0.03),
            y=0.5 + rng.uniform(-0.03, 0.03),
            span=0.45 + rng.uniform(-0.02, 0.02),
            turn=rng.uniform(-5, 5),
            back=back,
        )
        for _ in range(3)
    ]
    return [draw(identity(seed, side), each, rng).image for each in shown]


@pytest.fixture(scope="module")
def real_palms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("palms"), Settings()) as served:
        yield served


@pytest.fixture
def kiosk(real_palms: Served) -> TestDevice:
    return real_palms.kiosk()


def sign_up(kiosk: TestDevice, *bursts: Burst) -> Account:
    enrolment_id = kiosk.verified_enrolment()
    kiosk.add_card(enrolment_id)
    for each in bursts:
        kiosk.add_palm(enrolment_id, each)
    return kiosk.post(f"/enrolments/{enrolment_id}/completion", None, Account)


def identify(kiosk: TestDevice, shown: Burst) -> Identification:
    envelope = kiosk.seal(shown, Purpose.PAY, secrets.token_urlsafe(12))
    return kiosk.post("/identifications", envelope, Identification)


def refused_for(kiosk: TestDevice, shown: Burst) -> str:
    with pytest.raises(Refused) as refused:
        identify(kiosk, shown)
    assert refused.value.problem.type is ProblemType.PALM_UNUSABLE
    return refused.value.problem.detail


def test_a_drawn_hand_is_recognised_and_another_is_not(kiosk: TestDevice):
    account = sign_up(kiosk, drawn(1, PalmSide.LEFT, 0), drawn(1, PalmSide.RIGHT, 0))
    assert account.palms == [Side.LEFT, Side.RIGHT]
    assert identify(kiosk, drawn(1, PalmSide.LEFT, 1)).outcome is Outcome.ACCEPTED
    assert identify(kiosk, drawn(1, PalmSide.RIGHT, 1)).outcome is Outcome.ACCEPTED
    assert identify(kiosk, drawn(2, PalmSide.LEFT, 0)).outcome is Outcome.ASK_AGAIN


def test_the_same_drawn_palm_cannot_be_enrolled_twice(kiosk: TestDevice):
    enrolment_id = kiosk.verified_enrolment()
    kiosk.add_palm(enrolment_id, drawn(2, PalmSide.LEFT, 0))
    with pytest.raises(Refused) as refused:
        kiosk.add_palm(enrolment_id, drawn(2, PalmSide.LEFT, 1))
    assert refused.value.problem.type is ProblemType.SAME_PALM_TWICE


def test_the_back_of_a_hand_is_refused(kiosk: TestDevice):
    assert refused_for(kiosk, drawn(2, PalmSide.LEFT, 0, back=True)) == Flaw.NOT_A_PALM


def test_an_empty_picture_shows_no_hand(kiosk: TestDevice):
    assert refused_for(kiosk, burst([np.full((720, 1280, 3), 90, np.uint8)])) == Flaw.NO_HAND


def test_a_blurred_palm_is_refused(kiosk: TestDevice):
    sharp = pictures(2, PalmSide.LEFT, 0, back=False)[0]
    blurred = np.asarray(cv2.GaussianBlur(sharp, (0, 0), 9), np.uint8)
    assert refused_for(kiosk, burst([blurred])) == Flaw.UNCLEAR


def test_a_frame_that_claims_to_be_enormous_is_refused(kiosk: TestDevice):
    jpeg = bytearray(cv2.imencode(".jpg", np.zeros((64, 64, 3), np.uint8))[1].tobytes())
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = b"\xff\xdc\xff\xdc"
    assert refused_for(kiosk, Burst([Frame(0, jpeg)])) == Flaw.NOT_A_CAPTURE


def test_a_frame_that_is_not_a_picture_is_refused(kiosk: TestDevice):
    nonsense = bytearray(b"\xff\xd8\xff" + bytes(range(256)) + b"\xff\xd9")
    assert refused_for(kiosk, Burst([Frame(0, nonsense)])) == Flaw.NOT_A_CAPTURE


@pytest.mark.parametrize("where", [0, 1, 2])
def test_frames_of_two_palms_are_not_live_without_a_light_either(kiosk: TestDevice, where: int):
    frames = drawn(1, PalmSide.LEFT, 0).frames
    frames[where] = Frame(frames[where].at_ms, drawn(2, PalmSide.LEFT, 0).frames[where].jpeg)
    assert not identify(kiosk, Burst(frames)).live


def test_pictures_with_more_pixels_than_a_palm_needs_are_refused(kiosk: TestDevice):
    flat = bytearray(cv2.imencode(".jpg", np.full((2160, 3840, 3), 90, np.uint8))[1].tobytes())
    shown = Burst([Frame(number, flat) for number in range(15)])
    assert refused_for(kiosk, shown) == Flaw.TOO_LARGE


def test_a_palm_is_recognised_in_pictures_of_a_larger_camera(kiosk: TestDevice):
    sign_up(kiosk, larger(drawn(3, PalmSide.LEFT, 0)))
    assert identify(kiosk, larger(drawn(3, PalmSide.LEFT, 1))).outcome is Outcome.ACCEPTED


def larger(shown: Burst) -> Burst:
    """Returns a burst as if its camera had 2160 rows, as the kiosk cuts it: the square with the
    hand."""
    squares: list[Colour] = []
    for frame in shown.frames:
        image = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        square = image[:, 280:1000]
        squares.append(np.asarray(cv2.resize(square, (2160, 2160)), np.uint8))
    quality = [cv2.IMWRITE_JPEG_QUALITY, 80]
    jpegs = [cv2.imencode(".jpg", square, quality)[1].tobytes() for square in squares]
    return Burst([Frame(33 * n, bytearray(jpeg)) for n, jpeg in enumerate(jpegs)])


def test_what_a_decoder_says_of_a_broken_picture_is_not_in_the_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    whole = drawn(1, PalmSide.LEFT, 0).frames[0].jpeg
    broken = Burst([Frame(0, whole[: len(whole) // 2] + b"\xff\xd9")])
    with Served(tmp_path, Settings()) as served, contextlib.suppress(Refused):
        identify(served.kiosk(), broken)
    said = capfd.readouterr()
    assert "JPEG" not in said.out + said.err


@needs_palm_sets("hands-rgb")
def test_a_photographed_hand_is_recognised_and_another_is_not(kiosk: TestDevice):
    somebody, stranger = photographed()
    sign_up(kiosk, burst(somebody[:3]))
    assert identify(kiosk, burst(somebody[3:])).outcome is Outcome.ACCEPTED
    assert identify(kiosk, burst(stranger[:3])).outcome is Outcome.ASK_AGAIN


def photographed() -> list[list[Colour]]:
    """Returns six pictures of one palm of each of two people."""
    hands = (sorted(hand.glob("palmar-left_*.jpg")) for hand in sorted(PHOTOGRAPHED.iterdir()))
    enough = [paths[:6] for paths in hands if len(paths) >= 6]
    return [[np.asarray(cv2.imread(str(path)), np.uint8) for path in p] for p in enough[:2]]
