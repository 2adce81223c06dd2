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
    """The part of a matcher that measuring needs: every reference is compared in full."""

    def prepare(self, references: Sequence[Template]) -> Any: ...

    def compare(self, probe: Template, gallery: Any) -> npt.NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class Algorithm:
    """An extractor and its matcher."""

    name: str
    pair: Callable[[], tuple[Extractor, ExactMatcher]]
    """Makes both; is called in each worker process."""
    fuses: bool
    """Whether it makes one template from several images."""


class _EncoderAlone:
    """Compares the embeddings of fused templates alone; a score is their cosine."""

    def __init__(self) -> None:
        self._whole = FusedMatcher()

    def prepare(self, references: Sequence[Template]) -> npt.NDArray[np.float32]:
        return self._whole.vectors([self._whole.keep(each) for each in references])

    def compare(self, probe: Template, gallery: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return gallery @ self._whole.vectors([probe])[0]


def lines_alone() -> tuple[LineFieldExtractor, LineFieldMatcher]:
    """Makes version 1 of the template, which is also one of the two parts of version 2."""
    return LineFieldExtractor(), LineFieldMatcher()


def _encoder_alone() -> tuple[FusedExtractor, _EncoderAlone]:
    return FusedExtractor(), _EncoderAlone()


PRODUCT = Algorithm("this product", current.pair, fuses=True)
PARTS = (
    Algorithm("lines alone", lines_alone, fuses=True),
    Algorithm("encoder alone", _encoder_alone, fuses=True),
)
"""The parts of the product, each measured by itself."""
PEERS = (
    Algorithm("competitive code", competitive.pair, fuses=False),
    Algorithm("BOCV", bocv.pair, fuses=False),
    Algorithm("ordinal code", ordinal.pair, fuses=False),
)
"""Published algorithms, which docs/accuracy.md compares with the product."""
