"""Run one method of kvpress and ours on one prompt and compare the kept slots; a script with a process of its own."""

import sys

import kvpress
import torch
from peer import adapted
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM

from medsuite.meda_kv import (
    TOVA,
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
def kept_keys(model, context, cache):
    ids = torch.randint(0, 97, (1, TOKENS), generator=torch.Generator().manual_seed(1))
    with context:
        model.model(ids, **{cache_argument(model): cache})
    return [layer.keys[0] for layer in cache.layers]


def slots(keys, full):
    """Slots of the full cache from which a head's kept keys were taken, as a set."""
    return set(torch.cdist(keys, full).argmin(-1).tolist())


def main(name):
    press, selector, sinks = METHODS[name]
    model = build()
    # The share that kvpress keeps is rounded down to whole slots.
    allocator = Pyramid() if name == "pyramid" else Uniform()
    recipe = Recipe(Budget(tokens=int(TOKENS * (1 - RATIO))), allocator, selector, Drop(), Protect(sinks=sinks))
    full = kept_keys(model, torch.no_grad(), DynamicCache(config=model.config))
    ours = kept_keys(model, compress(model, recipe), CompressedCache(model.config))
    theirs = kept_keys(model, adapted(press())(model), DynamicCache(config=model.config))
    for layer in range(3):
        for head in range(2):
            mine, other = (slots(kept[layer][head], full[layer][head]) for kept in (ours, theirs))
            if mine != other:
                sys.exit(f"layer {layer}, head {head}: {sorted(mine ^ other)} differ")
            print(f"layer {layer}, head {head}: {len(mine)} equal slots")


if __name__ == "__main__":
    main(sys.argv[1])
