"""The losses of MERL (Liu et al., ICML 2024) and of query supervision."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from medsuite.core.errors import InputError

TEMPERATURE = 0.07


def clip_sum(
    first: Float[Tensor, "pair dim"], second: Float[Tensor, "pair dim"], *, temperature: float = TEMPERATURE
) -> Float[Tensor, ""]:
    """Return MERL's contrastive loss, the SUM of both directions: CE(S, diag) + CE(Sᵀ, diag).

    S = x̂ ŷᵀ / τ for rows of length one. MERL's cross-modal alignment (CMA) is this loss between a recording's and its
    report's embedding; CLIP's own loss is half of it.

    Args:
        first: One embedding per pair.
        second: The other.
        temperature: τ, fixed at 0.07 in MERL.

    Raises:
        InputError: There are fewer than two pairs, so that nothing is contrasted.
    """
    if len(first) < 2:
        raise InputError(f"contrastive loss of {len(first)} pair", expected="at least two pairs in a batch")
    similarity = functional.normalize(first, dim=-1) @ functional.normalize(second, dim=-1).T / temperature
    target = torch.arange(len(first), device=first.device)
    return functional.cross_entropy(similarity, target) + functional.cross_entropy(similarity.T, target)


class UniModalAlignment(torch.nn.Module):
    """MERL's second loss (UMA): CLIP between two dropout views of one feature, a_j = Dropout(W_j h) with W_1 ≠ W_2.

    Args:
        width: Width of the pooled feature h.
        dropout: Share of the view's components that are dropped; 0.1 in MERL.
    """

    def __init__(self, width: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.views = torch.nn.ModuleList(torch.nn.Linear(width, width, bias=False) for _ in range(2))
        self.dropout = torch.nn.Dropout(dropout)

    def forward(self, feature: Float[Tensor, "record width"]) -> Float[Tensor, ""]:
        """Return the loss of a batch of pooled features.

        Raises:
            InputError: There are fewer than two records.
        """
        one, two = (self.dropout(view(feature)) for view in self.views)
        return clip_sum(one, two)


def masked_bce(
    logits: Float[Tensor, "record query"],
    labels: Float[Tensor, "record query"],
    *,
    positive_weight: float = 1.0,
    weights: Float[Tensor, "query"] | None = None,
) -> Float[Tensor, ""]:
    """Return the binary cross-entropy over the labels that are known.

    L = sum over y ≠ NaN of w_q BCE(s_q, y_q) / number of known labels (SuPreME). A NaN label, a finding that is not
    mentioned or uncertain, gives neither loss nor gradient.

    Args:
        logits: Scores s.
        labels: 1, 0, or NaN where unknown.
        positive_weight: Factor of the positives' terms.
        weights: w_q, one per query; 1 without it.

    Returns:
        The mean; zero, with a zero gradient, where no label is known.
    """
    known = ~torch.isnan(labels)
    factor = torch.full((logits.shape[1],), positive_weight, device=logits.device)
    terms = functional.binary_cross_entropy_with_logits(
        logits, torch.where(known, labels, 0.0), pos_weight=factor, reduction="none"
    )
    scaled = terms if weights is None else terms * weights
    return torch.where(known, scaled, 0.0).sum() / known.sum().clamp(min=1)
