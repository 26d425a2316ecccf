"""What a merger sees and returns."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from medsuite.meda_kv.select.base import Choice


@dataclass(frozen=True)
class Kept:
    """Rows of a layer after eviction; all tensors own their storage.

    Attributes:
        keys: Keys of the kept rows.
        values: Values of the kept rows.
        counts: Tokens that each row stands for, None when nothing was merged.
    """

    keys: Float[Tensor, "batch kv_heads kept dim"]
    values: Float[Tensor, "batch kv_heads kept value_dim"]
    counts: Float[Tensor, "batch kv_heads kept"] | None = None


class Merger(ABC):
    """Decides what becomes of evicted slots."""

    @abstractmethod
    def merge(
        self,
        keys: Float[Tensor, "batch kv_heads slots dim"],
        values: Float[Tensor, "batch kv_heads slots value_dim"],
        choice: Choice,
        valid: Bool[Tensor, "batch slots"],
    ) -> Kept:
        """Return the kept rows with whatever they take over from the others.

        Args:
            keys: All keys.
            values: All values.
            choice: The kept slots.
            valid: Slots that are no padding.
        """


def gather(
    tensor: Float[Tensor, "batch kv_heads slots dim"], index: Int[Tensor, "batch kv_heads kept"]
) -> Float[Tensor, "batch kv_heads kept dim"]:
    """Copy the chosen rows into a storage of their own."""
    return torch.gather(tensor, 2, index.unsqueeze(-1).expand(-1, -1, -1, tensor.shape[-1]))
