"""A recipe: how much to keep, and one part for each decision."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

import torch
from jaxtyping import Bool
from torch import Tensor

from medsuite.core.errors import InputError
from medsuite.meda_kv.allocate import Allocator, Uniform
from medsuite.meda_kv.budget import Budget
from medsuite.meda_kv.heads import EqualHeads, HeadBudgets
from medsuite.meda_kv.merge import Drop, Merger
from medsuite.meda_kv.observe.observer import ENTROPIES, ObservationPlan
from medsuite.meda_kv.observe.sampling import Exact, Sampled
from medsuite.meda_kv.quantise import AsComputed, RowFormat
from medsuite.meda_kv.select import Selector, SnapKV
from medsuite.meda_kv.select.base import first_tokens


@dataclass(frozen=True)
class Protect:
    """Tokens that every layer keeps, whatever their score.

    Attributes:
        sinks: How many of a sequence's first tokens; evicting them destroys many models.
        spans: Half-open ranges of prompt columns, such as the system prompt.
    """

    sinks: int = 4
    spans: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        wrong = [span for span in self.spans if not 0 <= span[0] < span[1]]
        if self.sinks < 0 or wrong:
            raise InputError(
                f"Protect(sinks={self.sinks}, spans={self.spans})",
                expected="sinks >= 0 and spans with 0 <= start < end",
            )

    def mask(self, valid: Bool[Tensor, "batch slots"]) -> Bool[Tensor, "batch slots"]:
        """Return the protected slots."""
        columns = torch.arange(valid.shape[1], device=valid.device)
        chosen = first_tokens(valid, self.sinks)
        for start, end in self.spans:
            chosen = chosen | (valid & (columns >= start) & (columns < end))
        return chosen


@dataclass(frozen=True)
class Recipe:
    """One way to compress a cache: a budget and an allocator, a selector and a merger, which combine freely.

    Attributes:
        budget: How much of the prompt's cache is kept.
        allocate: Shares the slots among the layers.
        select: Chooses the slots of a layer.
        merge: Decides what becomes of the others.
        protect: Tokens that are always kept.
        rows: Which query rows are observed while the prompt is read. Left out, it is a sample where only entropies are
            needed, which are means over rows, and every row where slots are ranked by the attention they received.
        heads: Shares a layer's slots among its key heads.
        store: Form in which the kept rows are stored.
    """

    budget: Budget
    allocate: Allocator = field(default_factory=Uniform)
    select: Selector = field(default_factory=SnapKV)
    merge: Merger = field(default_factory=Drop)
    protect: Protect = field(default_factory=Protect)
    rows: Exact | Sampled | None = None
    heads: HeadBudgets = field(default_factory=EqualHeads)
    store: RowFormat = field(default_factory=AsComputed)

    @property
    def ragged(self) -> bool:
        """Whether the kept rows are stored flat, because heads differ or rows are encoded."""
        return self.heads.uneven or self.store.encoded

    def observation(self) -> ObservationPlan:
        """What must be known about the prompt."""
        window = max(self.allocate.window, self.select.window)
        needs = self.allocate.needs | self.select.needs
        usual = Sampled() if needs <= frozenset(ENTROPIES) else Exact()
        return ObservationPlan(needs, window, self.rows or usual)


def shared_plan(recipes: Iterable[Recipe]) -> ObservationPlan:
    """What has to be observed so that all recipes, one at least, can be tried on one reading of a prompt."""
    return reduce(or_, (recipe.observation() for recipe in recipes))
