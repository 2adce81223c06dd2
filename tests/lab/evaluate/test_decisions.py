"""What the service would have decided is counted as its policy decides."""

import pytest

from cloud.policy import ATTEMPTS, Policy
from lab.evaluate import decisions
from lab.evaluate.decisions import OWN, Result, Rules, Searched, decided, in_visits, visit
from palm.calibration import Calibration

POLICY = Policy({2: Calibration(((1e-3, 3.0), (1e-9, 9.0)))})
"""A score is its own rarity."""
RULES = Rules(POLICY, 2, 100)
"""Accepts from 6 (FPIR_ACCEPT / 100), and asks for digits from 3.3."""


@pytest.mark.parametrize(
    ("scores", "result"),
    [
        ({OWN: 7.0, "a": 1.0}, Result.ACCEPTED),
        ({OWN: 5.0, "a": 4.0}, Result.STEP_UP),
        ({OWN: 7.0, "a": 6.5}, Result.STEP_UP),
        ({OWN: 2.0, "a": 4.0}, Result.FALSE_STEP_UP),
        ({OWN: 5.0, "a": 7.0}, Result.FALSE_ACCEPT),
        ({"a": 7.0, "b": 8.0}, Result.FALSE_STEP_UP),
        ({OWN: 3.0, "a": float("-inf")}, Result.NOT_FOUND),
        ({}, Result.NOT_FOUND),
    ],
)
def test_a_search_comes_to_what_the_policy_decides(scores: dict[str, float], result: Result):
    assert RULES.result(scores) is result


def test_thresholds_are_those_of_the_policy_at_the_size_of_the_gallery():
    assert RULES.scores == pytest.approx({"step_up": 3.30103, "accept": 6.0, "verify": 4.0})
    assert Rules(POLICY, 2, 10_000).scores["accept"] == pytest.approx(8.0)


def test_a_visit_ends_with_the_first_palm_that_is_not_asked_for_again():
    missed, found, other = Result.NOT_FOUND, Result.ACCEPTED, Result.FALSE_ACCEPT
    assert visit([missed, found, other]) is found
    assert visit([missed, other, found]) is other
    assert visit([missed] * ATTEMPTS) is missed


def test_palms_are_shown_as_often_as_the_policy_allows():
    assert in_visits(range(7)) == [range(3), range(3, 6)], "the one left over has fewer tries"
    assert in_visits(range(2)) == [range(2)], "a hand without more tries counts all the same"


def test_people_are_counted_apart_from_strangers_and_presentations_from_visits():
    visits = [
        Searched(0, True, [{OWN: 2.0}, {OWN: 7.0, "a": 1.0}]),
        Searched(1, True, [{OWN: 2.0}, {OWN: 2.5}]),
        Searched(0, False, [{"a": 4.0}, {"a": 7.0}]),
    ]
    found = decided(RULES, visits, compared=2)
    told = found.json()
    assert (found.size, found.compared) == (100, 2)
    assert found.presentations
    assert found.presentations.count == 4
    assert found.presentations.share[Result.NOT_FOUND].rate == 0.75
    assert found.presentations.share[Result.ACCEPTED].rate == 0.25
    assert found.visits
    assert found.visits.share[Result.ACCEPTED].rate == 0.5
    assert found.strangers
    assert found.strangers.share[Result.FALSE_ACCEPT].rate == 0.5
    assert found.strangers_visits
    assert found.strangers_visits.share[Result.FALSE_STEP_UP].rate == 1, "the first try ended it"
    assert {"gallery", "scores", "presentations", "strangers_visits"} <= set(told)
    assert decided(RULES, visits[:2], compared=2).strangers is None


def test_one_to_one_a_visit_fails_when_all_of_its_palms_do():
    visits = [
        Searched(0, True, [{OWN: 2.0}, {OWN: 7.0}]),
        Searched(1, True, [{OWN: 2.0}, {}]),
        Searched(1, False, [{}]),
    ]
    presentations, whole = decisions.missed(4.0, visits)
    assert (presentations.rate, whole.rate) == (0.75, 0.5)


def test_the_policy_is_that_of_a_service_without_settings():
    assert decisions.policy().score(2, 4.0) > decisions.policy().score(2, 3.0)
