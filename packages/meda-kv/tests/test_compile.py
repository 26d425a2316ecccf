"""A compiled model decodes behind a compressed cache; the parts between its attention calls are what is compiled."""

import pytest
import torch

from medsuite.meda_kv import AdaHeads, Budget, CompressedCache, EqualHeads, Protect, Recipe, SnapKV, compress
from medsuite.meda_kv.attention import cache_argument


@pytest.mark.slow
@pytest.mark.parametrize("heads", [EqualHeads(), AdaHeads()], ids=["equal heads", "heads as scores lie"])
def test_a_compiled_model_gives_the_logits_of_the_plain_one(tiny_llama, prompt, heads):
    model = tiny_llama(layers=1)
    ids, mask = prompt(40)
    recipe = Recipe(Budget(ratio=0.5), select=SnapKV(queries=6), protect=Protect(sinks=2), heads=heads)
    logits = []
    with compress(model, recipe), torch.no_grad():
        for run in (model, torch.compile(model, backend="eager", dynamic=True)):
            cache = {cache_argument(model): CompressedCache(model.config)}
            run(ids, attention_mask=mask, **cache)
            logits.append([run(ids[:, :count], **cache).logits for count in (1, 3, 1)])
    for plain, compiled in zip(*logits, strict=True):
        torch.testing.assert_close(compiled, plain, atol=1e-9, rtol=0)
