"""What a session has to know about `generate`: the prompt's length, what is refused, passes that guess ahead."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from medsuite.core.errors import InputError
from medsuite.meda_kv.attention import CACHE_ARGUMENTS

VISION_ARGUMENTS = ("pixel_values", "image_", "video_", "mm_token", "token_type_ids")
"""How arguments begin that only the pass that reads the prompt takes."""


def given_cache(kwargs: dict[str, Any]) -> Any:
    """Return the cache among the arguments of a forward pass or of `generate`, None without one."""
    return next((kwargs[name] for name in CACHE_ARGUMENTS if kwargs.get(name) is not None), None)


def uncached_tokens(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | None:
    """Prompt tokens that `generate` will read, by its own rule for prompts that repeat what the cache holds."""
    embeds = kwargs.get("inputs_embeds")
    prompt = args[0] if args else kwargs.get("inputs", kwargs.get("input_ids"))
    prompt = prompt if embeds is None else embeds
    if not isinstance(prompt, Tensor):
        return None
    cache = given_cache(kwargs)
    past = 0 if cache is None else cache.get_seq_length()
    mask = kwargs.get("attention_mask")
    whole = mask is None or mask.shape[1] == prompt.shape[1]
    return prompt.shape[1] - past if whole else prompt.shape[1]


def refuse_generate(model: PreTrainedModel, kwargs: dict[str, Any]) -> None:
    """Raise an `InputError` when `generate` is asked for a cache that cannot be compressed."""
    config = kwargs.get("generation_config") or model.generation_config
    for name, plain in (("use_cache", (None, True)), ("cache_implementation", (None, "dynamic"))):
        value = kwargs.get(name, getattr(config, name, None))
        if value not in plain:
            fix = "leave it unset" + (" and use Recipe(store=EightBits())" if value == "quantized" else "")
            raise InputError(f"generate({name}={value!r}) inside compress()", expected="a dynamic cache", fix=fix)


def read_then_guess(forward: Callable[..., Any], prompt: int, kwargs: dict[str, Any]) -> Any:
    """Run one pass over a prompt and the tokens that speculative decoding guesses behind it as two.

    The guesses must see what the answer's tokens will see: the compressed prompt.

    Args:
        forward: The model's forward pass.
        prompt: Tokens of the prompt.
        kwargs: Arguments of the pass over both.

    Raises:
        InputError: Attention weights or hidden states are asked for, which two passes do not give in one piece.
    """
    asked = [name for name in ("output_attentions", "output_hidden_states") if kwargs.get(name)]
    if asked:
        raise InputError(f"speculative decoding with {asked[0]}=True inside compress()", fix="leave it unset")
    total = kwargs["input_ids"].shape[1]
    first = {name: _columns(name, value, slice(prompt), total) for name, value in kwargs.items()}
    rest = {
        name: value if name == "attention_mask" else _columns(name, value, slice(prompt, None), total)
        for name, value in kwargs.items()
        if not name.startswith(VISION_ARGUMENTS)
    }
    if "logits_to_keep" in kwargs:
        first["logits_to_keep"], rest["logits_to_keep"] = 1, total - prompt
    read, guessed = forward(**first), forward(**rest)
    guessed.logits = torch.cat([read.logits, guessed.logits], dim=1)
    return guessed


def _columns(name: str, value: Any, columns: slice, total: int) -> Any:
    """Take some columns of an argument that has one for each token."""
    per_token = name.endswith("_ids") or name == "attention_mask"
    return value[..., columns] if per_token and isinstance(value, Tensor) and value.shape[-1] == total else value
