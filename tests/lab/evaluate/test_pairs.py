"""The pairs behind the rates are told, and shown where a folder for that is named."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from lab.evaluate import pairing, pairs
from lab.evaluate.dataset import Sample
from lab.evaluate.pairing import Kind
from lab.evaluate.pairs import Scored
from lab.evaluate.pictures import InRepository
from palm.hand.roi import SIZE, Roi

HANDS = ("a", "a", "b", "b", "c")


def scored(pair_scores: dict[tuple[int, int], float]) -> Scored:
    """Returns all pairs of samples of HANDS, which score 0 where nothing else is said."""
    samples = [Sample(Path(f"{hand}/{n}.png"), hand, hand) for n, hand in enumerate(HANDS)]
    plan = pairing.singles(samples)
    found = zip(*(each.tolist() for each in plan.pairs()), strict=True)
    scores = np.array([pair_scores.get(pair, 0.0) for pair in found], np.float32)
    return Scored(samples, plan, plan.kinds(pairing.whose(samples)), {"product": scores})


def test_hands_of_which_half_of_the_pairs_score_like_one_hand_look_alike():
    alike = scored({(2, 0): 9.0, (3, 1): 9.0, (4, 0): 9.0, (1, 0): 9.0})
    assert pairs.alike(alike, "product", 8.0) == [("a", "b"), ("a", "c")]
    assert pairs.alike(scored({(2, 0): 9.0, (3, 2): 9.0}), "product", 8.0) == []


def test_the_worst_pairs_are_genuine_ones_with_low_and_impostors_with_high_scores():
    every = scored({(1, 0): 4.0, (3, 2): 2.0, (4, 1): 3.0, (2, 1): 1.0})
    found = pairs.worst(every, "product", 1)
    assert [(each.kind, every.name(each.probe), each.score) for each in found] == [
        (Kind.GENUINE, "b/3.png", 2.0),
        (Kind.IMPOSTOR, "c/4.png", 3.0),
    ]
    assert pairs.worst(every, "product", 0) == []


def test_every_score_is_written_with_its_pair(tmp_path: Path):
    every = scored({(1, 0): 4.0})
    several = Scored(
        every.samples,
        pairing.bursts(every.samples, 1, 2),
        np.array([Kind.OTHER_HAND] * 3, np.int8),
        {"other": np.ones(3, np.float32)},
    )
    pairs.write_scores([every, several], tmp_path / "scores.csv")
    with (tmp_path / "scores.csv").open() as file:
        first, *rest = csv.DictReader(file)
    assert first == {
        "probe": "a/1.png",
        "reference": "a/0.png",
        "kind": "genuine",
        "product": "4",
        "other": "",
    }
    assert len(rest) + 1 == 10 + len(several.plan.counts) * len(several.plan.references)


def test_pictures_of_pairs_lie_in_a_folder_outside_any_repository(tmp_path: Path):
    every = scored({(1, 0): 4.0})
    worst = pairs.worst(every, "product", 1)
    palms = [Roi(np.full((SIZE, SIZE), 10 * n, np.uint8), None, 1.0) for n in range(5)]
    pairs.write_pictures(worst, palms, tmp_path / "worst")
    (one, _) = sorted((tmp_path / "worst").iterdir())
    sheet = cv2.imread(str(one), cv2.IMREAD_GRAYSCALE)
    assert one.name == "001-genuine-0.000.png"
    assert sheet is not None
    assert (sheet[0, 0], sheet[0, SIZE + pairs.GAP]) == (30, 20)
    (tmp_path / ".git").mkdir()
    with pytest.raises(InRepository, match="stay out"):
        pairs.write_pictures(worst, palms, tmp_path / "docs")
