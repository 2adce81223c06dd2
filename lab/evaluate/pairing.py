"""Which samples make a reference, which a probe, and which of them may meet."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from lab.evaluate.dataset import Sample

Indices = npt.NDArray[np.intp]

Burst = tuple[int, ...]
"""Samples, by their place in the list of all, of which one template is made."""


@dataclass(frozen=True, slots=True)
class Pairing:
    references: list[Burst]
    probes: list[Burst]
    counts: Indices
    """(probes,) each is compared with so many of the references, counted from the first."""
    mutual: bool
    """Every pair of samples meets once, either of which might as well have been the probe."""

    def pairs(self) -> tuple[Indices, Indices]:
        """Probe and reference of each comparison, by their places in their lists."""
        reference = [np.arange(count) for count in self.counts]
        return (
            np.repeat(np.arange(len(self.probes)), self.counts),
            np.concatenate([np.empty(0), *reference]).astype(np.intp),
        )

    def genuine(self, hands: Indices) -> npt.NDArray[np.bool_]:
        """Of each comparison, given the hand of each sample."""
        probe, reference = self.pairs()
        shown = hands[[burst[0] for burst in self.probes]]
        enrolled = hands[[burst[0] for burst in self.references]]
        return shown[probe] == enrolled[reference]


def singles(samples: Sequence[Sample]) -> Pairing:
    """Every sample by itself against all others once, the later one as the probe; where there are
    sessions (in rising order) against those of sessions before its own."""
    every = [(number,) for number in range(len(samples))]
    if all(sample.session is None for sample in samples):
        return Pairing(every, every, np.arange(len(samples), dtype=np.intp), mutual=True)
    order = np.array([sample.session for sample in samples], np.intp)
    counts = np.searchsorted(order, order, side="left").astype(np.intp)
    return Pairing(every[: counts.max(initial=0)], every, counts, mutual=False)


def bursts(samples: Sequence[Sample], enrolled_from: int, probed_by: int) -> Pairing:
    """Each hand enrolled once, from the first samples of its first session, and every other hand
    and the rest of its own held against that; from other sessions only, where there are any.

    Hands with fewer samples than `enrolled_from` are not enrolled, and what is left over when a
    session is parted into bursts of `probed_by` is not used.
    """
    references: list[Burst] = []
    probes: list[Burst] = []
    order = sorted(range(len(samples)), key=lambda n: (samples[n].hand, samples[n].session or 0))
    for _, of_hand in groupby(order, key=lambda n: samples[n].hand):
        first, *others = (
            list(of_session) for _, of_session in groupby(of_hand, key=lambda n: samples[n].session)
        )
        if samples[first[0]].session is None:
            others = [first[enrolled_from:]]
        if len(first) >= enrolled_from:
            references.append(tuple(first[:enrolled_from]))
        for session in others:
            whole = len(session) - len(session) % probed_by
            probes += [tuple(session[at : at + probed_by]) for at in range(0, whole, probed_by)]
    counts = np.full(len(probes), len(references), np.intp)
    return Pairing(references, probes, counts, mutual=False)
