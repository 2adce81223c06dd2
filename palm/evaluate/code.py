"""The palm codes that are measured side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from palm import signature
from palm.peers import bocv, competitive, ordinal
from palm.recognition import Signer, Template


class ExactMatcher(Protocol):
    """A matcher as far as measuring needs it: every reference is looked at in full."""

    def prepare(self, references: Sequence[Template]) -> Any: ...

    def compare(self, probe: Template, gallery: Any) -> npt.NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class Code:
    """A signer and its matcher, made anew in each worker process."""

    name: str
    pair: Callable[[], tuple[Signer, ExactMatcher]]
    fuses: bool
    """Whether a burst makes one template."""


PRODUCT = Code("this product", signature.current, fuses=True)
PEERS = (
    Code("competitive code", competitive.pair, fuses=False),
    Code("BOCV", bocv.pair, fuses=False),
    Code("ordinal code", ordinal.pair, fuses=False),
)
"""Competitors as published, docs/accuracy.md says how they fare."""
