"""The palm factory: palms belong to people, are shown as told, and are recognised like real
ones."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from drawn import Presentation, Shopper, Wish, draw, draw_roi, identity
from drawn.identity import DrawnPalm
from drawn.presentation import background
from drawn.shopper import AWAY_SECONDS, SHOWN_SECONDS
from palm.hand.align import align
from palm.hand.find import HandFinder
from palm.hand.landmarks import Hand, Landmark, Shown, Side
from palm.hand.roi import SIZE
from palm.image import Colour
from palm.models import ModelMissing
from palm.template.linefield import LineFieldExtractor, LineFieldMatcher

SIZE_OF_FRAME = (720, 1280)
SIZE_OF_FILM = (360, 640)
"""Where only the place of the hand is looked at."""
STILL = Presentation(noise=0.0)


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def truth(palm: DrawnPalm, shown: Presentation) -> Hand:
    return draw(palm, shown, rng()).hand


@pytest.fixture(scope="module")
def finder() -> HandFinder:
    try:
        return HandFinder()
    except ModelMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def palm() -> DrawnPalm:
    return identity(5, Side.RIGHT)


class TestIdentity:
    def test_the_same_seed_draws_the_same_palm(self) -> None:
        first = identity(3, Side.LEFT).palm
        again = identity.__wrapped__(3, Side.LEFT).palm  # without the cache
        assert np.array_equal(first.stain, again.stain)
        assert np.array_equal(first.relief, again.relief)

    def test_the_two_hands_of_a_person_are_alike_in_build_and_skin_but_not_in_lines(self) -> None:
        left, right = (identity(3, side) for side in Side)
        assert left.build == right.build
        assert np.array_equal(left.tone.palmar, right.tone.palmar)
        assert _likeness(left, right) < 0.5

    def test_no_two_people_have_the_same_lines(self) -> None:
        palms = [identity(seed, Side.LEFT) for seed in range(1, 4)]
        assert max(_likeness(a, b) for a, b in combinations(palms, 2)) < 0.5

    def test_people_range_from_light_to_dark(self) -> None:
        shades = [float(identity(seed, Side.LEFT).tone.dorsal.mean()) for seed in range(40)]
        assert max(shades) > 6 * min(shades)


@pytest.mark.slow
class TestPresentation:
    def test_the_span_is_the_palms_length_in_the_frame(self, palm: DrawnPalm) -> None:
        assert truth(palm, replace(STILL, span=0.3)).palm_length == pytest.approx(216, rel=0.02)

    def test_moving_the_hand_moves_its_landmarks_along(self, palm: DrawnPalm) -> None:
        here = truth(palm, STILL).landmarks
        there = truth(palm, replace(STILL, x=STILL.x + 0.1, y=STILL.y - 0.2)).landmarks
        assert np.allclose(there - here, (128, -144), atol=0.01)

    def test_turning_the_hand_turns_the_fingers_clockwise(self, palm: DrawnPalm) -> None:
        marks = truth(palm, replace(STILL, turn=90, light=60)).landmarks
        right, down = marks[Landmark.MIDDLE_TIP] - marks[Landmark.WRIST]
        assert right > 10 * abs(down)

    def test_fingers_up_a_right_palm_has_its_thumb_on_the_right_and_its_back_on_the_left(
        self, palm: DrawnPalm
    ) -> None:
        for shown, to_the_right in ((STILL, True), (replace(STILL, back=True), False)):
            x = truth(palm, shown).landmarks[:, 0]
            assert (x[Landmark.THUMB_TIP] > x[Landmark.LITTLE_TIP]) == to_the_right

    def test_spreading_takes_the_fingertips_apart_and_leaves_the_palm(
        self, palm: DrawnPalm
    ) -> None:
        closed, wide = (truth(palm, replace(STILL, spread=s)).landmarks for s in (0.0, 1.0))
        knuckles = [Landmark.INDEX_MCP, Landmark.LITTLE_MCP]
        tips = [Landmark.INDEX_TIP, Landmark.LITTLE_TIP]
        assert np.allclose(closed[knuckles], wide[knuckles])
        assert np.ptp(wide[tips, 0]) > 1.5 * np.ptp(closed[tips, 0])

    def test_the_hand_lies_where_its_landmarks_say(self, palm: DrawnPalm) -> None:
        drawing = draw(palm, replace(STILL, x=0.3, turn=30, light=0, pitch=20), rng())
        empty = background(*SIZE_OF_FRAME).astype(int)
        columns, rows = drawing.hand.landmarks.round().astype(int).T
        drawn = np.abs(drawing.image.astype(int) - empty).sum(axis=2)
        assert (drawn[rows, columns] > 30).all()
        assert np.count_nonzero(drawn) < 0.5 * drawn.size

    def test_a_frame_is_written_whole_into_the_buffer_it_is_given(self, palm: DrawnPalm) -> None:
        buffer = np.full((*SIZE_OF_FRAME, 3), 255, np.uint8)
        drawing = draw(palm, Presentation(), rng(), out=buffer)
        assert drawing.image is buffer
        assert np.array_equal(buffer, draw(palm, Presentation(), rng()).image)

    def test_less_light_is_darker_and_warm_light_redder(self, palm: DrawnPalm) -> None:
        plain, dim, warm = (
            draw(palm, replace(STILL, **change), rng()).image.mean(axis=(0, 1))
            for change in ({}, {"brightness": 0.3}, {"warmth": 1.0})
        )
        assert (dim < 0.7 * plain).all()
        assert warm[2] / warm[0] > 1.1 * plain[2] / plain[0]

    def test_defocus_and_movement_take_detail_away(self, palm: DrawnPalm) -> None:
        plain, blurred, smeared = (
            _detail(draw(palm, replace(STILL, **change), rng()).image)
            for change in ({}, {"blur": 4.0}, {"smear": (25.0, 10.0)})
        )
        assert blurred < 0.5 * plain
        assert smeared < 0.8 * plain

    def test_a_hand_outside_the_frame_leaves_it_empty(self, palm: DrawnPalm) -> None:
        image = draw(palm, replace(STILL, y=3.0), rng()).image
        assert np.array_equal(image, background(*SIZE_OF_FRAME))


@pytest.mark.slow
class TestRecognition:
    @pytest.mark.parametrize(
        ("seed", "side", "shown"),
        # Most of these gestures were drawn above, by which they are in the caches.
        [
            (5, Side.RIGHT, Presentation()),
            (5, Side.RIGHT, Presentation(span=0.22, noise=4.0)),
            (5, Side.RIGHT, Presentation(spread=0.0, turn=-40.0, light=-70.0)),
            (5, Side.RIGHT, Presentation(spread=1.0, pitch=20.0, yaw=-20.0)),
            (5, Side.RIGHT, Presentation(back=True)),
            (10, Side.LEFT, Presentation(brightness=0.35, blur=2.0)),
            (10, Side.LEFT, Presentation(curl=1.0)),
        ],
        ids=["held out", "far", "closed", "wide and tilted", "back", "dim and blurred", "fist"],
    )
    def test_a_drawn_hand_is_found_as_what_it_is(
        self, finder: HandFinder, seed: int, side: Side, shown: Presentation
    ) -> None:
        drawing = draw(identity(seed, side), shown, rng())
        (found,) = finder.find(drawing.image)
        assert (found.side, found.shown) == (side, shown.shown)
        if shown.shown is Shown.PALM:
            off = np.hypot(*(found.landmarks - drawing.hand.landmarks).T)
            assert off.max() < 0.15 * drawing.hand.palm_length

    def test_two_presentations_of_a_palm_are_more_alike_than_any_two_palms(
        self, finder: HandFinder
    ) -> None:
        showings = (
            Presentation(light=-60.0, warmth=0.6, noise=3.0),
            Presentation(span=0.34, turn=15.0, yaw=10.0, light=45.0, brightness=0.7, blur=0.8),
        )
        extractor, matcher = LineFieldExtractor(), LineFieldMatcher()
        people = [(10, Side.LEFT), (5, Side.RIGHT), (5, Side.LEFT)]
        templates = []
        for seed, side in people:
            frames = [draw(identity(seed, side), shown, rng()).image for shown in showings]
            templates.append([extractor.extract([align(f, finder.find(f)[0])]) for f in frames])
        scores = np.array([[matcher.score(a, b) for _, b in templates] for a, _ in templates])
        genuine = scores.diagonal()
        impostor = scores[~np.eye(len(people), dtype=bool)]
        assert genuine.min() > impostor.max() + 0.1

    def test_a_palm_can_be_drawn_aligned(self) -> None:
        palm = draw_roi(identity(5, Side.LEFT), Presentation(turn=20.0), rng())
        assert palm.image.shape == (SIZE, SIZE)
        assert palm.side is Side.LEFT
        assert palm.quality > 0.9
        assert palm.image.std() > 4


@pytest.mark.slow
class TestShopper:
    @pytest.fixture
    def shopper(self) -> Shopper:
        shopper = Shopper(seed=5, side=Side.RIGHT)
        shopper.prepare()
        return shopper

    def test_the_hand_comes_and_leaves_in_its_own_rhythm(self, shopper: Shopper) -> None:
        film = _film(shopper, AWAY_SECONDS + SHOWN_SECONDS + AWAY_SECONDS + 2)
        filled = {at: _filled(frame) for at, frame in film.items()}
        there, gone = AWAY_SECONDS + 2, AWAY_SECONDS + SHOWN_SECONDS + 1.5
        assert filled[0] == filled[AWAY_SECONDS - 0.5] == 0
        assert filled[there] > 0.1
        assert filled[there] == pytest.approx(filled[there + 3], rel=0.05)
        assert filled[gone] == 0
        assert filled[gone + AWAY_SECONDS] > 0.1

    def test_the_hand_moves_smoothly_to_the_wished_pose(self, shopper: Shopper) -> None:
        shopper.wish = Wish(seed=5, side=Side.RIGHT, present=True)
        _film(shopper, 3)
        shopper.wish = replace(shopper.wish, pose=Presentation(x=0.3))
        film = _film(shopper, 3, start=3)
        middles = np.array([_middle(film[at]) for at in (3, 3.5, 6)])
        assert middles[0] == pytest.approx(320, abs=20)
        assert middles[2] == pytest.approx(192, abs=20)
        assert middles[2] + 10 < middles[1] < middles[0] - 10

    def test_somebody_elses_hand_comes_into_an_empty_view(self, shopper: Shopper) -> None:
        shopper.wish = Wish(seed=5, side=Side.RIGHT, present=True)
        assert _filled(_film(shopper, 3)[3]) > 0.1
        shopper.wish = Wish(seed=10, present=True)
        assert _filled(_film(shopper, 0, start=3)[3]) == 0
        shopper.prepare()
        assert _filled(_film(shopper, 3, start=3)[6]) > 0.1


def _likeness(a: DrawnPalm, b: DrawnPalm) -> float:
    return float(np.corrcoef(a.palm.stain.ravel(), b.palm.stain.ravel())[0, 1])


def _detail(image: Colour) -> float:
    return float(np.abs(np.diff(image[250:600, 480:800].astype(float), axis=0)).mean())


def _drawn(image: Colour) -> np.ndarray:
    """Returns where the image differs from the empty view by more than noise."""
    empty = background(*image.shape[:2]).astype(int)
    return np.abs(image.astype(int) - empty).max(axis=2) > 25


def _filled(image: Colour) -> float:
    return float(_drawn(image).mean())


def _middle(image: Colour) -> float:
    """Returns the median column of the hand."""
    return float(np.median(np.nonzero(_drawn(image))[1]))


def _film(shopper: Shopper, seconds: float, start: float = 0) -> dict[float, Colour]:
    """Returns frames by their time, from ten per second, keeping every fifth."""
    film: dict[float, Colour] = {}
    for k in range(round(seconds * 10) + 1):
        frame = np.empty((*SIZE_OF_FILM, 3), np.uint8)
        shopper.draw(frame, start + k / 10)
        if k % 5 == 0:
            film[start + k / 10] = frame
    return film
