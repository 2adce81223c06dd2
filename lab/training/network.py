"""The encoder as a PyTorch module, and the loss that it is trained with."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from palm.template.encoder import DIMENSIONS
from palm.template.linefield import CELLS, PARTS


class EncoderNetwork(nn.Module):
    """A residual network (He et al., CVPR 2016) that embeds line fields.

    It takes (n, PARTS, CELLS, CELLS) line fields and returns (n, DIMENSIONS) embeddings of length
    one. The last feature map is flattened and not pooled, because a field is aligned: the position
    of a line on the palm matters.
    """

    def __init__(self, widths: tuple[int, int, int] = (40, 80, 144)) -> None:
        super().__init__()
        first, second, third = widths
        self.trunk = nn.Sequential(
            *_conv(PARTS, first, 3, 1),
            _Block(first),
            *_conv(first, second, 3, 2),
            _Block(second),
            _Block(second),
            *_conv(second, third, 3, 2),
            _Block(third),
            *_conv(third, 48, 1, 1),
        )
        self.flat = nn.Linear(48 * (CELLS // 4) ** 2, DIMENSIONS, bias=False)
        self.norm = nn.BatchNorm1d(DIMENSIONS, affine=False)

    def forward(self, fields: Tensor) -> Tensor:
        features = self.trunk(fields)
        embedding = self.norm(self.flat(features.flatten(1).float()))
        return functional.normalize(embedding)


class Margin(nn.Module):
    """The additive angular margin loss (Deng et al., "ArcFace", CVPR 2019) over the people."""

    def __init__(self, people: int, scale: float = 32.0) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.randn(people, DIMENSIONS) * 0.05)
        self.scale = scale

    def forward(self, embeddings: Tensor, who: Tensor, margin: float) -> Tensor:
        """Returns the loss, a scalar; `margin` is in radians."""
        cosine = embeddings @ functional.normalize(self.centres).T
        own = cosine.gather(1, who[:, None]).clamp(-0.9999, 0.9999)
        sine = (1 - own * own).sqrt()
        harder = own * math.cos(margin) - sine * math.sin(margin)
        # Where the angle and the margin exceed pi, the cosine would rise again.
        fallback = own - margin * math.sin(margin)
        harder = torch.where(own > math.cos(math.pi - margin), harder, fallback)
        logits = self.scale * cosine.scatter(1, who[:, None], harder)
        return functional.cross_entropy(logits, who)


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Sequential(*_conv(width, width, 3, 1))
        self.second = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, features: Tensor) -> Tensor:
        return functional.relu(features + self.second(self.first(features)))


def _conv(into: int, out: int, size: int, stride: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(into, out, size, stride, padding=size // 2, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU(),
    )
