"""The taught encoder: the lines of an aligned palm as one vector."""

import numpy as np
import numpy.typing as npt

from palm.models import Model, Network
from palm.template.linefield import FULL, Code

DIMENSIONS = 256
"""Of an embedding."""


class Encoder:
    """How near two embeddings lie says how alike two palms are, however each was held.

    It reads the line field (`palm.template.linefield`), not the picture: fields of drawn palms and
    of real ones are much more alike than their pictures are, and drawn palms are all it has been
    taught on (`python -m lab.training`). assets/models/palm_encoder.md says how, and what it is
    worth. Raises ModelMissing.
    """

    def __init__(self) -> None:
        self._network = Network(Model.PALM_ENCODER)

    def embed(self, field: Code) -> npt.NDArray[np.float32]:
        """(DIMENSIONS,) of length one, of a (CELLS, CELLS, PARTS) line field as it is written."""
        (embeddings,) = self._network(unfolded(field)[None])
        return np.asarray(embeddings[0], np.float32)


def unfolded(field: Code) -> npt.NDArray[np.float32]:
    """(PARTS, CELLS, CELLS) the field as the network takes it."""
    return np.ascontiguousarray(field.transpose(2, 0, 1), np.float32) / np.float32(FULL)
