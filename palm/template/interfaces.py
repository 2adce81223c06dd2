"""The protocols of recognition: an extractor makes templates, a matcher compares them.

An extractor and its matcher share a version, which every template carries. So a better pair can
replace today's while stored templates can still be read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from palm.hand.roi import Roi


class VersionMismatch(ValueError):
    """A template was made by another version of the extractor, so it cannot be compared."""


@dataclass(frozen=True, slots=True)
class Template:
    """A palm template: opaque bytes that only a matcher of the same version reads."""

    version: int
    data: bytes


class Extractor(Protocol):
    """Extracts one template from the ROIs of one presentation."""

    @property
    def version(self) -> int: ...

    def extract(self, palms: Sequence[Roi]) -> Template:
        """Fuses a burst of one palm into one template.

        Raises ValueError when the burst is empty or mixes left and right hands.
        """
        ...


class Matcher(Protocol):
    """Compares templates of one version. A score is a similarity: higher is more alike."""

    @property
    def version(self) -> int: ...

    def score(self, probe: Template, reference: Template) -> float:
        """Returns the score. Raises VersionMismatch when either template has another version."""
        ...

    def keep(self, template: Template) -> Template:
        """Returns the template as it is stored at enrolment. It is smaller if a reference needs
        less than a probe; a template that was already reduced is returned as it is. Raises
        VersionMismatch."""
        ...

    def vectors(self, templates: Sequence[Template]) -> npt.NDArray[np.float32]:
        """Returns (templates, dimensions) vectors of length one. Their distance tells which
        templates are worth comparing in full, and nothing more. An empty sequence gives (0,
        dimensions). Raises VersionMismatch when a template has another version."""
        ...

    def prepare(self, references: Sequence[Template]) -> Any:
        """Prepares references for `compare`, in a form of the matcher's own.

        Raises VersionMismatch when a reference has another version.
        """
        ...

    def compare(self, probe: Template, gallery: Any) -> npt.NDArray[np.float32]:
        """Returns the (references,) scores of a probe with all prepared references. Raises
        VersionMismatch."""
        ...
