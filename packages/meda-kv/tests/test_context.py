"""A context is read once, kept small, saved, loaded, and asked as often as needed."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from medsuite.core.errors import InputError
from medsuite.meda_kv import (
    AdaHeads,
    AverageMerge,
    Budget,
    EightBits,
    Protect,
    Recipe,
    SnapKV,
    answer,
    compress,
    index_bytes,
    load_context,
    prefill,
    storage_bytes,
)
from medsuite.meda_kv.attention import cache_argument

GREEDY = {"max_new_tokens": 6, "min_new_tokens": 6, "do_sample": False}
FORMS = {
    "rectangle": {},
    "merged": {"merge": AverageMerge()},
    "ragged": {"heads": AdaHeads(), "merge": AverageMerge()},
    "int8": {"store": EightBits()},
    "float8 ragged": {"heads": AdaHeads(), "store": EightBits(torch.float8_e4m3fn)},
}


def recipe(**parts):
    return Recipe(Budget(ratio=0.5), **{"select": SnapKV(queries=6), "protect": Protect(sinks=2), **parts})


def read(model, prompt, padding=9, **parts):
    ids, mask = prompt(40, padding=padding)
    return prefill(model, {"input_ids": ids, "attention_mask": mask}, recipe(**parts))


def question(seed=5, count=4, batch=2):
    return torch.randint(1, 97, (batch, count), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("form", sorted(FORMS))
@pytest.mark.parametrize("padding", [0, 9, -9], ids=["no padding", "left padding", "right padding"])
def test_a_saved_context_answers_exactly_like_the_one_in_memory(tiny_llama, prompt, tmp_path, form, padding):
    model = tiny_llama(dtype="float32")
    context = read(model, prompt, padding, **FORMS[form])
    context.save(tmp_path / "context.safetensors")
    loaded = load_context(model, tmp_path / "context.safetensors")
    assert loaded.bytes == context.bytes
    for seed in range(2):
        asked = question(seed)
        assert torch.equal(answer(model, loaded, asked, **GREEDY), answer(model, context, asked, **GREEDY))


def test_an_answer_is_what_the_same_session_generates_in_its_second_turn(tiny_llama, prompt):
    model = tiny_llama()
    context = read(model, prompt)
    asked = question()
    whole = {"attention_mask": torch.cat([context.mask, torch.ones_like(asked)], 1)}
    with compress(model, recipe()) as session, torch.no_grad():
        model(context.tokens, attention_mask=context.mask)
        tokens = torch.cat([context.tokens, asked], 1)
        again = model.generate(tokens, **whole, **{cache_argument(model): session.cache}, **GREEDY)
    assert torch.equal(answer(model, context, asked, **GREEDY), again[:, tokens.shape[1] :])


def test_questions_leave_the_context_as_it_was(tiny_llama, prompt):
    model = tiny_llama()
    context = read(model, prompt)
    before, tensors = context.bytes, [layer.keys for layer in context.cache.layers]
    first = answer(model, context, question(0), **GREEDY)
    answer(model, context, question(1, count=9), **GREEDY)
    assert torch.equal(answer(model, context, question(0), **GREEDY), first)
    assert context.bytes == before == storage_bytes(context.cache) + index_bytes(context.cache)
    assert all(layer.keys is tensor for layer, tensor in zip(context.cache.layers, tensors, strict=True))


@pytest.mark.parametrize("form", ["rectangle", "ragged"])
def test_several_questions_to_one_context_are_answered_like_each_alone(tiny_llama, prompt, form):
    model = tiny_llama()
    ids, mask = prompt(40)
    context = prefill(model, {"input_ids": ids[:1], "attention_mask": mask[:1]}, recipe(**FORMS[form]))
    asked, valid = question(batch=3), torch.ones(3, 4, dtype=torch.long)
    valid[1, :2] = 0
    together = answer(model, context, asked, valid, **GREEDY)
    alone = [answer(model, context, asked[i : i + 1, 2 * (i == 1) :], **GREEDY) for i in range(3)]
    assert torch.equal(together, torch.cat(alone))


def test_a_prompt_without_a_mask_is_taken_for_one_without_padding(tiny_llama, prompt):
    model = tiny_llama()
    ids, mask = prompt(40)
    with_mask, without = (
        prefill(model, given, recipe()) for given in ({"input_ids": ids, "attention_mask": mask}, {"input_ids": ids})
    )
    assert torch.equal(answer(model, with_mask, question(), **GREEDY), answer(model, without, question(), **GREEDY))


@pytest.mark.parametrize(
    ("other", "match"), [({"layers": 4}, "another configuration"), ({"seed": 1}, "another weights")], ids=str
)
def test_a_context_of_another_model_is_refused(tiny_llama, prompt, tmp_path, other, match):
    read(tiny_llama(), prompt).save(tmp_path / "context.safetensors")
    with pytest.raises(InputError, match=match):
        load_context(tiny_llama(**other), tmp_path / "context.safetensors")


def test_the_way_a_model_is_run_does_not_matter(tiny_llama, prompt, tmp_path):
    sdpa, eager = tiny_llama(), tiny_llama("eager")
    context = read(sdpa, prompt)
    context.save(tmp_path / "context.safetensors")
    loaded = load_context(eager, tmp_path / "context.safetensors")
    assert torch.equal(answer(eager, loaded, question(), **GREEDY), answer(sdpa, context, question(), **GREEDY))


def test_a_file_holds_the_context_and_little_else(tiny_llama, prompt, tmp_path):
    context = read(tiny_llama(), prompt, heads=AdaHeads())
    context.save(tmp_path / "context.safetensors")
    size = (tmp_path / "context.safetensors").stat().st_size
    assert context.bytes < size < context.bytes + 8_000
    with safe_open(tmp_path / "context.safetensors", "pt") as file:
        assert json.loads(file.metadata()["lengths"])["0"] == {"seen": 40, "kept": 0}


def test_files_that_are_no_context_are_refused_in_one_line(tiny_llama, tmp_path):
    model, path = tiny_llama(), tmp_path / "other.safetensors"
    with pytest.raises(InputError, match="is no file"):
        load_context(model, path)
    path.write_bytes(b"nonsense")
    with pytest.raises(InputError, match="no whole safetensors file"):
        load_context(model, path)
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(InputError, match="has format None"):
        load_context(model, path)


def test_a_torn_file_is_refused(tiny_llama, prompt, tmp_path):
    path = tmp_path / "context.safetensors"
    read(tiny_llama(), prompt).save(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="no whole safetensors file"):
        load_context(tiny_llama(), path)


def test_missing_tensors_and_bounds_outside_the_rows_are_refused(tiny_llama, prompt, tmp_path):
    model, path = tiny_llama(), tmp_path / "context.safetensors"
    read(model, prompt, heads=AdaHeads()).save(path)
    with safe_open(path, "pt") as file:
        header = file.metadata()
    tensors = load_file(path)
    save_file({name: tensor for name, tensor in tensors.items() if name != "layer.1.keys"}, path, header)
    with pytest.raises(InputError, match=r"layer 1 .*keys"):
        load_context(model, path)
    save_file({**tensors, "layer.0.ragged.bounds": tensors["layer.0.ragged.bounds"] + 1}, path, header)
    with pytest.raises(InputError, match=r"layer 0 .*bounds"):
        load_context(model, path)


def test_what_cannot_be_asked_is_refused_in_one_line(tiny_llama, prompt):
    model = tiny_llama()
    context = read(model, prompt)
    with pytest.raises(InputError, match="3 questions to 2 sequences"):
        answer(model, context, question(batch=3))
    with pytest.raises(InputError, match="expected input_ids"):
        prefill(model, {}, recipe())
    with pytest.raises(InputError, match=r"input_ids of shape \(1, 0\)"):
        prefill(model, {"input_ids": torch.zeros(1, 0, dtype=torch.long)}, recipe())
    with compress(model, recipe()), pytest.raises(InputError, match="already inside compress"):
        answer(model, context, question())
