"""Attention functions that let an observer look on, and the modules of a model that call them."""

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from medsuite.core.errors import InputError
from medsuite.meda_kv.observe.blocks import AttentionInputs
from medsuite.meda_kv.ragged import RaggedRows, ragged_attention

FLASH = ("flash_attention_2", "flash_attention_3")
"""Those that take a 2-D mask of the rows that are no padding, or none, and are causal from the bottom right."""
BASES = ("sdpa", "eager", *FLASH)
"""Attention implementations that can be observed."""
CACHE_ARGUMENTS = ("cache", "past_key_values")
"""How forward passes call their cache: the first since transformers 5.24, the second before."""
OBSERVER = "_medsuite_observer"
"""Attribute through which an attention module finds the session that is open on it."""

Attention = Callable[..., tuple[Tensor, Tensor | None]]


@runtime_checkable
class Observer(Protocol):
    """What an attention module's session answers."""

    def observe(self, module: Any, inputs: AttentionInputs) -> None:
        """Take in one attention call."""

    def ragged(self, module: Any) -> RaggedRows | None:
        """Return the ragged rows of the module's layer, None where it has none."""


def observed_name(base: str) -> str:
    """Name under which the observed form of an attention implementation is registered."""
    return f"medsuite_{base}"


@torch.compiler.disable
def _observed(
    base: str,
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    **kwargs: Any,
) -> tuple[Tensor, Tensor | None]:
    # The dropout has a place of its own because kvpress, which wraps every attention function, hands it on by place.
    given: dict[str, Any] = {**kwargs, "dropout": dropout}
    if base == "eager":
        eager = sys.modules[type(module).__module__].eager_attention_forward
        return _attend(eager, module, query, key, value, attention_mask, **given)
    function = ALL_ATTENTION_FUNCTIONS[base]
    if base == "sdpa" and attention_mask is None and _shares_keys(query, key, given):
        function = _packed
    if base not in FLASH:
        return _attend(function, module, query, key, value, attention_mask, **given)
    with _called(module.config, base):
        return _attend(function, module, query, key, value, attention_mask, **given)


def _shares_keys(query: Tensor, key: Tensor, given: dict[str, Any]) -> bool:
    """Whether one query a head, on a CPU, shares its keys with other heads and asks for nothing out of the ordinary."""
    plain = given.get("softcap") is None and given.get("position_bias") is None
    return plain and query.shape[2] == 1 and query.shape[1] > key.shape[1] and query.device.type == "cpu"


def one_query_attention(
    query: Float[Tensor, "batch heads 1 dim"],
    key: Float[Tensor, "batch kv_heads rows dim"],
    value: Float[Tensor, "batch kv_heads rows value_dim"],
    *,
    scale: float | None = None,
    dropout: float = 0.0,
) -> Float[Tensor, "batch 1 heads value_dim"]:
    """Attend with one query a head, the heads of a key head standing in the place of its queries.

    So the kernel reads each key once. It is what transformers does where a mask is given; without one it leaves the
    sharing to torch, whose kernel for CPUs is slower.

    Args:
        query: Queries after the rotary embedding.
        key: Keys, fewer heads than queries.
        value: Values.
        scale: Factor on the dot products, `dim ** -0.5` when None.
        dropout: Share of the attention that is left out.
    """
    batch, heads, _, dim = query.shape
    packed = query.view(batch, key.shape[1], heads // key.shape[1], dim)
    output = scaled_dot_product_attention(packed, key, value, dropout_p=dropout, scale=scale)
    return output.reshape(batch, 1, heads, value.shape[-1])


def _packed(
    _module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    _mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """`one_query_attention` in the form of the attention interface."""
    return one_query_attention(query, key, value, scale=scaling, dropout=dropout), None


@contextmanager
def _called(config: Any, base: str) -> Iterator[None]:
    """Give the configuration the base's name for one call: flash attention loads its kernel by that name."""
    observed = config._attn_implementation
    config._attn_implementation = {"": base}
    try:
        yield
    finally:
        config._attn_implementation = {"": observed}


def _attend(
    base: Attention,
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    **kwargs: Any,
) -> tuple[Tensor, Tensor | None]:
    """Attend by the base function, or over a layer's ragged rows, which give no attention weights."""
    observer: Observer | None = getattr(module, OBSERVER, None)
    if observer is None:
        return base(module, query, key, value, mask, **kwargs)
    given = kwargs.get("scaling")
    scale = query.shape[-1] ** -0.5 if given is None else given
    rows = observer.ragged(module)
    if rows is not None:
        output = ragged_attention(query, rows, key, value, mask, scale=scale, softcap=kwargs.get("softcap"))
        return output.transpose(1, 2).contiguous(), None
    if kwargs.get("s_aux") is not None:
        raise InputError(
            f"{type(module).__name__} uses learned attention sinks",
            expected="plain softmax attention",
            fix="not supported",
        )
    observer.observe(module, AttentionInputs(query, key, scale, mask, kwargs.get("softcap")))
    return base(module, query, key, value, mask, **kwargs)


def register() -> None:
    """Register the observed functions and their masks under names of their own; nothing that exists is replaced."""
    for base in BASES:
        AttentionInterface.register(observed_name(base), partial(_observed, base))
        AttentionMaskInterface.register(observed_name(base), ALL_MASK_ATTENTION_FUNCTIONS[base])


def attention_modules(decoder: nn.Module) -> dict[int, nn.Module]:
    """Find the self-attention modules that write to the cache, by their layer's index."""
    found = {
        name: module
        for name, module in decoder.named_modules()
        if hasattr(module, "layer_idx")
        and cache_argument(module)
        and "attention_mask" in inspect.signature(module.forward).parameters
        and not getattr(module, "is_cross_attention", False)
    }
    innermost = [name for name in found if not any(other.startswith(name + ".") for other in found)]
    return {int(found[name].layer_idx): found[name] for name in innermost}


def cache_argument(module: nn.Module) -> str | None:
    """Name of the cache among the arguments of a module's forward pass, None when it takes none."""
    parameters = inspect.signature(module.forward).parameters
    return next((name for name in CACHE_ARGUMENTS if name in parameters), None)


def base_implementation(model: PreTrainedModel) -> str:
    """Return the attention implementation that the model was loaded with.

    Raises:
        InputError: The model cannot be observed: not of transformers, an encoder-decoder, in training mode, observed
            already, or with another implementation than those of `BASES`.
    """
    name = type(model).__name__
    if not isinstance(model, PreTrainedModel):
        raise InputError(f"{name} is no model of transformers", expected="a PreTrainedModel that generates")
    if model.config.is_encoder_decoder:
        raise InputError(f"{name} is an encoder-decoder", expected="a decoder")
    implementation = model.get_decoder().config._attn_implementation
    if model.training:
        raise InputError(f"{name} is in training mode", expected="evaluation mode", fix="call model.eval()")
    if implementation in map(observed_name, BASES):
        raise InputError(
            f"{name} is already inside compress()", expected="one session for a model", fix="close the first"
        )
    if implementation not in BASES:
        raise InputError(
            f"{name} uses attention implementation {implementation!r}",
            expected=f"one of {', '.join(BASES)}",
            fix="load it with attn_implementation='sdpa'",
        )
    return implementation
