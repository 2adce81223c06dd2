import json
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from cv2.typing import MatLike

from lab.evaluate import dataset, pairing
from lab.evaluate.__main__ import main
from lab.evaluate.acquisition import Reading
from lab.evaluate.algorithm import PRODUCT
from lab.evaluate.dataset import Sample, Unmeasurable
from lab.evaluate.decisions import Result
from lab.evaluate.differential import differentials
from lab.evaluate.pairing import Kind
from lab.evaluate.processes import processes, progress
from lab.evaluate.trial import measure
from lab.sets import PALM_SETS, ROOT
from palm import rates
from palm.hand.landmarks import Hand, Landmark, Shown, Side
from palm.rates import Comparisons, curve, estimate, share
from tests.support.creases import palm
from tests.support.real_palms import needs_palm_sets


def compared(genuine: list[float], impostor: list[float]) -> Comparisons:
    """Returns genuine comparisons of subjects 0 and 1 in turn, and impostor ones between them."""
    return Comparisons(
        scores=np.array(genuine + impostor, np.float32),
        genuine=np.array([True] * len(genuine) + [False] * len(impostor)),
        probe=np.arange(len(genuine + impostor)) % 2,
        reference=np.array(
            [n % 2 for n in range(len(genuine))]
            + [(n + 1) % 2 for n in range(len(genuine), len(genuine + impostor))]
        ),
    )


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def write(folder: Path, name: str, image: MatLike) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


