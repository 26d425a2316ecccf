import copy

import pytest
import torch
from transformers import DynamicCache, StaticCache
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from medsuite.core.errors import InputError
from medsuite.meda_kv import (
    H2O,
    METHODS,
    AdaHeads,
    AverageMerge,
    Budget,
    CompressedCache,
    CrossModalEntropy,
    Protect,
    Recipe,
    Sampled,
    SnapKV,
    Streaming,
    Uniform,
    compress,
    index_bytes,
    method,
    storage_bytes,
)
from medsuite.meda_kv.attention import cache_argument, register

GREEDY = {"max_new_tokens": 6, "min_new_tokens": 6, "do_sample": False}


def small(ratio=0.5, **parts):
    return Recipe(Budget(ratio=ratio), **{"select": SnapKV(queries=6), "protect": Protect(sinks=2), **parts})


def generate(model, ids, mask, **settings):
    return model.generate(ids, attention_mask=mask, **{**GREEDY, **settings})


def traces(model):
    """Everything that a session touches."""
    hooks = {
        name: (len(module._forward_pre_hooks), len(module._forward_hooks), sorted(vars(module)))
        for name, module in model.named_modules()
    }
    return hooks, model.config._attn_implementation, sorted(ALL_ATTENTION_FUNCTIONS)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
# The released allocation keeps less than it is asked for, so that it cannot keep everything.
@pytest.mark.parametrize("name", sorted(set(METHODS) - {"meda_released"}))
def test_keeping_everything_is_plain_generation_token_for_token(tiny_llama, prompt, name, attention):
    model = tiny_llama(attention, dtype="float32")
    ids, mask = prompt(40, padding=9)
    plain = generate(model, ids, mask, output_logits=True, return_dict_in_generate=True)
    with compress(model, method(name, ratio=1.0)) as session:
        ours = generate(model, ids, mask, output_logits=True, return_dict_in_generate=True)
    assert torch.equal(ours.sequences, plain.sequences)
    torch.testing.assert_close(torch.stack(ours.logits), torch.stack(plain.logits), atol=1e-5, rtol=0)
    assert session.report.kept_share == 1.0


@pytest.mark.parametrize("settings", [{"num_beams": 3}, {"num_return_sequences": 2, "do_sample": True}], ids=str)
def test_beams_and_samples_are_those_of_plain_generation(tiny_llama, prompt, settings):
    model = tiny_llama()
    ids, mask = prompt(30, padding=5)
    torch.manual_seed(0)
    plain = generate(model, ids, mask, **settings)
    torch.manual_seed(0)
    with compress(model, small(ratio=1.0)):
        assert torch.equal(generate(model, ids, mask, **settings), plain)


def test_beams_decode_behind_a_compressed_cache(tiny_llama, prompt):
    model = tiny_llama()
    ids, mask = prompt(30, padding=5)
    with compress(model, small()) as session:
        assert generate(model, ids, mask, num_beams=3).shape == (2, 36)
    assert session.report.kept_share == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("chunk", [7, 16, 39, 40])
def test_a_prompt_in_chunks_is_compressed_like_one_in_one_piece(tiny_llama, prompt, chunk):
    model = tiny_llama()
    ids, mask = prompt(40, padding=9)
    recipe = small(allocate=CrossModalEntropy(), select=H2O())
    with compress(model, recipe) as session:
        whole = generate(model, ids, mask)
        chunked = generate(model, ids, mask, prefill_chunk_size=chunk)
    assert torch.equal(whole, chunked)
    assert (session.reports[0].budgets == session.reports[1].budgets).all()
    assert session.reports[1].entropy == pytest.approx(session.reports[0].entropy)


def test_every_prompt_of_a_session_is_compressed(tiny_llama, prompt):
    model = tiny_llama()
    with compress(model, small()) as session:
        for seed in range(3):
            generate(model, *prompt(40, seed=seed))
    assert [report.kept_share for report in session.reports] == pytest.approx([0.5] * 3, abs=0.02)


