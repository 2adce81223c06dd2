import random
from itertools import pairwise

import pytest

from protocol.challenge import SEED_BYTES, STEPS, steps
from protocol.ring import DARK, SEGMENTS, WHITE, Levels

DRAWN = random.Random(8)
SEEDS = [DRAWN.randbytes(SEED_BYTES) for _ in range(200)]


def luminance(step: Levels) -> float:
    """Returns the relative luminance; 1 is the ring at full white (WCAG 2.2; levels are linear)."""
    red, green, blue = (sum(segment[c] for segment in step) for c in range(3))
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / (255 * SEGMENTS)


def test_the_same_seed_gives_the_same_steps():
    assert steps(SEEDS[0]) == steps(bytes(SEEDS[0]))


def test_these_are_the_steps_of_version_1():
    """A changed derivation is a new version of the challenge: both sides have to change
    together."""
    red, green, blue = zip(*steps(bytes(SEED_BYTES))[0], strict=True)
    assert red == (64, 64, 64, 0, 0, 0, 0, 64)
    assert green == (0, 0, 0, 0, 140, 140, 140, 140)
    assert blue == (255, 255, 255, 0, 0, 0, 0, 255)


def test_no_two_challenges_are_alike():
    assert len({steps(seed) for seed in SEEDS}) == len(SEEDS)


def test_one_step_is_dark_at_any_position():
    where = {steps(seed).index(DARK) for seed in SEEDS}
    assert where == set(range(STEPS))
    assert all(steps(seed).count(DARK) == 1 for seed in SEEDS)


def test_every_segment_shows_every_primary():
    seen = {
        (primary, segment)
        for seed in SEEDS
        for step in steps(seed)
        for segment, levels in enumerate(step)
        for primary, level in enumerate(levels)
        if level
    }
    assert seen == {(p, s) for p in range(3) for s in range(SEGMENTS)}


@pytest.mark.parametrize("seed", SEEDS[:20], ids=lambda seed: seed[:4].hex())
def test_steps_keep_within_the_flash_limits(seed: bytes):
    """WCAG 2.2, 2.3.1: a flash is a pair of opposing changes of a tenth or more, or a pair of
    changes to and from a saturated red. Three flashes per second are allowed."""
    shown = [WHITE, *steps(seed), WHITE]
    changes = [luminance(b) - luminance(a) for a, b in pairwise(shown)]
    large = [change for change in changes if abs(change) >= 0.1]
    opposing = sum(a * b < 0 for a, b in pairwise(large))
    assert (opposing + 1) // 2 <= 3
    for step in steps(seed):
        red, green, blue = (sum(segment[c] for segment in step) for c in range(3))
        assert red <= 0.8 * (red + green + blue)
