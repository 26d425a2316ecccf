"""From an observed prompt to a smaller cache: budgets, then rows, then merging, layer by layer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers.cache_utils import Cache

from medsuite.core.errors import InputError
from medsuite.meda_kv.allocate import LayerTable
from medsuite.meda_kv.cache import CompressedLayer, compressible, index_bytes, layer_bytes, storage_bytes
from medsuite.meda_kv.observe.observer import ENTROPIES, LayerObserver, Statistic, Tokens
from medsuite.meda_kv.observe.order import SlotOrder
from medsuite.meda_kv.packing import keep_ragged
from medsuite.meda_kv.recipe import Recipe
from medsuite.meda_kv.report import Report
from medsuite.meda_kv.select.base import LayerView, choose, last_tokens, require_finite

FINITE = "finite keys and queries"


@dataclass(frozen=True)
class Observation:
    """All that is known about a prompt once it has been read.

    Attributes:
        tokens: The prompt's tokens.
        layers: Observers by layer index.
        seconds: Time spent on the statistics.
    """

    tokens: Tokens
    layers: Mapping[int, LayerObserver] = field(default_factory=dict)
    seconds: float = 0.0


@torch.no_grad()
def compress_cache(cache: Cache, observation: Observation, recipe: Recipe) -> Report:
    """Compress the cache in place and say what was done; the full tensors are released.

    Args:
        cache: A cache whose full-attention layers are `CompressedLayer` objects that hold the whole prompt.
        observation: Statistics of the prompt, at least what the recipe needs.
        recipe: What to do.

    Raises:
        InputError: The budget is smaller than the protected tokens, or a statistic is missing or not finite.
    """
    layers = compressible(cache)
    before = peak = storage_bytes(cache)
    order = SlotOrder.of(observation.tokens.valid)
    view = partial(layer_view, layers, observation, order)
    tables, notes = layer_tables(layers, observation, recipe, view)
    recipe = replace(recipe, select=recipe.select.bind(view))
    budgets = np.stack([recipe.allocate.budgets(table) for table in tables])
    heads = []
    for column, (index, layer) in enumerate(layers.items()):
        held = storage_bytes(cache)
        heads.append(_compress_layer(layer, view(index), order, recipe, torch.from_numpy(budgets[:, column])))
        peak = max(peak, held + layer_bytes(layer))
    widest = budgets.sum() if recipe.ragged else budgets.max(axis=0).sum() * len(budgets)
    return Report(
        requested=str(recipe.budget),
        tokens=np.array([table.tokens for table in tables]),
        layers=tuple(layers),
        budgets=budgets,
        entropy=_entropies(tables, recipe),
        entropy_error=_entropy_errors(layers, observation, recipe),
        bytes_before=before,
        bytes_after=storage_bytes(cache),
        index_bytes=index_bytes(cache),
        padded_rows=int(widest - budgets.sum()),
        seconds_observing=observation.seconds,
        untouched=tuple(f"{i}: {type(layer).__name__}" for i, layer in enumerate(cache.layers) if i not in layers),
        notes=(*notes, *_modality_notes(observation, recipe)),
        head_budgets=torch.stack(heads, dim=1).numpy(),
        peak_bytes=peak,
    )


def layer_view(
    layers: Mapping[int, CompressedLayer], observation: Observation, order: SlotOrder, index: int
) -> LayerView:
    """View one layer with its prompt, padding in front; the last one for an index beyond it."""
    known = index if index in layers else max(layers)
    tokens, observed = observation.tokens, observation.layers[known]
    if observed.mass is not None:
        observed = replace(observed, mass=order.take(observed.mass))
    keys = order.take(layers[known].tensors()[0])
    return LayerView(known, keys, order.take(tokens.valid), order.take(tokens.vision), observed)


def layer_tables(
    layers: Mapping[int, CompressedLayer],
    observation: Observation,
    recipe: Recipe,
    view: Callable[[int], LayerView],
) -> tuple[list[LayerTable], tuple[str, ...]]:
    """Set up each sequence's allocation problem; the notes name sequences that are too short to compress.

    Raises:
        InputError: A sequence is padding alone, or what the allocator measures is not finite.
    """
    valid, depth = observation.tokens.valid, len(layers)
    lengths = valid.sum(-1).cpu().numpy()
    if not lengths.all():
        raise InputError(f"sequence {int(lengths.argmin())} holds padding only", expected="a token in every sequence")
    least = recipe.protect.mask(valid).sum(-1).cpu().numpy() + recipe.select.window
    measured = torch.stack([recipe.allocate.measure(view(index)) for index in layers], dim=1).double().cpu().numpy()
    broken = [index for index, column in zip(layers, measured.T, strict=True) if not np.isfinite(column).all()]
    if broken:
        raise InputError(f"an attention statistic of layer {broken[0]} is not finite", expected=FINITE)
    slot_bytes = max(_slot_bytes(layer, recipe) for layer in layers.values())
    tables = []
    for row, tokens in enumerate(map(int, lengths)):
        lower = np.full(depth, min(max(int(least[row]), 1), tokens))
        target = recipe.budget.slots(tokens, depth, slot_bytes)
        short = tokens <= least[row]
        upper = np.full(depth, tokens)
        tables.append(LayerTable(tokens, tokens * depth if short else target, lower, upper, measured[row]))
    whole = [str(row) for row, table in enumerate(tables) if table.tokens <= least[row]]
    note = f"sequence {', '.join(whole)} is not longer than what is protected: all of it is kept"
    return tables, (note,) if whole else ()


def _slot_bytes(layer: CompressedLayer, recipe: Recipe) -> int:
    """Bytes of one slot: keys and values of all heads as they are stored, and the 4-byte position of each head."""
    keys, values = layer.tensors()
    rows = [recipe.store.row_bytes(tensor.shape[-1], tensor.element_size()) for tensor in (keys, values)]
    return keys.shape[1] * (sum(rows) + 4)


def _entropy_kind(recipe: Recipe) -> Statistic | None:
    return next((kind for kind in ENTROPIES if kind in recipe.allocate.needs), None)


def _entropies(tables: list[LayerTable], recipe: Recipe) -> Float[np.ndarray, "batch layers"]:
    """The measures, where they are entropies; NaN otherwise."""
    measured = np.stack([table.measure for table in tables])
    return measured if _entropy_kind(recipe) else np.full_like(measured, np.nan)


def _entropy_errors(
    layers: Mapping[int, CompressedLayer], observation: Observation, recipe: Recipe
) -> Float[np.ndarray, "batch layers"]:
    kind = _entropy_kind(recipe)
    if kind is None:
        return np.zeros((len(observation.tokens.valid), len(layers)))
    errors = [observation.layers[index].entropy_error(kind) for index in layers]
    return torch.stack(errors, dim=1).cpu().numpy()


def _compress_layer(
    layer: CompressedLayer, view: LayerView, order: SlotOrder, recipe: Recipe, budgets: Int[Tensor, " batch"]
) -> Int[Tensor, "batch kv_heads"]:
    """Keep a layer's best rows and return how many each head keeps."""
    budgets = budgets.to(view.keys.device)
    protected = _protected(recipe, view, order, budgets)
    scores = recipe.select.scores(view)
    require_finite(scores, view.valid, view.index)
    shares = recipe.heads.share(scores, protected, view.valid, budgets)
    values = order.take(layer.tensors()[1])
    if recipe.ragged:
        layer.pack(keep_ragged(view, values, scores, protected, shares, order.columns, recipe))
        return shares.cpu()
    choice = choose(scores, protected, view.valid, budgets, view.index)
    kept = recipe.merge.merge(view.keys, values, choice, view.valid)
    positions = order.columns.unsqueeze(1).expand(-1, scores.shape[1], -1).gather(2, choice.index)
    layer.keep(kept.keys, kept.values, positions, choice.valid, kept.counts)
    return shares.cpu()


def _protected(
    recipe: Recipe, view: LayerView, order: SlotOrder, budgets: Int[Tensor, " batch"]
) -> Bool[Tensor, "batch slots"]:
    """Slots that a layer keeps whatever their score: marked ones, and as many recent ones as the budget allows."""
    # Spans are columns of the prompt, so that they are marked in its own order.
    own = torch.zeros_like(view.valid).scatter(1, order.columns, view.valid)
    fixed = order.take(recipe.protect.mask(own))
    recent = torch.tensor([recipe.select.recent(int(budget)) for budget in budgets], device=fixed.device)
    return fixed | last_tokens(view.valid & ~fixed, torch.minimum(recent, budgets - fixed.sum(-1)))


def _modality_notes(observation: Observation, recipe: Recipe) -> tuple[str, ...]:
    """Say where cross-modal entropy was asked for and did not exist."""
    if _entropy_kind(recipe) in (None, "full entropy"):
        return ()
    single = (~observation.tokens.crossing).nonzero()[:, 0].tolist()
    if not single:
        return ()
    which = ", ".join(map(str, single))
    return (f"sequence {which} holds one modality only: full-row entropy in place of cross-modal entropy",)
