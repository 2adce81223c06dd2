"""Writes the trained encoder as an ONNX file."""

import copy
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

from lab.training.network import EncoderNetwork
from palm.template.linefield import CELLS, PARTS

_LARGE = 256
"""The size from which a constant is stored in half precision.

That halves the file and does not lower recognition accuracy.
"""


def write(encoder: EncoderNetwork, path: Path) -> None:
    """Writes an encoder as `palm.template.encoder` runs it, for any number of palms at once."""
    part = path.with_suffix(".part")
    torch.onnx.export(
        copy.deepcopy(encoder).to("cpu").eval(),
        (torch.zeros(1, PARTS, CELLS, CELLS),),
        part,
        input_names=["field"],
        output_names=["embeddings"],
        dynamic_axes={"field": {0: "n"}, "embeddings": {0: "n"}},
        opset_version=17,
        dynamo=False,
    )
    model = onnx.load(part)
    _halve(model.graph)
    onnx.save(model, part)
    part.rename(path)


def _halve(graph: onnx.GraphProto) -> None:
    for constant in list(graph.initializer):
        numbers = numpy_helper.to_array(constant)
        if numbers.dtype != np.float32 or numbers.size < _LARGE:
            continue
        name = constant.name
        graph.initializer.remove(constant)
        half = numpy_helper.from_array(numbers.astype(np.float16), f"{name}_half")
        graph.initializer.append(half)
        cast = helper.make_node("Cast", [half.name], [name], to=onnx.TensorProto.FLOAT)
        graph.node.insert(0, cast)
