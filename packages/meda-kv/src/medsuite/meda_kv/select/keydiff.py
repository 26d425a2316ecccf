"""Slots whose keys differ from the rest."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

from medsuite.meda_kv.select.base import LayerView, Selector


@dataclass(frozen=True)
class KeyDiff(Selector):
    """KeyDiff (arXiv 2504.15364): keys close to the mean direction are redundant; needs no attention at all."""

    def scores(self, layer: LayerView) -> Float[Tensor, "batch kv_heads slots"]:
        """The negative cosine to the mean of the head's normalised keys, padding left out."""
        mine = layer.valid[:, None, :, None]
        keys = layer.keys.double()
        anchor = (normalize(keys, dim=-1) * mine).sum(2, keepdim=True) / mine.sum(2, keepdim=True)
        return -cosine_similarity(keys, anchor, dim=-1)
