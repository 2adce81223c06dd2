"""Measures recognition on a folder of HAND/SAMPLE pictures, under the fixed protocol of
docs/benchmark.md: which pictures are compared, and what is reported.

Another recogniser is measured under it, too: `pairs` lists the comparisons, and `measure` takes the
scores of whoever made them.

The names of samples tell what is known about them:

- `sS_K` is picture K of session S. Pictures are compared across sessions only.
- `palmar-left_N` and `palmar-right_N` show the palms of the two hands of the person HAND,
  `dorsal-left_N` and `dorsal-right_N` the backs, which have to be refused.
- Anything else is a picture of the one hand HAND. Where its name ends in the side, as `017-left` or
  `017_r`, what comes before is the person.
"""

import csv
import math
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from palm.calibration import CALIBRATIONS
from palm.rates import (
    Comparisons,
    Curve,
    Errors,
    Estimate,
    counted,
    curve,
    draws,
    estimate,
    share,
)
from palm.recogniser import Palm, picture
from palm.template.current import pair
from palm.template.interfaces import Template

IMAGES = {".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".tif", ".tiff", ".webp"}
SESSION = re.compile(r"s(\d+)_.+")
FACING = re.compile(r"(palmar|dorsal)-(left|right)_(.+)")
SIDED = re.compile(r"(.+)[-_](left|right|l|r)", re.IGNORECASE)
"""The name of a HAND that is the left or the right hand of a person who may have both."""
BARE = 256
"""The largest side, in pixels, of a square picture that is taken for an aligned palm."""
FMRS = (1e-3, 1e-4, 1e-5, 1e-6)
"""The false-match rates at which FNMR is reported, where one impostor comparison makes as much."""
ACCEPTED = 1e-4
"""The false-match rate, as `palm.match` tells it, at which the recogniser's own threshold is
measured."""
TOGETHER = 512
"""The number of references that are prepared at once."""

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]
Progress = Callable[[str, int, int], None]
"""Is told what is done, how much of it, and of how many."""


class Unmeasurable(ValueError):
    """The folder or the scores cannot be measured; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture of one hand."""

    path: Path
    subject: str
    """The person. People count as independent of each other."""
    side: str | None = None
    """`left` or `right`, where the names of folder or sample tell it."""
    session: int | None = None
    back: bool = False

    @property
    def hand(self) -> tuple[str, str | None]:
        return self.subject, self.side


@dataclass(frozen=True, slots=True)
class Pairs:
    """The comparisons of a protocol: the samples of each, by their index."""

    probe: Indices
    reference: Indices
    genuine: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.probe)


@dataclass(frozen=True, slots=True)
class Scores:
    """What a recogniser made of a folder."""

    scores: Floats
    """(pairs,) higher is more alike. NaN where a picture of the pair was refused."""
    refused: npt.NDArray[np.bool_]
    """(samples,) whether it was refused."""
    threshold: float | None
    """The score from which the recogniser says that palms match."""
    saw_backs: bool
    """Whether the recogniser was shown the backs of hands."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The error rates of a recogniser on a folder.

    A comparison with a refused picture counts as one that does not match, so that nobody gains by
    refusing what is difficult (ISO/IEC 19795-1 calls such rates generalised).
    """

    folder: str
    subjects: int
    hands: int
    images: int
    """The pictures of palms."""
    genuine: int
    impostor: int
    refused: Estimate
    """The share of palms that were refused (failure to acquire)."""
    backs_refused: Estimate | None
    """The share of backs of hands that were; None where none were shown."""
    errors: Errors
    threshold: float | None
    fmr: Estimate | None
    """The FMR and FNMR at the recogniser's own threshold, where it has one."""
    fnmr: Estimate | None
    curve: Curve

    def text(self) -> str:
        lines = [
            f"{self.folder}: {self.subjects:,} people, {self.hands:,} hands, "
            f"{self.images:,} pictures of palms",
            f"{self.genuine:,} genuine and {self.impostor:,} impostor comparisons",
            f"palms refused     {_percent(self.refused)}",
        ]
        if self.backs_refused:
            lines.append(f"backs refused     {_percent(self.backs_refused)}")
        lines.append(f"EER               {_percent(self.errors.eer)}")
        lines += [
            f"FNMR at FMR {fmr:g} {_percent(rate)}" for fmr, rate in self.errors.fnmr_at_fmr.items()
        ]
        if self.fmr and self.fnmr:
            lines.append(f"at its own threshold, {self.threshold:.4g}:")
            lines += [f"FMR               {_percent(self.fmr)}"]
            lines += [f"FNMR              {_percent(self.fnmr)}"]
        return "\n".join([*lines, "[95 % intervals, over people]"])

    def json(self) -> dict[str, object]:
        return {**asdict(self), "curve": self.curve.thinned()}


