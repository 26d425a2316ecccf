"""Decoding on a CPU with shared key heads: the packed form of attention against the one of transformers."""

from types import SimpleNamespace

import pytest
import torch
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from medsuite.meda_kv import attention


@pytest.mark.parametrize(("heads", "kv_heads"), [(9, 3), (4, 1), (8, 4)])
@pytest.mark.parametrize("rows", [1, 7, 300])
@pytest.mark.parametrize("scaling", [None, 0.3])
def test_packed_queries_give_what_transformers_gives(heads, kv_heads, rows, scaling):
    query = torch.randn(2, heads, 1, 8, dtype=torch.float64)
    key, value = torch.randn(2, 2, kv_heads, rows + 5, 8, dtype=torch.float64)[..., :rows, :].unbind(0)
    module = SimpleNamespace(num_key_value_groups=heads // kv_heads, is_causal=True)
    wanted, _ = sdpa_attention_forward(module, query, key, value, None, scaling=scaling)
    given = attention.one_query_attention(query, key, value, scale=scaling)
    torch.testing.assert_close(given, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("queries", "heads", "given", "packed"),
    [
        (1, 6, {}, True),
        (2, 6, {}, False),
        (1, 3, {}, False),
        (1, 6, {"softcap": 30.0}, False),
        (1, 6, {"position_bias": torch.zeros(1)}, False),
    ],
)
def test_it_is_taken_for_single_queries_that_share_keys_and_for_nothing_else(queries, heads, given, packed):
    query, key = torch.randn(1, heads, queries, 8), torch.randn(1, 3, 4, 8)
    assert attention._shares_keys(query, key, given) is packed
