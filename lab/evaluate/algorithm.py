"""The recognition algorithms that are measured side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lab.peers import bocv, competitive, ordinal
from palm.template import current
from palm.template.fused import FusedExtractor, FusedMatcher
from palm.template.interfaces import Extractor, Template
from palm.template.linefield import LineFieldExtractor, LineFieldMatcher


class ExactMatcher(Protocol):
    """A matcher as far as measuring needs it: every reference is looked at in full."""

    def prepare(self, references: Sequence[Template]) -> Any: ...

    def compare(self, probe: Template, gallery: Any) -> npt.NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A signer and its matcher, made anew in each worker process."""

    name: str
    pair: Callable[[], tuple[Extractor, ExactMatcher]]
    fuses: bool
    """Whether a burst makes one template."""


class _EncoderAlone:
    """Half of what `FusedMatcher` goes by."""

    def __init__(self) -> None:
        self._whole = FusedMatcher()

    def prepare(self, references: Sequence[Template]) -> npt.NDArray[np.float32]:
        return self._whole.vectors([self._whole.keep(each) for each in references])

    def compare(self, probe: Template, gallery: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return gallery @ self._whole.vectors([probe])[0]


def lines_alone() -> tuple[LineFieldExtractor, LineFieldMatcher]:
    """Version 1 of the signature, which is half of version 2 as well."""
    return LineFieldExtractor(), LineFieldMatcher()


def _encoder_alone() -> tuple[FusedExtractor, _EncoderAlone]:
    return FusedExtractor(), _EncoderAlone()


PRODUCT = Algorithm("this product", current.pair, fuses=True)
PARTS = (
    Algorithm("lines alone", lines_alone, fuses=True),
    Algorithm("encoder alone", _encoder_alone, fuses=True),
)
"""What the product is made of, to see what each is worth."""
PEERS = (
    Algorithm("competitive code", competitive.pair, fuses=False),
    Algorithm("BOCV", bocv.pair, fuses=False),
    Algorithm("ordinal code", ordinal.pair, fuses=False),
)
"""Competitors as published, docs/accuracy.md says how they fare."""
