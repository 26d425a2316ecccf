"""How many slots a prompt may keep, and how they are shared among layers to the slot."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from medsuite.core.errors import InputError

TIE = 1e-6
"""Shares this close below an integer count as that integer, so that rounding noise never costs a slot."""


@dataclass(frozen=True)
class Budget:
    """How much of the cache to keep; exactly one of the four forms is given.

    Attributes:
        ratio: Share of the prompt's slots that is kept, in (0, 1].
        tokens: Slots per layer, on average over the layers.
        total_tokens: Slots of all layers together.
        bytes: Bytes of all layers together for one sequence, with the positions that are stored beside keys and values.

    Raises:
        InputError: None or several forms are given, or the value is outside its range.
    """

    ratio: float | None = None
    tokens: int | None = None
    total_tokens: int | None = None
    bytes: int | None = None

    def __post_init__(self) -> None:
        given = {name: value for name, value in vars(self).items() if value is not None}
        if len(given) != 1:
            raise InputError(
                f"Budget got {', '.join(given) or 'no size'}",
                expected="exactly one of ratio, tokens, total_tokens, bytes",
                fix="for example Budget(ratio=0.2)",
            )
        ((name, value),) = given.items()
        if not (math.isfinite(value) and value > 0) or (name == "ratio" and value > 1):
            allowed = "a kept share with 0 < ratio <= 1" if name == "ratio" else f"{name} > 0"
            raise InputError(f"Budget({name}={value})", expected=allowed)

    def slots(self, tokens: int, layers: int, slot_bytes: int) -> int:
        """Return the slots of all layers together for one prompt, at most `tokens * layers`.

        Args:
            tokens: Prompt length of the sequence.
            layers: Number of layers that are compressed.
            slot_bytes: Bytes of one slot of one layer, all heads.
        """
        full = tokens * layers
        if self.ratio is not None:
            return min(full, math.floor(self.ratio * full + TIE))
        if self.tokens is not None:
            return min(full, self.tokens * layers)
        if self.total_tokens is not None:
            return min(full, self.total_tokens)
        return min(full, (self.bytes or 0) // slot_bytes)

    def __str__(self) -> str:
        ((name, value),) = ((name, value) for name, value in vars(self).items() if value is not None)
        return f"{name} {value:g}" if name == "ratio" else f"{name} {value:,}"


def water_fill(
    weights: Float[np.ndarray, " layers"],
    target: int,
    lower: Int[np.ndarray, " layers"],
    upper: Int[np.ndarray, " layers"],
) -> Float[np.ndarray, " layers"]:
    """Share `target` in proportion to the weights within bounds: `b_l = clip(c * w_l, lower_l, upper_l)`.

    The level `c` makes the shares sum to the target, so that what a full layer cannot take is handed on to the
    others. The sum is piecewise linear in `c` with kinks at `lower/w` and `upper/w`: interpolating between the kinks
    is exact. O(L²) for L layers.

    Args:
        weights: Non-negative weight of each layer.
        target: What the shares sum to.
        lower: Least share of each layer.
        upper: Largest share of each layer.

    Raises:
        InputError: A weight is negative or not finite, or no shares within the bounds reach the target.
    """
    if not np.all(np.isfinite(weights)) or np.any(weights < 0):
        raise InputError(f"layer weights {weights}", expected="finite numbers, none negative")
    if np.any(lower > upper) or not lower.sum() <= target <= upper.sum():
        raise InputError(
            f"{target} slots for {len(weights)} layers",
            expected=f"between {lower.sum()} (the protected tokens) and {upper.sum()} (the whole prompt)",
            fix="give a larger budget or protect fewer tokens",
        )
    positive = np.maximum(weights, np.finfo(np.float64).tiny ** 0.25 + weights.max(initial=0.0) * 1e-15)
    kinks = np.unique(np.concatenate([lower / positive, upper / positive]))
    sums = np.clip(kinks[:, None] * positive, lower, upper).sum(axis=1)
    level = np.interp(target, sums, kinks)
    return np.clip(level * positive, lower, upper)


def largest_remainder(shares: Float[np.ndarray, " layers"], target: int) -> Int[np.ndarray, " layers"]:
    """Round shares that sum to `target` to integers with the same sum, by Hamilton's method of largest remainders.

    Every result is the share rounded down or up, so integer bounds on the shares hold for the result; equal remainders
    go to the earlier layer.

    Args:
        shares: Non-negative shares, which sum to the target up to rounding noise.
        target: What the integers sum to.
    """
    floors = np.floor(shares + TIE).astype(np.int64)
    remainders = np.where(shares - floors > TIE, shares - floors, -1.0)
    order = np.argsort(-np.round(remainders, 9), kind="stable")
    floors[order[: int(target - floors.sum())]] += 1
    return floors


def share_slots(
    weights: Float[np.ndarray, " layers"],
    target: int,
    lower: Int[np.ndarray, " layers"],
    upper: Int[np.ndarray, " layers"],
) -> Int[np.ndarray, " layers"]:
    """Share `target` slots in proportion to the weights within bounds; the sum is exact to the slot.

    See `water_fill` for the shares and the errors, `largest_remainder` for the rounding.
    """
    return largest_remainder(water_fill(weights, target, lower, upper), target)
