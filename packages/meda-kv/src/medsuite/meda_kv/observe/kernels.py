"""Triton kernels for row entropies and accumulated attention: one pass over the keys, no score ever in memory.

The blockwise statistics of `entropy` and `scores` define what these compute and are the oracle of their tests, which
run the kernels in Triton's interpreter where there is no GPU.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from medsuite.meda_kv.observe.blocks import AttentionInputs

ROWS, SLOTS = 64, 64
"""Query rows and keys of one tile."""


@dataclass(frozen=True)
class RowStatistics:
    """What one pass over the keys leaves of each query row.

    Attributes:
        entropy: In nats, 0 for a row without allowed slots.
        normaliser: Log of the sum of exponentials, minus infinity for a row without allowed slots.
    """

    entropy: Float[Tensor, "batch heads rows"]
    normaliser: Float[Tensor, "batch heads rows"]


@dataclass(frozen=True)
class Allowed:
    """Which slots each row is normalised over.

    Attributes:
        valid: Slots that are no padding.
        vision: Slots of images or video frames.
        crossing: Sequences whose rows see the other modality only.
        causal: Whether the mask holds for the crossing sequences; it always holds for the others.
    """

    valid: Bool[Tensor, "batch slots"]
    vision: Bool[Tensor, "batch slots"]
    crossing: Bool[Tensor, " batch"]
    causal: bool = True

    @classmethod
    def visible(cls, valid: Bool[Tensor, "batch slots"]) -> "Allowed":
        """Every visible slot, whatever its modality."""
        return cls(valid, torch.zeros_like(valid), torch.zeros_like(valid[:, 0]))


def usable(inputs: AttentionInputs) -> bool:
    """Tell whether the kernels can take this call: on a GPU with Triton, and no additive or 2-D mask."""
    additive = inputs.mask is not None and inputs.mask.dtype != torch.bool
    flat = inputs.mask is not None and inputs.mask.ndim == 2
    return (
        inputs.query.is_cuda and not additive and not flat and inputs.query.shape[-1] <= 256 and _triton_is_installed()
    )


@cache
def _triton_is_installed() -> bool:
    try:
        import triton  # noqa: F401
    except ImportError:
        return False
    return True


def _kernel(name: str) -> Any:
    from medsuite.meda_kv.observe import triton_kernels

    return getattr(triton_kernels, name)


def row_statistics(inputs: AttentionInputs, rows: Int[Tensor, " rows"], allowed: Allowed) -> RowStatistics:
    """Entropy and normaliser of the given query rows. Time O(rows * slots), memory O(rows).

    Args:
        inputs: The attention call; a mask must be boolean.
        rows: Ascending query rows.
        allowed: Over which slots they are normalised.
    """
    batch, heads = inputs.query.shape[:2]
    outputs = torch.empty(2, batch, heads, len(rows), dtype=torch.float32, device=inputs.query.device)
    call = _Call.of(inputs, rows)
    _kernel("row_kernel")[(-(-len(rows) // ROWS), batch * heads)](
        *call.tensors,
        *(flags.to(torch.int8).contiguous() for flags in (allowed.valid, allowed.vision, allowed.crossing)),
        *outputs.unbind(0),
        *call.numbers,
        CAUSAL=allowed.causal,
        **call.constants,
    )
    return RowStatistics(*outputs.unbind(0))


def accumulated_mass(
    inputs: AttentionInputs,
    rows: Int[Tensor, " rows"],
    normaliser: Float[Tensor, "batch heads rows"],
    weights: Float[Tensor, "batch rows"],
) -> Float[Tensor, "batch kv_heads slots"]:
    """Attention that each slot gets from the given rows, mean over the query heads of a key head.

    Args:
        inputs: The attention call; a mask must be boolean.
        rows: Ascending query rows.
        normaliser: Of each row over all that it sees, from `row_statistics`.
        weights: How much each row counts.
    """
    batch, kv_heads, slots, _ = inputs.key.shape
    mass = torch.empty(batch, kv_heads, slots, dtype=torch.float32, device=inputs.query.device)
    call = _Call.of(inputs, rows)
    _kernel("mass_kernel")[(-(-slots // SLOTS), batch * kv_heads)](
        *call.tensors, normaliser.contiguous(), weights.float().contiguous(), mass, *call.numbers, **call.constants
    )
    return mass


@dataclass(frozen=True)
class _Call:
    """The arguments that both kernels share."""

    tensors: tuple[Tensor, ...]
    numbers: tuple[Any, ...]
    constants: dict[str, Any]

    @classmethod
    def of(cls, inputs: AttentionInputs, rows: Tensor) -> "_Call":
        query, key = inputs.query[:, :, rows].contiguous(), inputs.key.contiguous()
        heads, kv_heads, slots, dim = query.shape[1], key.shape[1], key.shape[2], key.shape[3]
        places = (rows + inputs.slots - inputs.rows).to(torch.int32)
        seen = query if inputs.mask is None else _rows_of_mask(inputs.mask, rows, len(query), slots)
        numbers = (inputs.scale, inputs.softcap or 0.0, len(rows), slots, heads, heads // kv_heads)
        constants = {
            "DIM": dim,
            "WIDE": max(16, 1 << (dim - 1).bit_length()),
            "MASKED": inputs.mask is not None,
            "CAPPED": inputs.softcap is not None,
            "ROWS": ROWS,
            "SLOTS": SLOTS,
        }
        return cls((query, key, places, seen), numbers, constants)


def _rows_of_mask(mask: Tensor, rows: Tensor, batch: int, slots: int) -> Tensor:
    return mask[:, 0, rows, :slots].expand(batch, -1, -1).to(torch.int8).contiguous()
