"""Slots whose attention is large or changes from query to query."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from medsuite.core.errors import InputError
from medsuite.meda_kv.select.base import LayerView, Selector
from medsuite.meda_kv.select.snapkv import smoothed


@dataclass(frozen=True)
class MeanVariance(Selector):
    """CAKE's score (arXiv 2503.12491): mean plus `gamma` times the variance of the window's attention, smoothed.

    Attributes:
        queries: Length of the window in tokens; the window itself is always kept.
        gamma: Weight of the variance.
        kernel: Width of the average pooling, odd.
    """

    queries: int = 32
    gamma: float = 200.0
    kernel: int = 5

    def __post_init__(self) -> None:
        if self.queries < 2 or self.gamma < 0 or self.kernel < 1 or self.kernel % 2 == 0:
            raise InputError(
                f"MeanVariance(queries={self.queries}, gamma={self.gamma}, kernel={self.kernel})",
                expected="queries >= 2, gamma >= 0 and an odd kernel",
            )

    @property
    def window(self) -> int:
        """Length of the observation window."""
        return self.queries

    def recent(self, budget: int) -> int:
        """The whole window."""
        return self.queries

    def scores(self, layer: LayerView) -> Float[Tensor, "batch kv_heads slots"]:
        """`mean + gamma * variance` over the window, mean over the query heads of a key head."""
        window = layer.window(self.queries)
        scores = (window.mean() + self.gamma * window.variance()).mean(2)
        return pad(smoothed(scores, window, self.kernel), (0, window.rows.shape[1]))
