"""A cache layer that knows how many tokens it has seen beside how many rows it still holds."""

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import DynamicCache, PretrainedConfig
from transformers.cache_utils import Cache, DummyLayer, DynamicLayer, DynamicSlidingWindowLayer

from medsuite.core.errors import InputError
from medsuite.meda_kv.ragged import RaggedRows

ROOM = 64
"""Rows that are allocated ahead behind a compressed prompt, so that a token is written instead of all rows copied."""


@dataclass(frozen=True)
class Incoming:
    """Tokens of the coming forward pass.

    Attributes:
        batch: Sequences.
        tokens: New tokens of each.
        device: Where the masks live.
        valid: Which of them are no padding; None when all are.
    """

    batch: int
    tokens: int
    device: torch.device
    valid: Bool[Tensor, "batch tokens"] | None = None

    def mask(self) -> Bool[Tensor, "batch tokens"]:
        """Return `valid` written out."""
        if self.valid is not None:
            return self.valid
        return torch.ones(self.batch, self.tokens, dtype=torch.bool, device=self.device)


class CompressedLayer(DynamicLayer):
    """One layer's keys and values with a logical length and fewer physical rows.

    A model asks a cache two different things: how many tokens came before (positions) and how many rows attention
    will see (masks). A plain layer answers both with its number of rows, which after eviction is wrong for the first;
    this layer answers with `seen` and with its rows.

    Where heads keep different numbers of rows, or rows are stored in another type, the prompt's rows lie in `ragged`
    and `keys` and `values` hold the rows behind it only.

    Attributes:
        seen: Tokens that passed, evicted ones included.
        valid: Which rows of each sequence hold a token; None when all do.
        kept: Rows of the prompt among `keys`; those behind them were appended later. None before compression.
        positions: Column in the prompt of each kept row, per key head; None when they are in `ragged`.
        counts: How many tokens a kept row stands for after merging; None without merging.
        ragged: The prompt's rows without padding; None when they are a rectangle in `keys` and `values`.
        announced: Rows that the next `update` may append, set by the session that builds this layer's masks.
        room: Storage of `keys` and `values` with free rows at its end, which this layer alone may write; None when they
            lie as they were computed or are shared.
    """

    def __init__(self) -> None:
        super().__init__()
        self._forget()

    def _forget(self) -> None:
        self.seen = 0
        self.valid: Bool[Tensor, "batch rows"] | None = None
        self.kept: int | None = None
        self.positions: Int[Tensor, "batch kv_heads kept"] | None = None
        self.counts: Float[Tensor, "batch kv_heads kept"] | None = None
        self.ragged: RaggedRows | None = None
        self.announced: int | None = None
        self.room: tuple[Tensor, Tensor] | None = None

    @property
    def rows(self) -> int:
        """Rows of `keys` and `values`, the widest sequence's."""
        return self.keys.shape[-2] if self.keys is not None and self.keys.numel() else 0

    def tensors(
        self,
    ) -> tuple[Float[Tensor, "batch kv_heads rows dim"], Float[Tensor, "batch kv_heads rows value_dim"]]:
        """Return keys and values.

        Raises:
            InputError: The layer holds nothing yet.
        """
        if self.keys is None or self.values is None:
            raise InputError("a cache layer is empty", fix="run the model on a prompt first")
        return self.keys, self.values

    @property
    def compressed(self) -> bool:
        """Whether rows were evicted or merged, or could have been."""
        return self.kept is not None

    def held(self, batch: int, device: torch.device) -> Bool[Tensor, "batch rows"]:
        """Return which rows hold a token, written out."""
        if self.valid is not None:
            return self.valid
        return torch.ones(batch, self.rows, dtype=torch.bool, device=device)

    def announce(self, incoming: Incoming) -> None:
        """Tell the layer what the coming forward pass appends, before its mask is built."""
        self.announced = incoming.tokens
        if self.valid is not None or incoming.valid is not None:
            self.valid = torch.cat([self.held(incoming.batch, incoming.device), incoming.mask()], dim=1)

    def update(
        self,
        key_states: Float[Tensor, "batch kv_heads query dim"],
        value_states: Float[Tensor, "batch kv_heads query value_dim"],
        *args: object,
        **kwargs: object,
    ) -> tuple[Float[Tensor, "batch kv_heads rows dim"], Float[Tensor, "batch kv_heads rows value_dim"]]:
        """Append rows and return all of them; behind a compressed prompt in time linear in the new rows.

        Raises:
            InputError: The layer is compressed and no session prepared its mask: the model's own would be wrong.
        """
        new = key_states.shape[-2]
        if self.compressed and self.announced != new:
            raise InputError(
                "a compressed cache is used outside compress()",
                expected="the masks of an open session",
                fix="generate inside `with compress(model, recipe):`",
            )
        self.announced = None
        self.seen += new
        if not self.compressed or torch.is_grad_enabled():
            self.room = None
            return super().update(key_states, value_states, *args, **kwargs)
        self.keys, self.values = self._written(key_states, value_states)
        return self.keys, self.values

    def _written(self, *new: Float[Tensor, "batch kv_heads query _"]) -> tuple[Tensor, Tensor]:
        """Write rows into the room behind the others, which is made anew where there is none."""
        start, end = self.rows, self.rows + new[0].shape[-2]
        # What was allocated in inference mode cannot be written outside it.
        closed = self.room is not None and self.room[0].is_inference() and not torch.is_inference_mode_enabled()
        if self.room is None or closed or self.room[0].shape[-2] < end:
            keys, values = self.tensors()
            self.room = _with_room(keys, end + ROOM), _with_room(values, end + ROOM)
        for stored, rows in zip(self.room, new, strict=True):
            stored[:, :, start:end] = rows
        return self.room[0][:, :, :end], self.room[1][:, :, :end]

    def get_seq_length(self) -> int:
        """Return the logical length, from which the next position follows."""
        return self.seen

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Return the physical length with the coming query and the column of the first row."""
        return self.rows + query_length, self.seen - self.rows

    def keep(
        self,
        keys: Float[Tensor, "batch kv_heads kept dim"],
        values: Float[Tensor, "batch kv_heads kept value_dim"],
        positions: Int[Tensor, "batch kv_heads kept"],
        valid: Bool[Tensor, "batch kept"],
        counts: Float[Tensor, "batch kv_heads kept"] | None = None,
    ) -> None:
        """Replace the rows by those that survive; the tensors must own their storage, so that the old is freed.

        Raises:
            InputError: A tensor is a view of a larger storage.
        """
        for tensor in (keys, values):
            if tensor.untyped_storage().nbytes() != tensor.nbytes:
                raise InputError("kept rows are a view of the full cache", fix="gather or clone them")
        self.keys, self.values, self.room = keys, values, None
        self.positions, self.counts = positions.to(torch.int32), counts
        self.valid = None if bool(valid.all()) else valid
        self.kept = keys.shape[-2]

    def pack(self, ragged: RaggedRows) -> None:
        """Replace the rows by ragged ones, which our attention function reads; new tokens are appended behind them."""
        keys, values = self.tensors()
        self.keys, self.values = (
            keys.new_empty(*keys.shape[:2], 0, keys.shape[3]),
            values.new_empty(*values.shape[:2], 0, values.shape[3]),
        )
        self.ragged, self.valid, self.positions, self.counts, self.kept = ragged, None, None, None, 0
        self.room = None

    def columns(self, sequence: int, head: int) -> Int[Tensor, " kept"]:
        """Return the columns of the prompt that one head of one sequence keeps, in order.

        Raises:
            InputError: The layer is not compressed.
        """
        if self.ragged is not None:
            return self.ragged.columns(sequence, head)
        if self.positions is None or self.kept is None:
            raise InputError("a cache layer is not compressed", fix="read a prompt inside compress()")
        columns = self.positions[sequence, head]
        return columns if self.valid is None else columns[self.valid[sequence, : self.kept]]

    def crop(self, tokens_to_remove: int) -> None:
        """Take back the newest tokens, as speculative decoding does.

        Raises:
            InputError: More tokens than were appended after compression.
        """
        count = -tokens_to_remove
        if self.compressed and count > self.rows - (self.kept or 0):
            raise InputError(
                f"crop({tokens_to_remove}) reaches into the compressed prompt",
                expected=f"at most the {self.rows - (self.kept or 0)} tokens that came after it",
            )
        super().crop(tokens_to_remove)
        if count > 0:
            self.seen -= count
            self.valid = None if self.valid is None else self.valid[:, :-count]

    def reset(self) -> None:
        """Forget everything, so that the layer can take another prompt."""
        super().reset()
        self._forget()

    def _per_sequence(self, change: Callable[[Tensor], Tensor]) -> None:
        self.room = None
        for name in ("valid", "positions", "counts"):
            tensor = getattr(self, name)
            if tensor is not None:
                setattr(self, name, change(tensor))
        if self.ragged is not None:
            self.ragged = self.ragged.select(change(torch.arange(len(self.ragged.bounds))))

    def reorder_cache(self, beam_idx: Int[Tensor, " batch"]) -> None:
        """Reorder the sequences, as beam search does."""
        keys, values = self.tensors()
        order = beam_idx.to(keys.device)
        self.keys, self.values = keys.index_select(0, order), values.index_select(0, order)
        self._per_sequence(lambda tensor: tensor.index_select(0, order.to(tensor.device)))

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Repeat every sequence."""
        super().batch_repeat_interleave(repeats)
        self._per_sequence(lambda tensor: tensor.repeat_interleave(repeats, dim=0))

    def batch_select_indices(self, indices: Int[Tensor, " chosen"]) -> None:
        """Keep some sequences only."""
        super().batch_select_indices(indices)
        self._per_sequence(lambda tensor: tensor[indices.to(tensor.device)])


