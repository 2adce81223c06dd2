"""Choices are made anew on half of the people, and measured on the other half."""

import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import cv2
import numpy as np
import pytest

from lab.evaluate import dataset, optimism
from lab.evaluate.optimism import (
    CHOICES,
    WEIGHED,
    Choice,
    Floats,
    Pairs,
    Value,
    missed,
    repeat,
    threshold,
)
from tests.support.creases import palm

PEOPLE = 30


def pairs() -> Pairs:
    """Returns two comparisons of each person, and one with each other person."""
    same = np.repeat(np.arange(PEOPLE), 2)
    one, other = np.triu_indices(PEOPLE, 1)
    return Pairs(
        np.arange(len(same) + len(one)) < len(same),
        np.concatenate([same, one]),
        np.concatenate([same, other]),
        PEOPLE,
    )


def test_errors_are_counted_where_three_impostors_match():
    genuine = np.array([True] * 4 + [False] * 5)
    assert missed(np.array([9.0, 5.0, 4.0, 3.5, 6.0, 5.0, 4.0, 3.0, 0.0]), genuine) == 0.25


def test_a_choice_among_alternatives_that_differ_by_chance_is_optimistic():
    rng = np.random.default_rng(1)
    every = pairs()
    by_chance: dict[Value, list[Floats]] = {
        float(value): [rng.normal(0, 1, len(every.genuine)) + 2 * every.genuine]
        for value in range(5)
    }
    choice = Choice("chance", "lab", "CHANCE", ())
    found = repeat(choice, [every], by_chance)
    assert found.optimism > 0.02
    assert found.spread[0] < found.optimism < found.spread[1]
    assert sum(each.chosen for each in found.alternatives) == pytest.approx(1)
    alone = repeat(choice, [every], {0.0: by_chance[0.0]})
    assert alone.alternatives[0].chosen == 1
    assert abs(alone.optimism) < found.optimism / 2, "there was nothing to choose"


def test_a_choice_that_is_much_better_is_not_optimistic():
    every = pairs()
    good, bad = (np.where(every.genuine, score, 1.0) for score in (9.0, 0.0))
    found = repeat(Choice("sure", "lab", "SURE", ()), [every], {1.0: [good], 2.0: [bad]})
    assert [each.chosen for each in found.alternatives] == [1, 0]
    assert (found.apparent, found.honest) == (0, 0)


def test_a_threshold_holds_on_other_people_as_far_as_they_are_alike(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(optimism, "FMR", 0.05)
    every = pairs()
    found = threshold([every], [np.random.default_rng(0).normal(0, 1, len(every.genuine))])
    assert found.spread[0] < 0.05 < found.spread[1]
    assert found.mean == pytest.approx(0.05, rel=0.5)


def test_what_is_repeated_is_counted_and_is_there():
    assert {choice.what for choice in CHOICES} <= {each.what for each in WEIGHED}
    for choice in CHOICES:
        assert hasattr(import_module(choice.module), choice.constant)
        assert len(choice.values) > 1


@pytest.mark.process
def test_an_alternative_is_measured_in_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for hand in range(optimism.FEWEST):
        for turned in (0.0, 3.0):
            file = tmp_path / "set" / str(hand) / f"{turned:.0f}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(file), palm(hand, turned=turned))
    one = replace(CHOICES[-1], others=())
    monkeypatch.setattr(optimism, "CHOICES", (one,))
    monkeypatch.setattr(optimism, "SPLITS", 4)
    asked = ["optimism", str(tmp_path / "set"), "--json", f"{tmp_path}/o", "--workers", "1"]
    monkeypatch.setattr("sys.argv", asked)
    assert optimism.main() == 0
    told = json.loads((tmp_path / "o").read_text())
    (repeated,) = told["repeated"]
    assert [each["value"] for each in repeated["alternatives"]] == one.values
    assert repeated["constant"] == "ENCODER"
    assert told["threshold"] is None, "ROIs have no thresholds"
    assert len(optimism.few(dataset.read(tmp_path / "set"))) == 2 * optimism.FEWEST
