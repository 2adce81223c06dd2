"""Reads a folder of HAND/SAMPLE images, as docs/palm-sets.md describes it."""

import csv
import os
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from palm.evaluation import FACING, IMAGES, SESSION, SIDED
from palm.hand.landmarks import Side

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
    """The person: the name of the folder, without the side where it ends in one. Subjects count as
    independent of each other."""
    hand: str
    """The name of the folder, with the side where the samples of both hands are in it."""
    session: int | None = None
    """S of a sample named sS_K. Samples are compared across sessions only."""
    dorsal: bool = False
    """The back of a hand, which has to be refused."""
    groups: dict[str, str] = field(default_factory=dict[str, str])
    """The group of the sample, by property of GROUPS."""
    side: Side | None = None
    """The side by the names of folder and sample, or by the table of people; None where neither
    tells."""

    @property
    def name(self) -> str:
        """HAND/SAMPLE, as it lies in the folder."""
        return f"{self.path.parent.name}/{self.path.name}"


@dataclass(frozen=True, slots=True)
class Subset:
    """How many of the samples are measured, and by which seed they are drawn."""

    hands: int | None = None
    """The number of hands; None for all."""
    samples: int | None = None
    """The number of samples of each hand in each session; None for all."""
    seed: int = 0

    def __str__(self) -> str:
        hands, samples = ("all" if n is None else n for n in (self.hands, self.samples))
        return (
            f"{hands} hands, {samples} samples of each in each session, drawn by seed {self.seed}"
        )

    def of(self, samples: Collection[Sample]) -> list[Sample]:
        """Returns the samples that are drawn, in their order."""
        rng = np.random.default_rng(self.seed)
        hands = sorted({sample.hand for sample in samples})
        if self.hands is not None and self.hands < len(hands):
            hands = rng.choice(hands, self.hands, replace=False).tolist()
        taken: defaultdict[tuple[str, bool, int | None], list[Sample]] = defaultdict(list)
        for sample in samples:
            if sample.hand in hands:
                taken[sample.hand, sample.dorsal, sample.session].append(sample)
        chosen: set[Path] = set()
        for _, group in sorted(taken.items(), key=lambda each: str(each[0])):
            few = len(group) if self.samples is None else min(self.samples, len(group))
            chosen |= {group[each].path for each in rng.choice(len(group), few, replace=False)}
        return [sample for sample in samples if sample.path in chosen]


def subset(said: str) -> Subset:
    """Reads a subset as `hands=100,samples=4,seed=7`, each part optional. Raises ValueError."""
    parts = [part.partition("=") for part in said.split(",")]
    asked = {name: int(number) for name, _, number in parts}
    too_few = asked.get("seed", 0) < 0 or min(asked.get("hands", 1), asked.get("samples", 1)) < 1
    if set(asked) - {"hands", "samples", "seed"} or too_few:
        raise ValueError(f"{said} is not a subset")
    return Subset(**asked)


def joined(file: Path, folder: Path) -> dict[str, str]:
    """Reads which HANDs of a folder show the hand of another one.

    The table has the columns `set` (the name of the folder), `hand` and `same_as`. Raises
    Unmeasurable.
    """
    try:
        return {row["hand"]: row["same_as"] for row in _rows(file, folder, "joined hands")}
    except KeyError as missing:
        raise Unmeasurable(f"{file} has no column {missing}") from missing


def _rows(file: Path, folder: Path, what: str) -> list[dict[str, str]]:
    """Returns the rows of a table that are about a folder. Raises Unmeasurable."""
    try:
        with file.open(newline="", encoding="utf-8") as table:
            return [row for row in csv.DictReader(table) if row["set"] == folder.resolve().name]
    except FileNotFoundError:
        raise Unmeasurable(f"there is no table of {what} at {file}") from None
    except KeyError as missing:
        raise Unmeasurable(f"{file} has no column {missing}") from missing


Person = tuple[str, Side | None]
"""The name of a person, and which of their hands it is where that is known."""


def people(file: Path, folder: Path) -> dict[str, Person]:
    """Reads whose hand each HAND of a folder is.

    The table has the columns `set` (the name of the folder), `hand` and `person`, and may have
    `side`, which is `left`, `right` or empty. Raises Unmeasurable.
    """
    rows = _rows(file, folder, "people")
    try:
        return {
            row["hand"]: (row["person"], Side(row["side"]) if row.get("side") else None)
            for row in rows
        }
    except KeyError as missing:
        raise Unmeasurable(f"{file} has no column {missing}") from missing
    except ValueError as strange:
        raise Unmeasurable(f"{file}: {strange}, where left, right or nothing is read") from strange


def excluded(said: str) -> list[str]:
    """Reads names of HANDs and of HAND/SAMPLEs: a file with one on each line, in which `#` begins
    a remark, or the names themselves, separated by commas. Raises Unmeasurable."""
    # Many names are longer than the name of a file may be, so `Path.is_file` would raise.
    try:
        is_file = os.path.isfile(said)
        lines = Path(said).read_text(encoding="utf-8").splitlines() if is_file else said.split(",")
    except (OSError, UnicodeDecodeError) as problem:
        raise Unmeasurable(f"{said} cannot be read: {problem}") from problem
    names = (line.partition("#")[0].strip() for line in lines)
    return [name for name in names if name]


def read(
    folder: Path,
    same: Mapping[str, str] | None = None,
    whose: Mapping[str, Person] | None = None,
    without: Collection[str] = (),
) -> list[Sample]:
    """Returns the samples in the order of session, subject and name.

    A HAND in `same` counts as the hand that it is mapped to, and `whose` tells the people that
    HANDs are of. The HANDs and HAND/SAMPLEs in `without` are left out. Raises Unmeasurable.
    """
    if not folder.is_dir():
        raise Unmeasurable(f"{folder} is not a folder: give one that holds HAND/SAMPLE images")
    captions = _captions(folder / CAPTIONS)
    paths = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in IMAGES)
    if not paths:
        raise Unmeasurable(f"{folder} holds no images: they are looked for as HAND/SAMPLE")
    every = [_sample(path, captions, same or {}, whose or {}) for path in paths]
    known = {name for sample in every for name in (sample.name, sample.path.parent.name)}
    if strange := sorted(set(without) - known):
        raise Unmeasurable(f"{folder} has no {strange[0]}, which was to be left out")
    samples = [each for each in every if not {each.name, each.path.parent.name} & set(without)]
    if not samples:
        raise Unmeasurable("all samples were left out")
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
    path: Path,
    captions: dict[tuple[str, str, str], dict[str, str]],
    same: Mapping[str, str],
    whose: Mapping[str, Person],
) -> Sample:
    name = path.parent.name
    hand = same.get(name, name)
    subject, side = whose.get(hand) or _person(hand)
    if session := SESSION.fullmatch(path.stem):
        return Sample(path, subject, hand, session=int(session[1]), side=side)
    if facing := FACING.fullmatch(path.stem):
        shown, of, number = facing.groups()
        return Sample(
            path,
            subject,
            f"{hand}-{of}",
            dorsal=shown == "dorsal",
            groups=captions.get((name, f"{shown}-{of}", number), {}) | {SIDE: of},
            side=Side(of),
        )
    return Sample(path, subject, hand, side=side)


def _person(hand: str) -> Person:
    sided = SIDED.fullmatch(hand)
    if sided is None:
        return hand, None
    return sided[1], Side.LEFT if sided[2][0] in "lL" else Side.RIGHT


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