def test_positions_go_on_from_the_logical_length(tiny_llama, prompt):
    model = tiny_llama()
    ids, _ = prompt(40)
    seen = []
    handle = model.model.rotary_emb.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(kwargs["position_ids"]), with_kwargs=True
    )
    cache = CompressedCache(model.config)
    with compress(model, small()), torch.no_grad():
        for part in (ids, ids[:, :1], ids[:, :3]):
            model(part, **{cache_argument(model): cache})
    handle.remove()
    assert [positions[0].tolist() for positions in seen[1:]] == [[40], [41, 42, 43]]


def test_a_second_turn_feeds_exactly_the_new_tokens(tiny_llama, prompt):
    model = tiny_llama()
    ids, mask = prompt(40)
    with compress(model, small()) as session:
        first = generate(model, ids, mask, return_dict_in_generate=True)
        longer = torch.cat([first.sequences, ids[:, :7]], dim=1)
        lengths = []
        handle = model.model.register_forward_pre_hook(
            lambda module, args, kwargs: lengths.append(kwargs["input_ids"].shape[1]), with_kwargs=True
        )
        cache = first.get("cache", first.get("past_key_values"))
        model.generate(longer, attention_mask=torch.ones_like(longer), **{cache_argument(model): cache}, **GREEDY)
        handle.remove()
    # The last token of the first turn was never fed: 7 new ones and that one.
    assert lengths == [8, 1, 1, 1, 1, 1]
    assert len(session.reports) == 1
    assert cache.get_seq_length() == 40 + 6 - 1 + 8 + 5


def test_speculative_decoding_gives_the_tokens_of_greedy_decoding_behind_the_same_cache(tiny_llama, prompt):
    model = tiny_llama()
    ids, guesses = prompt(40)[0][:1].repeat(1, 2), []
    with compress(model, small()) as session:
        greedy = model.generate(ids, **GREEDY)
        handle = model.model.register_forward_pre_hook(
            lambda module, args, kwargs: guesses.append(kwargs["input_ids"].shape[1]), with_kwargs=True
        )
        guessed = model.generate(ids, prompt_lookup_num_tokens=3, **GREEDY)
        handle.remove()
    assert torch.equal(guessed, greedy)
    assert guesses[0] == 80, "the prompt alone"
    assert max(guesses[1:]) > 1, "guesses were made"
    assert [report.kept_share for report in session.reports] == pytest.approx([0.5, 0.5], abs=0.01)


@pytest.mark.parametrize("heads", [{}, {"heads": AdaHeads()}], ids=["equal heads", "heads as scores lie"])
@pytest.mark.parametrize("seed", [0, 1])
def test_an_assistant_model_gives_the_tokens_of_greedy_decoding_behind_the_same_cache(tiny_llama, prompt, heads, seed):
    model, assistant = tiny_llama(), tiny_llama(seed=seed)
    ids = prompt(40)[0][:1]
    mask = torch.ones_like(ids)
    with compress(model, small(**heads)):
        greedy = generate(model, ids, mask)
        assert torch.equal(generate(model, ids, mask, assistant_model=assistant), greedy)


def test_speculative_decoding_does_not_give_hidden_states_of_the_prompt_and_the_guesses_in_one_piece(
    tiny_llama, prompt
):
    model = tiny_llama()
    ids = prompt(40)[0][:1].repeat(1, 2)
    asked = {"output_hidden_states": True, "return_dict_in_generate": True, "prompt_lookup_num_tokens": 3}
    with compress(model, small()), pytest.raises(InputError, match="speculative decoding with output_hidden_states"):
        model.generate(ids, **asked, **GREEDY)


def test_bytes_are_those_of_the_kept_rows_and_the_rest_is_freed(tiny_llama, prompt):
    model = tiny_llama()
    ids, mask = prompt(40)
    cache = CompressedCache(model.config)
    with compress(model, small(ratio=0.25, select=Streaming())) as session, torch.no_grad():
        model(ids, attention_mask=mask, **{cache_argument(model): cache})
    report = session.report
    rows = [layer.rows for layer in cache.layers]
    # Keys and values of 2 sequences, 2 key heads, 8 dimensions, 8 bytes each; positions are 4 bytes a head.
    assert report.bytes_after == storage_bytes(cache) == 2 * 2 * 2 * 8 * 8 * sum(rows)
    assert report.bytes_before == 2 * 2 * 2 * 8 * 8 * 3 * 40
    assert report.index_bytes == index_bytes(cache) == 2 * 2 * 4 * sum(rows)
    assert report.saved_share == pytest.approx(0.75)
    assert sum(rows) == 30