def joined(file: Path, folder: Path) -> dict[str, str]:
    """Reads which HANDs of a folder show the hand of another one, from a table with the columns
    `set` (the name of the folder), `hand` and `same_as`. Raises Unmeasurable."""
    try:
        with file.open(newline="", encoding="utf-8") as table:
            rows = [row for row in csv.DictReader(table) if row["set"] == folder.resolve().name]
            return {row["hand"]: row["same_as"] for row in rows}
    except OSError as problem:
        raise Unmeasurable(f"{file} cannot be read: {problem.strerror}") from problem
    except KeyError as missing:
        raise Unmeasurable(f"{file} has no column {missing}") from missing


def read(folder: Path, same: Mapping[str, str] | None = None) -> list[Sample]:
    """Returns the samples of a folder in the order of session, subject and name.

    A HAND in `same` counts as the hand that it is mapped to. Raises Unmeasurable.
    """
    paths = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in IMAGES)
    if not paths:
        raise Unmeasurable(f"{folder} holds no pictures: they are looked for as HAND/SAMPLE")
    samples = [_sample(path, same or {}) for path in paths]
    sessions = {sample.session for sample in samples}
    if None in sessions and len(sessions) > 1:
        loose = next(sample.path for sample in samples if sample.session is None)
        raise Unmeasurable(f"some samples are named by session (sS_K) and {loose} is not")
    return sorted(samples, key=lambda sample: sample.session or 0)


def pairs(samples: Sequence[Sample]) -> Pairs:
    """Returns the comparisons of the protocol; the probe is the later sample.

    Each palm is compared with all others once, or with all of earlier sessions where samples have
    one. Pairs of two people count as impostors where they show hands of one side, as a kiosk that
    knows the side compares them; a person's own other hand is not compared. Raises Unmeasurable
    where there is no genuine or no impostor comparison.
    """
    palms = [number for number, each in enumerate(samples) if not each.back]
    subject = _numbered([each.subject for each in samples])
    side = _numbered([each.side for each in samples])
    session = np.array([each.session or 0 for each in samples], np.intp)
    probes: list[Indices] = []
    references: list[Indices] = []
    for place, later in enumerate(palms):
        earlier = np.array(palms[:place], np.intp)
        compared = earlier[side[earlier] == side[later]]
        if samples[later].session is not None:
            compared = compared[session[compared] < session[later]]
        probes.append(np.full(len(compared), later, np.intp))
        references.append(compared)
    probe, reference = np.concatenate(probes), np.concatenate(references)
    genuine = subject[probe] == subject[reference]
    if not genuine.any() or genuine.all():
        what = "no hand has two pictures" if not genuine.any() else "there are no two hands"
        raise Unmeasurable(f"{what} that can be compared")
    return Pairs(probe, reference, genuine)


def recognise(samples: Sequence[Sample], compared: Pairs, progress: Progress) -> Scores:
    """Compares by this package's own recogniser. Raises ModelMissing."""
    _, matcher = pair()
    templates: dict[int, Template] = {}
    for number, sample in enumerate(samples):
        # Raised where no palm is found, and where nothing of it is seen.
        with suppress(ValueError):
            templates[number] = _palm(sample.path).template()
        progress("pictures", number + 1, len(samples))

    scores = np.full(len(compared), np.nan, np.float32)
    # The comparisons of a probe follow one another.
    bounds = np.searchsorted(compared.probe, np.arange(len(samples) + 1))
    references = [each for each in np.unique(compared.reference).tolist() if each in templates]
    for first in range(0, len(references), TOGETHER):
        chunk = references[first : first + TOGETHER]
        place = np.full(len(samples), -1, np.intp)
        place[chunk] = np.arange(len(chunk))
        gallery = matcher.prepare([templates[each] for each in chunk])
        for probe, template in templates.items():
            at = place[compared.reference[bounds[probe] : bounds[probe + 1]]]
            if (at >= 0).any():
                of_probe = np.flatnonzero(at >= 0) + bounds[probe]
                scores[of_probe] = matcher.compare(template, gallery)[at[at >= 0]]
        progress("references", first + len(chunk), len(references))
    return Scores(
        scores,
        refused=np.array([number not in templates for number in range(len(samples))]),
        threshold=CALIBRATIONS[matcher.version].score(-math.log10(ACCEPTED)),
        saw_backs=True,
    )


