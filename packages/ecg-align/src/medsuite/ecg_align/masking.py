"""Dynamic lead masking and lead-independent segment masking (K-MERL), as draws of what is kept."""

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from medsuite.core.errors import InputError
from medsuite.ecg_align.leads import LEADS12, LIMB

CLINICAL_SETS: tuple[tuple[str, ...], ...] = (("I",), ("II",), ("V2",), ("I", "II"), ("I", "II", "V2"), LIMB)
"""What a watch, a patch, a Holter or a monitor gives."""


@dataclass(frozen=True)
class LeadSampler:
    """Draws the lead set of a training step.

    Attributes:
        leads: Leads to draw from.
        counts: Numbers of leads of a random set, equally likely.
        sets: Sets that are drawn as a whole.
        clinical_share: Probability of one of `sets`.
    """

    leads: tuple[str, ...] = LEADS12
    counts: tuple[int, ...] = (1, 2, 3, 4, 6, 8, 12)
    sets: tuple[tuple[str, ...], ...] = CLINICAL_SETS
    clinical_share: float = 0.5

    def __post_init__(self) -> None:
        missing = sorted({name for chosen in self.sets for name in chosen} - set(self.leads))
        if missing or not all(1 <= count <= len(self.leads) for count in self.counts):
            raise InputError(
                f"LeadSampler draws {missing or self.counts} from {len(self.leads)} leads",
                expected="sets and numbers within its leads",
            )

    def draw(self, generator: torch.Generator) -> tuple[str, ...]:
        """Draw one set, in the order of `leads`."""
        if self.sets and torch.rand((), generator=generator) < self.clinical_share:
            return self.sets[int(torch.randint(len(self.sets), (), generator=generator))]
        count = self.counts[int(torch.randint(len(self.counts), (), generator=generator))]
        chosen = torch.randperm(len(self.leads), generator=generator)[:count].sort().values
        return tuple(self.leads[index] for index in chosen.tolist())


def kept_segments(
    records: int, leads: int, segments: int, share: float, generator: torch.Generator
) -> Int[Tensor, "record kept"]:
    """Draw the tokens that survive segment masking: of each lead of each record independently, the same number.

    Args:
        records: Records in the batch.
        leads: Leads given.
        segments: Tokens of a lead.
        share: Share of the tokens of a lead to drop; at least one token is kept.
        generator: Source of randomness.

    Returns:
        Indices into the record's tokens, lead by lead, in ascending order.
    """
    kept = max(1, round(segments * (1 - share)))
    order = torch.rand((records, leads, segments), generator=generator).argsort(dim=-1)[..., :kept].sort(dim=-1).values
    return (order + segments * torch.arange(leads)[:, None]).flatten(1)