def test_a_byte_budget_is_not_exceeded(tiny_llama, prompt):
    model = tiny_llama()
    ids, _ = prompt(40)
    cache = CompressedCache(model.config)
    with compress(model, Recipe(Budget(bytes=20_000), select=Streaming())), torch.no_grad():
        model(ids[:1], **{cache_argument(model): cache})
    used = storage_bytes(cache) + index_bytes(cache)
    slot = 2 * (2 * 8 * 8 + 4)
    assert 20_000 - slot < used <= 20_000


def test_a_padded_row_is_compressed_like_the_same_row_alone(tiny_llama, prompt):
    model = tiny_llama()
    ids, mask = prompt(40, padding=9)
    recipe = small(merge=AverageMerge(), allocate=CrossModalEntropy())
    with compress(model, recipe) as session:
        together = generate(model, ids, mask)
        alone = generate(model, ids[1:, 9:], mask[1:, 9:])
    assert torch.equal(together[1, 40:], alone[0, 31:])
    assert (session.reports[0].budgets[1] == session.reports[1].budgets[0]).all()


@pytest.mark.parametrize("select", [SnapKV(queries=6), H2O(), Streaming()], ids=lambda part: type(part).__name__)
@pytest.mark.parametrize("chunk", [15, 40])
def test_a_row_padded_on_the_right_is_compressed_like_the_same_row_alone(tiny_llama, prompt, select, chunk):
    model = tiny_llama()
    ids, mask = prompt(40, padding=-9)
    caches = []
    with compress(model, small(select=select, merge=AverageMerge(), allocate=CrossModalEntropy())) as session:
        for tokens, valid in ((ids, mask), (ids[1:, :31], mask[1:, :31])):
            caches.append(CompressedCache(model.config))
            session.begin_prefill(tokens.shape[1])
            with torch.no_grad():
                for end in range(chunk, tokens.shape[1] + chunk, chunk):
                    part = {cache_argument(model): caches[-1], "attention_mask": valid[:, :end]}
                    model(tokens[:, end - chunk : end], **part)
    assert (session.reports[0].budgets[1] == session.reports[1].budgets[0]).all()
    for together, alone in zip(*(cache.layers for cache in caches), strict=True):
        for head in range(2):
            assert together.columns(1, head).tolist() == alone.columns(0, head).tolist()
        rows = together.values[1][:, together.held(2, ids.device)[1]]
        torch.testing.assert_close(rows, alone.values[0], atol=1e-9, rtol=0)


def test_a_report_names_what_a_reader_has_to_know(tiny_llama, prompt):
    model = tiny_llama()
    with compress(model, small(allocate=CrossModalEntropy(), rows=Sampled(16))) as session:
        generate(model, *prompt(40))
    text = str(session.report)
    assert "requested ratio 0.5, kept 0.500" in text
    assert "one modality only: full-row entropy in place of cross-modal entropy" in text
    assert "+-" in text
    assert session.report.entropy_error.min() > 0


def test_a_prompt_no_longer_than_what_is_protected_is_kept_whole(tiny_llama, prompt):
    model = tiny_llama()
    ids, mask = prompt(8)
    plain = generate(model, ids, mask)
    with compress(model, small(ratio=0.2)) as session:
        assert torch.equal(generate(model, ids, mask), plain)
    assert "all of it is kept" in str(session.report)


def test_a_budget_below_the_protected_tokens_names_the_smallest_feasible(tiny_llama, prompt):
    with compress(tiny_llama(), small(ratio=0.1)) as session, pytest.raises(InputError, match=r"between 24 .*and 120"):
        generate(session.model, *prompt(40))


@pytest.mark.parametrize("fails", [False, True], ids=["normal exit", "exception"])
def test_a_session_leaves_no_trace(tiny_llama, prompt, fails):
    register()
    model = tiny_llama()
    ids, mask = prompt(40)
    before, plain = traces(model), generate(model, ids, mask)
    try:
        with compress(model, small()):
            generate(model, ids, mask)
            if fails:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert traces(model) == before
    assert torch.equal(generate(model, ids, mask), plain)


