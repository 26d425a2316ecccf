"""Text before vision."""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from medsuite.meda_kv.select.base import LayerView, Selector
from medsuite.meda_kv.select.h2o import H2O
from medsuite.meda_kv.select.wrapping import Wrapping


@dataclass(frozen=True)
class TextPrior(Wrapping):
    """LOOK-M's rule (arXiv 2406.18139), which MEDA keeps: vision slots are evicted before any text slot.

    The budget holds: when the text alone exceeds it, the base selector decides among the text.

    Attributes:
        base: Selector that orders the slots of each modality.
    """

    base: Selector = field(default_factory=H2O)

    def scores(self, layer: LayerView) -> Float[Tensor, "batch kv_heads slots"]:
        """The base's scores; text is lifted above the best vision slot of its head."""
        scores = self.base.scores(layer).double()
        padding = ~layer.valid[:, None]
        best = scores.masked_fill(padding, -torch.inf).amax(-1, keepdim=True)
        span = best - scores.masked_fill(padding, torch.inf).amin(-1, keepdim=True) + 1.0
        return scores + torch.where(layer.vision[:, None], 0.0, span)
