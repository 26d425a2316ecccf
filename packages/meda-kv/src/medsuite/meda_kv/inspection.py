"""What a model's cache consists of, and whether it can be compressed."""

from collections import Counter
from dataclasses import dataclass

from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer

from medsuite.core.errors import InputError
from medsuite.meda_kv.attention import attention_modules, base_implementation


@dataclass(frozen=True)
class Inspection:
    """A model from the cache's point of view.

    Attributes:
        name: Class of the model.
        layers: How many layers of each kind its cache has.
        token_bytes: Bytes of keys and values of one token in the full-attention layers; None where the configuration
            does not tell.
        verdict: `"supported"`, or why not.
    """

    name: str
    layers: dict[str, int]
    token_bytes: int | None
    verdict: str

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} x {kind}" for kind, count in self.layers.items())
        cost = "unknown" if self.token_bytes is None else f"{self.token_bytes:,} bytes per token"
        return f"{self.name}\ncache layers: {kinds}\nfull-attention layers: {cost}\ncompression: {self.verdict}"


def inspect_model(model: PreTrainedModel) -> Inspection:
    """Look at a model without running it."""
    config = model.get_decoder().config
    layers = DynamicCache(config=config).layers
    return Inspection(
        type(model).__name__,
        dict(Counter(type(layer).__name__ for layer in layers)),
        _token_bytes(model, sum(type(layer) is DynamicLayer for layer in layers)),
        _verdict(model, any(type(layer) is DynamicLayer for layer in layers)),
    )


def _token_bytes(model: PreTrainedModel, full_layers: int) -> int | None:
    config = model.get_decoder().config
    heads = getattr(config, "num_key_value_heads", None) or getattr(config, "num_attention_heads", None)
    if heads is None:
        return None
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return 2 * full_layers * heads * width * model.dtype.itemsize


def _verdict(model: PreTrainedModel, has_full_layers: bool) -> str:
    try:
        base = base_implementation(model)
    except InputError as error:
        return f"not supported: {error}"
    if not has_full_layers:
        return "not supported: no full-attention layer"
    if not attention_modules(model.get_decoder()):
        return "not supported: no attention layer takes a cache and a mask"
    return f"supported with {base} attention"
