"""The benchmark's protocol: what is compared, what is counted, and how others enter."""

import json
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from drawn.roi import Placement, jittered, show, swatch
from lab.evaluate import dataset, pairing
from palm import Side, evaluation
from palm.__main__ import main
from palm.evaluation import Measured, Unmeasurable, measure, pairs, read
from palm.models import ModelMissing

BENCHMARK = Path(__file__).parents[2] / "docs" / "benchmark.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def named(folder: Path, *samples: str) -> list[tuple[str, str]]:
    """Returns which samples of such a folder are compared, probe first, a mate with a `=`."""
    for each in samples:
        (folder / each).parent.mkdir(exist_ok=True)
        (folder / f"{each}.png").touch()
    found = read(folder)
    names = [f"{each.path.parent.name}/{each.path.stem}" for each in found]
    compared = pairs(found)
    return [
        (names[probe], ("=" if genuine else "") + names[reference])
        for probe, reference, genuine in zip(
            compared.probe, compared.reference, compared.genuine, strict=True
        )
    ]


class TestProtocol:
    def test_without_sessions_each_picture_is_compared_with_each_other_once(
        self, folder: Path
    ) -> None:
        assert named(folder, "a/1", "a/2", "b/1") == [
            ("a/2", "=a/1"),
            ("b/1", "a/1"),
            ("b/1", "a/2"),
        ]

    def test_with_sessions_pictures_are_compared_across_them_only(self, folder: Path) -> None:
        assert named(folder, "a/s1_1", "a/s2_1", "b/s1_1", "b/s2_1") == [
            ("a/s2_1", "=a/s1_1"),
            ("a/s2_1", "b/s1_1"),
            ("b/s2_1", "a/s1_1"),
            ("b/s2_1", "=b/s1_1"),
        ]

    def test_hands_of_one_side_are_compared_and_backs_are_not(self, folder: Path) -> None:
        assert named(
            folder, "a/palmar-left_1", "a/palmar-left_2", "a/palmar-right_1", "b/palmar-left_1",
            "b/palmar-right_1", "b/dorsal-left_1",
        ) == [
            ("a/palmar-left_2", "=a/palmar-left_1"),
            ("b/palmar-left_1", "a/palmar-left_1"),
            ("b/palmar-left_1", "a/palmar-left_2"),
            ("b/palmar-right_1", "a/palmar-right_1"),
        ]  # fmt: skip

    def test_the_two_hands_of_a_person_are_not_compared(self, folder: Path) -> None:
        assert named(folder, "a-left/1", "a-left/2", "a_R/1", "b-right/1") == [
            ("a-left/2", "=a-left/1"),
            ("b-right/1", "a_R/1"),
        ]

    @pytest.mark.parametrize("names", ["{}/{}", "{}/s{}_1"], ids=["no sessions", "sessions"])
    def test_it_compares_what_the_laboratory_compares(self, folder: Path, names: str) -> None:
        made = named(
            folder, *(names.format(hand, number) for hand in "abc" for number in (1, 2, 3))
        )
        samples = dataset.read(folder)
        probe, reference = pairing.singles(samples).pairs()
        title = [f"{each.path.parent.name}/{each.path.stem}" for each in samples]
        theirs = {(title[a], title[b]) for a, b in zip(probe, reference, strict=True)}
        assert {(a, b.removeprefix("=")) for a, b in made} == theirs

    @pytest.mark.parametrize(
        ("samples", "says"),
        [
            ((), "holds no pictures"),
            (("a/1", "b/1"), "no hand has two pictures"),
            (("a/1", "a/2"), "there are no two hands"),
            (("a/s1_1", "a/2"), "and .*2.png is not"),
        ],
    )
    def test_a_folder_that_cannot_be_measured_is_refused(
        self, folder: Path, samples: tuple[str, ...], says: str
    ) -> None:
        with pytest.raises(Unmeasurable, match=says):
            named(folder, *samples)


def of_scores(folder: Path, *scores: float, threshold: float | None = 0.5) -> Measured:
    """Returns what is measured of 2 hands with 2 pictures each: pairs 0 and 5 are genuine."""
    for each in ("a/1", "a/2", "b/1", "b/2"):
        (folder / each).parent.mkdir(exist_ok=True)
        (folder / f"{each}.png").touch()
    samples = read(folder)
    compared = pairs(samples)
    assert np.flatnonzero(compared.genuine).tolist() == [0, 5]
    file = folder / "scores.txt"
    file.write_text("\n".join(map(str, scores)))
    given = evaluation.given(file, samples, compared, threshold)
    return measure("set", samples, compared, given)


