"""Continues the training of an encoder from its ONNX file."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from lab.training.network import EncoderNetwork, Margin

Weights = npt.NDArray[np.float32]


@torch.no_grad()
def take_up(encoder: EncoderNetwork, path: Path, fields: Tensor) -> None:
    """Gives an encoder the weights of an ONNX file.

    In the file, the normalisation is folded into every convolution. It is unfolded with the mean
    and the variance of each convolution's output for (n, PARTS, CELLS, CELLS) `fields`: the encoder
    gives the same embeddings as before, and batch normalisation continues from there. Raises
    ValueError where the file has an encoder of another shape.
    """
    graph = onnx.load(path).graph
    held = {each.name.removesuffix("_half"): _numbers(each) for each in graph.initializer}
    convolutions = [
        (held[node.input[1]], held[node.input[2]]) for node in graph.node if node.op_type == "Conv"
    ]
    (flat,) = (held[node.input[1]] for node in graph.node if node.op_type == "MatMul")
    convs = [each for each in encoder.modules() if isinstance(each, nn.Conv2d)]
    norms = [each for each in encoder.modules() if isinstance(each, nn.BatchNorm2d)]
    if [each.weight.shape for each in convs] != [weight.shape for weight, _ in convolutions]:
        raise ValueError(
            f"{path} holds an encoder of another shape: train without --onward instead"
        )
    for conv, norm, (weight, bias) in zip(convs, norms, convolutions, strict=True):
        conv.weight.copy_(torch.from_numpy(weight))
        _pass_on(norm, torch.zeros(len(bias)), torch.ones(len(bias)), torch.from_numpy(bias))
    encoder.flat.weight.copy_(torch.from_numpy(flat.T.copy()))
    for name in ("running_mean", "running_var"):
        getattr(encoder.norm, name).copy_(torch.from_numpy(held[f"norm.{name}"]))

    answers: dict[nn.Module, Tensor] = {}

    def hear(conv: nn.Module, _: tuple[Tensor, ...], answer: Tensor) -> None:
        answers[conv] = answer

    hooks = [conv.register_forward_hook(hear) for conv in convs]
    encoder.eval()(fields)
    encoder.train()
    for hook in hooks:
        hook.remove()
    for conv, norm, (_, bias) in zip(convs, norms, convolutions, strict=True):
        answer = answers[conv].transpose(0, 1).flatten(1).float()
        _pass_on(norm, answer.mean(dim=1), answer.var(dim=1), torch.from_numpy(bias))


@torch.no_grad()
def introduce(
    margin: Margin, encoder: EncoderNetwork, lessons: Iterable[tuple[Tensor, Tensor]], device: str
) -> None:
    """Sets the centre of each person to the mean direction of the embeddings in some lessons."""
    encoder.eval()
    centres = torch.zeros_like(margin.centres)
    for fields, who in lessons:
        centres.index_add_(0, who.to(device), encoder(fields.to(device)))
    encoder.train()
    met = centres.norm(dim=1) > 0
    margin.centres[met] = functional.normalize(centres[met])


def _pass_on(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor, bias: Tensor) -> None:
    """Sets a normalisation so that it only adds `bias`, with this mean and variance."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_((norm.running_var + norm.eps).sqrt())
    norm.bias.copy_(norm.running_mean + bias.to(mean.device))


def _numbers(constant: onnx.TensorProto) -> Weights:
    return numpy_helper.to_array(constant).astype(np.float32)
