"""Contact sheets of drawn palms, and of real ones beside them."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from drawn import Presentation, draw, identity
from lab.evaluate.collection import CONDITIONS, Palms, shown_by
from palm.hand.landmarks import Side
from palm.image import Colour, Grey

ACROSS = 8
"""Palms in a row."""
HANDS = 24
"""People among whom ACROSS are chosen so that all skin tones are shown."""
GAP = 4
"""Pixels between pictures."""
WHITE = 255

POSES = (
    Presentation(),
    Presentation(span=0.34, turn=-25.0, spread=0.9, light=60.0),
    Presentation(pitch=20.0, yaw=-15.0, spread=0.2, brightness=0.6, warmth=0.7),
    Presentation(turn=15.0, span=0.46, light=200.0, warmth=-0.7, noise=5.0, blur=1.0),
)
"""Ways in which whole hands are held out, one after another."""


class InRepository(Exception):
    """Real palms were to be written where they could be committed."""


def write_sheets(folder: Path) -> None:
    """Writes rois.png and hands.png there, of drawn palms alone."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "rois.png", _sheet(_drawn()))
    _write(folder / "hands.png", _sheet(_hands()))


def write_beside(sets: Sequence[Palms], file: Path) -> None:
    """A row of each real set, above rows of drawn palms. Raises InRepository."""
    if repository := _repository(file):
        raise InRepository(f"real palms stay out of repositories: {file} lies in {repository}")
    rows = [_first_of_each_hand(each) for each in sets]
    _write(file, _sheet([*rows, *_drawn()]))


def _repository(file: Path) -> Path | None:
    return next((at for at in file.resolve().parents if (at / ".git").exists()), None)


def _first_of_each_hand(palms: Palms) -> list[Grey]:
    first: dict[str, Grey] = {}
    for sample, roi in zip(palms.samples, palms.rois, strict=True):
        first.setdefault(sample.hand, roi.image)
    # As many hands, evenly from all there are: neighbours in a set are often one person's.
    chosen = np.linspace(0, len(first) - 1, ACROSS).round().astype(int)
    return [list(first.values())[each] for each in chosen]


def _drawn() -> list[list[Grey]]:
    """A row of every condition; a column is one person."""
    people = [shown_by(person) for person in range(ACROSS)]
    return [[each[which][0] for each in people] for which in range(len(CONDITIONS))]


def _hands() -> list[list[Colour]]:
    """From light to dark, two rows of whole hands."""
    people = sorted(range(HANDS), key=lambda seed: -identity(seed, Side.LEFT).tone.dorsal.mean())
    chosen = [people[round(at)] for at in np.linspace(0, HANDS - 1, ACROSS)]
    shown = [
        draw(
            identity(seed, list(Side)[number % 2]),
            POSES[number % len(POSES)],
            np.random.default_rng(seed),
            size=(480, 480),
        ).image
        for number, seed in enumerate(chosen)
    ]
    small = [
        np.asarray(cv2.resize(each, (240, 240), interpolation=cv2.INTER_AREA), np.uint8)
        for each in shown
    ]
    return [small[: ACROSS // 2], small[ACROSS // 2 :]]


def _sheet(rows: Sequence[Sequence[npt.NDArray[np.uint8]]]) -> npt.NDArray[np.uint8]:
    """Pictures of one size, row by row."""
    gap = ((0, GAP), (0, GAP))
    framed = [
        np.hstack([np.pad(e, (*gap, (0, 0))[: e.ndim], constant_values=WHITE) for e in row])
        for row in rows
    ]
    return np.vstack(framed)[:-GAP, :-GAP]


def _write(file: Path, image: npt.NDArray[np.uint8]) -> None:
    _, written = cv2.imencode(file.suffix, image)
    file.write_bytes(written.tobytes())