class TestMeasuring:
    def test_others_are_measured_by_their_scores(self, folder: Path) -> None:
        measured = of_scores(folder, 0.9, 0.1, 0.2, 0.6, 0.1, 0.3)
        assert (measured.genuine, measured.impostor, measured.images) == (2, 4, 4)
        assert measured.fmr
        assert measured.fmr.rate == 0.25
        assert measured.fnmr
        assert measured.fnmr.rate == 0.5
        assert "FMR               25 %" in measured.text()
        assert json.loads(json.dumps(measured.json()))["fmr"]["rate"] == 0.25

    def test_a_refused_picture_does_not_match_and_is_counted(self, folder: Path) -> None:
        # The second picture of b is in pairs 3, 4 and 5.
        measured = of_scores(folder, 0.9, 0.1, 0.2, math.nan, math.nan, math.nan)
        assert measured.refused.rate == 0.25
        assert measured.fnmr
        assert measured.fnmr.rate == 0.5

    def test_a_picture_that_is_not_compared_is_not_taken_for_refused(self, folder: Path) -> None:
        (folder / "c-left").mkdir()
        (folder / "c-left" / "1.png").touch()
        measured = of_scores(folder, 0.9, 0.1, 0.2, 0.6, 0.1, 0.3)
        assert measured.images == 5
        assert measured.refused.rate == 0

    def test_scores_for_other_pairs_are_refused(self, folder: Path) -> None:
        with pytest.raises(Unmeasurable, match="has 2 scores, and the protocol 6 comparisons"):
            of_scores(folder, 0.9, 0.1)

    def test_a_recogniser_without_a_threshold_has_no_rates_there(self, folder: Path) -> None:
        measured = of_scores(folder, 0.9, 0.1, 0.2, 0.2, 0.1, 0.8, threshold=None)
        assert measured.fmr is measured.fnmr is None
        assert measured.errors.eer.rate == 0


def test_a_threshold_without_scores_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["evaluate", str(folder), "--threshold", "5"]) == 1
    assert "those of --scores match: give them" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_measures_drawn_palms_and_lists_their_pairs(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    rng = np.random.default_rng(3)
    for hand in range(3):
        skin = swatch(920_000_000 + hand, Side.RIGHT)
        (folder / str(hand)).mkdir()
        for number in range(2):
            shown = show(skin, rng, jittered(Placement(), rng, 0.25), False, 0.0)
            cv2.imwrite(str(folder / str(hand) / f"{number}.png"), shown)
    (folder / "0" / "2.png").write_bytes(b"no picture")
    try:
        evaluation.pair()
    except ModelMissing as missing:
        pytest.skip(str(missing))

    assert main(["evaluate", str(folder), "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert (measured["genuine"], measured["impostor"]) == (5, 16)
    assert measured["refused"]["rate"] == pytest.approx(1 / 7)
    assert measured["fmr"]["rate"] == 0
    assert measured["fnmr"]["rate"] == pytest.approx(2 / 5)

    listed = folder / "pairs.txt"
    assert main(["evaluate", str(folder), "--pairs", str(listed)]) == 0
    lines = listed.read_text().splitlines()
    assert len(lines) == 21
    assert lines[0] == "0/1.png\t0/0.png"


def test_the_benchmark_quotes_its_entries():
    page = BENCHMARK.read_text(encoding="utf-8")
    entries = sorted(BENCHMARK.with_suffix("").glob("*/*.json"))
    assert entries
    for file in entries:
        found = json.loads(file.read_text(encoding="utf-8"))
        fnmr = found["errors"]["fnmr_at_fmr"]
        rates = [found["refused"], found["errors"]["eer"], fnmr["0.001"], fnmr.get("0.0001")]
        cells = [in_table(rate) for rate in (*rates, found["fmr"], found["fnmr"])]
        row = f"{found['genuine']:,} / {found['impostor']:,} | {' | '.join(cells)} |"
        (line,) = [
            line
            for line in page.splitlines()
            if line.startswith(f"| `{found['folder']}` | [{file.parent.name}]")
        ]
        assert line.endswith(row), file


def in_table(rate: Any) -> str:
    if rate is None:
        return "-"
    low, high = 100 * rate["ci95"]["low"], 100 * rate["ci95"]["high"]
    return f"{100 * rate['rate']:.2g} % [{low:.2g}, {high:.2g}]"
