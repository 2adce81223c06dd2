"""Reads a folder of HAND/SAMPLE images, as docs/palm-sets.md describes it."""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from palm.evaluation import FACING, IMAGES, SESSION

CAPTIONS = "hands.csv"
"""An optional table that puts samples into groups.

The columns `subject`, `side` (as `palmar-left`) and `image` (which ends in the number of the
sample) name a sample; each other column of GROUPS names its group.
"""
SIDE = "side"
"""The group that is read from the name of a sample."""
GROUPS = ("skin_tone", SIDE, "accessories", "nail_polish")


class Unmeasurable(Exception):
    """The folder cannot be measured; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One image of one hand."""

    path: Path
    subject: str
    """The name of the folder. Subjects count as independent of each other."""
    hand: str
    """The name of the folder, with the side where the samples of both hands are in it."""
    session: int | None = None
    """S of a sample named sS_K. Samples are compared across sessions only."""
    dorsal: bool = False
    """The back of a hand, which has to be refused."""
    groups: dict[str, str] = field(default_factory=dict[str, str])
    """The group of the sample, by property of GROUPS."""


def joined(file: Path, folder: Path) -> dict[str, str]:
    """Reads which HANDs of a folder show the hand of another one.

    The table has the columns `set` (the name of the folder), `hand` and `same_as`. Raises
    Unmeasurable.
    """
    try:
        with file.open(newline="", encoding="utf-8") as table:
            rows = [row for row in csv.DictReader(table) if row["set"] == folder.name]
            return {row["hand"]: row["same_as"] for row in rows}
    except FileNotFoundError:
        raise Unmeasurable(f"there is no table of joined hands at {file}") from None
    except KeyError as missing:
        raise Unmeasurable(f"{file} has no column {missing}") from missing


def read(folder: Path, same: Mapping[str, str] | None = None) -> list[Sample]:
    """Returns the samples in the order of session, subject and name.

    A HAND in `same` counts as the hand that it is mapped to. Raises Unmeasurable.
    """
    if not folder.is_dir():
        raise Unmeasurable(f"{folder} is not a folder: give one that holds HAND/SAMPLE images")
    captions = _captions(folder / CAPTIONS)
    paths = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in IMAGES)
    if not paths:
        raise Unmeasurable(f"{folder} holds no images: they are looked for as HAND/SAMPLE")
    samples = [_sample(path, captions, same or {}) for path in paths]
    if len({sample.session is None for sample in samples}) > 1:
        loose = next(sample.path for sample in samples if sample.session is None)
        raise Unmeasurable(f"some samples are named by session (sS_K) and {loose} is not")
    if len({sample.session for sample in samples}) == 1 and samples[0].session is not None:
        raise Unmeasurable("all samples are of one session: there is no other to compare with")
    return sorted(samples, key=lambda sample: sample.session or 0)


def alone(samples: Iterable[Sample]) -> list[str]:
    """Returns the hands without two samples that may be compared: they are only impostors."""
    palmar = [sample for sample in samples if not sample.dorsal]
    seen = Counter(sample.hand for sample in palmar)
    sessions = Counter(hand for hand, _ in {(each.hand, each.session) for each in palmar})
    by_session = any(sample.session is not None for sample in palmar)
    return sorted(hand for hand, n in (sessions if by_session else seen).items() if n < 2)


def _sample(
    path: Path, captions: dict[tuple[str, str, str], dict[str, str]], same: Mapping[str, str]
) -> Sample:
    name = path.parent.name
    subject = same.get(name, name)
    if session := SESSION.fullmatch(path.stem):
        return Sample(path, subject, subject, session=int(session[1]))
    if facing := FACING.fullmatch(path.stem):
        shown, side, number = facing.groups()
        return Sample(
            path,
            subject,
            f"{subject}-{side}",
            dorsal=shown == "dorsal",
            groups=captions.get((name, f"{shown}-{side}", number), {}) | {SIDE: side},
        )
    return Sample(path, subject, subject)


def _captions(path: Path) -> dict[tuple[str, str, str], dict[str, str]]:
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    try:
        return {
            (row["subject"], row["side"], Path(row["image"]).stem.rpartition("_")[2]): {
                group: row[group] for group in GROUPS if group != SIDE and row.get(group)
            }
            for row in rows
        }
    except KeyError as missing:
        raise Unmeasurable(f"{path} has no column {missing}") from missing
