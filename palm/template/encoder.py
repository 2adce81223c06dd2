"""The trained encoder: turns the line field of a palm into one vector."""

import numpy as np
import numpy.typing as npt

from palm.models import Model, Network
from palm.template.linefield import FULL, Code

DIMENSIONS = 256
"""The length of an embedding."""


class Encoder:
    """Computes embeddings: the nearer two are, the more alike the palms, however each was held.

    The input is the line field (`palm.template.linefield`) and not the picture. The encoder was
    trained on drawn palms only (`python -m lab.training`), and the line fields of drawn and real
    palms are much more alike than their pictures. palm/models/palm_encoder.md describes the
    training and the accuracy. Raises ModelMissing.
    """

    def __init__(self) -> None:
        self._network = Network(Model.PALM_ENCODER)

    def embed(self, field: Code) -> npt.NDArray[np.float32]:
        """Returns the (DIMENSIONS,) embedding, of length one, of a (CELLS, CELLS, PARTS) line field
        code."""
        (embeddings,) = self._network(unfolded(field)[None])
        return np.asarray(embeddings[0], np.float32)


def unfolded(field: Code) -> npt.NDArray[np.float32]:
    """Returns the field as the network takes it, (PARTS, CELLS, CELLS)."""
    return np.ascontiguousarray(field.transpose(2, 0, 1), np.float32) / np.float32(FULL)
