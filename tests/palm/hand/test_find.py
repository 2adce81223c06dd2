"""Hands are found in every pose, with the right side and the right kind."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from drawn import Presentation, Shopper, Wish, draw, identity
from lab.sets import PALM_SETS
from palm.hand.align import PALM
from palm.hand.find import LOOK_AGAIN, HandFinder
from palm.hand.landmarks import Hand, Shown, Side
from palm.hand.observe import observe
from palm.image import Colour
from palm.models import ModelMissing
from tests.support.real_palms import needs_palm_sets

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finder() -> HandFinder:
    try:
        return HandFinder()
    except ModelMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def follower(finder: HandFinder) -> HandFinder:
    finder.forget()
    return finder


def drawn(side: Side, **shown: float) -> Colour:
    """Returns a picture of a hand. The light turns with it, so that it is drawn once for all
    turns."""
    pose = replace(Presentation(), **shown)
    pose = replace(pose, light=pose.light + pose.turn)
    return draw(identity(21, side), pose, np.random.default_rng(2)).image


def without_colour(image: Colour) -> Colour:
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)


def what(hands: list[Hand]) -> list[tuple[Side, Shown]]:
    """Returns side and kind of the hands, from left to right."""
    across = sorted(hands, key=lambda hand: hand.palm_centre[0])
    return [(hand.side, hand.shown) for hand in across]


@pytest.mark.slow
@pytest.mark.parametrize("side", Side)
class TestFinding:
    @pytest.mark.parametrize("turn", [0, 90, 135, 180, -90])
    def test_a_palm_is_found_whichever_way_it_points(
        self, finder: HandFinder, side: Side, turn: float
    ) -> None:
        assert what(finder.find(drawn(side, turn=turn, y=0.5))) == [(side, Shown.PALM)]

    @pytest.mark.parametrize("span", [0.15, 0.4, 0.7])
    def test_a_palm_is_found_far_away_and_filling_the_frame(
        self, finder: HandFinder, side: Side, span: float
    ) -> None:
        assert what(finder.find(drawn(side, span=span))) == [(side, Shown.PALM)]

    def test_a_palm_is_found_without_colour(self, finder: HandFinder, side: Side) -> None:
        image = without_colour(drawn(side))
        assert what(finder.find(image)) == [(side, Shown.PALM)]

    def test_a_palm_is_found_in_bad_light(self, finder: HandFinder, side: Side) -> None:
        image = drawn(side, brightness=0.25, noise=10.0)
        assert what(finder.find(image)) == [(side, Shown.PALM)]

    def test_a_palm_without_its_fingertips_is_found(self, finder: HandFinder, side: Side) -> None:
        assert what(finder.find(drawn(side, y=0.3, span=0.5))) == [(side, Shown.PALM)]


def palm_alone(image: Colour, hand: Hand, reach: float = 0.2) -> Colour:
    """Returns the part of a picture that holds the palm, its fingers cut off at their first
    bones."""
    palm = hand.landmarks[list(PALM)]
    low, high = palm.min(axis=0), palm.max(axis=0)
    (left, top), (right, bottom) = (
        (np.array([low, high]) + np.array([[-1], [1]]) * reach * hand.palm_length)
        .clip(0)
        .astype(int)
    )
    return np.ascontiguousarray(image[top:bottom, left:right])


@pytest.mark.slow
@pytest.mark.parametrize("back", [False, True], ids=["palm", "back"])
def test_the_lines_tell_palm_from_back_where_no_finger_is_seen(
    finder: HandFinder, back: bool
) -> None:
    picture = draw(identity(21, Side.LEFT), Presentation(back=back), np.random.default_rng(2))
    shown = Shown.BACK if back else Shown.PALM
    for image in (picture.image, without_colour(picture.image)):
        assert what(finder.find(palm_alone(image, picture.hand))) == [(Side.LEFT, shown)]


@pytest.mark.slow
def test_two_hands_are_found(finder: HandFinder) -> None:
    both = np.hstack([drawn(Side.LEFT)[:, 320:960], drawn(Side.RIGHT)[:, 320:960]])
    assert what(finder.find(both)) == [(Side.LEFT, Shown.PALM), (Side.RIGHT, Shown.PALM)]


def beside(one: Colour, other: Colour, scale: float) -> Colour:
    """Returns both pictures side by side, the other one smaller."""
    small = cv2.resize(other, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    wall = np.empty_like(other)
    wall[:] = np.median(other[:8], axis=(0, 1))
    wall[-small.shape[0] :, : small.shape[1]] = small
    return np.hstack([one, wall])


@pytest.mark.slow
@pytest.mark.parametrize("scale", [0.6, 0.4])
def test_two_hands_of_different_size_are_found(
    finder: HandFinder, follower: HandFinder, scale: float
) -> None:
    one, other = drawn(Side.LEFT)[:, 320:960], drawn(Side.RIGHT)[:, 320:960]
    both = beside(one, other, scale)
    assert len(finder.find(both)) == 2
    follower.forget()
    assert max(len(follower.follow(both)) for _ in range(2)) == 2, "before a palm is captured"


@pytest.mark.slow
@pytest.mark.parametrize("side", Side)
def test_a_burnt_out_palm_is_found_as_one_hand_so_that_it_can_be_told(
    finder: HandFinder, side: Side
) -> None:
    white = np.clip(drawn(side) * np.float32(2.2), 0, 255).astype(np.uint8)
    assert len(finder.find(white)) == 1
    finder.forget()
    assert len([finder.follow(white) for _ in range(3)][-1]) == 1


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((720, 1280, 3), np.uint8),
        np.full((720, 1280, 3), 255, np.uint8),
        np.random.default_rng(0).integers(0, 256, (720, 1280, 3), np.uint8),
        np.full((1, 1, 3), 127, np.uint8),
        np.full((3, 2000, 3), (120, 160, 210), np.uint8),
    ],
    ids=["black", "white", "noise", "a pixel", "a strip of skin colour"],
)
def test_no_hand_is_found_where_there_is_none(finder: HandFinder, image: Colour) -> None:
    assert finder.find(image) == []


@pytest.mark.slow
class TestFollowing:
    def test_a_hand_is_followed_while_it_moves(self, follower: HandFinder) -> None:
        shopper = Shopper(seed=21, side=Side.RIGHT)
        shopper.wish = Wish(seed=21, side=Side.RIGHT, present=True)
        shopper.prepare()
        frame = np.empty((720, 1280, 3), np.uint8)
        for at in range(10):
            shopper.draw(frame, at / 10)
        shopper.wish = replace(shopper.wish, pose=Presentation(x=0.3, turn=30, span=0.3))
        for at in range(20, 34):
            shopper.draw(frame, at / 20)
            assert what(follower.follow(frame)) == [(Side.RIGHT, Shown.PALM)]

    def test_a_second_hand_is_noticed_soon(self, follower: HandFinder) -> None:
        one, other = drawn(Side.LEFT)[:, 320:960], drawn(Side.RIGHT)[:, 320:960]
        alone, both = np.hstack([one, np.full_like(one, 90)]), np.hstack([one, other])
        assert len(follower.follow(alone)) == 1
        looks = range(3 * LOOK_AGAIN)
        assert any(len(follower.follow(both)) == 2 for _ in looks), "soon"
        assert {len(follower.follow(both)) for _ in range(3)} == {2}, "and from then on"

    def test_a_hand_that_has_gone_is_gone_at_once(self, follower: HandFinder) -> None:
        hand = drawn(Side.LEFT)
        assert len(follower.follow(hand)) == 1
        assert follower.follow(np.full_like(hand, 90)) == []

    def test_a_hand_followed_and_a_hand_found_lie_in_the_same_place(
        self, follower: HandFinder
    ) -> None:
        hand = drawn(Side.LEFT)
        for _ in range(3):
            (followed,) = follower.follow(hand)
        (found,) = follower.find(hand)
        off = np.hypot(*(followed.landmarks - found.landmarks).T)
        assert off.max() < 0.1 * found.palm_width

    def test_a_forgotten_hand_is_not_followed(self, follower: HandFinder) -> None:
        hand = drawn(Side.LEFT)
        follower.follow(hand)
        follower.forget()
        assert follower.follow(np.full_like(hand, 90)) == []


def opened(file: Path) -> Colour:
    return np.asarray(cv2.imread(str(file), cv2.IMREAD_REDUCED_COLOR_2), np.uint8)


def first_of_each_hand(pattern: str) -> Iterator[tuple[Path, Colour]]:
    hands: set[str] = set()
    for file in sorted(PALM_SETS.glob(pattern)):
        hand = f"{file.parent}/{file.stem.split('_')[0]}"
        if hand not in hands:
            hands.add(hand)
            yield file, opened(file)


def side_in_name(file: Path) -> Side:
    return Side.LEFT if "left" in file.stem else Side.RIGHT


@needs_palm_sets("hands-rgb", "hands-rgb-dark", "clips")
class TestRealHands:
    def test_every_palm_is_found_as_the_palm_it_is_in_colour_or_without(
        self, finder: HandFinder
    ) -> None:
        # Every second hand, and each in one of the two: `lab.finding` looks at all in both.
        hands = islice(first_of_each_hand("hands-rgb/*/palmar-*.jpg"), 0, None, 2)
        for number, (file, image) in enumerate(hands):
            shown = without_colour(image) if number % 2 else image
            assert what(finder.find(shown)) == [(side_in_name(file), Shown.PALM)], file.name

    def test_every_palm_on_black_is_found(self, finder: HandFinder) -> None:
        for file in sorted(PALM_SETS.glob("hands-rgb-dark/*/1.jpg"))[::3]:
            assert what(finder.find(opened(file))) == [(Side.RIGHT, Shown.PALM)], file

    def test_two_hands_of_different_size_are_two(self, finder: HandFinder) -> None:
        people = [path for path in sorted(PALM_SETS.glob("hands-rgb/*")) if path.is_dir()]
        pairs = [
            (sorted(p.glob("palmar-left_*")), sorted(p.glob("palmar-right_*"))) for p in people
        ]
        found: list[int] = []
        for left, right in [pair for pair in pairs if all(pair)][:2]:
            one, other = (opened(each[0]) for each in (left, right))
            one, other = one[::-1, ::-1], other[::-1, ::-1]
            both = beside(one[:, 100:700], other[:, 100:700], 0.6)
            found.append(len(finder.find(both)))
        assert set(found) == {2}

    def test_an_over_exposed_hand_is_found_once_and_seen_to_be_too_bright(
        self, finder: HandFinder
    ) -> None:
        found: list[int] = []
        for file in sorted(PALM_SETS.glob("hands-rgb/*/palmar-*.jpg"))[::20]:
            image = np.asarray(cv2.rotate(opened(file), cv2.ROTATE_180), np.uint8)
            burnt = np.clip(image * np.float32(2.2), 0, 255).astype(np.uint8)
            finder.forget()
            hands = [finder.follow(burnt) for _ in range(3)][-1]
            found.append(len(hands))
            assert all(observe(burnt, hands, 0.0, None).clipped > 0.3 for _ in hands)
        assert max(found) == 1
        assert np.mean(found) > 0.6, "0.04 without a look at the darkened picture"

    def test_a_palm_that_fills_the_picture_is_found_with_its_side(self, finder: HandFinder) -> None:
        found: list[bool] = []
        for file, image in islice(first_of_each_hand("hands-rgb/*/palmar-*.jpg"), 0, 40, 8):
            (whole,) = finder.find(image)
            palm = what(finder.find(without_colour(palm_alone(image, whole))))
            found.append(palm == [(side_in_name(file), Shown.PALM)])
        assert all(found)

    def test_no_back_that_fills_the_picture_is_taken_for_a_palm(self, finder: HandFinder) -> None:
        for file in sorted(PALM_SETS.glob("hands-rgb/*/dorsal-*.jpg"))[::6]:
            image = opened(file)
            (whole,) = finder.find(image)
            shown = [hand.shown for hand in finder.find(palm_alone(image, whole))]
            assert Shown.PALM not in shown, file.name

    def test_no_back_of_a_hand_is_taken_for_a_palm(self, finder: HandFinder) -> None:
        for file, image in first_of_each_hand("hands-rgb/*/dorsal-*.jpg"):
            assert what(finder.find(image)) == [(side_in_name(file), Shown.BACK)], file.name

    def test_a_hand_that_shows_its_back_and_its_fist_is_never_a_palm(
        self, follower: HandFinder
    ) -> None:
        clip = cv2.VideoCapture(str(PALM_SETS / "clips/gestures.mp4"))
        assert clip.isOpened()
        shown: list[Shown] = []
        frames = 0
        while clip.grab():
            frames += 1
            if frames % 20 == 0:
                _, frame = clip.retrieve()
                shown += [hand.shown for hand in follower.follow(np.asarray(frame, np.uint8))]
        assert len(shown) == frames // 20
        assert set(shown) == {Shown.BACK, Shown.FIST}
