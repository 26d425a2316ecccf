"""Attention masks for layers of different lengths, built from each layer's own rows."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from medsuite.meda_kv.attention import FLASH
from medsuite.meda_kv.cache import CompressedLayer, Incoming


def visible_rows(layer: CompressedLayer, incoming: Incoming) -> Bool[Tensor, "batch 1 query rows"]:
    """Which rows each new query sees: every valid row that is held, and the valid new ones up to itself.

    Args:
        layer: The layer before it takes the new tokens.
        incoming: The new tokens.
    """
    held = layer.held(incoming.batch, incoming.device)
    causal = torch.ones(incoming.tokens, incoming.tokens, dtype=torch.bool, device=incoming.device).tril()
    past = held[:, None, :].expand(-1, incoming.tokens, -1)
    return torch.cat([past, causal & incoming.mask()[:, None, :]], dim=-1)[:, None]


def layer_mask(
    layer: CompressedLayer, incoming: Incoming, implementation: str, dtype: torch.dtype
) -> Bool[Tensor, "batch 1 query rows"] | Float[Tensor, "batch 1 query rows"] | Bool[Tensor, "batch rows"] | None:
    """Build one layer's mask in the form that its attention function takes.

    Args:
        layer: The layer before it takes the new tokens.
        incoming: The new tokens.
        implementation: `"sdpa"` (boolean, None when one query sees everything), `"eager"` (additive) or one of `FLASH`
            (2-D, None without padding).
        dtype: Type of an additive mask.
    """
    if implementation in FLASH:
        held = layer.held(incoming.batch, incoming.device)
        padded = layer.valid is not None or incoming.valid is not None
        return torch.cat([held, incoming.mask()], dim=1) if padded else None
    everything = incoming.tokens == 1 and layer.valid is None and incoming.valid is None
    if everything and implementation == "sdpa":
        return None
    visible = visible_rows(layer, incoming)
    if implementation == "sdpa":
        return visible
    return torch.zeros_like(visible, dtype=dtype).masked_fill(~visible, torch.finfo(dtype).min)
