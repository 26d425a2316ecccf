import pytest
import torch
from transformers import DynamicCache, LlamaConfig, StaticCache

from medsuite.core.errors import InputError
from medsuite.meda_kv.cache import ROOM, CompressedCache, CompressedLayer, Incoming, adopt, compressible, storage_bytes
from medsuite.meda_kv.masks import layer_mask, visible_rows

CONFIG = LlamaConfig(num_hidden_layers=3)
CPU = torch.device("cpu")


def rows(count, batch=2, heads=2, dim=4):
    return torch.randn(batch, heads, count, dim)


def filled(count=6):
    layer = CompressedLayer()
    layer.update(rows(count), rows(count))
    return layer


def trimmed(slots=(0, 3, 5), valid=None):
    """A layer of six tokens of which three are kept."""
    layer = filled()
    index = torch.tensor(slots).expand(2, 2, -1)
    keys, values = (tensor[:, :, list(slots)].clone() for tensor in layer.tensors())
    layer.keep(keys, values, index, torch.ones(2, len(slots), dtype=torch.bool) if valid is None else valid)
    return layer


def incoming(tokens, valid=None):
    return Incoming(2, tokens, CPU, valid)


def append(layer, tokens, valid=None):
    layer.announce(incoming(tokens, valid))
    return layer.update(rows(tokens), rows(tokens))


def test_logical_and_physical_length_part_at_compression():
    layer = trimmed()
    assert layer.get_seq_length() == 6
    assert layer.rows == 3
    assert layer.get_mask_sizes(2) == (5, 3)
    append(layer, 2)
    assert layer.get_seq_length() == 8
    assert layer.rows == 5


def test_before_compression_the_layer_is_a_plain_one():
    layer = filled()
    assert (layer.get_seq_length(), layer.rows, layer.compressed) == (6, 6, False)
    assert layer.get_mask_sizes(2) == (8, 0)


def test_views_of_the_full_cache_are_not_taken_for_freed_memory():
    layer = filled()
    keys, values = layer.tensors()
    with pytest.raises(InputError, match="view"):
        layer.keep(keys[:, :, :3], values[:, :, :3], torch.zeros(2, 2, 3).long(), torch.ones(2, 3).bool())


def test_an_unannounced_update_of_a_compressed_layer_is_refused():
    layer = trimmed()
    with pytest.raises(InputError, match="outside compress"):
        layer.update(rows(1), rows(1))
    layer.announce(incoming(2))
    with pytest.raises(InputError, match="outside compress"):
        layer.update(rows(1), rows(1))


def test_crop_takes_back_appended_tokens_only():
    layer = trimmed()
    append(layer, 3, torch.tensor([[True, True, True], [False, True, True]]))
    layer.crop(-2)
    assert (layer.get_seq_length(), layer.rows) == (7, 4)
    assert layer.valid[:, -1].tolist() == [True, False]
    with pytest.raises(InputError, match="at most the 1 tokens"):
        layer.crop(-2)


@torch.no_grad()
def test_tokens_behind_a_compressed_prompt_are_written_where_there_is_room():
    """Against concatenation by hand; the storage moves once every `ROOM` tokens, not with each."""
    layer, storages = trimmed(), set()
    expected = list(layer.tensors())
    for _ in range(ROOM + 8):
        new = rows(1), rows(1)
        layer.announce(incoming(1))
        layer.update(*new)
        expected = [torch.cat(pair, dim=2) for pair in zip(expected, new, strict=True)]
        storages.add(layer.keys.untyped_storage().data_ptr())
    assert all(torch.equal(held, wanted) for held, wanted in zip(layer.tensors(), expected, strict=True))
    assert len(storages) == 2
    assert layer.keys.untyped_storage().nbytes() <= (layer.rows + ROOM) * rows(1).nbytes


@torch.no_grad()
def test_tokens_taken_back_leave_their_room_to_the_next():
    layer = trimmed()
    append(layer, 5)
    layer.crop(-3)
    kept, storage = layer.keys.clone(), layer.keys.untyped_storage().data_ptr()
    append(layer, 4)
    assert torch.equal(layer.keys[:, :, :5], kept)
    assert (layer.rows, layer.keys.untyped_storage().data_ptr()) == (9, storage)


@torch.no_grad()
def test_forks_never_write_into_each_others_room():
    cache = CompressedCache(CONFIG)
    cache.layers[0] = trimmed()
    append(cache.layers[0], 1)
    before = cache.layers[0].keys.clone()
    twin, triplet = cache.fork(), cache.fork()
    drawn = {}
    for each in (cache, twin, triplet) * 2:
        layer = each.layers[0]
        append(layer, 1)
        drawn.setdefault(id(each), []).append(layer.keys[:, :, -1:].clone())
    for each in (cache, twin, triplet):
        assert torch.equal(each.layers[0].keys, torch.cat([before, *drawn[id(each)]], dim=2))


def test_room_that_was_made_in_inference_mode_is_not_written_outside_it():
    layer = trimmed()
    with torch.inference_mode():
        append(layer, 1)
    with torch.no_grad():
        append(layer, 1)
    append(layer, 1)
    assert layer.rows == 6


