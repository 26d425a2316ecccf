"""What a selector sees and returns, and the one place where rows are chosen."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from medsuite.core.errors import InputError
from medsuite.meda_kv.observe.observer import Statistic
from medsuite.meda_kv.observe.view import LayerView


class Selector(ABC):
    """Scores the slots of a layer; the best are kept."""

    @property
    def needs(self) -> frozenset[Statistic]:
        """Statistics of the prompt that the selector reads."""
        return frozenset()

    @property
    def window(self) -> int:
        """How many of the prompt's last queries the selector scores with."""
        return 0

    def recent(self, budget: int) -> int:
        """How many of the most recent tokens a layer with this budget keeps, whatever their score."""
        return min(self.window, budget)

    def bind(self, layer: Callable[[int], LayerView]) -> "Selector":
        """Return the selector for one prompt; the few that look at other layers than their own do it here.

        Args:
            layer: From a layer's index to its view, before anything is evicted.
        """
        return self

    @abstractmethod
    def scores(self, layer: LayerView) -> Float[Tensor, "batch kv_heads slots"]:
        """Score every slot of every key head; higher is kept first."""


@dataclass(frozen=True)
class Choice:
    """Rows that a layer keeps, in prompt order; sequences with fewer are filled up in front.

    Attributes:
        index: Slot of each kept row; 0 in filled rows.
        valid: Rows that are not filled.
    """

    index: Int[Tensor, "batch kv_heads kept"]
    valid: Bool[Tensor, "batch kept"]


def choose(
    scores: Float[Tensor, "batch kv_heads slots"],
    protected: Bool[Tensor, "batch slots"],
    valid: Bool[Tensor, "batch slots"],
    budgets: Int[Tensor, " batch"],
    layer: int = 0,
) -> Choice:
    """Take the protected slots and then the best-scored ones, up to each sequence's budget.

    Equal scores go to the earlier slot, on every device. With a fixed protected set the kept set of a smaller budget
    is part of that of a larger one.

    Args:
        scores: Score of each slot.
        protected: Slots that are taken first.
        valid: Slots that are no padding; others are never taken.
        budgets: Slots to keep of each sequence.
        layer: Index that an error names.

    Raises:
        InputError: A score of a valid slot is not a number or infinite.
    """
    require_finite(scores, valid, layer)
    taken_first = torch.where((protected & valid)[:, None], torch.inf, scores.double())
    ranked = taken_first.masked_fill(~valid[:, None], -torch.inf).sort(dim=-1, descending=True, stable=True).indices
    most = int(budgets.max())
    rank = torch.arange(most, device=scores.device)
    within = rank < torch.minimum(budgets, valid.sum(-1))[:, None]
    index = torch.where(within[:, None], ranked[..., :most], -1).sort(dim=-1).values
    return Choice(index.clamp_min(0), index[:, 0] >= 0)


def require_finite(
    scores: Float[Tensor, "batch kv_heads slots"], valid: Bool[Tensor, "batch slots"], layer: int
) -> None:
    """Raise an `InputError` that names layer and head when a score of a valid slot is not a number or infinite."""
    broken = ~torch.isfinite(scores) & valid[:, None]
    if bool(broken.any()):
        head = int(broken.any(-1).any(0).nonzero()[0, 0])
        raise InputError(f"a score of layer {layer}, key head {head} is not finite", expected="finite keys and queries")


def last_tokens(valid: Bool[Tensor, "batch slots"], counts: Int[Tensor, " batch"]) -> Bool[Tensor, "batch slots"]:
    """The most recent valid slots, `counts` of each sequence."""
    behind = valid.flip(-1).cumsum(-1).flip(-1)
    return valid & (behind <= counts[:, None])


def first_tokens(valid: Bool[Tensor, "batch slots"], count: int) -> Bool[Tensor, "batch slots"]:
    """The first `count` valid slots of each sequence."""
    return valid & (valid.cumsum(-1) <= count)