def _with_room(
    rows: Float[Tensor, "batch kv_heads rows dim"], capacity: int
) -> Float[Tensor, "batch kv_heads capacity dim"]:
    """Copy rows to the beginning of a storage for `capacity` of them."""
    batch, heads, count, dim = rows.shape
    stored = rows.new_empty(batch, heads, capacity, dim)
    stored[:, :, :count] = rows
    return stored


class CompressedCache(DynamicCache):
    """A `DynamicCache` whose full-attention layers are `CompressedLayer` objects; other kinds are left alone.

    Args:
        config: The model's configuration, from which the kinds of the layers follow.
    """

    def __init__(self, config: PretrainedConfig) -> None:
        super().__init__(config=config)
        adopt(self, len(self.layers))

    def fork(self) -> "CompressedCache":
        """Return an independent continuation that shares the stored prompt, so that many questions can be asked of it.

        Raises:
            InputError: A layer is of a kind that changes its tensors in place and cannot be shared.
        """
        shared = (CompressedLayer, DynamicSlidingWindowLayer, DummyLayer)
        other = [type(layer).__name__ for layer in self.layers if not isinstance(layer, shared)]
        if other:
            raise InputError(f"fork() of a cache with {other[0]}", expected="full and sliding attention only")
        for layer in compressible(self).values():
            layer.room = None
        twin = copy(self)
        twin.layers = [copy(layer) for layer in self.layers]
        return twin


