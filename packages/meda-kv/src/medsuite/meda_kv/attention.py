"""Attention functions that let an observer look on, and the modules of a model that call them."""

import inspect
import sys
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from medsuite.core.errors import InputError
from medsuite.meda_kv.observe.blocks import AttentionInputs

BASES = ("sdpa", "eager")
"""Attention implementations that can be observed."""
CACHE_ARGUMENTS = ("cache", "past_key_values")
"""How forward passes call their cache: the first since transformers 5.24, the second before."""
OBSERVER = "_medsuite_observer"
"""Attribute through which a session lets an attention module find its observer."""

Observe = Callable[[nn.Module, AttentionInputs], None]


def observed_name(base: str) -> str:
    """Name under which the observed form of an attention implementation is registered."""
    return f"medsuite_{base}"


def _observed_sdpa(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    **kwargs: Any,
) -> tuple[Tensor, Tensor | None]:
    # The dropout has a place of its own because kvpress, which wraps every attention function, hands it on by place.
    _look(module, query, key, attention_mask, kwargs)
    return ALL_ATTENTION_FUNCTIONS["sdpa"](module, query, key, value, attention_mask, dropout=dropout, **kwargs)


def _observed_eager(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    **kwargs: Any,
) -> tuple[Tensor, Tensor | None]:
    _look(module, query, key, attention_mask, kwargs)
    eager = sys.modules[type(module).__module__].eager_attention_forward
    return eager(module, query, key, value, attention_mask, dropout=dropout, **kwargs)


def _look(module: nn.Module, query: Tensor, key: Tensor, mask: Tensor | None, kwargs: dict[str, Any]) -> None:
    observe: Observe | None = getattr(module, OBSERVER, None)
    if observe is None:
        return
    if kwargs.get("s_aux") is not None:
        raise InputError(
            f"{type(module).__name__} uses learned attention sinks",
            expected="plain softmax attention",
            fix="not supported",
        )
    scale = kwargs.get("scaling")
    observe(
        module,
        AttentionInputs(query, key, query.shape[-1] ** -0.5 if scale is None else scale, mask, kwargs.get("softcap")),
    )


def register() -> None:
    """Register the observed functions and their masks under names of their own; nothing that exists is replaced."""
    for base, function in (("sdpa", _observed_sdpa), ("eager", _observed_eager)):
        AttentionInterface.register(observed_name(base), function)
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
        InputError: The model cannot be observed: an encoder-decoder, in training mode, observed already, or with
            another implementation than those of `BASES`.
    """
    name = type(model).__name__
    implementation = model.get_decoder().config._attn_implementation
    if model.config.is_encoder_decoder:
        raise InputError(f"{name} is an encoder-decoder", expected="a decoder")
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
