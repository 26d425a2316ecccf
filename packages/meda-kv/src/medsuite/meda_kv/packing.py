"""From scores and head budgets to ragged rows."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from medsuite.meda_kv.ragged import RaggedRows
from medsuite.meda_kv.recipe import Recipe
from medsuite.meda_kv.select.base import LayerView, choose


def keep_ragged(
    view: LayerView,
    values: Float[Tensor, "batch kv_heads slots value_dim"],
    scores: Float[Tensor, "batch kv_heads slots"],
    protected: Bool[Tensor, "batch slots"],
    shares: Int[Tensor, "batch kv_heads"],
    columns: Int[Tensor, "batch slots"],
    recipe: Recipe,
) -> RaggedRows:
    """Keep each head's best rows, as many as its share, and merge the others as the recipe says.

    Every head is treated as a sequence with one head, so that selection and merging need not know about unequal heads.

    Args:
        view: The layer, with its keys.
        values: Values of the whole prompt.
        scores: The selector's scores.
        protected: Slots that are taken first.
        shares: Slots to keep of each head.
        columns: Column in the prompt of each slot.
        recipe: Merger and form of storage.
    """
    heads = scores.shape[1]
    present, marked, columns = (tensor.repeat_interleave(heads, dim=0) for tensor in (view.valid, protected, columns))
    choice = choose(_apart(scores), marked, present, shares.flatten(), view.index)
    kept = recipe.merge.merge(_apart(view.keys), _apart(values), choice, present)
    flat = choice.valid
    return RaggedRows(
        recipe.store.store(kept.keys[:, 0][flat]),
        recipe.store.store(kept.values[:, 0][flat]),
        columns.gather(1, choice.index[:, 0])[flat].to(torch.int32),
        _bounds(shares),
        None if kept.counts is None else kept.counts[:, 0][flat],
    )


def _apart(tensor: Tensor) -> Tensor:
    """Turn `[batch, heads, ...]` into `[batch * heads, 1, ...]`."""
    return tensor.flatten(0, 1).unsqueeze(1)


def _bounds(shares: Int[Tensor, "batch kv_heads"]) -> Int[Tensor, "batch kv_heads 2"]:
    ends = shares.flatten().cumsum(0)
    return torch.stack([ends - shares.flatten(), ends], dim=-1).view(*shares.shape, 2).cpu()
