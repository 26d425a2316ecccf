"""The lead-mixing encoder of MERL and SuPreME: one token per segment of all leads together."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from medsuite.core.errors import InputError
from medsuite.ecg_align.models.blocks import Block, Tokens, require_finite


class MixingEncoder(nn.Module):
    """A one-dimensional ViT: a convolution with kernel and stride P mixes all leads, then pre-norm blocks.

    Args:
        leads: Number of leads, always all of them.
        samples: Number of samples of a recording.
        rate: Sampling rate in Hz.
        patch: Samples of a token, P.
        width: Width of the tokens.
        depth: Number of blocks.
        heads: Number of attention heads.
    """

    def __init__(
        self,
        leads: int,
        samples: int,
        rate: float = 100.0,
        patch: int = 25,
        width: int = 48,
        depth: int = 2,
        heads: int = 4,
    ) -> None:
        super().__init__()
        self.patch, self.rate, self.samples, self.leads = patch, rate, samples, leads
        self.embedding = nn.Conv1d(leads, width, patch, stride=patch)
        self.position = nn.Parameter(0.5 * torch.randn(samples // patch, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, signal: Float[Tensor, "record lead sample"]) -> Tokens:
        """Encode recordings.

        Raises:
            InputError: The number of leads or samples is another than the encoder's, or a sample is no number.
        """
        if signal.shape[1:] != (self.leads, self.samples):
            raise InputError(f"a signal of shape {tuple(signal.shape)}", expected=f"{self.leads} x {self.samples}")
        require_finite(signal)
        states = self.embedding(signal).transpose(1, 2) + self.position
        for block in self.blocks:
            states = block(states)
        count = states.shape[1]
        seconds = (torch.arange(count, device=signal.device) + 0.5) * self.patch / self.rate
        lead = torch.full((len(signal), count), -1, device=signal.device)
        return Tokens(self.norm(states), lead, seconds.expand(len(signal), -1))


def shifted(
    signal: Float[Tensor, "record lead sample"], generator: torch.Generator
) -> Float[Tensor, "record lead sample"]:
    """Turn each recording around by a random number of samples: what a token's place in the beat must not decide."""
    records, leads, samples = signal.shape
    shift = torch.randint(samples, (records, 1), generator=generator)
    index = (torch.arange(samples) + shift) % samples
    return signal.gather(2, index[:, None].expand(-1, leads, -1))
