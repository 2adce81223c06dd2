import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cloud.policy import ATTEMPTS, Policy
from lab.evaluate import drawn_gallery
from lab.evaluate.decisions import Result, Rules
from lab.evaluate.drawn_gallery import (
    GalleryPlan,
    SearchResult,
    decided,
    identification,
    measure,
    verification,
)
from palm.calibration import Calibration


def search(best: float, own: float | None = None, tail: list[float] | None = None) -> SearchResult:
    """Returns a search of one gallery with one presentation."""
    return twice([best], None if own is None else [own], tail)


def twice(
    best: list[float], own: list[float] | None, tail: list[float] | None = None
) -> SearchResult:
    """Returns a search of one gallery with several presentations, in which nobody is second."""
    return SearchResult(
        mated=own is not None,
        own=np.array(own or [-np.inf] * len(best), np.float32)[:, None],
        best=np.array(best, np.float32)[:, None],
        second=np.full((len(best), 1), -np.inf, np.float32),
        tail=np.array(tail or best[:1], np.float32),
    )


def test_identification_rates_are_those_counted_by_hand():
    strangers = [search(best / 100) for best in range(100)]
    mates = [search(0.2, own=0.995), search(0.2, own=0.985), search(0.2, own=0.5)]
    found = identification(100, 0, 1, strangers + mates)
    assert found.threshold == {1e-2: pytest.approx(0.985)}, "a hundred cannot show one in 1,000"
    assert found.fnir[1e-2].rate == pytest.approx(1 / 3)


def test_a_person_who_is_found_behind_another_one_is_not_identified():
    strangers = [search(0.1)] * 100
    mates = [search(0.8, own=0.9), search(0.95, own=0.9)]
    assert identification(100, 0, 1, strangers + mates).fnir[1e-2].rate == 0.5


def test_a_person_who_was_not_compared_is_not_identified():
    mates = [search(0.1, own=-np.inf), search(0.1, own=0.9)]
    assert identification(100, 0, 1, [search(0.2)] * 100 + mates).fnir[1e-2].rate == 0.5


def test_a_person_who_is_not_found_shows_the_palm_again_and_so_do_strangers():
    strangers = [twice([best / 100, 0.1], None) for best in range(100)]
    mates = [
        twice([0.2, 0.2], own=[0.3, 0.995]),
        twice([0.2, 0.2], own=[0.995, 0.3]),
        twice([0.2, 0.2], own=[0.3, 0.4]),
        # A person who was taken for another one is not asked again.
        twice([0.999, 0.2], own=[0.3, 0.995]),
    ]
    found = identification(100, 0, 2, strangers + mates)
    assert found.threshold == {1e-2: pytest.approx(0.99)}
    assert found.fnir[1e-2].rate == 0.5
    assert identification(100, 0, 1, strangers + mates).fnir[1e-2].rate == 0.75


def test_the_policy_decides_on_each_search_as_on_the_visit_of_a_person():
    policy = Policy({2: Calibration(((1e-3, 3.0), (1e-9, 9.0)))})
    searches = [
        twice([2.0, 2.0], own=[2.5, 7.0]),
        twice([4.0, 7.0], None),
        replace(search(7.0), second=np.array([[6.5]], np.float32)),
    ]
    found = decided(Rules(policy, 2, 100), 0, searches)
    assert found.presentations
    assert found.presentations.share[Result.NOT_FOUND].rate == 0.5
    assert found.visits
    assert found.visits.share[Result.ACCEPTED].rate == 1
    assert found.strangers
    assert found.strangers.share[Result.FALSE_ACCEPT].rate == pytest.approx(1 / 3)
    assert found.strangers_visits
    assert found.strangers_visits.share[Result.FALSE_STEP_UP].rate == 1, "two pass, or digits first"


def test_one_to_one_rates_come_from_all_comparisons_with_strangers(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(drawn_gallery, "FMRS", (1e-2, 1e-3))
    # Ten searches among ten people: one comparison in a hundred may match.
    strangers = [search(0.5, tail=[0.3, 0.4, number / 20]) for number in range(10)]
    mates = [search(0.2, own=0.44), search(0.2, own=0.46)]
    found = verification(strangers + mates, people=10)
    assert list(found) == [1e-2], "a hundred cannot show one in 1,000"
    threshold, fnmr = found[1e-2]
    assert 0.4 < threshold <= 0.45
    assert fnmr.rate == 0.0
    assert verification([search(0.5, own=0.42), *strangers], people=10)[1e-2][1].rate == 0.0


def test_rates_that_need_scores_which_were_not_kept_are_left_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(drawn_gallery, "FMRS", (2.5e-2, 5e-2))
    strangers = [search(0.9, tail=[0.9, 0.8]), search(0.2, tail=[0.2, 0.1])]
    found = verification([*strangers, search(0.2, own=0.5)], people=20)
    assert list(found) == [2.5e-2], "the first search may have had a third score above 0.2"


@pytest.mark.slow
def test_drawn_people_are_found_and_strangers_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(drawn_gallery, "FPIRS", (0.5,))
    gentle = GalleryPlan(people=6, strangers=2, mates=3, frames=2, harsh=0.1, shortlist=3)
    report = measure(gentle)
    everybody, again, thrice = report.identifications
    assert (everybody.size, everybody.presentations, again.presentations) == (6, 1, 2)
    assert thrice.presentations == ATTEMPTS
    (by_policy,) = report.decisions
    assert by_policy.presentations
    assert by_policy.strangers_visits
    assert (by_policy.presentations.count, by_policy.strangers_visits.count) == (3 * 3, 2)
    assert by_policy.presentations.share[Result.FALSE_ACCEPT].rate == 0
    assert everybody.fnir[0.5].rate <= 1 / 3
    assert report.verification == {}, "not everybody was compared"
    assert report.json()["people"] == 6


@pytest.mark.slow
def test_the_command_writes_its_figures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    figures = tmp_path / "figures.json"
    asked = f"--people 4 --strangers 2 --mates 2 --frames 1 --harsh 0.1 --both --json {figures}"
    monkeypatch.setattr(sys, "argv", ["drawn", "--workers", "1", *asked.split()])
    assert drawn_gallery.main() == 0
    told = json.loads(figures.read_text())
    assert told["shortlist"] == GalleryPlan().shortlist
    (four,) = told["decisions"]
    assert four["gallery"] == 2 * 4, "each of them has a template in near infrared as well"
    assert four["presentations"]["accepted"] == 1
