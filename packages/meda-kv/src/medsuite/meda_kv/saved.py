"""A compressed cache as a safetensors file: numbers and a header, nothing that can run."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from transformers import PreTrainedModel
from transformers.cache_utils import DummyLayer, DynamicSlidingWindowLayer

from medsuite.core.errors import InputError
from medsuite.core.runs import write_atomically
from medsuite.meda_kv.cache import CompressedCache, CompressedLayer
from medsuite.meda_kv.positions import ROPE_DELTAS
from medsuite.meda_kv.quantise import StoredRows
from medsuite.meda_kv.ragged import RaggedRows

FORMAT = "medsuite-meda-kv 1"
"""Name and version of the file's layout."""
WHOLE = "a prompt that was saved"
"""What a file should be."""
_LAYER = ("keys", "values", "valid", "positions", "counts")
_RAGGED = ("positions", "bounds", "counts")
_ENTRIES = 64
"""Numbers of each weight tensor that go into a model's fingerprint."""


def fingerprint(model: PreTrainedModel) -> dict[str, str]:
    """Return what tells models apart for which a cache is not interchangeable: class, configuration, weights.

    The configuration is that of the decoder without how it is run; of the weights the first 64 numbers of each tensor
    are hashed.
    """
    config = model.get_decoder().config.to_dict()
    shape = {name: value for name, value in config.items() if not name.startswith("_") and name not in _RUN_SETTINGS}
    digest = hashlib.sha256()
    for name, weight in sorted(model.get_decoder().named_parameters()):
        digest.update(name.encode())
        digest.update(weight.detach().flatten()[:_ENTRIES].float().cpu().numpy().tobytes())
    return {
        "model": type(model).__name__,
        "configuration": hashlib.sha256(json.dumps(shape, sort_keys=True, default=str).encode()).hexdigest(),
        "weights": digest.hexdigest(),
    }


_RUN_SETTINGS = {"transformers_version", "use_cache", "return_dict", "output_hidden_states", "output_attentions"}


def save_cache(path: Path, model: PreTrainedModel, cache: CompressedCache, extra: Mapping[str, Tensor]) -> None:
    """Write a cache and some tensors beside it, all or nothing.

    Raises:
        InputError: A layer is of a kind that cannot be stored.
    """
    tensors = {f"extra.{name}": tensor for name, tensor in extra.items()}
    lengths: dict[str, dict[str, int | None]] = {}
    for index, layer in enumerate(cache.layers):
        found, numbers = _layer_state(layer)
        tensors |= {f"layer.{index}.{name}": tensor for name, tensor in found.items()}
        lengths[str(index)] = numbers
    deltas = getattr(cache, ROPE_DELTAS, None)
    if deltas is not None:
        tensors[ROPE_DELTAS] = deltas
    header = {"format": FORMAT, "lengths": json.dumps(lengths), **fingerprint(model)}
    owned = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_atomically(Path(path), save(owned, metadata=header))


def load_cache(path: Path, model: PreTrainedModel) -> tuple[CompressedCache, dict[str, Tensor]]:
    """Read what `save_cache` wrote, onto the model's device.

    Raises:
        InputError: The file is missing or of another kind, or it belongs to another model.
    """
    header, tensors = _read(Path(path))
    _refuse_other_model(path, header, fingerprint(model))
    cache = CompressedCache(model.get_decoder().config)
    lengths = _lengths(path, header, len(cache.layers))
    for index, layer in enumerate(cache.layers):
        prefix = f"layer.{index}."
        mine = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        _refuse_damage(path, index, mine, lengths[index])
        _restore(layer, mine, lengths[index], model.device)
    if ROPE_DELTAS in tensors:
        setattr(cache, ROPE_DELTAS, tensors[ROPE_DELTAS].to(model.device))
    extra = {name.removeprefix("extra."): tensor for name, tensor in tensors.items() if name.startswith("extra.")}
    return cache, {name: tensor.to(model.device) for name, tensor in extra.items()}


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    if not path.is_file():
        raise InputError(f"{path} is no file", expected=WHOLE)
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except SafetensorError as error:
        raise InputError(f"{path} is no whole safetensors file ({error})", expected=WHOLE) from error
    if header.get("format") != FORMAT:
        raise InputError(f"{path} has format {header.get('format')!r}", expected=repr(FORMAT))
    return header, tensors


