"""What a model's cache consists of, and whether it can be compressed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from transformers import DynamicCache, PretrainedConfig, PreTrainedModel
from transformers.cache_utils import DynamicLayer

from medsuite.core.errors import InputError
from medsuite.meda_kv.attention import attention_modules, base_implementation
from medsuite.meda_kv.methods import method
from medsuite.meda_kv.prompt import Prompt, observing, read
from medsuite.meda_kv.recipe import Recipe, shared_plan
from medsuite.meda_kv.report import Report


@dataclass(frozen=True)
class Inspection:
    """A model from the cache's point of view.

    Attributes:
        name: Class of the model.
        layers: How many layers of each kind its cache has.
        heads: Query heads and key heads of a layer; None where the configuration does not tell.
        token_bytes: Bytes of keys and values of one token in the full-attention layers; None where the configuration
            does not tell.
        verdict: `"supported"`, or why not.
    """

    name: str
    layers: dict[str, int]
    heads: tuple[int, int] | None
    token_bytes: int | None
    verdict: str

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} x {kind}" for kind, count in self.layers.items())
        cost = "unknown" if self.token_bytes is None else f"{self.token_bytes:,} bytes per token"
        heads = "unknown" if self.heads is None else f"{self.heads[0]} query heads on {self.heads[1]} key heads"
        return (
            f"{self.name}\ncache layers: {kinds}\nheads: {heads}\nfull-attention layers: {cost}\n"
            f"compression: {self.verdict}"
        )


def inspect_model(model: PreTrainedModel) -> Inspection:
    """Look at a model without running it."""
    config = model.get_decoder().config
    layers = DynamicCache(config=config).layers
    return Inspection(
        type(model).__name__,
        dict(Counter(type(layer).__name__ for layer in layers)),
        _heads(config),
        _token_bytes(model, sum(type(layer) is DynamicLayer for layer in layers)),
        _verdict(model, any(type(layer) is DynamicLayer for layer in layers)),
    )


def _heads(config: PretrainedConfig) -> tuple[int, int] | None:
    query = getattr(config, "num_attention_heads", None)
    return None if query is None else (query, getattr(config, "num_key_value_heads", None) or query)


def _token_bytes(model: PreTrainedModel, full_layers: int) -> int | None:
    config = model.get_decoder().config
    heads = _heads(config)
    if heads is None:
        return None
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return 2 * full_layers * heads[1] * width * model.dtype.itemsize


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


def inspection_text(name: str, methods: Sequence[str], ratio: float, prompt_tokens: int) -> str:
    """Inspect a model by name, and try methods on a passage of real text: what each layer would keep.

    Args:
        name: As `evaluate.arms.open_model` takes it.
        methods: Names of methods; none for the model's structure alone.
        ratio: Kept share.
        prompt_tokens: Length of the passage; 0 for the model's structure alone.
    """
    from medsuite.meda_kv.evaluate.arms import open_model

    opened = open_model(name)
    found = inspect_model(opened.model)
    if not methods or prompt_tokens < 1 or not found.verdict.startswith("supported"):
        return str(found)
    return f"{found}\n\n{_kept(opened.model, opened.tokenizer, methods, ratio, prompt_tokens)}"


def _tried(prompt: Prompt, name: str, recipe: Recipe) -> Report:
    try:
        return prompt.compress(recipe)[1]
    except InputError as error:
        fix = "give a longer --prompt-tokens or a larger --ratio; --prompt-tokens 0 shows the model alone"
        raise InputError(f"{name}: {error.what}", expected=error.expected, fix=fix) from error


def _kept(model: PreTrainedModel, tokenizer: Any, methods: Sequence[str], ratio: float, prompt_tokens: int) -> str:
    """A table of layers: slots of each method, and the entropy where one was measured."""
    from medsuite.meda_kv.evaluate.haystack import passage

    recipes = {name: method(name, ratio=ratio) for name in methods}
    tokens = passage(tokenizer, prompt_tokens, np.random.default_rng(0))[None].to(model.device)
    with observing(model, shared_plan(recipes.values()), "text") as session:
        prompt = read(session, tokens)
    reports = {name: _tried(prompt, name, recipe) for name, recipe in recipes.items()}
    measured = {name: bool(np.isfinite(report.entropy).all()) for name, report in reports.items()}
    heads = [f"{name:>16}" + (f"{'entropy':>10}" if measured[name] else "") for name in reports]
    lines = [f"{prompt_tokens:,} tokens of text, kept share {ratio:g}", f"{'layer':<7}" + "".join(heads)]
    for place, layer in enumerate(next(iter(reports.values())).layers):
        cells = [
            f"{report.budgets[0, place]:>16,}" + (f"{report.entropy[0, place]:>10.2f}" if measured[name] else "")
            for name, report in reports.items()
        ]
        lines.append(f"{layer:<7}" + "".join(cells))
    totals = [f"{report.bytes_after:>16,}" + " " * (10 * measured[name]) for name, report in reports.items()]
    whole = next(iter(reports.values())).bytes_before
    lines.append(f"{'bytes':<7}" + "".join(totals) + f"  of {whole:,}")
    notes = dict.fromkeys(note for report in reports.values() for note in report.notes)
    return "\n".join([*lines, *(f"note: {note}" for note in notes)])
