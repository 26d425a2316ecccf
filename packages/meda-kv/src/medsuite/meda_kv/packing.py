"""From scores and head budgets to ragged rows."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from medsuite.meda_kv.ragged import RaggedRows
from medsuite.meda_kv.recipe import Recipe
from medsuite.meda_kv.select.base import choose


def keep_ragged(
    keys: Float[Tensor, "batch kv_heads slots dim"],
    values: Float[Tensor, "batch kv_heads slots value_dim"],
    scores: Float[Tensor, "batch kv_heads slots"],
    protected: Bool[Tensor, "batch slots"],
    valid: Bool[Tensor, "batch slots"],
    shares: Int[Tensor, "batch kv_heads"],
    recipe: Recipe,
) -> RaggedRows:
    """Keep each head's best rows, as many as its share, and merge the others as the recipe says.

    Every head is treated as a sequence with one head, so that selection and merging need not know about unequal heads.

    Args:
        keys: Keys of the whole prompt.
        values: Values of the whole prompt.
        scores: The selector's scores.
        protected: Slots that are taken first.
        valid: Slots that are no padding.
        shares: Slots to keep of each head.
        recipe: Merger and form of storage.
    """
    heads = keys.shape[1]
    present = valid.repeat_interleave(heads, dim=0)
    choice = choose(_apart(scores), protected.repeat_interleave(heads, dim=0), present, shares.flatten())
    kept = recipe.merge.merge(_apart(keys), _apart(values), choice, present)
    flat = choice.valid
    return RaggedRows(
        recipe.store.store(kept.keys[:, 0][flat]),
        recipe.store.store(kept.values[:, 0][flat]),
        choice.index[:, 0][flat].to(torch.int32),
        _bounds(shares),
        None if kept.counts is None else kept.counts[:, 0][flat],
    )


def _apart(tensor: Tensor) -> Tensor:
    """Turn `[batch, heads, ...]` into `[batch * heads, 1, ...]`."""
    return tensor.flatten(0, 1).unsqueeze(1)


def _bounds(shares: Int[Tensor, "batch kv_heads"]) -> Int[Tensor, "batch kv_heads 2"]:
    ends = shares.flatten().cumsum(0)
    return torch.stack([ends - shares.flatten(), ends], dim=-1).view(*shares.shape, 2).cpu()
