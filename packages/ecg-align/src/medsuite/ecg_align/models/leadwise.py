"""An encoder with tokens per lead (K-MERL): any leads, any length, one set of weights; the cost falls with them."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from medsuite.core.errors import InputError
from medsuite.ecg_align.leads import LEADS12, positions
from medsuite.ecg_align.models.blocks import Block, Tokens, require_finite, sinusoids

STRIDE = 50
"""Samples from one token to the next: the product of the stem's strides."""


class LeadwiseEncoder(nn.Module):
    """Encodes each lead's segments as tokens of their own: token (l, k) = stem(x_l)[k] + e_lead[l] + e_time[k].

    The stem, three convolutions that see 75 samples for every 50, is shared by all leads. A lead that is not given
    makes no token, so that k leads of twelve cost about k / 12. Then come pre-norm transformer blocks over all
    tokens. Time enters in seconds.

    Args:
        leads: The leads that the encoder can name.
        rate: Sampling rate in Hz.
        width: Width of the tokens.
        depth: Number of blocks.
        heads: Number of attention heads.
    """

    def __init__(
        self, leads: Sequence[str] = LEADS12, rate: float = 100.0, width: int = 48, depth: int = 2, heads: int = 4
    ) -> None:
        super().__init__()
        self.leads, self.rate, self.width = tuple(leads), float(rate), width
        self.stem = nn.Sequential(
            nn.Conv1d(1, width // 2, 15, stride=5, padding=5),
            nn.GELU(),
            nn.Conv1d(width // 2, width, 5, stride=2, padding=2),
            nn.GELU(),
            nn.Conv1d(width, width, 5, stride=5),
        )
        self.lead_embedding = nn.Parameter(0.5 * torch.randn(len(self.leads), width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(
        self,
        signal: Float[Tensor, "record lead sample"],
        leads: Sequence[str],
        *,
        valid: Bool[Tensor, "record lead sample"] | None = None,
        kept: Int[Tensor, "record kept"] | None = None,
    ) -> Tokens:
        """Encode recordings that have the same leads.

        Args:
            signal: Voltages at the encoder's rate; whole segments are read, a rest is left out.
            leads: Names of the rows, in any order.
            valid: False for lost samples, which are read as zero; a token with more than half of its samples lost is
                absent.
            kept: Tokens that survive segment masking, as from `kept_segments`; all without it.

        Raises:
            InputError: A lead is unknown to the encoder, the rows differ from the names, the signal is shorter
                than one segment, a sample that counts as valid is no number, or a recording has no token that is
                present.
        """
        rows = positions(leads, self.leads)
        if signal.shape[1] != len(rows) or signal.shape[2] < STRIDE:
            raise InputError(
                f"a signal of shape {tuple(signal.shape)} for {len(rows)} leads",
                expected=f"one row per lead and at least {STRIDE} samples, {STRIDE / self.rate:g} s",
            )
        length = signal.shape[2] // STRIDE * STRIDE
        signal = signal[..., :length]
        if valid is not None:
            valid = valid[..., :length]
            signal = torch.where(valid, signal, 0.0)
        require_finite(signal)
        return self._mix(self._tokens(signal, rows, valid), kept)

    def _tokens(self, signal: Float[Tensor, "record lead sample"], rows: list[int], valid: Tensor | None) -> Tokens:
        records, leads, samples = signal.shape
        segments = samples // STRIDE
        features = self.stem(signal.reshape(records * leads, 1, samples)).transpose(1, 2)
        seconds = (torch.arange(segments, device=signal.device) + 0.5) * STRIDE / self.rate
        states = features.unflatten(0, (records, leads)) + sinusoids(seconds, self.width)
        states = states + self.lead_embedding[rows][:, None]
        lead = torch.arange(leads, device=signal.device).repeat_interleave(segments)
        return Tokens(
            states.flatten(1, 2),
            lead.expand(records, -1),
            seconds.repeat(leads).expand(records, -1),
            None if valid is None else _present(valid.unflatten(-1, (segments, STRIDE))),
        )

    def _mix(self, tokens: Tokens, kept: Int[Tensor, "record kept"] | None) -> Tokens:
        if kept is not None:
            tokens = _gather(tokens, kept)
        states = tokens.states
        for block in self.blocks:
            states = block(states, tokens.present)
        return Tokens(self.norm(states), tokens.lead, tokens.time, tokens.present)


def _present(valid: Bool[Tensor, "record lead segment sample"]) -> Bool[Tensor, "record token"]:
    """Tell which tokens have at least half of their samples."""
    present = (valid.float().mean(-1) >= 0.5).flatten(1)
    unusable = (~present.any(dim=1)).nonzero().flatten().tolist()
    if unusable:
        # Attention over nothing is not a number, and a score without a signal would be a guess.
        raise InputError(
            f"recordings {', '.join(map(str, unusable[:5]))} of the batch have no segment with enough valid samples",
            expected=f"half of {STRIDE} samples in some lead",
            fix="leave them out",
        )
    return present


def _gather(tokens: Tokens, kept: Int[Tensor, "record kept"]) -> Tokens:
    states = tokens.states.gather(1, kept.unsqueeze(-1).expand(-1, -1, tokens.states.shape[-1]))
    present = None if tokens.present is None else tokens.present.gather(1, kept)
    return Tokens(states, tokens.lead.gather(1, kept), tokens.time.gather(1, kept), present)
