"""kvpress 0.5.5 on a transformers that it does not know.

Its pin stops below 5.3; later forward passes neither pass the `cache_position` that its hook reads nor always call the
cache `past_key_values`. Install it beside this package with

    pip install --no-deps kvpress==0.5.5 && pip install fire cachetools datasets pandas

It wraps every global attention function when it is imported: never import it in a process that tests this package.
"""

from typing import Any

import torch


def adapted(press: Any) -> Any:
    """Let a press read what its hook needs from the forward passes of today's transformers."""
    original = press.forward_hook

    def forward_hook(module: Any, args: Any, kwargs: dict[str, Any], output: Any) -> Any:
        cache = kwargs.get("past_key_values", kwargs.get("cache"))
        seen, new = cache.layers[module.layer_idx].get_seq_length(), kwargs["hidden_states"].shape[1]
        position = torch.arange(seen - new, seen)
        return original(module, args, {**kwargs, "past_key_values": cache, "cache_position": position}, output)

    press.forward_hook = forward_hook
    return press
