"""What the encoder is shown: batches of drawn palms, each decided by the seed and its number."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from drawn import roi
from drawn.roi import Placement, Swatch
from palm.hand.landmarks import Side
from palm.hand.roi import Roi
from palm.image import Grey
from palm.template.encoder import unfolded
from palm.template.linefield import CELLS, PARTS, LineFieldExtractor

INFRARED = 0.25
"""Share of pictures taken in near infrared: the same palm in either light is the same person."""
CUT_OFF = 0.2
"""Share of pictures in which part of the palm lies out of the frame."""
_CUTS = 12
GENTLE = 0.25
"""Share of the training after which anything may happen in a picture."""


def swatches(seed: int, people: int, folder: Path, workers: int) -> Path:
    """The file of (people, h, w, 4), the skin of everybody, drawn once and kept in `folder`."""
    path = folder / f"swatches-{seed}-{people}.npy"
    if not path.exists():
        one = roi.swatch(seed, Side.RIGHT)
        drawing = path.with_suffix(".part")
        kept = np.lib.format.open_memmap(drawing, "w+", np.uint8, (people, *one.shape))
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            everybody = pool.map(_drawn, range(seed, seed + people), chunksize=16)
            for number, skin in enumerate(everybody):
                kept[number] = skin
                if number % 500 == 499:
                    print(f"drew {number + 1} of {people} palms", flush=True)  # noqa: T201 - progress
        kept.flush()
        drawing.rename(path)
    return path


def _drawn(seed: int) -> Swatch:
    cv2.setNumThreads(1)
    return roi.swatch(seed, Side.RIGHT)


@dataclass(frozen=True, slots=True)
class Lessons(Dataset[tuple[Tensor, Tensor]]):
    """Batch number n of a training: (size, PARTS, CELLS, CELLS) line fields and whose they are.

    Every device and detector cuts another piece of the palm: each of a dozen cuts serves as many
    people, and from picture to picture it jitters.
    """

    skins: Path
    people: int
    seed: int
    batches: int
    size: int
    gentle: float = GENTLE

    def __len__(self) -> int:
        return self.batches

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        cv2.setNumThreads(1)
        rng = np.random.default_rng((self.seed, number))
        skins = np.load(self.skins, mmap_mode="r")
        who = rng.integers(0, self.people, self.size)
        grown = min(1.0, number / max(self.gentle * self.batches, 1))
        fields = np.empty((self.size, PARTS, CELLS, CELLS), np.float32)
        for field, person in zip(fields, who.tolist(), strict=True):
            # Most real pictures are gentle ones (docs/factory.md), and some are anything.
            harsh = rng.random() ** 2 * (0.4 + 0.6 * grown)
            crop = roi.jittered(cut(person), rng, rng.uniform(0.2, 0.6 + 0.6 * grown))
            infrared = bool(rng.random() < INFRARED)
            seen = roi.show(np.asarray(skins[person]), rng, crop, infrared, harsh)
            cut_off = rng.random() < CUT_OFF
            field[:] = lines(*roi.cut_off(seen, rng)) if cut_off else lines(seen)
        return torch.from_numpy(fields), torch.from_numpy(who)


def lines(picture: Grey, visible: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.float32]:
    """(PARTS, CELLS, CELLS) the line field of a picture, as the encoder reads it."""
    return unfolded(LineFieldExtractor().extract_code([Roi(picture, Side.RIGHT, 1.0, visible)])[0])


def cut(person: int) -> Placement:
    """The piece of the palm that this person's ROIs show, about which they jitter."""
    rng = np.random.default_rng(person % _CUTS)
    turn, zoom, right, down = rng.normal(0, (9.0, 0.09, 7.0, 7.0))
    return Placement(turn, float(np.exp(zoom)), right, down)
