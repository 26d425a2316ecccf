"""The file of a compressed cache: what it tells apart, and what is refused instead of answered from."""

import json
from types import SimpleNamespace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from medsuite.core.errors import InputError
from medsuite.meda_kv import AdaHeads, Budget, CompressedCache, Protect, Recipe, SnapKV, load_context, prefill
from medsuite.meda_kv.saved import fingerprint, load_cache, save_cache


@pytest.fixture(scope="module")
def model(tiny_llama):
    return tiny_llama(dtype="float32")


@pytest.fixture
def saved(model, prompt, tmp_path):
    """A saved context of equal heads: its path, its tensors and its header."""
    return written(model, prompt, tmp_path / "context.safetensors")


def written(model, prompt, path, **parts):
    ids, mask = prompt(40, padding=9)
    recipe = Recipe(Budget(ratio=0.5), select=SnapKV(queries=6), protect=Protect(sinks=2), **parts)
    prefill(model, {"input_ids": ids, "attention_mask": mask}, recipe).save(path)
    with safe_open(path, "pt") as file:
        return SimpleNamespace(path=path, tensors=load_file(path), header=file.metadata())


def refused(model, file, match, tensors=None, **header):
    save_file(file.tensors if tensors is None else tensors, file.path, {**file.header, **header})
    with pytest.raises(InputError, match=match) as caught:
        load_context(model, file.path)
    assert "\n" not in str(caught.value)
    assert str(file.path) in str(caught.value)


def without(tensors, start):
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(start)}


def test_the_same_weights_have_the_same_fingerprint_and_others_another(tiny_llama):
    first, again, other = tiny_llama(), tiny_llama(), tiny_llama(seed=1)
    assert fingerprint(first) == fingerprint(again)
    assert fingerprint(first)["weights"] != fingerprint(other)["weights"]
    assert fingerprint(first)["configuration"] == fingerprint(other)["configuration"]


def test_how_a_model_is_run_is_no_part_of_its_fingerprint(tiny_llama):
    first, second = tiny_llama(), tiny_llama("eager")
    second.config.use_cache = False
    assert fingerprint(first) == fingerprint(second)


@pytest.mark.parametrize(
    ("field", "value"), [("rms_norm_eps", 0.5), ("num_key_value_heads", 1), ("hidden_act", "gelu")]
)
def test_what_changes_the_numbers_changes_the_fingerprint(tiny_llama, field, value):
    model = tiny_llama()
    before = fingerprint(model)
    setattr(model.config, field, value)
    assert fingerprint(model)["configuration"] != before["configuration"]


def test_one_weight_of_one_layer_is_enough(tiny_llama):
    model = tiny_llama()
    before = fingerprint(model)
    model.model.layers[2].mlp.up_proj.weight.data[0, 0] += 1
    assert fingerprint(model)["weights"] != before["weights"]


def test_a_cache_comes_back_with_every_row_and_every_tensor_beside_it(model, saved):
    cache, extra = load_cache(saved.path, model)
    assert sorted(extra) == ["mask", "tokens"]
    for index, layer in enumerate(cache.layers):
        for name in ("keys", "values", "positions", "valid"):
            assert torch.equal(getattr(layer, name), saved.tensors[f"layer.{index}.{name}"])
        assert (layer.get_seq_length(), layer.kept) == (40, layer.rows)


def test_a_cache_that_has_read_nothing_is_saved_as_nothing(model, tmp_path):
    save_cache(tmp_path / "empty.safetensors", model, CompressedCache(model.config), {"note": torch.ones(2)})
    cache, extra = load_cache(tmp_path / "empty.safetensors", model)
    assert [layer.get_seq_length() for layer in cache.layers] == [0, 0, 0]
    assert extra["note"].tolist() == [1, 1]


