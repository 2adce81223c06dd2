"""Batches of drawn palms for training, each determined by the seed and its number."""

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
"""The share of pictures in near infrared: a palm is the same person in either light."""
CUT_OFF = 0.2
"""The share of pictures in which a part of the palm is outside of the frame."""
_CUTS = 12
GENTLE = 0.25
"""The share of the training after which pictures may be as harsh as any."""


def swatches(seed: int, people: int, folder: Path, workers: int) -> Path:
    """Returns the file of the (people, h, w, 4) skins of all people.

    They are drawn once and kept in `folder`.
    """
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
    """The batches of a training: (size, PARTS, CELLS, CELLS) line fields, and (size,) people.

    Devices and detectors cut different pieces of the palm. Each person has one of a dozen cuts,
    which jitters from picture to picture.
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
            # Most real pictures are gentle, and some are not (docs/factory.md).
            harsh = rng.random() ** 2 * (0.4 + 0.6 * grown)
            crop = roi.jittered(cut(person), rng, rng.uniform(0.2, 0.6 + 0.6 * grown))
            infrared = bool(rng.random() < INFRARED)
            seen = roi.show(np.asarray(skins[person]), rng, crop, infrared, harsh)
            cut_off = rng.random() < CUT_OFF
            field[:] = lines(*roi.cut_off(seen, rng)) if cut_off else lines(seen)
        return torch.from_numpy(fields), torch.from_numpy(who)


def lines(picture: Grey, visible: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.float32]:
    """Returns the (PARTS, CELLS, CELLS) line field of a picture, as the encoder reads it."""
    return unfolded(LineFieldExtractor().extract_code([Roi(picture, Side.RIGHT, 1.0, visible)]))


def cut(person: int) -> Placement:
    """Returns the piece of the palm that the ROIs of a person show, before they jitter."""
    rng = np.random.default_rng(person % _CUTS)
    turn, zoom, right, down = rng.normal(0, (9.0, 0.09, 7.0, 7.0))
    return Placement(turn, float(np.exp(zoom)), right, down)