def adopt(cache: Cache, layers: int) -> None:
    """Turn the empty full-attention layers of a cache into `CompressedLayer` objects, in place.

    Args:
        cache: A fresh `DynamicCache`, as `generate` makes one.
        layers: Number of the model's layers, for a cache that makes its layers on demand.

    Raises:
        InputError: The cache is of a kind that cannot be compressed, or it already holds tokens that nobody observed.
    """
    if not isinstance(cache, DynamicCache) or getattr(cache, "offloading", False):
        kind = type(cache).__name__ + (" with offloading" if getattr(cache, "offloading", False) else "")
        raise InputError(f"cache {kind} cannot be compressed", expected="a DynamicCache", fix="leave it unset")
    if any(getattr(layer, "is_initialized", False) for layer in cache.layers) and cache.get_seq_length():
        raise InputError(
            f"the cache already holds {cache.get_seq_length()} tokens that were not observed",
            fix="open compress() before the prompt is read",
        )
    if cache.layer_class_to_replicate is not None:
        cache.layers = [cache.layer_class_to_replicate() for _ in range(layers)]
        cache.layer_class_to_replicate = None
    cache.layers = [CompressedLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]


def compressible(cache: Cache) -> dict[int, CompressedLayer]:
    """Return the layers that this package manages, by their index."""
    return {index: layer for index, layer in enumerate(cache.layers) if isinstance(layer, CompressedLayer)}


def storage_bytes(cache: Cache) -> int:
    """Return the bytes that the keys and values of all layers occupy: storages, not shapes, each counted once.

    The scales of quantised rows count among them.
    """
    return _storages(tensor for layer in cache.layers for tensor in _rows(layer))


def layer_bytes(layer: object) -> int:
    """Return the bytes of one layer's keys and values, as `storage_bytes` counts them."""
    return _storages(_rows(layer))


def _rows(layer: object) -> list[Tensor | None]:
    tensors = [getattr(layer, "keys", None), getattr(layer, "values", None)]
    ragged: RaggedRows | None = getattr(layer, "ragged", None)
    return tensors if ragged is None else [*tensors, *ragged.keys.tensors(), *ragged.values.tensors()]


def index_bytes(cache: Cache) -> int:
    """Return the bytes of positions, validity, counts and bounds of heads beside keys and values."""
    holders = [holder for layer in compressible(cache).values() for holder in (layer, layer.ragged)]
    names = ("positions", "valid", "counts", "bounds")
    return _storages([getattr(holder, name, None) for holder in holders for name in names])


def _storages(tensors: Iterable[Tensor | None]) -> int:
    held = [tensor.untyped_storage() for tensor in tensors if tensor is not None]
    storages = {storage.data_ptr(): storage.nbytes() for storage in held}
    return sum(storages.values())
