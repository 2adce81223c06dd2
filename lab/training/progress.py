"""Reports the progress of a training."""

import time
from functools import cache

import numpy as np
import numpy.typing as npt
import torch

from drawn import roi
from lab.training.lessons import cut, lines
from lab.training.network import EncoderNetwork
from palm.hand.landmarks import Side

_STRANGERS = 250
"""The number of drawn people who are not in the training, on whom it is measured."""
_SHOWN = 4


class Progress:
    """Prints the step that a training is at, and the time that is left."""

    def __init__(self, first: int, steps: int, spent: float) -> None:
        self._step, self._first, self._steps, self._spent = first, first, steps, spent
        self._began = time.monotonic()
        self._losses: list[float] = []
        self._shown = 0

    @property
    def seconds(self) -> float:
        """The time of training in seconds, including earlier runs."""
        return self._spent + time.monotonic() - self._began

    def step(self, loss: float, palms: int) -> None:
        self._step += 1
        self._losses.append(loss)
        self._shown += palms
        if self._step % 50 == 0:
            self.say(f"loss {np.mean(self._losses):.3f}")
            self._losses.clear()

    def say(self, what: str) -> None:
        passed = time.monotonic() - self._began
        done = self._step - self._first
        left = passed / max(done, 1) * (self._steps - self._step) / 60
        rate = self._shown / max(passed, 1e-9)
        print(  # noqa: T201 - the output of this command
            f"step {self._step}/{self._steps} {what} ({rate:.0f} palms/s, {left:.0f} min left)",
            flush=True,
        )


@cache
def _strangers(seed: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.intp]]:
    rng = np.random.default_rng(seed)
    fields: list[npt.NDArray[np.float32]] = []
    for person in range(_STRANGERS):
        skin = roi.swatch(seed + person, Side.RIGHT)
        for _ in range(_SHOWN):
            fields.append(lines(roi.show(skin, rng, roi.jittered(cut(0), rng), harsh=0.4)))
    return np.stack(fields), np.repeat(np.arange(_STRANGERS), _SHOWN)


@torch.no_grad()
def separation(encoder: EncoderNetwork, seed: int, device: str) -> str:
    """Returns the FNMR at an FMR of 1e-3 of drawn people who are not in the training, as text."""
    encoder.eval()
    fields, who = _strangers(seed)
    embeddings = torch.cat(
        [encoder(torch.from_numpy(part).to(device)) for part in np.array_split(fields, 8)]
    )
    encoder.train()
    scores = (embeddings @ embeddings.T).cpu().numpy()
    probe, reference = np.triu_indices(len(who), 1)
    genuine = who[probe] == who[reference]
    scores = scores[probe, reference]
    threshold = np.quantile(scores[~genuine], 1 - 1e-3)
    return f"strangers: FNMR {np.mean(scores[genuine] < threshold):.4f} at FMR 1e-3"
