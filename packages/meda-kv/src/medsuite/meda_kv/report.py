"""What compression did, in numbers that were measured."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True)
class Report:
    """Outcome of one compression.

    Attributes:
        requested: The budget, as text.
        tokens: Prompt length of each sequence, padding excluded.
        layers: Indices of the compressed layers.
        budgets: Slots that each layer keeps of each sequence, on average over its key heads.
        head_budgets: Slots that each key head keeps.
        entropy: Attention entropy of each layer in nats, NaN where it was not needed.
        entropy_error: Standard error of `entropy` from observing a sample of the queries, 0 when all were.
        bytes_before: Bytes of all keys and values before, as the storages hold them.
        bytes_after: The same after.
        peak_bytes: Most bytes that keys and values occupied: all of the prompt's, and for a moment the kept rows of one
            layer beside its old ones.
        index_bytes: Bytes of positions, validity and counts beside them.
        padded_rows: Rows that only fill up sequences with smaller budgets.
        seconds_observing: Time spent on statistics while the prompt was read; launch time only on a GPU.
        untouched: Layers of other kinds, which were left alone.
        notes: What a reader has to know, such as fallbacks.
    """

    requested: str
    tokens: Int[np.ndarray, " batch"]
    layers: tuple[int, ...]
    budgets: Int[np.ndarray, "batch layers"]
    head_budgets: Int[np.ndarray, "batch layers kv_heads"]
    entropy: Float[np.ndarray, "batch layers"]
    entropy_error: Float[np.ndarray, "batch layers"]
    bytes_before: int
    bytes_after: int
    peak_bytes: int
    index_bytes: int
    padded_rows: int
    seconds_observing: float = 0.0
    untouched: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def kept_share(self) -> float:
        """Slots that are kept of all slots of the compressed layers."""
        return float(self.budgets.sum() / (self.tokens.sum() * max(len(self.layers), 1)))

    @property
    def saved_share(self) -> float:
        """Bytes that were freed of all bytes before."""
        return 1.0 - self.bytes_after / self.bytes_before

    def __str__(self) -> str:
        shares = self.budgets / self.tokens[:, None]
        lines = [
            f"requested {self.requested}, kept {self.kept_share:.3f} of {int(self.tokens.sum()):,} tokens "
            f"x {len(self.layers)} layers",
            f"keys and values {_mega(self.bytes_before)} -> {_mega(self.bytes_after)} "
            f"(-{100 * self.saved_share:.1f} %), at most {_mega(self.peak_bytes)} meanwhile, "
            f"beside them {_mega(self.index_bytes)} of positions",
            f"layers keep {shares.min():.3f} to {shares.max():.3f} of a prompt",
        ]
        heads = self.head_budgets / self.tokens[:, None, None]
        if (heads != shares[:, :, None]).any():
            lines.append(f"heads keep {heads.min():.3f} to {heads.max():.3f} of a prompt, stored without padding")
        if np.isfinite(self.entropy).any():
            error = f" +- {np.nanmax(self.entropy_error):.3f}" if np.nanmax(self.entropy_error) > 0 else ""
            lines.append(
                f"attention entropy {np.nanmin(self.entropy):.2f} to {np.nanmax(self.entropy):.2f} nats{error}"
            )
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(lines)


def _mega(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
