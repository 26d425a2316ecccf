"""Slots to which the prompt's last queries attend."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool1d, pad

from medsuite.core.errors import InputError
from medsuite.meda_kv.observe.scores import WindowRows
from medsuite.meda_kv.select.base import LayerView, Selector


@dataclass(frozen=True)
class SnapKV(Selector):
    """SnapKV (arXiv 2404.14469): mean attention of an observation window, smoothed along the prompt.

    Attributes:
        queries: Length of the window in tokens; the window itself is always kept.
        kernel: Width of the average pooling, odd.
    """

    queries: int = 32
    kernel: int = 5

    def __post_init__(self) -> None:
        if self.queries < 1 or self.kernel < 1 or self.kernel % 2 == 0:
            raise InputError(
                f"SnapKV(queries={self.queries}, kernel={self.kernel})", expected="queries >= 1 and an odd kernel"
            )

    @property
    def window(self) -> int:
        """Length of the observation window."""
        return self.queries

    def recent(self, budget: int) -> int:
        """The whole window: its keys have too few queries behind them to be scored."""
        return self.queries

    def scores(self, layer: LayerView) -> Float[Tensor, "batch kv_heads slots"]:
        """Pooled attention of the window on the slots before it; the window's own slots score 0."""
        window = layer.window(self.queries)
        return pad(smoothed(window.mean().mean(2), window, self.kernel), (0, window.rows.shape[1]))


def smoothed(
    scores: Float[Tensor, "batch kv_heads slots"], window: WindowRows, kernel: int
) -> Float[Tensor, "batch kv_heads earlier"]:
    """Average the scores of the slots in front of the window over `kernel` neighbours; outside counts as 0."""
    before = scores[..., : scores.shape[-1] - window.rows.shape[1]]
    return avg_pool1d(before, kernel, stride=1, padding=kernel // 2) if before.shape[-1] else before
