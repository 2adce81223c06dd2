"""Which samples make references and probes, and which of them are compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby

import numpy as np
import numpy.typing as npt

from lab.evaluate.dataset import Sample
from palm.hand.landmarks import Side

Indices = npt.NDArray[np.intp]

SIDES = (Side.LEFT, Side.RIGHT)

Burst = tuple[int, ...]
"""The samples that one template is made from, by their index."""


class Kind(IntEnum):
    """What a comparison is of."""

    IMPOSTOR = 0
    """Hands of two people, of the same side where that is known."""
    GENUINE = 1
    """One hand."""
    OTHER_HAND = 2
    """The two hands of one person. They are alike, and the gallery does not compare them."""
    APART = 3
    """Hands of which one is read as a left and the other as a right one: the gallery does not
    compare them."""


Kinds = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Whose:
    """The hand, the person and the side of each sample, as numbers from 0."""

    hand: Indices
    subject: Indices
    side: Indices
    """-1 where the side is not known."""

    def kinds(self, one: Indices, other: Indices) -> Kinds:
        """Returns the kind of the comparisons of these samples with those."""
        same_hand = self.hand[one] == self.hand[other]
        known = (self.side[one] >= 0) & (self.side[other] >= 0)
        apart = known & (self.side[one] != self.side[other])
        kinds = np.where(apart, Kind.APART, Kind.IMPOSTOR)
        kinds[(self.subject[one] == self.subject[other]) & ~same_hand] = Kind.OTHER_HAND
        kinds[same_hand & ~apart] = Kind.GENUINE
        return kinds.astype(np.int8)


def whose(samples: Sequence[Sample], read: Sequence[Side | None] | None = None) -> Whose:
    """Returns the numbers of the samples. `read` is the side that was read in each; where none was,
    its name may tell."""
    named = [sample.side for sample in samples]
    sides = named if read is None else [a or b for a, b in zip(read, named, strict=True)]
    return Whose(
        hand=np.unique([sample.hand for sample in samples], return_inverse=True)[1],
        subject=np.unique([sample.subject for sample in samples], return_inverse=True)[1],
        side=np.array([-1 if side is None else SIDES.index(side) for side in sides], np.intp),
    )


@dataclass(frozen=True, slots=True)
class Pairing:
    """A plan of comparisons."""

    references: list[Burst]
    probes: list[Burst]
    counts: Indices
    """(probes,) Each probe is compared with this number of references, from the first on."""
    mutual: bool
    """Whether each pair of samples is compared once and either could have been the probe."""

    def pairs(self) -> tuple[Indices, Indices]:
        """Returns the probe and the reference of each comparison, by their index."""
        reference = [np.arange(count) for count in self.counts]
        return (
            np.repeat(np.arange(len(self.probes)), self.counts),
            np.concatenate([np.empty(0), *reference]).astype(np.intp),
        )

    def kinds(self, whose: Whose) -> Kinds:
        """Returns the kind of each comparison; a burst counts as its first sample."""
        probe, reference = self.pairs()
        shown = np.array([burst[0] for burst in self.probes], np.intp)
        enrolled = np.array([burst[0] for burst in self.references], np.intp)
        return whose.kinds(shown[probe], enrolled[reference])


def singles(samples: Sequence[Sample]) -> Pairing:
    """Compares each sample with all others once, or with all of earlier sessions where it has one.

    The later sample is the probe. Samples with sessions come in the order of their sessions.
    """
    every = [(number,) for number in range(len(samples))]
    if all(sample.session is None for sample in samples):
        return Pairing(every, every, np.arange(len(samples), dtype=np.intp), mutual=True)
    order = np.array([sample.session for sample in samples], np.intp)
    counts = np.searchsorted(order, order, side="left").astype(np.intp)
    return Pairing(every[: counts.max(initial=0)], every, counts, mutual=False)


def bursts(samples: Sequence[Sample], enrolled_from: int, probed_by: int) -> Pairing:
    """Compares templates that are made from several samples.

    Each hand is enrolled once, from the first samples of its first session. Its other samples are
    the probes; where there are sessions, those of its other sessions only. Every probe is compared
    with every enrolled hand.

    Hands with fewer samples than `enrolled_from` are not enrolled. The samples that are left over
    when a session is split into bursts of `probed_by` are not used.
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