@pytest.fixture(scope="module")
def two_sessions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of four palms, with two sessions of two images each, and one unreadable image."""
    folder = tmp_path_factory.mktemp("drawn") / "set"
    for hand in range(4):
        for session in (1, 2):
            for number in (1, 2):
                seen = palm(
                    hand, turned=4.0 * (session - 1), shifted=(number, 0), noise=4.0 * session
                )
                write(folder, f"{hand:03}/s{session}_{number}.png", seen)
    touch(folder, "003/s2_3.png")
    return folder


# Error rates


def test_rates_are_those_counted_by_hand():
    measured = curve(compared(genuine=[0.9, 0.8, 0.7, 0.4], impostor=[0.6, 0.3, 0.2, 0.1]))
    assert measured.thresholds.tolist() == pytest.approx(
        [np.inf, 0.9, 0.8, 0.7, 0.6, 0.4, 0.3, 0.2, 0.1]
    )
    assert measured.fnmr.tolist() == pytest.approx([1, 0.75, 0.5, 0.25, 0.25, 0, 0, 0, 0])
    assert measured.fmr.tolist() == pytest.approx([0, 0, 0, 0, 0.25, 0.25, 0.5, 0.75, 1])


def test_the_equal_error_rate_is_where_the_rates_cross():
    assert curve(compared([0.9, 0.8, 0.7, 0.4], [0.6, 0.3, 0.2, 0.1])).eer() == pytest.approx(0.25)


def test_scores_that_do_not_overlap_have_no_errors():
    assert curve(compared([0.9, 0.8], [0.2, 0.1])).eer() == 0


def test_equal_scores_match_together():
    measured = curve(compared([0.5, 0.5], [0.5, 0.1]))
    assert measured.fnmr_at(0.4) == 1
    assert measured.fnmr_at(0.5) == 0


def test_fnmr_is_taken_at_the_lowest_threshold_that_keeps_the_fmr():
    measured = curve(compared([0.9, 0.55, 0.35, 0.05], [0.6, 0.5, 0.4, 0.3]))
    assert measured.fnmr_at(0.0) == pytest.approx(0.75)
    assert measured.fnmr_at(0.49) == pytest.approx(0.5)
    assert measured.fnmr_at(0.5) == pytest.approx(0.5)
    assert measured.threshold_at(0.5) == pytest.approx(0.5)


# Intervals


def test_a_resampled_subject_counts_with_all_its_comparisons():
    # One of two subjects always fails: drawn twice, once or never, it gives a share of 1, 0.5 or 0.
    always = share(np.array([True] * 10 + [False] * 10), np.repeat([0, 1], 10))
    assert always.rate == 0.5
    assert (always.ci95.low, always.ci95.high) == (0, pytest.approx(1))


def test_the_interval_narrows_with_subjects_and_not_with_their_samples():
    def width(subjects: int, samples: int) -> float:
        failing = np.repeat(np.arange(subjects) % 4 == 0, samples)
        found = share(failing, np.repeat(np.arange(subjects), samples))
        return found.ci95.high - found.ci95.low

    assert width(400, 2) < width(40, 2) / 2
    assert width(40, 20) == pytest.approx(width(40, 2), rel=0.1)


def test_where_no_error_was_seen_the_rule_of_3_counts_subjects():
    none = share(np.zeros(300, bool), np.repeat(np.arange(100), 3))
    assert (none.rate, none.ci95.low, none.ci95.high) == (0, 0, pytest.approx(0.03))
    every = share(np.ones(300, bool), np.repeat(np.arange(100), 3))
    assert (every.rate, every.ci95.low, every.ci95.high) == (1, pytest.approx(0.97), 1)


@pytest.mark.parametrize(
    ("errors", "low", "high"), [(1, 0.0004, 0.0894), (3, 0.0104, 0.1392), (20, 0.2160, 0.4669)]
)
def test_the_interval_of_one_sample_each_is_nearly_that_of_clopper_and_pearson(
    errors: int, low: float, high: float
):
    found = share(np.arange(60) < errors, np.arange(60))
    assert found.ci95.low == pytest.approx(low, abs=0.015)
    assert found.ci95.high == pytest.approx(high, abs=0.015)


def test_an_interval_holds_the_rate_where_a_few_people_make_most_errors():
    """Of 36 people one in the mean fails half of all times, the others once in 500. Where that one
    was not among them, the interval of resampling alone holds the errors of the others only: that
    made 71 % of intervals hold the rate."""
    rng = np.random.default_rng(1)
    people = np.repeat(np.arange(36), 20)
    held = 0
    for _ in range(200):
        rates_of = np.where(rng.random(36) < 1 / 36, 0.5, 0.002)
        ci95 = share(rng.random(len(people)) < rates_of[people], people).ci95
        held += ci95.low <= 0.5 / 36 + 0.002 * 35 / 36 <= ci95.high
    assert held >= 0.95 * 200


def test_no_interval_ends_below_that_of_no_error():
    people = np.repeat(np.arange(36), 20)
    none, one = (share(np.arange(len(people)) < errors, people) for errors in (0, 1))
    assert one.ci95.high > none.ci95.high


def test_an_interval_contains_its_rate_and_does_not_depend_on_the_tail(
    monkeypatch: pytest.MonkeyPatch,
):
    rng = np.random.default_rng(0)
    subjects, pairs = 20, 3000
    probe, reference = rng.integers(0, subjects, (2, pairs))
    genuine = probe == reference
    drawn = Comparisons(
        scores=(rng.normal(0, 1, pairs) + 3 * genuine).astype(np.float32),
        genuine=genuine,
        probe=probe,
        reference=reference,
    )
    found = estimate(drawn, [1e-2])
    assert found.eer.ci95.low <= found.eer.rate <= found.eer.ci95.high
    assert 0 < found.eer.ci95.high - found.eer.ci95.low < 0.3
    monkeypatch.setattr(rates, "TAIL", 1.0)
    assert estimate(drawn, [1e-2]) == found


# What is compared


def samples(*names: str) -> list[Sample]:
    """Returns the samples of names (HAND/SAMPLE) without files."""
    made: list[Sample] = []
    for name in names:
        hand, _, sample = name.partition("/")
        session = int(sample[1]) if sample.startswith("s") else None
        made.append(Sample(Path(name), hand, hand, session))
    return made


def test_samples_of_sessions_are_compared_with_earlier_sessions_only():
    seen = samples("a/s1_1", "b/s1_1", "a/s2_1", "b/s2_1", "a/s3_1")
    plan = pairing.singles(seen)
    assert plan.counts.tolist() == [0, 0, 2, 2, 4]
    kinds = plan.kinds(pairing.whose(seen))
    assert (kinds == Kind.GENUINE).sum() == 2 + 2
    assert (kinds == Kind.IMPOSTOR).sum() == 2 + 2


def test_samples_without_sessions_are_compared_each_pair_once():
    plan = pairing.singles(samples("a/1", "a/2", "b/1", "b/2"))
    probe, reference = plan.pairs()
    pairs = set(zip(probe.tolist(), reference.tolist(), strict=True))
    assert pairs == {(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)}


def test_a_hand_is_enrolled_from_its_first_session_and_probed_from_the_others():
    seen = samples("a/s1_1", "a/s1_2", "a/s1_3", "b/s1_1", "a/s2_1", "a/s2_2", "a/s2_3", "b/s2_1")
    one = pairing.bursts(seen, enrolled_from=2, probed_by=1)
    assert one.references == [(0, 1)], "b has too few samples to be enrolled from two"
    assert one.probes == [(4,), (5,), (6,), (7,)]
    two = pairing.bursts(seen, enrolled_from=2, probed_by=2)
    assert two.probes == [(4, 5)], "the sample that is left over is not used"


def test_without_sessions_the_samples_that_were_not_enrolled_are_the_probes():
    seen = samples("a/1", "a/2", "a/3", "b/1", "b/2", "b/3")
    plan = pairing.bursts(seen, 2, 1)
    assert plan.references == [(0, 1), (3, 4)]
    assert plan.probes == [(2,), (5,)]
    assert plan.kinds(pairing.whose(seen)).tolist() == [1, 0, 0, 1]


def test_hands_of_different_sides_and_of_one_person_are_no_impostors():
    left, right = Side.LEFT, Side.RIGHT
    seen = [
        Sample(Path("a/1"), "a", "a-left", side=left),
        Sample(Path("a/2"), "a", "a-right", side=right),
        Sample(Path("b/1"), "b", "b-left", side=left),
        Sample(Path("c/1"), "c", "c"),
    ]
    of_first = np.zeros(4, np.intp), np.arange(4)
    kinds = pairing.whose(seen).kinds(*of_first)
    assert kinds.tolist() == [Kind.GENUINE, Kind.OTHER_HAND, Kind.IMPOSTOR, Kind.IMPOSTOR]
    misread = pairing.whose(seen, [left, None, right, None]).kinds(*of_first)
    assert misread[2] == Kind.APART, "what is read in the picture counts, not its name"
    twice = pairing.whose([seen[0], seen[0]], [left, right])
    assert twice.kinds(np.array([0]), np.array([1])).tolist() == [Kind.APART]


def test_the_two_hands_of_a_subject_are_different_hands(tmp_path: Path):
    touch(tmp_path, "007/palmar-left_1.jpg", "007/palmar-right_2.jpg", "007/dorsal-left_3.jpg")
    back, left, right = dataset.read(tmp_path)
    assert (left.hand, right.hand) == ("007-left", "007-right")
    assert left.subject == right.subject == "007"
    assert (back.dorsal, left.dorsal, right.dorsal) == (True, False, False)


@pytest.mark.parametrize("names", [("7-left", "7-right"), ("7_L", "7_R")])
def test_folders_of_the_two_hands_of_a_person_are_of_one_person(
    tmp_path: Path, names: tuple[str, str]
):
    for name in names:
        touch(tmp_path, f"{name}/1.png")
    left, right = dataset.read(tmp_path)
    assert (left.subject, left.side, right.side) == ("7", Side.LEFT, Side.RIGHT)
    assert (right.subject, right.hand) == ("7", names[1])


def test_a_table_tells_whose_hands_the_folders_show(tmp_path: Path):
    touch(tmp_path / "here", "001/1.png", "002/1.png", "003/1.png")
    table = tmp_path / "people.csv"
    table.write_text("set,hand,person,side\nhere,001,a,left\nhere,002,a,\nthere,003,a,left\n")
    one, two, three = dataset.read(
        tmp_path / "here", whose=dataset.people(table, tmp_path / "here")
    )
    assert (one.subject, one.hand, one.side) == ("a", "001", Side.LEFT)
    assert (two.subject, two.side) == ("a", None)
    assert three.subject == "003"
    table.write_text("set,hand,person,side\nhere,001,a,both\n")
    with pytest.raises(Unmeasurable, match="left, right or nothing"):
        dataset.people(table, tmp_path / "here")


def test_hands_and_single_samples_are_left_out(tmp_path: Path):
    touch(tmp_path, "001/1.png", "001/2.png", "002/1.png")
    (tmp_path / "list.txt").write_text("# no good\n001/2.png  # blurred\n\n002\n")
    for said in ("001/2.png,002", str(tmp_path / "list.txt")):
        kept = dataset.read(tmp_path, without=dataset.excluded(said))
        assert [sample.name for sample in kept] == ["001/1.png"]
    with pytest.raises(Unmeasurable, match=r"has no 003"):
        dataset.read(tmp_path, without=["003"])
    many = [f"{hand:03}" for hand in range(100)]
    assert dataset.excluded(",".join(many)) == many
    (tmp_path / "list.txt").write_bytes(b"\xff")
    with pytest.raises(Unmeasurable, match=r"list.txt cannot be read"):
        dataset.excluded(str(tmp_path / "list.txt"))


def test_a_subset_is_the_same_for_the_same_seed_and_keeps_sessions_even(tmp_path: Path):
    touch(tmp_path, *(f"{h}/s{s}_{k}.png" for h in range(9) for s in (1, 2) for k in range(3)))
    every = dataset.read(tmp_path)
    few = dataset.subset("hands=4,samples=2,seed=7")
    chosen = few.of(every)
    assert chosen == few.of(every)
    assert chosen != dataset.subset("hands=4,samples=2,seed=8").of(every)
    taken = Counter((sample.hand, sample.session) for sample in chosen)
    assert len(taken) == 4 * 2
    assert set(taken.values()) == {2}
    assert dataset.subset("seed=3").of(every) == every
    for wrong in ("hands", "fingers=3", "hands=0", "samples=0", "seed=-1"):
        with pytest.raises(ValueError, match=r"."):
            dataset.subset(wrong)


def test_captions_put_samples_into_groups(tmp_path: Path):
    touch(tmp_path, "007/palmar-left_0000012.jpg", "007/palmar-left_0000013.jpg")
    (tmp_path / "hands.csv").write_text(
        "subject,side,image,skin_tone,accessories,nail_polish\n"
        "007,palmar-left,Hand_0000012.jpg,dark,1,0\n"
    )
    known, unknown = dataset.read(tmp_path)
    assert known.groups == {
        "skin_tone": "dark",
        "side": "left",
        "accessories": "1",
        "nail_polish": "0",
    }
    assert unknown.groups == {"side": "left"}


def test_one_hand_under_several_names_is_joined_by_a_table_and_only_in_its_own_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    table = tmp_path / "same.csv"
    table.write_text("set,hand,same_as,how\nhere,002,001,seen\nelsewhere,003,001,seen\n")
    touch(tmp_path / "here", "001/1.png", "002/1.png", "003/1.png")
    same = dataset.joined(table, tmp_path / "here")
    assert [sample.hand for sample in dataset.read(tmp_path / "here", same)] == ["001"] * 2 + [
        "003"
    ]
    assert [sample.hand for sample in dataset.read(tmp_path / "here")] == ["001", "002", "003"]
    monkeypatch.chdir(tmp_path / "here")
    assert dataset.joined(table, Path()) == same


def test_hands_without_a_pair_are_named(tmp_path: Path):
    touch(tmp_path, "001/s1_1.png", "001/s1_2.png", "002/s1_1.png", "002/s2_1.png")
    assert dataset.alone(dataset.read(tmp_path)) == ["001"]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ([], "holds no images"),
        (["001/s1_1.png", "001/other.png"], "named by session"),
        (["001/s1_1.png", "002/s1_1.png"], "one session"),
    ],
)
def test_a_folder_that_cannot_be_measured_says_why(tmp_path: Path, names: list[str], says: str):
    touch(tmp_path, *names)
    with pytest.raises(Unmeasurable, match=says):
        dataset.read(tmp_path)


# Differences between groups


def by_tone(missed: dict[str, int], subjects: int = 10) -> str:
    """Returns the verdict for subjects of two skin tones with ten genuine comparisons each.

    `missed` says how many of the ten fail, by skin tone. Each subject has one sample.
    """
    seen: list[Sample] = []
    scores: list[float] = []
    for tone, failing in missed.items():
        for subject in range(subjects):
            name = f"{tone}-{subject}"
            seen.append(Sample(Path(name), name, name, groups={"skin_tone": tone}))
            scores += [0.1] * failing + [0.9] * (10 - failing)
    subject = np.repeat(np.arange(len(seen)), 10)
    stranger = (subject + 1) % len(seen)
    comparisons = Comparisons(
        scores=np.array(scores + [0.0] * len(scores), np.float32),
        genuine=np.repeat([True, False], len(scores)),
        probe=np.concatenate([subject, subject]),
        reference=np.concatenate([subject, stranger]),
    )
    (found,) = differentials(seen, comparisons, comparisons.probe, comparisons.reference, 0.5)
    genuine = [group.genuine for group in found.groups if group.name in missed]
    assert genuine == [10 * subjects] * 2
    return found.verdict


def test_a_group_that_fails_far_more_often_is_named():
    assert by_tone({"dark": 6, "fair": 1}).startswith(
        "not within 1.25 times the FNMR of all: dark 1.71"
    )
    assert "too few" not in by_tone({"dark": 6, "fair": 1})


def test_groups_that_fail_equally_often_are_within_the_bound():
    alike = "within 1.25 times the FNMR of all: dark 1.00 [1.00, 1.00]"
    assert by_tone({"dark": 3, "fair": 3}, subjects=100) == alike
    assert by_tone({"dark": 3, "fair": 3}) == f"{alike}; too few to be sure"


def test_no_verdict_is_given_without_a_failure():
    assert "no genuine comparison failed" in by_tone({"dark": 0, "fair": 0})


def test_a_group_without_failures_is_not_taken_to_be_better(monkeypatch):
    monkeypatch.setattr("lab.evaluate.differential.ALIKE", 3.0)
    said = by_tone({"dark": 1, "fair": 0})
    assert said.startswith("within 3.0 times")
    assert said.endswith("too few to be sure")


# Whole evaluations


@pytest.mark.slow
def test_the_report_counts_what_lies_in_the_folder(
    two_sessions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    asked = f"--json {tmp_path / 'it.json'} --plot {tmp_path / 'it.png'} --workers 1"
    asked += f" --scores {tmp_path / 'scores.csv'} --worst 1 --threshold 6"
    assert main([str(two_sessions), *asked.split()]) == 0
    said, at_once = capsys.readouterr()
    figures = json.loads((tmp_path / "it.json").read_text())
    assert (figures["hands"], figures["images"]) == (4, 17)
    assert (figures["genuine"], figures["impostor"]) == (4 * 2 * 2, 4 * 3 * 2 * 2)
    assert figures["failure_to_acquire"] == pytest.approx(1 / 17)
    assert figures["failures"] == {"003/s2_3.png": "unreadable"}
    assert figures["genuine_lost"] == 2
    assert (figures["eer"], figures["rank1"]) == (0, 1)
    assert set(figures["fnmr_at_fmr"]) == {"1e-3", "1e-4", "1e-5", "1e-6"}
    assert set(figures["fnmr_at_fmr"].values()) == {None}
    assert "there are 48" in figures["fmr_trust"]["1e-3"]
    for rate in ("eer", "failure_to_acquire", "rank1"):
        low, high = figures[f"{rate}_ci95"]
        assert 0 <= low <= figures[rate] <= high <= 1
    assert set(figures["ms"]) == {"find", "align", "sign", "match"}
    codes = {each["code"]: each for each in figures["codes"]}
    peers = ["competitive code", "BOCV", "ordinal code"]
    assert list(codes) == ["this product", "lines alone", "encoder alone", *peers]
    assert codes["this product"]["eer"] == figures["eer"]
    assert all(0 <= each["eer"] <= 1 and each["ms"]["sign"] > 0 for each in codes.values())
    (decided,) = figures["decisions"]
    own, large = decided["sizes"]
    assert (own["gallery"], own["compared"], large["gallery"]) == (4, 4, 10_000)
    assert (own["strangers"]["count"], own["strangers"]["false_accept"]) == (8, 0)
    assert decided["verified"]["comparisons"] == 8 * 3
    assert said.index("what the policy decides") < said.index("EER"), "decisions come first"
    assert [at["score"] for at in figures["at_scores"]][1:] == [6]
    assert "001 genuine" in said
    assert len((tmp_path / "scores.csv").read_text().splitlines()) == 1 + 4 * 2 * 4 * 2
    assert at_once.count("EER") == 6 + 1, "each algorithm is told as soon as it has finished"
    assert "BOCV" in said
    assert "003/s2_3.png: unreadable" in said
    drawn = cv2.imread(str(tmp_path / "it.png"))
    assert drawn is not None
    assert drawn.std() > 0


@pytest.mark.slow
def test_a_report_says_what_was_left_out_drawn_and_taken_for_granted(
    two_sessions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    asked = f"--exclude 000,003/s2_3.png --subset hands=2 --palmar --side left --json {tmp_path}/it"
    assert main([str(two_sessions), *asked.split(), "--workers", "1"]) == 0
    figures = json.loads((tmp_path / "it").read_text())
    assert (figures["hands"], figures["images"]) == (2, 8)
    assert figures["chosen"] == [
        "left out 000, 003/s2_3.png",
        "2 hands, all samples of each in each session, drawn by seed 0",
        "every hand taken for a palm",
        "every hand taken for a left one",
    ]
    said = capsys.readouterr().out
    assert all(f"images              {each}\n" in said for each in figures["chosen"])


@pytest.mark.slow
def test_a_presentation_in_which_no_palm_is_found_counts_as_not_found(two_sessions: Path):
    report = measure(dataset.read(two_sessions), [PRODUCT], frames=2)
    by_one, _, by_two = report.decisions
    assert (by_one.unread, by_two.unread) == (1, 0), "the picture left over was not needed for two"
    presentations, visits = by_one.sizes[0].presentations, by_one.sizes[0].visits
    assert presentations
    assert visits
    assert (presentations.count, visits.count) == (4 * 2 + 1, 4)
    assert presentations.share[Result.NOT_FOUND].rate == pytest.approx(1 / 9)
    assert visits.share[Result.ACCEPTED].rate == 1, "a palm is shown again within the visit"
    assert by_one.verified.missed.rate == pytest.approx(1 / 9)
    assert by_one.sizes[0].strangers
    assert by_one.sizes[0].strangers.count == 4 * 2, "nobody is a stranger without a palm"
    assert "no palm was found, which count as not found: 1\n" in report.text()


@pytest.mark.slow
def test_templates_of_several_images_are_measured_separately(two_sessions: Path):
    report = measure(dataset.read(two_sessions), [PRODUCT], frames=2)
    by_one, by_two = report.bursts
    assert (by_one.enrolled_from, by_one.probed_by) == (2, 1)
    assert (by_one.genuine, by_one.impostor) == (4 * 2, 4 * 2 * 3)
    assert (by_two.enrolled_from, by_two.probed_by) == (2, 2)
    assert (by_two.genuine, by_two.impostor) == (4, 4 * 3)
    assert report.single.genuine == 4 * 2 * 2
    assert by_two.algorithms[0].rank1.rate == 1
    assert "enrolled from 2, probed by 1" in report.text()
    assert [each.enrolled_from for each in report.decisions] == [1, 2, 2]
    told: list[str] = []
    more = measure(dataset.read(two_sessions), [PRODUCT], frames=3, tell=told.append)
    assert more.bursts == []
    assert told[-1] == "too few samples of a hand: none has 3 to enrol and 3 to show"


def test_progress_is_told_in_lines_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert list(progress("counting", "ab", 2)) == ["a", "b"]
    assert capsys.readouterr().err == "", "what is over at once needs no progress"
    monkeypatch.setattr("lab.evaluate.processes.EVERY", 0)
    assert list(progress("counting", "ab", 2)) == ["a", "b"]
    assert capsys.readouterr().err == "counting 1/2\ncounting 2/2\n"


@pytest.mark.process
def test_several_processes_give_what_one_gives():
    for workers in (1, 2):
        with processes(workers) as pool:
            assert list(pool.map(abs, (-3, 2, -1))) == [3, 2, 1]


@pytest.mark.process
def test_a_missing_folder_is_an_error_with_a_remedy(tmp_path: Path):
    command = [sys.executable, "-m", "lab.evaluate", str(tmp_path / "nowhere")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 1
    assert "is not a folder: give one that holds HAND/SAMPLE images" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option", ["--json", "--plot", "--scores"])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
):
    with pytest.raises(SystemExit):
        main([str(tmp_path), option, str(tmp_path / "nowhere" / "file")])
    assert f"{option}: there is no folder {tmp_path / 'nowhere'}" in capsys.readouterr().err


def test_one_hand_alone_cannot_be_measured(tmp_path: Path):
    write(tmp_path, "001/1.png", palm(1))
    write(tmp_path, "001/2.png", palm(1, turned=3.0))
    with pytest.raises(Unmeasurable, match="only one hand"):
        measure(dataset.read(tmp_path), [PRODUCT])


def test_with_roi_images_of_any_size_and_in_colour_are_rois(tmp_path: Path):
    for hand in range(2):
        for turned in (0.0, 3.0):
            grey = cv2.resize(palm(hand, turned=turned), (300, 300))
            write(tmp_path, f"{hand}/{turned:.0f}.jpg", cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
    report = measure(dataset.read(tmp_path), [PRODUCT], reading=Reading(roi=True))
    assert report.chosen == ["every image taken for an aligned palm"]
    assert report.failure_to_acquire.rate == 0
    assert report.product.rank1.rate == 1
    assert report.warnings() == []
    shutil.copytree(tmp_path / "0", tmp_path / "2")
    report = measure(dataset.read(tmp_path), [PRODUCT], reading=Reading(roi=True))
    assert report.alike == [("0", "2")]
    assert "0 and 2 look like one hand" in report.text()
    write(tmp_path, "0/6.png", np.zeros((280, 300), np.uint8))
    with pytest.raises(Unmeasurable, match=r"0/6.png has 300 x 280 pixels, and an ROI is square"):
        measure(dataset.read(tmp_path), [PRODUCT], reading=Reading(roi=True))


def test_who_knows_side_or_palm_of_a_hand_knows_the_other_too():
    marks = np.zeros((21, 2), np.float32)
    marks[Landmark.WRIST], marks[Landmark.INDEX_MCP] = (50, 100), (70, 20)
    marks[Landmark.LITTLE_MCP] = (30, 20)
    # The thumb is on the right: a right palm, or the back of a left hand.
    flat, deep = np.zeros(21, np.float32), np.zeros((21, 3), np.float32)
    back = Hand(marks, flat, deep, 0.9, Side.LEFT, Shown.BACK)
    palm = replace(back, side=Side.RIGHT, shown=Shown.PALM)
    assert Reading().of(back, dorsal=False) is back
    assert Reading(palmar=True).of(back, dorsal=False) == palm
    assert Reading(palmar=True).of(back, dorsal=True) is back
    assert Reading(side=Side.RIGHT).of(back, dorsal=False) == palm
    assert Reading(side=Side.LEFT).of(palm, dorsal=False) == back


@needs_palm_sets("roi-contactless", "hands-rgb")
@pytest.mark.parametrize(
    ("name", "hands", "some", "eer"),
    [("roi-contactless", 20, "s?_[12].*", 0.005), ("hands-rgb", 7, "*", 0.03)],
)
def test_real_palms_are_recognised(tmp_path: Path, name: str, hands: int, some: str, eer: float):
    (tmp_path / "hands.csv").write_text("subject,side,image\n")
    folders = sorted(path for path in (PALM_SETS / name).iterdir() if path.is_dir())
    for hand in folders[:hands]:
        (tmp_path / hand.name).mkdir()
        for sample in sorted(hand.glob(some))[:3]:
            (tmp_path / hand.name / sample.name).symlink_to(sample)
    report = measure(dataset.read(tmp_path), [PRODUCT])
    assert report.failure_to_acquire.rate == 0
    assert report.product.errors.eer.rate <= eer
    assert report.dorsal == (3 if name == "hands-rgb" else 0), "only one of these has backs"
    assert report.dorsal_refused is None or report.dorsal_refused.rate == 1
