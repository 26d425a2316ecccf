"""The order in which a prompt's slots are looked at: padding first, wherever it stands."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor


def padding_first(valid: Bool[Tensor, "batch slots"]) -> Int[Tensor, "batch slots"]:
    """Order of each sequence's slots in which padding comes first and the rest stays as it is."""
    return valid.to(torch.uint8).argsort(dim=1, stable=True)


def take_slots(tensor: Shaped[Tensor, "..."], order: Int[Tensor, "batch chosen"]) -> Shaped[Tensor, "..."]:
    """Take slots of `[batch, slots]`, `[batch, heads, slots]` or `[batch, heads, slots, dim]` in the given order."""
    if tensor.ndim == 2:
        return tensor.gather(1, order)
    index = order.view(len(order), 1, -1, *[1] * (tensor.ndim - 3))
    return tensor.gather(2, index.expand(-1, tensor.shape[1], -1, *tensor.shape[3:]))


@dataclass(frozen=True)
class SlotOrder:
    """Slots with padding first, as selectors expect them; nothing is copied where it stands there already.

    Attributes:
        columns: Column in the prompt of each slot.
        moved: Whether that is another order than the prompt's own.
    """

    columns: Int[Tensor, "batch slots"]
    moved: bool

    @classmethod
    def of(cls, valid: Bool[Tensor, "batch slots"]) -> "SlotOrder":
        """Find the order for a prompt's padding."""
        columns = padding_first(valid)
        return cls(columns, bool((columns.diff(dim=1) < 0).any()))

    def take(self, tensor: Shaped[Tensor, "..."]) -> Shaped[Tensor, "..."]:
        """Bring `[batch, slots]`, `[batch, heads, slots]` or `[batch, heads, slots, dim]` into this order."""
        return take_slots(tensor, self.columns) if self.moved else tensor
