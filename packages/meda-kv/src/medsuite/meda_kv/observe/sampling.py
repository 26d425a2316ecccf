"""Which query rows are observed: all of them, or one of each stratum."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from medsuite.core.errors import InputError


@dataclass(frozen=True)
class RowSample:
    """Query rows and how many rows of the prompt each of them stands for."""

    rows: Int[Tensor, " sample"]
    weights: Float[Tensor, " sample"]


@dataclass(frozen=True)
class Exact:
    """Observe every query row; no sampling error."""

    @property
    def most(self) -> float:
        """Most rows of a pass that are observed."""
        return float("inf")

    def draw(self, rows: int, device: torch.device) -> RowSample:
        """Return all rows with weight 1."""
        return RowSample(torch.arange(rows, device=device), torch.ones(rows, device=device))


@dataclass(frozen=True)
class Sampled:
    """Observe one random query row of each of `queries` equal strata; the report states the standard error.

    Attributes:
        queries: Rows per forward pass of the prompt.
        seed: Seed of the generator that draws them, the same rows in every layer.
    """

    queries: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        if self.queries < 2:
            raise InputError(f"Sampled(queries={self.queries})", expected="at least 2, so that an error can be stated")

    @property
    def most(self) -> float:
        """Most rows of a pass that are observed."""
        return float(self.queries)

    def draw(self, rows: int, device: torch.device) -> RowSample:
        """Draw ascending rows; the weights sum to `rows`."""
        if rows <= self.queries:
            return Exact().draw(rows, device)
        generator = torch.Generator().manual_seed(self.seed)
        edges = torch.linspace(0, rows, self.queries + 1, dtype=torch.float64).floor().long()
        sizes = edges.diff()
        picks = edges[:-1] + (torch.rand(self.queries, generator=generator, dtype=torch.float64) * sizes).long()
        return RowSample(picks.to(device), sizes.float().to(device))
