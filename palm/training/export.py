"""The taught encoder as an ONNX file."""

import copy
from pathlib import Path

import torch

from palm.roi import SIZE
from palm.training.network import Encoder


def write(encoder: Encoder, path: Path) -> None:
    """Writes an encoder as `palm.encoder` runs it, any number of palms at a time."""
    part = path.with_suffix(".part")
    torch.onnx.export(
        copy.deepcopy(encoder).to("cpu").eval(),
        (torch.zeros(1, 1, SIZE, SIZE),),
        part,
        input_names=["image"],
        output_names=["embeddings"],
        dynamic_axes={"image": {0: "n"}, "embeddings": {0: "n"}},
        opset_version=17,
        dynamo=False,
    )
    part.rename(path)