def test_a_failed_prompt_does_not_spoil_the_next(tiny_llama, prompt):
    model = tiny_llama()
    ids, mask = prompt(40)
    with compress(model, small()) as session:
        expected = generate(model, ids, mask)
        with pytest.raises(InputError):
            generate(model, ids, mask * torch.tensor([[1], [0]]))
        assert torch.equal(generate(model, ids, mask), expected)
    assert len(session.reports) == 2


def test_two_models_are_compressed_side_by_side(tiny_llama, prompt):
    first, second = tiny_llama(seed=0), tiny_llama(seed=1)
    ids, mask = prompt(40)
    with compress(first, small()) as one, compress(second, small(ratio=0.75)) as two:
        generate(first, ids, mask)
        generate(second, ids, mask)
    assert one.report.kept_share == pytest.approx(0.5, abs=0.02)
    assert two.report.kept_share == pytest.approx(0.75, abs=0.02)


def refuse(model, call, match):
    with compress(model, small()), pytest.raises(InputError, match=match):
        call(model)


def test_what_cannot_be_compressed_is_refused_in_one_line(tiny_llama, prompt):
    model = tiny_llama()
    ids, mask = prompt(40)
    name = cache_argument(model)
    static = StaticCache(config=model.config, max_cache_len=64)
    used = DynamicCache(config=model.config)
    with torch.no_grad():
        model(ids, **{name: used})
    refuse(model, lambda m: generate(m, ids, mask, use_cache=False), "use_cache=False")
    refuse(model, lambda m: generate(m, ids, mask, cache_implementation="static"), "cache_implementation='static'")
    refuse(model, lambda m: m(ids, use_cache=False), "use_cache=False")
    refuse(model, lambda m: m(ids, **{name: static}), "StaticCache cannot be compressed")
    refuse(model, lambda m: m(ids, **{name: used}), "holds 40 tokens that were not observed")
    refuse(model, lambda m: m(ids, attention_mask=mask * torch.tensor([[1], [0]])), "holds padding only")
    with compress(model, small()), pytest.raises(InputError, match="already inside compress"):
        compress(model, small())
    with pytest.raises(InputError, match="training mode"):
        compress(copy.deepcopy(model).train(), small())


def test_models_off_the_attention_interface_are_refused():
    from transformers import T5Config, T5ForConditionalGeneration

    config = T5Config(vocab_size=32, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    with pytest.raises(InputError, match="encoder-decoder"):
        compress(T5ForConditionalGeneration(config).eval(), small())


def test_a_compressed_cache_outside_a_session_is_refused_instead_of_giving_garbage(tiny_llama, prompt):
    model = tiny_llama()
    ids, _ = prompt(40)
    cache = CompressedCache(model.config)
    with compress(model, small(allocate=Uniform())), torch.no_grad():
        model(ids, **{cache_argument(model): cache})
    with pytest.raises(InputError, match="outside compress"):
        model(ids[:, :1], **{cache_argument(model): cache})


def test_rolling_back_into_the_compressed_prompt_is_refused(tiny_llama, prompt):
    model = tiny_llama()
    ids, _ = prompt(40)
    cache = CompressedCache(model.config)
    with compress(model, small()), torch.no_grad():
        model(ids, **{cache_argument(model): cache})
        model(ids[:, :3], **{cache_argument(model): cache})
    cache.crop(-2)
    assert cache.get_seq_length() == 41
    with pytest.raises(InputError, match="at most the 1 tokens"):
        cache.crop(-2)


def test_nothing_was_compressed_yet_says_what_to_do(tiny_llama):
    with compress(tiny_llama(), small()) as session, pytest.raises(InputError, match=r"call model\.generate"):
        _ = session.report


def test_a_full_cache_keeps_everything_by_name():
    with pytest.raises(InputError, match="without compress"):
        method("full", ratio=0.5)
    with pytest.raises(InputError, match="did you mean 'snapkv'"):
        method("snapkw", ratio=0.5)
