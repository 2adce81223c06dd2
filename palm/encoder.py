"""The taught encoder: an aligned palm as one vector."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from palm.evened import evened
from palm.models import Model, Network
from palm.roi import Roi

DIMENSIONS = 256
"""Of an embedding."""


class Encoder:
    """How near two embeddings lie says how alike two palms are, however each was lit.

    The network has been taught by `python -m palm.training` on drawn palms alone;
    assets/models/palm_encoder.md says how, and what it is worth. Raises ModelMissing.
    """

    def __init__(self) -> None:
        self._network = Network(Model.PALM_ENCODER)

    def embed(self, palms: Sequence[Roi]) -> npt.NDArray[np.float32]:
        """(DIMENSIONS,) of length one: the mean over a burst of the same palm, by quality.

        Raises ValueError when the burst is empty.
        """
        if not palms:
            raise ValueError("an embedding needs at least one palm")
        (embeddings,) = self._network(np.stack([evened(palm.image) for palm in palms])[:, None])
        quality = np.array([max(palm.quality, 1e-3) for palm in palms], np.float32)
        fused = quality @ embeddings
        return np.asarray(fused / np.linalg.norm(fused), np.float32)
