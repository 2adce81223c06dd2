"""A laboratory's test: what was fixed stays fixed, and the report counts what the log tells."""

import json
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from drawn.burst import Shot, film
from drawn.identity import identity
from drawn.lit import WHITE, light_of, living
from drawn.presentation import Presentation
from lab.harness.__main__ import main
from lab.harness.build import deciding
from lab.harness.folder import FolderSource, keep
from lab.harness.journal import (
    Begun,
    BrokenJournal,
    Ended,
    Line,
    Outcome,
    Presented,
    Purpose,
    begun,
    read,
)
from lab.harness.plan import Plan
from lab.harness.product import Shown
from lab.harness.report import Counted, Report, report
from palm import models
from palm.hand.landmarks import Side
from protocol.capture import Burst, Frame
from protocol.challenge import SEED_BYTES, steps

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

PLAN = """
name = "A drawn afternoon"
tries = 2
pulse = "never"
species = ["injected recording"]
"""
SEED, ANOTHER = bytes(SEED_BYTES), bytes([1]) * SEED_BYTES


@cache
def filmed(person: int) -> list[bytes]:
    """Returns the JPEGs of a drawn hand: three in white, and one under each step of SEED."""
    palm, shot = identity(person, Side.LEFT), Shot(Presentation(span=0.45, y=0.6))
    lights = [WHITE] * 3 + [light_of(step) for step in steps(SEED)]
    rng = np.random.default_rng(person)
    seen = film(palm, living(palm, shot.shown), shot, lights, rng)
    return [cv2.imencode(".jpg", frame.image)[1].tobytes() for frame in seen.lit]


def presentation(folder: Path, person: int, seed: bytes = SEED, *, last: int = 1) -> Path:
    """Writes what a kiosk takes of a person who claims to have been shown a challenge; the picture
    under its last step so many times."""
    frames = [
        Frame(40 * n, bytearray(jpeg), n - 3 if n >= 3 else None)
        for n, jpeg in enumerate(filmed(person))
    ]
    end = frames[-1]
    frames += [Frame(end.at_ms + 40 * n, end.jpeg, end.light) for n in range(1, last)]
    keep(folder, Shown(Burst(frames, "taken"), seed))
    return folder


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a test in which two people enrol and verify, and one is attacked."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "plan.toml").write_text(PLAN)
    ada, ben = (presentation(folder / name, n) for n, name in enumerate(("ada-1", "ben-1"), 1))
    recording = presentation(folder / "recorded", 1, ANOTHER)

    def lab(*words: str | Path) -> int:
        return main([str(word) for word in words])

    people = ("--people", folder / "people")
    log = folder / "log"
    assert lab("begin", log, folder / "plan.toml") == 0
    assert lab("enrol", log, "ada", *people, "--from", ada) == 0
    assert lab("enrol", log, "ben", *people, "--from", ben) == 0
    assert lab("verify", log, "ada", *people, "--from", ada) == 0
    assert lab("verify", log, "ben", "--claims", "ada", *people, "--from", ben) == 1
    attack = ("attack", log, "ben", "--claims", "ada", *people, "--from", recording)
    assert lab(*attack, "--species", "injected recording") == 1
    assert lab(*attack, "--species", "silicone cast") == 2
    return folder


def presented(tested: Path) -> list[Presented]:
    return [line for line in read(tested / "log")[0] if isinstance(line, Presented)]


def test_the_log_says_what_was_presented_and_what_came_of_it(tested: Path) -> None:
    assert [(each.purpose, each.outcome) for each in presented(tested)] == [
        (Purpose.ENROL, Outcome.ACCEPTED),
        (Purpose.ENROL, Outcome.ACCEPTED),
        (Purpose.VERIFY, Outcome.ACCEPTED),
        (Purpose.VERIFY, Outcome.NOT_MATCHED),
        (Purpose.VERIFY, Outcome.NOT_LIVE),
    ]


def test_the_log_has_no_score_picture_or_template(tested: Path) -> None:
    known = {
        *Presented.model_fields,
        *Ended.model_fields,
        *("before", "at"),
    }
    first, *others = (tested / "log").read_text().splitlines()
    assert "plan_digest" in first
    assert all(set(json.loads(line)) <= known for line in others)
    assert not {name for name in known if "score" in name or "template" in name}


def test_the_report_is_made_of_the_log_alone(tested: Path) -> None:
    made = report(*read(tested / "log"))
    told = {each.name.partition(":")[0]: (each.events, each.of) for each in made.bona_fide}
    assert told == {
        "FTE": (0, 2),
        "FTA": (0, 4),
        "BPCER": (0, 4),
        "FRR": (0, 1),
        "FAR": (0, 1),
        "FMR": (0, 1),
    }
    (species,) = made.species
    assert (species.apcer.events, species.apcer.of) == (0, 1)
    assert (species.iapar.events, species.iapar.of) == (0, 1)
    assert "| APCER: injected recording | 0 of 1 | 1 | 0.00 % [0.00, 100.00] |" in made.markdown()


