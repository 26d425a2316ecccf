"""Interpolation and a regular network: a U-Net on a grid over the frame, sampled back at the nodes."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import grid_sample, interpolate

from medsuite.core.errors import InputError
from medsuite.gridml.models.batch import Extras, FieldBatch
from medsuite.gridml.models.gridding import Encoding
from medsuite.gridml.models.network import NetworkFamily

DEPTH = 3


def _convolutions(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.GroupNorm(4, outputs),
        nn.GELU(),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.GELU(),
    )


class GridNetwork(nn.Module):
    """A U-Net of three halvings whose output is sampled at the nodes by bilinear interpolation."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        widths = [width, width, 2 * width, 2 * width]
        self.enter = _convolutions(channels, width)
        self.down = nn.ModuleList(_convolutions(widths[i], widths[i + 1]) for i in range(DEPTH))
        self.up = nn.ModuleList(_convolutions(widths[i + 1] + widths[i], widths[i]) for i in range(DEPTH))
        self.leave = nn.Conv2d(width, 1, 1)

    def forward(self, batch: FieldBatch) -> Float[Tensor, " nodes"]:
        """Return the field in units of the target's scale."""
        if batch.grid is None:
            raise InputError("a batch without a grid", expected="one encoded with Extras(grid=side)")
        places = batch.padded(batch.positions)[:, None]
        sampled = grid_sample(self.image(batch.grid), places, align_corners=False, padding_mode="border")
        return batch.unpadded(sampled[:, 0, 0, :, None])[:, 0]

    def image(self, grid: Float[Tensor, "cases channels height width"]) -> Float[Tensor, "cases 1 height width"]:
        """Return the field on the grid."""
        features = [self.enter(grid)]
        for layer in self.down:
            features.append(layer(nn.functional.avg_pool2d(features[-1], 2)))
        image = features.pop()
        for layer in reversed(self.up):
            skip = features.pop()
            image = layer(torch.cat([interpolate(image, scale_factor=2.0, mode="bilinear"), skip], dim=1))
        return self.leave(image)


@dataclass(frozen=True)
class GridUNet(NetworkFamily):
    """A U-Net on a grid.

    Attributes:
        width: Channels at full resolution; a multiple of 4.
        side: Pixels along each side of the frame; a multiple of 8.
        encoding: See `gridding.encode_grid`. `"scatter"` is a control: it changes when a mesh is refined.
    """

    name: ClassVar[str] = "grid-unet"

    width: int = 20
    side: int = 32
    encoding: Encoding = "geometric"

    def __post_init__(self) -> None:
        if self.width % 4 or self.side % 2**DEPTH or self.side < 1:
            raise InputError(f"a width of {self.width} and {self.side} pixels", expected="multiples of 4 and of 8")

    def build(self, features: int, edge_length: float) -> nn.Module:
        """Return the network with fresh weights."""
        return GridNetwork(features + 1, self.width)

    def extras(self) -> Extras:
        """A grid over the frame."""
        return Extras(grid=self.side, encoding=self.encoding)