def _refuse_other_model(path: Path, saved: Mapping[str, str], given: Mapping[str, str]) -> None:
    different = [name for name in given if saved.get(name) != given[name]]
    if different:
        raise InputError(
            f"{path} was saved for {saved.get('model')}, the model given is {given['model']}: "
            f"another {' and '.join(different)}",
            fix="load it with the model that read the prompt",
        )


def _lengths(path: Path, header: Mapping[str, str], layers: int) -> list[dict[str, int | None]]:
    try:
        lengths = json.loads(header["lengths"])
        return [dict(lengths[str(index)]) for index in range(layers)]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} does not tell the lengths of its {layers} layers", expected=WHOLE) from error


def _refuse_damage(path: Path, index: int, tensors: Mapping[str, Tensor], numbers: Mapping[str, int | None]) -> None:
    """Raise an `InputError` when a layer's tensors do not belong together, instead of reading beside them later."""
    ragged = (
        [f"ragged.{name}" for name in ("keys.codes", "values.codes", "positions")] if "ragged.bounds" in tensors else []
    )
    wanted = ("keys", "values", *ragged) if tensors or numbers.get("seen") else ()
    missing = [name for name in wanted if name not in tensors]
    if missing:
        raise InputError(f"layer {index} in {path} lacks {missing[0]}", expected=WHOLE)
    shapes = [tuple(tensors[name].shape[:3]) for name in ("keys", "values") if name in tensors]
    if len(set(shapes)) > 1:
        raise InputError(f"layer {index} in {path} has keys {shapes[0]} and values {shapes[1]}", expected=WHOLE)
    rows = min((len(tensors[name]) for name in ragged), default=0)
    if ragged and not 0 <= int(tensors["ragged.bounds"].min()) <= int(tensors["ragged.bounds"].max()) <= rows:
        raise InputError(f"layer {index} in {path} has bounds outside its {rows} rows", expected=WHOLE)


def _layer_state(layer: Any) -> tuple[dict[str, Tensor], dict[str, int | None]]:
    """Tensors and lengths of one layer."""
    if isinstance(layer, CompressedLayer):
        tensors = {name: getattr(layer, name) for name in _LAYER} | _ragged_state(layer.ragged)
        numbers = {"seen": layer.seen, "kept": layer.kept}
    elif type(layer) is DynamicSlidingWindowLayer:
        tensors = {"keys": layer.keys, "values": layer.values}
        numbers = {"seen": layer.cumulative_length}
    elif isinstance(layer, DummyLayer):
        tensors, numbers = {}, {}
    else:
        raise InputError(f"a cache with {type(layer).__name__}", expected="full and sliding attention only")
    return {name: tensor for name, tensor in tensors.items() if tensor is not None}, numbers


def _ragged_state(rows: RaggedRows | None) -> dict[str, Tensor | None]:
    if rows is None:
        return {}
    state = {f"ragged.{name}": getattr(rows, name) for name in _RAGGED}
    for name, stored in (("keys", rows.keys), ("values", rows.values)):
        state |= {f"ragged.{name}.codes": stored.codes, f"ragged.{name}.scale": stored.scale}
    return state


def _restore(layer: Any, tensors: dict[str, Tensor], numbers: dict[str, int | None], device: torch.device) -> None:
    """Fill an empty layer; one that holds nothing stays as it is."""
    if not tensors:
        return
    bounds = tensors.get("ragged.bounds")
    tensors = {name: tensor.to(device) for name, tensor in tensors.items()}
    layer.lazy_initialization(tensors["keys"], tensors["values"])
    layer.keys, layer.values = tensors["keys"], tensors["values"]
    if not isinstance(layer, CompressedLayer):
        layer.cumulative_length = numbers["seen"]
        return
    layer.seen, layer.kept = int(numbers["seen"] or 0), numbers["kept"]
    for name in _LAYER[2:]:
        setattr(layer, name, tensors.get(name))
    if bounds is not None:
        keys, values = (
            StoredRows(tensors[f"ragged.{name}.codes"], tensors.get(f"ragged.{name}.scale"))
            for name in ("keys", "values")
        )
        layer.ragged = RaggedRows(keys, values, tensors["ragged.positions"], bounds, tensors.get("ragged.counts"))
