"""Aligned palms drawn for training: they belong to people, are shown as told, in changing light."""

import cv2
import numpy as np
import pytest

from drawn.roi import Placement, Swatch, jittered, show, swatch
from lab.evaluate.texture import texture
from palm.hand.landmarks import Side
from palm.hand.roi import SIZE, Roi
from palm.template.linefield import LineFieldExtractor, LineFieldMatcher

pytestmark = pytest.mark.slow

FIRST = 920_000_000
PEOPLE = 6
VEINLESS = np.array([1, 1, 1, 0], np.uint8)
"""A factor that removes the last layer of a swatch, the veins."""


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def skins() -> list[Swatch]:
    return [swatch(FIRST + person, Side.RIGHT) for person in range(PEOPLE)]


def creases(palm: np.ndarray) -> np.ndarray:
    """Returns the creases of a palm, without its light and its grain."""
    soft = cv2.GaussianBlur(palm.astype(np.float32), (0, 0), 2)
    return soft - cv2.GaussianBlur(soft, (0, 0), 6)


def scores(skins: list[Swatch], harsh: float) -> np.ndarray:
    """Returns the (people, people) line field scores of two presentations of each palm."""
    extractor, matcher = LineFieldExtractor(), LineFieldMatcher()
    chance = rng()
    one, other = (
        [
            extractor.extract(
                [Roi(show(e, chance, jittered(Placement(), chance), harsh=harsh), None, 1.0)]
            )
            for e in skins
        ]
        for _ in range(2)
    )
    gallery = matcher.prepare(one)
    return np.array([matcher.compare(probe, gallery) for probe in other])


def test_a_seed_and_a_side_are_one_palm(skins: list[Swatch]):
    assert np.array_equal(swatch(FIRST, Side.RIGHT), skins[0])
    for other in (swatch(FIRST, Side.LEFT), skins[1]):
        lines = [each[..., 0].astype(float).ravel() for each in (skins[0], other)]
        assert np.corrcoef(lines)[0, 1] < 0.5


def test_the_generator_decides_the_picture(skins: list[Swatch]):
    once, again, otherwise = (show(skins[0], rng(seed)) for seed in (1, 1, 2))
    assert once.shape == (SIZE, SIZE)
    assert once.dtype == np.uint8
    assert np.array_equal(once, again)
    assert not np.array_equal(once, otherwise)


def test_drawing_leaves_the_skin_as_it_was(skins: list[Swatch]):
    before = skins[0].copy()
    show(skins[0], rng(), Placement(turn=10.0), infrared=True)
    assert np.array_equal(before, skins[0])


@pytest.mark.parametrize(
    ("placement", "moved"),
    [
        (Placement(right=12.0), lambda palm: palm[:, :-12]),
        (Placement(down=12.0), lambda palm: palm[:-12]),
    ],
    ids=["right", "down"],
)
def test_a_placement_moves_the_palm_by_so_many_pixels(
    skins: list[Swatch], placement: Placement, moved
):
    def still(placement: Placement) -> np.ndarray:
        # Bends, light and noise are the same each time; only the placement differs.
        return creases(show(skins[0], rng(), placement, harsh=0.0))

    there = still(placement)
    there = there[:, 12:] if placement.right else there[12:]
    here = moved(still(Placement()))
    assert np.corrcoef(here.ravel(), there.ravel())[0, 1] > 0.8
    assert np.corrcoef(here.ravel(), moved(still(placement)).ravel())[0, 1] < 0.5


def test_landmarks_jitter_around_the_true_placement():
    meant, chance = Placement(turn=20.0, zoom=1.1, right=5.0, down=-5.0), rng()
    found = [jittered(meant, chance) for _ in range(2000)]
    turn, zoom, right, down = np.array([(e.turn, e.zoom, e.right, e.down) for e in found]).T
    assert turn.mean() == pytest.approx(20, abs=0.5)
    assert zoom.mean() == pytest.approx(1.1, abs=0.01)
    assert (right.mean(), down.mean()) == (pytest.approx(5, abs=0.5), pytest.approx(-5, abs=0.5))
    assert jittered(meant, chance, jitter=0.0) == meant


def test_gentle_pictures_of_a_palm_are_more_alike_than_any_two_palms(skins: list[Swatch]):
    met = scores(skins, harsh=0.0)
    assert met.diagonal().min() > met[~np.eye(PEOPLE, dtype=bool)].max() + 0.05


def test_harsher_pictures_of_a_palm_are_less_alike(skins: list[Swatch]):
    means = [scores(skins, harsh).diagonal().mean() for harsh in (0.0, 0.5, 1.0)]
    assert means[0] > means[1] > means[2]


def test_veins_are_seen_in_near_infrared_only(skins: list[Swatch]):
    bare = [skin * VEINLESS for skin in skins]
    shown = {
        infrared: np.mean(
            [
                np.abs(
                    show(with_them, rng(seed), infrared=infrared, harsh=0.0).astype(float)
                    - show(without, rng(seed), infrared=infrared, harsh=0.0)
                ).mean()
                for seed, (with_them, without) in enumerate(zip(skins, bare, strict=True))
            ]
        )
        for infrared in (False, True)
    }
    assert shown[True] > 2 * shown[False]


def test_creases_stand_out_as_they_do_on_skin(skins: list[Swatch]):
    """The contrast lies within what cameras give: neither an ink drawing nor a blank picture."""
    seen = [texture(show(skin, rng(seed), harsh=0.0)) for seed, skin in enumerate(skins)]
    assert 1 < np.mean([each.contrast for each in seen]) < 12
    assert all(0.05 < each.covered < 0.6 for each in seen)