def given(
    file: Path, samples: Sequence[Sample], compared: Pairs, threshold: float | None
) -> Scores:
    """Reads the scores of another recogniser: one number a line, in the order of the pairs, higher
    for more alike, and `nan` where it refuses a picture of the pair. Raises Unmeasurable."""
    try:
        scores = np.array(file.read_text(encoding="utf-8").split(), np.float32)
    except (OSError, ValueError) as problem:
        raise Unmeasurable(f"{file} cannot be read as one number a line: {problem}") from problem
    if len(scores) != len(compared):
        raise Unmeasurable(
            f"{file} has {len(scores):,} scores, and the protocol {len(compared):,} comparisons"
        )
    # A sample that is compared, and of which no pair has a score, was refused.
    refused = np.zeros(len(samples), np.bool_)
    refused[compared.probe] = refused[compared.reference] = True
    known = ~np.isnan(scores)
    refused[compared.probe[known]] = refused[compared.reference[known]] = False
    return Scores(scores, refused, threshold, saw_backs=False)


def measure(folder: str, samples: Sequence[Sample], compared: Pairs, made: Scores) -> Measured:
    """Returns the error rates. Raises Unmeasurable where no pair has a score."""
    if np.isnan(made.scores).all():
        raise Unmeasurable("no pair of pictures has a score: a palm was found in none or in one")
    subject = _numbered([sample.subject for sample in samples])
    back = np.array([sample.back for sample in samples])
    comparisons = Comparisons(
        np.where(np.isnan(made.scores), np.float32(-np.inf), made.scores),
        compared.genuine,
        subject[compared.probe],
        subject[compared.reference],
    )
    impostor = int((~compared.genuine).sum())
    fmr, fnmr = (None, None) if made.threshold is None else _at(comparisons, made.threshold)
    return Measured(
        folder=folder,
        subjects=len({sample.subject for sample in samples}),
        hands=len({sample.hand for sample in samples if not sample.back}),
        images=int((~back).sum()),
        genuine=len(compared) - impostor,
        impostor=impostor,
        refused=share(made.refused[~back], subject[~back]),
        backs_refused=share(made.refused[back], subject[back])
        if made.saw_backs and back.any()
        else None,
        errors=estimate(comparisons, [fmr for fmr in FMRS if fmr * impostor >= 1]),
        threshold=made.threshold,
        fmr=fmr,
        fnmr=fnmr,
        curve=curve(comparisons),
    )


def _at(comparisons: Comparisons, threshold: float) -> tuple[Estimate, Estimate]:
    """Returns FMR and FNMR at a threshold."""
    subjects = int(max(comparisons.probe.max(), comparisons.reference.max())) + 1
    resamples = draws(subjects)

    def rate(wrong: npt.NDArray[np.bool_], kind: npt.NDArray[np.bool_]) -> Estimate:
        probe, reference = comparisons.probe[kind], comparisons.reference[kind]
        return counted(wrong[kind], probe, reference, subjects).estimate(resamples)

    matches = comparisons.scores >= threshold
    return rate(matches, ~comparisons.genuine), rate(~matches, comparisons.genuine)


def _sample(path: Path, same: Mapping[str, str]) -> Sample:
    subject, side = same.get(path.parent.name, path.parent.name), None
    if named := SIDED.fullmatch(subject):
        subject, side = named[1], "left" if named[2][0] in "lL" else "right"
    if named := SESSION.fullmatch(path.stem):
        return Sample(path, subject, side, session=int(named[1]))
    if named := FACING.fullmatch(path.stem):
        return Sample(path, subject, side=named[2], back=named[1] == "dorsal")
    return Sample(path, subject, side)


def _palm(path: Path) -> Palm:
    image = picture(path)
    height, width = image.shape[:2]
    return Palm.from_aligned(image) if height == width <= BARE else Palm.from_image(image)


def _numbered(names: Sequence[object]) -> Indices:
    """Returns a number for each name, the same for the same."""
    return np.unique([str(name) for name in names], return_inverse=True)[1].astype(np.intp)


def _percent(rate: Estimate) -> str:
    low, high = 100 * rate.ci95.low, 100 * rate.ci95.high
    return f"{100 * rate.rate:.3g} % [{low:.2g}, {high:.2g}]"
