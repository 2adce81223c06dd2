"""The neural networks of the package, as ONNX files in this folder.

The palm encoder is this project's own and part of the repository. The palm detector and the hand
landmark model are built from the published MediaPipe wheel by `python -m palm.models`.

- `convert` converts TensorFlow Lite models to ONNX.
- `palm_detector` finds palms in a frame.
- `landmark_reader` reads the landmarks of a hand.
- `picture` prepares frames for the networks.

ONNX Runtime runs them. Since version 1.29 its wheels for Linux tell Microsoft how they are used,
under an identifier that they keep in the home folder, unless the environment forbids it
(https://github.com/microsoft/onnxruntime/pull/27379). Importing this package forbids it.
"""

import os
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

# It is read once, when ONNX Runtime is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime

FOLDER = Path(__file__).parent


class Model(StrEnum):
    """A network, named after its file.

    `PALM_DETECTION` takes `image`, (1, 192, 192, 3) float32, RGB, 0 to 1. It returns `boxes`, (1,
    2016, 18), and `scores`, (1, 2016, 1), which are logits.

    `HAND_LANDMARK` takes `image`, (1, 224, 224, 3) float32, RGB, 0 to 1. It returns `landmarks`,
    (1, 63), in pixels of that image; `presence`, (1, 1), and `handedness`, (1, 1), which are
    probabilities; and `world`, (1, 63), in metres.

    `PALM_ENCODER` takes `field`, (n, 4, 32, 32) float32, which are line fields. It returns
    `embeddings`, (n, 256), each of length one.
    """

    PALM_DETECTION = "palm_detection"
    HAND_LANDMARK = "hand_landmark"
    PALM_ENCODER = "palm_encoder"


class ModelMissing(FileNotFoundError):
    """A model file does not exist."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is missing: build it with `palm models`, or in the repository with `python -m "
            "palm.models` (`./run` does); the palm encoder is part of the package"
        )


def path(model: Model) -> Path:
    """Returns the model's file. Raises ModelMissing when it does not exist."""
    file = FOLDER / f"{model}.onnx"
    if not file.exists():
        raise ModelMissing(file)
    return file


class Network:
    """A model that runs on the calling thread only, because another core draws the live view.

    Raises ModelMissing when the model has not been built.
    """

    def __init__(self, model: Model) -> None:
        self._session = _session(path(model))
        self._input = self._session.get_inputs()[0].name

    def __call__(self, given: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
        """Returns the model's outputs for its one input, in the order documented at `Model`."""
        return [np.asarray(each) for each in self._session.run(None, {self._input: given})]


def keep_no_memory() -> None:
    """Has the networks that are loaded from now on keep no memory from one run to the next. A
    process that is forked for a single run would have to copy it, one page at a time; one that runs
    them again and again is slower without it."""
    _options.enable_cpu_mem_arena = False


_options = onnxruntime.SessionOptions()
_options.intra_op_num_threads = 1
_options.inter_op_num_threads = 1
_options.add_session_config_entry("session.intra_op.allow_spinning", "0")


@lru_cache(maxsize=len(Model))
def _session(file: Path) -> onnxruntime.InferenceSession:
    """Loads a model, once for all who run it in this process: a session may be run by several
    threads at a time."""
    return onnxruntime.InferenceSession(str(file), _options, providers=["CPUExecutionProvider"])