def test_rows_that_record_gradients_are_not_written_in_place():
    layer, new = trimmed(), rows(1).requires_grad_()
    layer.announce(incoming(1))
    keys, _ = layer.update(new, new)
    keys.sum().backward()
    assert torch.equal(new.grad, torch.ones_like(new))


def test_sequences_are_reordered_repeated_and_selected_with_all_that_belongs_to_them():
    layer = trimmed(valid=torch.tensor([[True, True, True], [False, True, True]]))
    layer.counts = torch.tensor([1.0, 2.0])[:, None, None].expand(2, 2, 3)
    keys = layer.keys.clone()
    layer.reorder_cache(torch.tensor([1, 0]))
    assert torch.equal(layer.keys, keys.flip(0))
    assert layer.valid[0].tolist() == [False, True, True]
    assert layer.counts[0, 0, 0] == 2.0
    layer.batch_repeat_interleave(2)
    assert layer.keys.shape[0] == layer.valid.shape[0] == layer.positions.shape[0] == 4
    layer.batch_select_indices(torch.tensor([3]))
    assert torch.equal(layer.keys[0], keys[0])
    assert layer.valid.tolist() == [[True, True, True]]


def test_reset_forgets_the_prompt():
    layer = trimmed()
    layer.reset()
    assert (layer.get_seq_length(), layer.rows, layer.compressed) == (0, 0, False)
    append(layer, 4)
    assert layer.get_seq_length() == 4


def test_a_fork_shares_the_prompt_and_grows_alone():
    cache = CompressedCache(CONFIG)
    for index in range(3):
        cache.update(rows(6), rows(6), index)
    twin = cache.fork()
    assert storage_bytes(twin) == storage_bytes(cache)
    assert twin.layers[0].keys is cache.layers[0].keys
    twin.update(rows(1), rows(1), 0)
    assert (twin.layers[0].get_seq_length(), cache.layers[0].get_seq_length()) == (7, 6)


@pytest.mark.parametrize("made", [DynamicCache, lambda: DynamicCache(config=CONFIG)], ids=["on demand", "from config"])
def test_a_fresh_cache_is_adopted(made):
    cache = made()
    adopt(cache, 3)
    assert sorted(compressible(cache)) == [0, 1, 2]
    cache.update(rows(2), rows(2), 2)
    assert cache.layers[2].get_seq_length() == 2


def test_only_full_attention_layers_are_adopted():
    config = LlamaConfig(num_hidden_layers=2, sliding_window=8)
    config.layer_types = ["sliding_attention", "full_attention"]
    cache = CompressedCache(config)
    assert sorted(compressible(cache)) == [1]
    assert [type(layer).__name__ for layer in cache.fork().layers] == ["DynamicSlidingWindowLayer", "CompressedLayer"]


def test_layers_that_change_in_place_are_not_shared_by_a_fork():
    config = LlamaConfig(num_hidden_layers=2)
    config.layer_types = ["linear_attention", "full_attention"]
    with pytest.raises(InputError, match=r"fork\(\) of a cache with LinearAttentionLayer"):
        CompressedCache(config).fork()


def test_used_and_foreign_caches_are_not_adopted():
    used = DynamicCache(config=CONFIG)
    used.update(rows(2), rows(2), 0)
    with pytest.raises(InputError, match="2 tokens that were not observed"):
        adopt(used, 3)
    with pytest.raises(InputError, match="StaticCache"):
        adopt(StaticCache(config=CONFIG, max_cache_len=8), 3)


def test_bytes_count_each_storage_once():
    cache = CompressedCache(CONFIG)
    shared = rows(5)
    cache.layers[0].keep(shared, shared, torch.zeros(2, 2, 5).long(), torch.ones(2, 5).bool())
    assert storage_bytes(cache) == shared.nbytes


def test_one_query_that_sees_everything_needs_no_mask_for_sdpa_only():
    layer = trimmed()
    assert layer_mask(layer, incoming(1), "sdpa", torch.float32) is None
    assert layer_mask(layer, incoming(1), "eager", torch.float32).tolist() == [[[[0.0] * 4]]] * 2


def test_new_tokens_see_the_kept_rows_and_themselves_up_to_their_place():
    layer = trimmed(valid=torch.tensor([[True, True, True], [False, True, True]]))
    seen = visible_rows(layer, incoming(2))
    assert seen[0, 0].int().tolist() == [[1, 1, 1, 1, 0], [1, 1, 1, 1, 1]]
    assert seen[1, 0].int().tolist() == [[0, 1, 1, 1, 0], [0, 1, 1, 1, 1]]


def test_padding_among_the_new_tokens_is_hidden():
    seen = visible_rows(trimmed(), incoming(2, torch.tensor([[True, True], [False, True]])))
    assert seen[1, 0].int().tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 0, 1]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_additive_masks_have_the_types_lowest_number(dtype):
    layer = trimmed(valid=torch.tensor([[True, True, True], [False, True, True]]))
    mask = layer_mask(layer, incoming(1), "eager", dtype)
    assert mask.dtype == dtype
    assert mask[1, 0, 0].tolist() == [torch.finfo(dtype).min, 0, 0, 0]
