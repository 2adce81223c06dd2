"""The seams of recognition: what signs a palm and what compares two signatures.

A signer and its matcher come as a pair with a version; a template remembers the version it was
made by, so a better pair can replace this one while enrolled templates are still readable.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from palm.hand.roi import Roi


class VersionMismatch(ValueError):
    """Two templates made by different signers cannot be compared."""


@dataclass(frozen=True, slots=True)
class Template:
    """A palm signature at rest: opaque bytes that only the signer of the same version reads."""

    version: int
    data: bytes
    quality: float
    """0 to 1, of the palms that went into it."""


class Extractor(Protocol):
    """Makes one template from the ROIs of one presentation."""

    @property
    def version(self) -> int: ...

    def extract(self, palms: Sequence[Roi]) -> Template:
        """Fuses a burst of the same palm into one template.

        Raises ValueError when the burst is empty or mixes sides.
        """
        ...


class Matcher(Protocol):
    """Compares templates of one version. A score is a similarity: higher is more alike."""

    @property
    def version(self) -> int: ...

    def score(self, probe: Template, reference: Template) -> float:
        """Raises VersionMismatch when either is of another version."""
        ...

    def keep(self, template: Template) -> Template:
        """A template as it is enrolled: smaller, where a reference needs less than a probe. Keeping
        what is kept already changes nothing. Raises VersionMismatch."""
        ...

    def vectors(self, templates: Sequence[Template]) -> npt.NDArray[np.float32]:
        """(templates, dimensions) of length one, the dimensions the same also for no templates. How
        near two lie says who is worth comparing in full, and nothing more. Raises VersionMismatch
        when one is of another version."""
        ...

    def prepare(self, references: Sequence[Template]) -> Any:
        """Lays references out for `compare`, in a form of the matcher's own.

        Raises VersionMismatch when one is of another version.
        """
        ...

    def compare(self, probe: Template, gallery: Any) -> npt.NDArray[np.float32]:
        """(references,) scores of a probe with everything prepared. Raises VersionMismatch."""
        ...
