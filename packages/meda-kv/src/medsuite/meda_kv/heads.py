"""How the slots of a layer are shared among its key heads."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from medsuite.core.errors import InputError


class HeadBudgets(ABC):
    """Shares a layer's slots among its key heads.

    Attributes:
        uneven: Whether heads may differ, so that the layer's rows are stored ragged.
    """

    uneven: ClassVar[bool] = True

    @abstractmethod
    def share(
        self,
        scores: Float[Tensor, "batch kv_heads slots"],
        protected: Bool[Tensor, "batch slots"],
        valid: Bool[Tensor, "batch slots"],
        budgets: Int[Tensor, " batch"],
    ) -> Int[Tensor, "batch kv_heads"]:
        """Return the slots of each head; they sum to `budgets * kv_heads`.

        Args:
            scores: The selector's scores.
            protected: Slots that every head keeps, no more than the budget.
            valid: Slots that are no padding.
            budgets: Slots of the layer, on average over its heads.
        """


@dataclass(frozen=True)
class EqualHeads(HeadBudgets):
    """Every head keeps as many slots as the next, so that a layer's rows form one rectangle."""

    uneven: ClassVar[bool] = False

    def share(
        self,
        scores: Float[Tensor, "batch kv_heads slots"],
        protected: Bool[Tensor, "batch slots"],
        valid: Bool[Tensor, "batch slots"],
        budgets: Int[Tensor, " batch"],
    ) -> Int[Tensor, "batch kv_heads"]:
        """Return the layer's budget for each head."""
        return budgets[:, None].expand(-1, scores.shape[1])


@dataclass(frozen=True)
class AdaHeads(HeadBudgets):
    """Ada-KV (arXiv 2407.11550): a layer's slots go where its best scores lie, over all its heads together.

    Each head first takes the protected slots and its own best ones up to the floor; the rest of the layer's slots are
    the best of all heads that are left. Scores must be comparable between heads, as attention masses are.

    Attributes:
        floor: Part of the layer's budget that every head is certain of.
    """

    floor: float = 0.2

    def __post_init__(self) -> None:
        if not 0 <= self.floor <= 1:
            raise InputError(f"AdaHeads(floor={self.floor})", expected="a share from 0 to 1")

    def share(
        self,
        scores: Float[Tensor, "batch kv_heads slots"],
        protected: Bool[Tensor, "batch slots"],
        valid: Bool[Tensor, "batch slots"],
        budgets: Int[Tensor, " batch"],
    ) -> Int[Tensor, "batch kv_heads"]:
        """Count how many of the layer's best `budgets * kv_heads` slots lie in each head; O(H n log(H n))."""
        batch, heads, _ = scores.shape
        lifted = torch.where((protected & valid)[:, None], torch.inf, scores.double())
        lifted = lifted.masked_fill(~valid[:, None], -torch.inf)
        certain = torch.maximum((self.floor * budgets.double()).long(), (protected & valid).sum(-1))
        ranks = lifted.argsort(dim=-1, descending=True, stable=True).argsort(dim=-1)
        lifted = lifted.masked_fill(ranks < certain[:, None, None], torch.inf)
        order = lifted.flatten(1).argsort(dim=-1, descending=True, stable=True)
        taken = torch.arange(order.shape[1], device=order.device) < (heads * budgets)[:, None]
        return torch.zeros_like(taken).scatter(1, order, taken).view(batch, heads, -1).sum(-1)
