"""How much a palm resembles strangers by chance: what a camera and its light add to every score.

Two palms that are not the same match better where both pictures are blurred, since smooth fields
are alike by chance, and worse where both are noisy. So the same score is rare on one device and
common on another. The remedy is known from recognising speakers: compare each side with a cohort of
strangers as well (Auckenthaler, Carey and Lloyd-Thomas, "Score normalization for text-independent
speaker verification systems", Digital Signal Processing 2000). The cohort here are palms that
nobody has, drawn by `python -m lab.training.levelled`.

The comparison with the cohort searches no pose, because chance fits as well in one pose as in
another. What counts is the mean over the cohort, which a few palms tell; a deviation, or the mean
of the most similar ones, would need many more (docs/decisions/0057-one-threshold.md).
"""

import numpy as np
import numpy.typing as npt

from palm.models import FOLDER, ModelMissing
from palm.template.compact import FieldWriter
from palm.template.linefield import Code, LineFieldMatcher

FILE = FOLDER / "palm_strangers.npz"


class Strangers:
    """The cohort: drawn palms, in tiles. Raises ModelMissing when their file does not exist."""

    def __init__(self) -> None:
        if not FILE.exists():
            raise ModelMissing(FILE)
        with np.load(FILE) as drawn:
            written: npt.NDArray[np.uint8] = drawn["fields"]
        self._lines = LineFieldMatcher()
        self._cohort = self._lines.prepare_tiles(FieldWriter().read_tiles(written))

    def likeness(self, code: Code) -> float:
        """Returns the mean score of a (CELLS, CELLS, PARTS) code with all strangers, 0 to about
        0.3."""
        return float(self._lines.compare_in_place(code, self._cohort).mean())


def save(fields: list[bytes]) -> None:
    """Stores strangers as `FieldWriter` writes them; they are used from the next start on."""
    np.savez_compressed(FILE, fields=np.stack([np.frombuffer(each, np.uint8) for each in fields]))
