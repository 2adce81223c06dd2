"""The palm detector, the hand landmark model and the palm encoder, as ONNX files in
`assets/models/`.

The encoder is this project's own and kept in the repository. The other two are not: `python -m
palm.models` builds them from the published MediaPipe wheel.
"""

from enum import StrEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

FOLDER = Path(__file__).parents[2] / "assets" / "models"


class Model(StrEnum):
    """A model by the name of its file.

    `PALM_DETECTION`: `image` (1, 192, 192, 3) float32, RGB 0 to 1, to `boxes` (1, 2016, 18) and
    `scores` (1, 2016, 1), logits.
    `HAND_LANDMARK`: `image` (1, 224, 224, 3) float32, RGB 0 to 1, to `landmarks` (1, 63) in pixels
    of that image, `presence` (1, 1) and `handedness` (1, 1), probabilities, and `world` (1, 63) in
    metres.
    `PALM_ENCODER`: `field` (n, 4, 32, 32) float32, line fields, to `embeddings` (n, 256), each of
    length one.
    """

    PALM_DETECTION = "palm_detection"
    HAND_LANDMARK = "hand_landmark"
    PALM_ENCODER = "palm_encoder"


class ModelMissing(FileNotFoundError):
    """A model has not been built yet."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is missing: build it with `python -m palm.models` (or `./run`); "
            "the palm encoder is checked out with the repository"
        )


def path(model: Model) -> Path:
    """The model's file. Raises ModelMissing when it has not been built."""
    file = FOLDER / f"{model}.onnx"
    if not file.exists():
        raise ModelMissing(file)
    return file


class Network:
    """A model, ready to run on the calling thread alone: the other core draws the live view.

    Raises ModelMissing when it has not been built.
    """

    def __init__(self, model: Model) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(path(model)), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name

    def __call__(self, given: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
        """The model's outputs for its one input, in the order `Model` names them."""
        return [np.asarray(each) for each in self._session.run(None, {self._input: given})]
