"""Contact sheets of drawn palms, and of real palms beside drawn ones."""

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
"""The number of palms in a row."""
HANDS = 24
"""The number of people from whom ACROSS are chosen, to show all skin tones."""
GAP = 4
"""The distance between pictures in pixels."""
WHITE = 255

POSES = (
    Presentation(),
    Presentation(span=0.34, turn=-25.0, spread=0.9, light=60.0),
    Presentation(pitch=20.0, yaw=-15.0, spread=0.2, brightness=0.6, warmth=0.7),
    Presentation(turn=15.0, span=0.46, light=200.0, warmth=-0.7, noise=5.0, blur=1.0),
)
"""The poses in which whole hands are drawn, in turn."""


class InRepository(Exception):
    """The file would put real palms into a repository."""


def write_sheets(folder: Path) -> None:
    """Writes rois.png and hands.png to the folder; both show drawn palms only."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "rois.png", _sheet(_drawn()))
    _write(folder / "hands.png", _sheet(_hands()))


def write_beside(sets: Sequence[Palms], file: Path) -> None:
    """Writes a row of palms of each real set above rows of drawn ones. Raises InRepository."""
    if found := repository(file):
        raise InRepository(f"real palms stay out of repositories: {file} is in {found}")
    rows = [_first_of_each_hand(each) for each in sets]
    _write(file, _sheet([*rows, *_drawn()]))


def repository(file: Path) -> Path | None:
    """Returns the repository that a file would lie in, or None."""
    return next((at for at in file.resolve().parents if (at / ".git").exists()), None)


def _first_of_each_hand(palms: Palms) -> list[Grey]:
    first: dict[str, Grey] = {}
    for sample, roi in zip(palms.samples, palms.rois, strict=True):
        first.setdefault(sample.hand, roi.image)
    # Evenly spaced: hands that are next to each other in a set are often of one person.
    chosen = np.linspace(0, len(first) - 1, ACROSS).round().astype(int)
    return [list(first.values())[each] for each in chosen]


def _drawn() -> list[list[Grey]]:
    """Returns a row for every condition; each column is one person."""
    people = [shown_by(person) for person in range(ACROSS)]
    return [[each[which][0] for each in people] for which in range(len(CONDITIONS))]


def _hands() -> list[list[Colour]]:
    """Returns two rows of whole hands, from light to dark."""
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
    """Joins rows of pictures of the same size into one picture."""
    gap = ((0, GAP), (0, GAP))
    framed = [
        np.hstack([np.pad(e, (*gap, (0, 0))[: e.ndim], constant_values=WHITE) for e in row])
        for row in rows
    ]
    return np.vstack(framed)[:-GAP, :-GAP]


def _write(file: Path, image: npt.NDArray[np.uint8]) -> None:
    _, written = cv2.imencode(file.suffix, image)
    file.write_bytes(written.tobytes())