def test_layers_of_a_kind_that_changes_in_place_are_not_saved(model, tmp_path):
    from transformers import StaticCache

    cache = CompressedCache(model.config)
    cache.layers[1] = StaticCache(config=model.config, max_cache_len=8).layers[1]
    with pytest.raises(InputError, match="a cache with StaticLayer; expected full and sliding attention only"):
        save_cache(tmp_path / "static.safetensors", model, cache, {})
    assert not list(tmp_path.iterdir())


def test_a_layer_that_is_missing_altogether_is_refused_instead_of_read_as_empty(model, saved):
    refused(model, saved, "layer 1 .*lacks keys", without(saved.tensors, "layer.1."))


@pytest.mark.parametrize("name", ["keys", "values"])
def test_a_layer_without_its_keys_or_values_is_refused(model, saved, name):
    refused(model, saved, f"layer 2 .*lacks {name}", without(saved.tensors, f"layer.2.{name}"))


def test_keys_and_values_that_do_not_belong_together_are_refused(model, saved):
    cut = {**saved.tensors, "layer.0.values": saved.tensors["layer.0.values"][:, :, 1:].clone()}
    refused(model, saved, "layer 0 .* has keys .* and values", cut)


@pytest.mark.parametrize("name", ["tokens", "mask"])
def test_a_file_without_the_prompts_tokens_is_refused(model, saved, name):
    refused(model, saved, f"lacks the prompt's {name}", without(saved.tensors, f"extra.{name}"))


@pytest.mark.parametrize("lengths", ["", "[]", "null", '{"0": {}, "1": {}}', '{"0": 1, "1": 2, "2": 3}', "{"])
def test_lengths_that_are_none_are_refused(model, saved, lengths):
    refused(model, saved, "does not tell the lengths of its 3 layers", lengths=lengths)


def test_a_header_without_lengths_is_refused(model, saved):
    del saved.header["lengths"]
    refused(model, saved, "does not tell the lengths")


def test_another_version_of_the_layout_is_refused_with_both_names(model, saved):
    refused(model, saved, "has format 'medsuite-meda-kv 2'; expected 'medsuite-meda-kv 1'", format="medsuite-meda-kv 2")


def test_another_class_of_model_is_named_with_what_differs(model, saved):
    saved.header["model"] = "MistralForCausalLM"
    refused(model, saved, "saved for MistralForCausalLM, .*LlamaForCausalLM: another model; load it with")


@pytest.mark.parametrize("shift", [-1, 1000])
def test_bounds_outside_the_rows_are_refused(model, prompt, tmp_path, shift):
    file = written(model, prompt, tmp_path / "ragged.safetensors", heads=AdaHeads())
    moved = {**file.tensors, "layer.1.ragged.bounds": file.tensors["layer.1.ragged.bounds"] + shift}
    refused(model, file, "layer 1 .*bounds outside its", moved)


@pytest.mark.parametrize("name", ["keys.codes", "values.codes", "positions"])
def test_ragged_rows_without_one_of_their_tensors_are_refused(model, prompt, tmp_path, name):
    file = written(model, prompt, tmp_path / "ragged.safetensors", heads=AdaHeads())
    refused(model, file, f"layer 0 .*lacks ragged.{name}", without(file.tensors, f"layer.0.ragged.{name}"))


def test_nothing_of_a_file_is_kept_where_writing_it_fails(model, prompt, tmp_path, monkeypatch):
    before = written(model, prompt, tmp_path / "context.safetensors")

    def full(*_, **__):
        raise OSError("no space left on device")

    monkeypatch.setattr("medsuite.meda_kv.saved.save", full)
    with pytest.raises(OSError, match="no space"):
        written(model, prompt, before.path)
    assert load_context(model, before.path).tokens.shape == (2, 40)
    assert [path.name for path in tmp_path.iterdir()] == ["context.safetensors"]


def test_the_header_is_plain_text(saved):
    assert json.loads(saved.header["lengths"])["2"]["seen"] == 40
    assert saved.header["model"] == "LlamaForCausalLM"
