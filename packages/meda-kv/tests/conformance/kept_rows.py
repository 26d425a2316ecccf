"""Run one method of kvpress and ours on one prompt and compare the kept slots; a script with a process of its own."""

import sys

import kvpress
import torch
from peer import adapted
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM

from medsuite.meda_kv import (
    TOVA,
    AdaHeads,
    Budget,
    CompressedCache,
    Drop,
    KeyDiff,
    KeyNorm,
    Protect,
    Pyramid,
    Recipe,
    SnapKV,
    Streaming,
    Uniform,
    compress,
)
from medsuite.meda_kv.attention import cache_argument

TOKENS, RATIO = 80, 0.45
METHODS = {
    "snapkv": (lambda: kvpress.SnapKVPress(RATIO, window_size=16, kernel_size=5), SnapKV(queries=16, kernel=5), 0),
    "knorm": (lambda: kvpress.KnormPress(RATIO), KeyNorm(), 0),
    "pyramid": (lambda: kvpress.PyramidKVPress(RATIO, window_size=16, kernel_size=5), SnapKV(queries=16), 0),
    "tova": (lambda: kvpress.TOVAPress(RATIO), TOVA(), 0),
    "keydiff": (lambda: kvpress.KeyDiffPress(RATIO), KeyDiff(), 0),
    "streaming": (lambda: kvpress.StreamingLLMPress(RATIO, n_sink=4), Streaming(), 4),
    "adakv": (
        lambda: kvpress.AdaKVPress(kvpress.SnapKVPress(RATIO, window_size=16, kernel_size=5), alpha_safeguard=0.2),
        SnapKV(queries=16, kernel=5),
        0,
    ),
}


def build():
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=97,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.3,
        attn_implementation="sdpa",
    )
    return LlamaForCausalLM(config).eval()


@torch.no_grad()
def read(model, context, cache):
    ids = torch.randint(0, 97, (1, TOKENS), generator=torch.Generator().manual_seed(1))
    with context:
        model.model(ids, **{cache_argument(model): cache})
    return cache


def rows(keys, full):
    """Slots of the full cache from which a head's kept keys were taken."""
    return torch.cdist(keys, full).argmin(-1).tolist()


def theirs(model, press):
    """Slots that each head of each layer keeps: those that are left, or not neutralised, as AdaKV does."""
    full = read(model, torch.no_grad(), DynamicCache(config=model.config))
    cache = read(model, adapted(press)(model), DynamicCache(config=model.config))
    for index, layer in enumerate(cache.layers):
        for head in range(2):
            kept = set(rows(layer.keys[0, head], full.layers[index].keys[0, head]))
            masked = getattr(model.model.layers[index].self_attn, "masked_key_indices", None)
            if masked is not None:
                kept -= {
                    slot for _, other, slot in zip(*map(torch.Tensor.tolist, masked), strict=True) if other == head
                }
            yield (index, head), kept


def main(name):
    press, selector, sinks = METHODS[name]
    model = build()
    # The share that kvpress keeps is rounded down to whole slots.
    parts = {"heads": AdaHeads(0.2)} if name == "adakv" else {}
    budget = Budget(tokens=int(TOKENS * (1 - RATIO)))
    allocator = Pyramid() if name == "pyramid" else Uniform()
    recipe = Recipe(budget, allocator, selector, Drop(), Protect(sinks=sinks), **parts)
    ours = read(model, compress(model, recipe), CompressedCache(model.config))
    for (layer, head), other in theirs(model, press()):
        mine = set(ours.layers[layer].columns(0, head).tolist())
        if mine != other:
            sys.exit(f"layer {layer}, head {head}: {sorted(mine ^ other)} differ")
        print(f"layer {layer}, head {head}: {len(mine)} equal slots")


if __name__ == "__main__":
    main(sys.argv[1])
