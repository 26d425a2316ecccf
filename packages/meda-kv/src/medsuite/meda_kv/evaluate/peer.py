"""kvpress, the peer: its presses at our settings, as arms of an evaluation, on a transformers that it does not know.

Its pin stops below 5.3; later forward passes neither pass the `cache_position` that its hook reads nor always call the
cache `past_key_values`. Importing it wraps every global attention function: it is imported when an arm is asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import PreTrainedModel

from medsuite.core.errors import InputError, MissingDependencyError
from medsuite.meda_kv.cache import CompressedCache, CompressedLayer, compressible
from medsuite.meda_kv.evaluate.questions import Arm, Smaller
from medsuite.meda_kv.methods import METHODS, method
from medsuite.meda_kv.prompt import Prompt, read
from medsuite.meda_kv.recipe import Recipe
from medsuite.meda_kv.session import Session

VERSION = "0.5.5"
INSTALL = f"pip install --no-deps kvpress=={VERSION} && pip install fire cachetools datasets pandas"
NAME = "kvpress {method}"


def _snapkv(kvpress: Any, recipe: Any, evicted: float) -> Any:
    return kvpress.SnapKVPress(evicted, window_size=recipe.select.window, kernel_size=recipe.select.kernel)


def _pyramidkv(kvpress: Any, recipe: Any, evicted: float) -> Any:
    sizes = {"window_size": recipe.select.window, "kernel_size": recipe.select.kernel}
    return kvpress.PyramidKVPress(evicted, **sizes, beta=int(recipe.allocate.beta))


PRESSES: Mapping[str, Callable[[Any, Any, float], Any]] = {
    "snapkv": _snapkv,
    "pyramidkv": _pyramidkv,
    "knorm": lambda kvpress, _, evicted: kvpress.KnormPress(evicted),
    "tova": lambda kvpress, _, evicted: kvpress.TOVAPress(evicted),
    "streaming_llm": lambda kvpress, recipe, evicted: kvpress.StreamingLLMPress(evicted, n_sink=recipe.protect.sinks),
}
"""The methods that both have: how kvpress is given the settings of our recipe."""


def check_installed() -> None:
    """Say early, without importing it, when kvpress is not there.

    Raises:
        MissingDependencyError: It is not installed.
    """
    if find_spec("kvpress") is None:
        raise MissingDependencyError("the peer kvpress is not installed", fix=INSTALL)


def load_kvpress() -> Any:
    """Import kvpress.

    Raises:
        MissingDependencyError: It is not installed.
    """
    try:
        return import_module("kvpress")
    except ModuleNotFoundError as error:
        raise MissingDependencyError(f"the peer kvpress cannot be imported ({error})", fix=INSTALL) from error


def adapted(press: Any) -> Any:
    """Let a press read what its hook needs from the forward passes of today's transformers."""
    original = press.forward_hook

    def forward_hook(module: Any, args: Any, kwargs: dict[str, Any], output: Any) -> Any:
        cache: Any = kwargs.get("past_key_values", kwargs.get("cache"))
        seen, new = cache.layers[module.layer_idx].get_seq_length(), kwargs["hidden_states"].shape[1]
        position = torch.arange(seen - new, seen)
        return original(module, args, {**kwargs, "past_key_values": cache, "cache_position": position}, output)

    press.forward_hook = forward_hook
    return press


@dataclass(frozen=True)
class Pair:
    """One method as both have it.

    Attributes:
        method: Its name.
        recipe: Ours.
        press: Theirs, adapted.
    """

    method: str
    recipe: Recipe
    press: Any


def common_methods(methods: Sequence[str]) -> list[str]:
    """The methods among these that both have.

    Raises:
        InputError: There is none.
    """
    common = [name for name in methods if name in PRESSES and name in METHODS]
    if not common:
        known = ", ".join(name for name in PRESSES if name in METHODS)
        raise InputError(f"kvpress has none of {', '.join(methods)}", expected=f"one of {known}")
    return common


def pair(name: str, share: float) -> Pair:
    """Make a method's recipe and its press with equal settings.

    Args:
        name: The method.
        share: Kept share.

    Raises:
        MissingDependencyError: kvpress is not installed.
    """
    recipe = method(name, ratio=share)
    return Pair(name, recipe, adapted(PRESSES[name](load_kvpress(), recipe, 1 - share)))


def peer_arms(
    session: Session, model: PreTrainedModel, methods: Sequence[str], shares: Sequence[float]
) -> dict[str, Arm]:
    """Make an arm of every method that both have, at every share.

    An arm reads the prompt anew with the press's hooks; what it keeps is answered behind in the same way as our rows.

    Args:
        session: The open session.
        model: The model.
        methods: Names of methods; those that kvpress does not have are passed over.
        shares: Kept shares.

    Raises:
        InputError: It has none of the methods, or the model takes pictures.
        MissingDependencyError: kvpress is not installed.
    """
    if getattr(model.config, "vision_config", None) is not None:
        raise InputError("kvpress does not compress vision-language models", expected="a text model")
    return {
        f"{NAME.format(method=name)} {share:g}": _arm(session, pair(name, share).press)
        for name in common_methods(methods)
        for share in shares
    }


def _arm(session: Session, press: Any) -> Arm:
    def arm(prompt: Prompt, tokens: Int[Tensor, "1 tokens"]) -> Smaller:
        cache = pressed(session, press, prompt, tokens)
        slots = sum(layer.rows for layer in compressible(cache).values())
        return Smaller(cache, slots / (tokens.shape[1] * len(cache.layers)))

    return arm


def pressed(session: Session, press: Any, prompt: Prompt, tokens: Int[Tensor, "1 tokens"]) -> CompressedCache:
    """Read a prompt with a press's hooks and return the rows that it keeps as a cache of ours.

    Args:
        session: The open session.
        press: The adapted press.
        prompt: The same prompt as we have read it, which tells where a kept key comes from.
        tokens: Its tokens.
    """
    with press(session.model):
        cache = read(session, tokens.to(session.model.device)).cache
    full = compressible(prompt.cache)
    for index, layer in compressible(cache).items():
        _settle(layer, full[index].tensors()[0])
    return cache


def _settle(layer: CompressedLayer, keys: Float[Tensor, "batch kv_heads slots dim"]) -> None:
    """Sort the rows into prompt order and note their positions."""
    kept_keys, kept_values = layer.tensors()
    positions, order = torch.cdist(kept_keys.float(), keys.float()).argmin(-1).sort(dim=-1)

    def in_order(rows: Tensor) -> Tensor:
        return torch.gather(rows, 2, order.unsqueeze(-1).expand(-1, -1, -1, rows.shape[-1]))

    valid = torch.ones(positions.shape[0], positions.shape[2], dtype=torch.bool, device=positions.device)
    layer.keep(in_order(kept_keys), in_order(kept_values), positions, valid)
