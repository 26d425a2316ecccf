"""Pictures pruned by one early layer's attention, the same slots in every layer."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from medsuite.core.errors import InputError
from medsuite.meda_kv.select.base import LayerView, Selector


@dataclass(frozen=True)
class FastV(Selector):
    """FastV (arXiv 2403.06764) as a cache policy: last query's attention at one layer ranks the vision slots of all.

    Text stands above every vision slot. The original drops the tokens from the computation of the later layers; here
    the prompt has been read, and their keys and values are dropped. Goes with the allocator `Late`.

    Attributes:
        layer: Index of the layer that ranks; the last one when the model has fewer.
    """

    layer: int = 2
    ranking: Float[Tensor, "batch slots"] | None = None

    def __post_init__(self) -> None:
        if self.layer < 0:
            raise InputError(f"FastV(layer={self.layer})", expected="a layer index from 0")

    @property
    def window(self) -> int:
        """One query, whose own slot is always kept."""
        return 1

    def bind(self, layer: Callable[[int], LayerView]) -> "FastV":
        """Rank the slots by the chosen layer."""
        view = layer(self.layer)
        attention = view.window(1).mean().mean((1, 2))
        return replace(self, ranking=attention + torch.where(view.vision, 0.0, 1.0))

    def scores(self, layer: LayerView) -> Float[Tensor, "batch kv_heads slots"]:
        """The ranking, the same for every layer and head.

        Raises:
            InputError: The selector was not bound to a prompt.
        """
        if self.ranking is None:
            raise InputError("FastV was not bound to a prompt", fix="call bind() with the prompt's layers")
        return self.ranking[:, None].expand(layer.keys.shape[:3])
