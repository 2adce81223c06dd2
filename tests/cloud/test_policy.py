"""The policy makes rarities of scores, and decisions of rarities."""

import math
from itertools import pairwise

import numpy as np
import pytest

from cloud.matching import Match
from cloud.policy import ATTEMPTS, FMR_AT_MOST, FPIR_ACCEPT, HANDS_ALIKE, Policy, together
from palm.calibration import Calibration
from protocol.messages import Outcome

POINTS = ((1e-2, 0.1), (1e-4, 0.3), (1e-6, 0.7))
POLICY = Policy({1: Calibration(POINTS)})


def matches(*rarities: float) -> list[Match]:
    return [Match(f"person {n}", f"palm {n}", 1, each) for n, each in enumerate(rarities)]


def test_each_version_is_judged_by_its_own_calibration():
    policy = Policy({1: Calibration(POINTS), 2: Calibration(((1e-2, 10), (1e-6, 30)))})
    assert policy.rarity(1, 0.3) == pytest.approx(policy.rarity(2, 20))


def test_a_larger_gallery_needs_a_rarer_match():
    sizes = [10, 100, 1_000, 10_000, 1_000_000]
    for threshold in (POLICY.accept, POLICY.step_up):
        assert all(threshold(a) <= threshold(b) for a, b in pairwise(sizes))
    assert POLICY.accept(10_000) == pytest.approx(-math.log10(FPIR_ACCEPT / 10_000))


def test_a_small_gallery_does_not_lower_the_threshold():
    assert POLICY.accept(0) == POLICY.accept(1) == pytest.approx(-math.log10(FMR_AT_MOST))


@pytest.mark.parametrize("size", [1, 100, 100_000])
def test_digits_are_asked_for_below_the_threshold_of_acceptance(size: int):
    assert POLICY.step_up(size) < POLICY.accept(size)


def test_one_certain_match_is_accepted():
    assert POLICY.decide(matches(9), 10) is Outcome.ACCEPTED
    assert POLICY.decide(matches(9, 3), 10) is Outcome.ACCEPTED


def test_two_certain_matches_are_asked_for_digits():
    assert POLICY.decide(matches(9, 8), 10) is Outcome.STEP_UP


def test_a_doubtful_match_is_asked_for_digits():
    assert POLICY.decide(matches(POLICY.accept(10) - 0.001), 10) is Outcome.STEP_UP


def test_without_a_match_the_palm_is_asked_for_again():
    assert POLICY.decide([], 10) is Outcome.ASK_AGAIN


def test_a_threshold_says_whether_anybody_has_seen_a_score_near():
    intervals = ((0.1, 0.1), (0.28, 0.32), (0.5, 0.9))
    policy = Policy({1: Calibration(POINTS, observed=1e-4, intervals=intervals)})
    seen, beyond = (policy.threshold(1, rarity) for rarity in (4, 6))
    assert seen.score == pytest.approx(0.3)
    assert seen.interval == pytest.approx((0.28, 0.32))
    assert not seen.extrapolated
    assert beyond.interval == pytest.approx((0.5, 0.9))
    assert beyond.extrapolated


def test_a_calibration_of_an_operators_own_has_no_interval():
    assert POLICY.threshold(1, 4).interval is None


# Both hands of a visit

TWO_WAYS, THREE_WAYS = math.log10(2), math.log10(3)


def named(match: float, *other_hand: float | None, enough: float = 4.0) -> list[float]:
    """Returns the rarities that count of those who are named, where `person 0` matches, and had
    these rarities with the other hand."""
    before = [{} if rarity is None else {"person 0": rarity} for rarity in other_hand]
    return [each.rarity for each in POLICY.named(matches(match), before, enough)]


def test_a_palm_counts_by_itself_as_long_as_the_other_hand_was_not_shown():
    assert named(4.0) == [4.0]
    assert named(3.9) == []


def test_two_hands_that_are_not_enough_alone_may_be_together():
    assert named(3.7, 3.7) == pytest.approx([together(3.7, 3.7) - TWO_WAYS])
    assert named(3.7, 2.0) == []
    assert POLICY.named(matches(3.7), [{"person 1": 3.9}], 4.0) == [], "hands of two people"


def test_each_way_to_be_accepted_is_allowed_its_part_of_the_rate():
    assert named(4.2, None) == []
    assert named(4.31, None) == pytest.approx([4.31 - TWO_WAYS])
    assert named(4.45, None, None) == []
    assert named(3.8, 3.0, 3.8) == pytest.approx([together(3.8, 3.8) - THREE_WAYS])


def test_a_match_that_is_not_worth_keeping_changes_nothing_later():
    for enough in (3.0, 5.3, 8.0):
        kept = POLICY.worth_keeping(enough)
        nearly = enough + TWO_WAYS - 1e-6
        assert kept < enough
        assert named(nearly, kept - 1e-3, enough=enough) == []
        assert named(nearly, kept + 1e-3, enough=enough) != []


def test_hands_together_are_rarer_than_each_and_less_rare_than_if_nothing_was_alike():
    for one, other in ((2.0, 2.0), (3.0, 4.0), (8.0, 8.0)):
        assert max(one, other) < together(one, other) < one + other
        assert together(one, other) == pytest.approx(together(other, one))
    assert together(400.0, 400.0) == 300.0, "what a float can tell"
    assert together(-1.0, 4.0) < 4.0


def test_a_stranger_who_shows_both_hands_has_no_more_chances_than_palms():
    """As alike as the policy assumes, in a visit of the left, the right and the left hand again."""
    rng = np.random.default_rng(60)
    left, right, again = rng.normal(size=(3, 60_000))
    right = left * HANDS_ALIKE + right * math.sqrt(1 - HANDS_ALIKE**2)
    again = left * 0.85 + again * math.sqrt(1 - 0.85**2)
    enough, hits = 2.0, 0
    first, second, third = (
        -np.log10([math.erfc(each / math.sqrt(2)) / 2 for each in hand.tolist()])
        for hand in (left, right, again)
    )
    near = np.flatnonzero(np.maximum(np.maximum(first, second), third) > 1.0)
    for one, two, three in zip(first[near], second[near], third[near], strict=True):
        hits += bool(
            named(one, enough=enough)
            or named(two, one, enough=enough)
            or named(three, two, enough=enough)
        )
    assert hits / len(left) <= ATTEMPTS * 10**-enough


def test_the_best_of_those_who_are_named_comes_first():
    found = POLICY.named(matches(3.0, 6.0, 5.0), [], 4.0)
    assert [each.person_id for each in found] == ["person 1", "person 2"]