def test_pictures_that_a_kiosk_does_not_take_are_refused_as_the_vault_refuses_them(
    tested: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    log.write_bytes((tested / "log").read_bytes())
    twice = presentation(tmp_path / "twice", 1, last=2)
    words = ["verify", log, "ada", "--people", tested / "people", "--from", twice]
    assert main([str(word) for word in words]) == 1
    last = read(log)[0][-2]
    assert isinstance(last, Presented)
    assert last.outcome is Outcome.NOT_LIVE


# What is counted


def shown(
    subject: str, claimed: str, outcome: Outcome, *, artefact: str | None = None
) -> Presented:
    return Presented(
        transaction=0,
        attempt=1,
        purpose=Purpose.VERIFY,
        subject=subject,
        claimed=claimed,
        species=None if artefact is None else "cast",
        artefact=artefact,
        outcome=outcome,
        seconds=1.0,
    )


def counted_from(*presented: Presented, broken_off: int = 0) -> Report:
    """Returns the report of as many transactions, of which the last few were broken off."""
    plan = Plan(name="x", species=("cast",))
    lines: list[Line] = [Begun(plan=plan, plan_digest="", version="", build="")]
    for number, each in enumerate(presented, 1):
        lines.append(each.model_copy(update={"transaction": number}))
        if number <= len(presented) - broken_off:
            accepted = each.outcome is Outcome.ACCEPTED
            lines.append(Ended(transaction=number, accepted=accepted, attempts=1))
    return report(lines, "head")


def rate_of(made: Report, name: str) -> Counted:
    return next(each for each in made.bona_fide if each.name.startswith(name))


def test_both_hands_of_a_person_are_one_person() -> None:
    hands = [f"p{person:02}-{side}" for person in range(10) for side in ("left", "right")]
    frr = rate_of(counted_from(*(shown(hand, hand, Outcome.ACCEPTED) for hand in hands)), "FRR")
    assert (frr.of, frr.people) == (20, 10)
    assert frr.rate
    assert frr.rate.ci95.high == pytest.approx(0.3), "the rule of 3 over ten people"


def test_what_was_presented_counts_although_the_transaction_was_broken_off() -> None:
    alive, not_live = (shown("ada", "ada", o) for o in (Outcome.ACCEPTED, Outcome.NOT_LIVE))
    made = counted_from(alive, not_live, broken_off=1)
    assert (rate_of(made, "BPCER").events, rate_of(made, "BPCER").of) == (1, 2)
    assert (rate_of(made, "FRR").events, rate_of(made, "FRR").of) == (0, 1)
    assert "broken off: 1." in made.markdown()


def test_a_species_has_the_rate_of_all_its_artefacts_and_that_of_the_worst() -> None:
    artefacts = [f"p{person:02}" for person in range(5)]
    made = counted_from(
        shown("eve", "p00", Outcome.ACCEPTED, artefact="p00"),
        shown("eve", "p01", Outcome.NOT_MATCHED, artefact="p01"),
        *(shown("eve", who, Outcome.NOT_LIVE, artefact=who) for who in artefacts * 2),
        *(shown("eve", who, Outcome.NOT_ACQUIRED, artefact=who) for who in artefacts[2:]),
    )
    (species,) = made.species
    told = [
        (each.name, each.events, each.of, each.people)
        for each in (species.apcer, species.iapar, species.apnrr, *species.worst)
    ]
    assert told == [
        ("APCER: cast", 2, 12, 5),
        ("IAPAR: cast", 1, 15, 5),
        ("APNRR: cast", 3, 15, 5),
        ("APCER: cast, p00", 1, 3, 1),
        ("IAPAR: cast, p00", 1, 3, 1),
    ]


def test_a_build_is_named_by_all_that_templates_are_made_with() -> None:
    weights = {*models.FOLDER.glob("*.onnx"), *models.FOLDER.glob("*.npz")}
    assert len(weights) == 5
    assert weights <= set(deciding())


def test_a_log_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(tmp_path / "log")]) == 2
    assert "log: No such file" in capsys.readouterr().err


@pytest.mark.parametrize("harm", ["changed", "left out", "exchanged"])
def test_a_log_that_was_changed_is_refused(tested: Path, tmp_path: Path, harm: str) -> None:
    lines = (tested / "log").read_bytes().splitlines(keepends=True)
    match harm:
        case "changed":
            lines[3] = lines[3].replace(b'"ben"', b'"eve"')
        case "left out":
            del lines[3]
        case _:
            lines[3], lines[4] = lines[4], lines[3]
    (tmp_path / "log").write_bytes(b"".join(lines))
    with pytest.raises(BrokenJournal, match="does not follow"):
        read(tmp_path / "log")


def test_another_product_does_not_go_on_with_a_log(
    tested: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (tested / "log").read_bytes()
    monkeypatch.setattr("lab.harness.build._PARTS", ("palm",))
    words = ["verify", "log", "ada", "--people", "people", "--from", "ada-1"]
    monkeypatch.chdir(tested)
    assert main(words) == 2
    assert "not the product" in capsys.readouterr().err
    assert (tested / "log").read_bytes() == before


def test_a_plan_stays_what_it_was_when_its_file_changes(tested: Path) -> None:
    (tested / "plan.toml").write_text(PLAN.replace("tries = 2", "tries = 9"))
    lines, _ = read(tested / "log")
    assert begun(lines).plan.tries == 2


@pytest.mark.parametrize(
    ("plan", "told"),
    [("tries = 0\nname = 'x'", "tries"), ("name = 'x'\nthreshold = 3", "threshold"), ("=", "plan")],
)
def test_a_plan_that_cannot_be_used_says_why(
    tmp_path: Path, plan: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plan.toml").write_text(plan)
    assert main(["begin", str(tmp_path / "log"), str(tmp_path / "plan.toml")]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "log").exists()


async def test_plain_pictures_are_a_presentation_without_light(tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(_png())
    (tmp_path / "a.jpg").write_bytes(filmed(1)[0])
    shown = await FolderSource(tmp_path).present(again=False, longer=False)
    assert shown is not None
    assert shown.seed is None
    assert [frame.at_ms for frame in shown.burst.frames] == [0, 40]
    assert bytes(shown.burst.frames[0].jpeg) == filmed(1)[0]


def _png() -> bytes:
    return cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
