"""Vision-language classes of transformers, tiny and with random weights: tokens, positions and masks stay right."""

import pytest
import torch
import transformers
from transformers import DynamicCache

from medsuite.meda_kv import (
    H2O,
    AdaHeads,
    Budget,
    CompressedCache,
    CrossModalEntropy,
    EqualHeads,
    Protect,
    Recipe,
    SnapKV,
    TextPrior,
    Uniform,
    answer,
    compress,
    load_context,
    prefill,
)
from medsuite.meda_kv.attention import cache_argument
from medsuite.meda_kv.cache import compressible

IMAGE, VIDEO, START, END = 90, 91, 92, 93
TEXT = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "initializer_range": 0.3,
    "pad_token_id": 0,
    "bos_token_id": None,
    "eos_token_id": None,
}
TOWER = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 16,
    "patch_size": 4,
}
QWEN_TOWER = {
    "depth": 1,
    "hidden_size": 16,
    "out_hidden_size": 32,
    "intermediate_size": 16,
    "num_heads": 2,
    "patch_size": 4,
    "spatial_merge_size": 2,
    "temporal_patch_size": 2,
}
QWEN_IDS = {
    "image_token_id": IMAGE,
    "video_token_id": VIDEO,
    "vision_start_token_id": START,
    "vision_end_token_id": END,
}
ROPE = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 1, 1]}
GREEDY = {"max_new_tokens": 5, "min_new_tokens": 5, "do_sample": False}


def qwen(family, tower, rope=ROPE):
    config = getattr(transformers, f"{family}Config")(
        text_config={**TEXT, "rope_parameters": rope}, vision_config={**QWEN_TOWER, **tower}, **QWEN_IDS
    )
    return getattr(transformers, f"{family}ForConditionalGeneration")(config)


def llava():
    config = transformers.LlavaConfig(
        text_config=transformers.LlamaConfig(**TEXT),
        vision_config=transformers.CLIPVisionConfig(**TOWER, projection_dim=16),
        image_token_id=IMAGE,
        image_seq_length=16,
        vision_feature_layer=-1,
    )
    return transformers.LlavaForConditionalGeneration(config)


def internvl():
    tower = {**TOWER, "image_size": [16, 16], "patch_size": [4, 4]}
    config = transformers.InternVLConfig(
        text_config=transformers.Qwen2Config(**TEXT),
        vision_config=transformers.InternVLVisionConfig(**tower),
        image_token_id=IMAGE,
        image_seq_length=4,
        downsample_ratio=0.5,
    )
    return transformers.InternVLForConditionalGeneration(config)


def gemma3():
    layers = ["full_attention", "sliding_attention", "full_attention"]
    config = transformers.Gemma3Config(
        text_config=transformers.Gemma3TextConfig(**TEXT, sliding_window=16, layer_types=layers),
        vision_config=transformers.SiglipVisionConfig(**TOWER),
        mm_tokens_per_image=4,
        image_token_index=IMAGE,
        boi_token_index=START,
        eoi_token_index=END,
    )
    return transformers.Gemma3ForConditionalGeneration(config)


BUILDERS = {
    "LLaVA": llava,
    "Qwen2-VL": lambda: qwen("Qwen2VL", {"embed_dim": 16, "hidden_size": 32}),
    "Qwen2.5-VL": lambda: qwen("Qwen2_5_VL", {"fullatt_block_indexes": [0], "window_size": 16}),
    "Qwen3-VL": lambda: qwen(
        "Qwen3VL", {"num_position_embeddings": 64, "deepstack_visual_indexes": [0]}, {**ROPE, "mrope_interleaved": True}
    ),
    "InternVL": internvl,
    "Gemma 3": gemma3,
}
FAMILIES = sorted(BUILDERS)
QWENS = [name for name in FAMILIES if name.startswith("Qwen")]


@pytest.fixture
def build():
    def make(family, attention="sdpa", dtype=torch.float64):
        torch.manual_seed(0)
        model = BUILDERS[family]().to(dtype).eval()
        model.set_attn_implementation(attention)
        return model

    return make


def text(count, seed):
    return torch.randint(1, 80, (count,), generator=torch.Generator().manual_seed(seed)).tolist()


def inputs(family, dtype=torch.float64, seed=0):
    """Two sequences with two images each, the second shorter and padded on the left."""
    per_image = 16 if family == "LLaVA" else 4
    image = [START] + [IMAGE] * per_image + [END]
    first = text(5, seed) + image + text(4, seed + 1) + image + text(11, seed + 2)
    second = image + text(3, seed + 3) + image + text(11, seed + 4)
    padding = [0] * (len(first) - len(second))
    ids = torch.tensor([first, padding + second])
    given = {"input_ids": ids, "attention_mask": (ids != 0).long()}
    generator = torch.Generator().manual_seed(seed)
    if family.startswith("Qwen"):
        pixels = torch.randn(4 * 16, 3 * 2 * 16, dtype=dtype, generator=generator)
        given |= {"pixel_values": pixels, "image_grid_thw": torch.tensor([[1, 4, 4]] * 4)}
        return given | {"mm_token_type_ids": (ids == IMAGE).long()}
    given["pixel_values"] = torch.randn(4, 3, 16, 16, dtype=dtype, generator=generator)
    return given | ({"token_type_ids": (ids == IMAGE).long()} if family == "Gemma 3" else {})


def recipe(ratio=0.5, **parts):
    parts = {"allocate": CrossModalEntropy(), "select": SnapKV(queries=6), "protect": Protect(sinks=2), **parts}
    return Recipe(Budget(ratio=ratio), **parts)


def three_axes(model, mask, count):
    """Positions of the newest tokens, as `generate` gives them to a Qwen model."""
    return ((mask.cumsum(-1) - 1)[:, -count:] + model.model.rope_deltas).expand(3, -1, -1)


@torch.no_grad()
def run(model, given, cache, steps):
    """Logits of the prompt's last token and of each step behind it."""
    mask, name = given["attention_mask"], cache_argument(model)
    outputs = [model(**given, **{name: cache}).logits[:, -1]]
    for count in steps:
        step = torch.randint(1, 80, (2, count), generator=torch.Generator().manual_seed(count))
        mask = torch.cat([mask, torch.ones_like(step)], dim=1)
        positions = {"position_ids": three_axes(model, mask, count)} if "mm_token_type_ids" in given else {}
        outputs.append(model(step, attention_mask=mask, **positions, **{name: cache}).logits)
    return outputs


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("heads", [EqualHeads(), AdaHeads()], ids=["equal heads", "heads as scores lie"])
@pytest.mark.parametrize("family", FAMILIES)
def test_keeping_everything_is_plain_generation_token_for_token(build, family, heads, attention):
    model, given = build(family, attention, torch.float32), inputs(family, torch.float32)
    plain = model.generate(**given, **GREEDY)
    with compress(model, recipe(1.0, heads=heads)) as session:
        assert torch.equal(model.generate(**given, **GREEDY), plain)
    assert session.report.kept_share == 1.0
    assert not session.report.notes


@pytest.mark.parametrize("heads", [EqualHeads(), AdaHeads()], ids=["equal heads", "heads as scores lie"])
@pytest.mark.parametrize("family", FAMILIES)
def test_eviction_equals_masking_so_that_new_positions_are_right(hidden, build, family, heads):
    model, given = build(family), inputs(family)
    cache = CompressedCache(model.get_decoder().config)
    with compress(model, recipe(heads=heads)) as session:
        evicted = run(model, given, cache, (1, 3, 1))
    assert session.report.kept_share == pytest.approx(0.5, abs=0.02)
    with hidden(model, cache, given["attention_mask"]):
        masked = run(model, given, DynamicCache(config=model.get_decoder().config), (1, 3, 1))
    full = run(model, given, DynamicCache(config=model.get_decoder().config), (1, 3, 1))
    for ours, truth in zip(evicted, masked, strict=True):
        torch.testing.assert_close(ours, truth, atol=1e-5, rtol=0)
    assert (masked[-1] - full[-1]).abs().max() > 1e-3, "what is hidden matters"


@pytest.mark.parametrize("family", FAMILIES)
def test_the_text_prior_evicts_image_tokens_only_while_all_text_fits(build, family):
    model, given = build(family), inputs(family)
    cache = CompressedCache(model.get_decoder().config)
    prior = recipe(0.85, allocate=Uniform(), select=TextPrior(H2O(recent_share=0.1)))
    with compress(model, prior), torch.no_grad():
        model(**given, **{cache_argument(model): cache})
    ids = given["input_ids"][0]
    for layer in compressible(cache).values():
        evicted = set(range(len(ids))) - set(layer.columns(0, 0).tolist())
        assert {int(ids[slot]) for slot in evicted} == {IMAGE}


@pytest.mark.parametrize("family", QWENS)
def test_a_second_conversation_does_not_move_the_positions_of_the_first(build, family):
    model, given = build(family), inputs(family)
    other = {"input_ids": torch.tensor([text(20, 7)] * 2), "attention_mask": torch.ones(2, 20, dtype=torch.long)}
    longer = torch.cat([given["input_ids"], torch.tensor([[5, 6], [6, 7]])], dim=1)
    mask = (longer != 0).long()
    answers = []
    with compress(model, recipe()):
        for between in (False, True):
            cache = CompressedCache(model.get_decoder().config)
            with torch.no_grad():
                model(**given, **{cache_argument(model): cache})
            deltas = model.model.rope_deltas
            if between:
                model.generate(**other, **GREEDY)
                assert not torch.equal(model.model.rope_deltas, deltas)
            answers.append(model.generate(longer, attention_mask=mask, **{cache_argument(model): cache}, **GREEDY))
            assert torch.equal(model.model.rope_deltas, deltas)
    assert torch.equal(*answers)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_saved_context_of_images_answers_as_if_nothing_else_had_been_read_since(build, tmp_path, family):
    model, given = build(family), inputs(family)
    question = torch.tensor([text(3, 8), text(3, 9)])
    context = prefill(model, given, recipe(heads=AdaHeads()))
    expected = answer(model, context, question, **GREEDY)
    context.save(tmp_path / "context.safetensors")
    model.generate(torch.tensor([text(20, 7)]), **GREEDY)
    again = load_context(model, tmp_path / "context.safetensors")
    assert torch.equal(answer(model, again, question, **GREEDY), expected)


def test_video_frames_are_vision_tokens(build):
    model = build("Qwen2-VL")
    frames = [START] + [VIDEO] * 12 + [END]
    ids = torch.tensor([text(5, 0) + frames + text(12, 1)])
    given = {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "pixel_values_videos": torch.randn(3 * 16, 3 * 2 * 16, dtype=torch.float64),
        "video_grid_thw": torch.tensor([[3, 4, 4]]),
        "mm_token_type_ids": 2 * (ids == VIDEO).long(),
    }
    plain = model.generate(**given, **GREEDY)
    with compress(model, recipe(1.0)) as session:
        assert torch.equal(model.generate(**given, **GREEDY), plain)
    assert session.observation.tokens.vision.nonzero()[:, 1].tolist() == list(range(6, 18))
    with compress(model, recipe(0.5)) as session:
        assert model.generate(**given, **GREEDY).shape == plain.shape
    assert session.report.kept_share == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("settings", [{"num_beams": 2}, {"num_return_sequences": 2, "do_sample": True}], ids=str)
@pytest.mark.parametrize("family", ["Qwen2.5-VL", "LLaVA"])
def test_beams_and_samples_are_those_of_plain_generation(build, family, settings):
    model, given = build(family), inputs(family)
    torch.manual_seed(0)
    plain = model.generate(**given, **{**GREEDY, **settings})
    torch.manual_seed(0)
    with compress(model, recipe(1.0)):
        assert torch.equal(model.generate(**given, **{**GREEDY, **settings}), plain)


@pytest.mark.parametrize("family", ["Qwen2-VL", "LLaVA"])
def test_guesses_behind_images_give_the_tokens_of_greedy_decoding(build, family):
    model, given = build(family), inputs(family)
    pixels = 2 * 16 if family == "Qwen2-VL" else 2
    alone = {
        name: value[: pixels if name == "pixel_values" else 2 if "grid" in name else 1] for name, value in given.items()
    }
    with compress(model, recipe()):
        greedy = model.generate(**alone, **GREEDY)
        assert torch.equal(model.generate(**alone, **GREEDY, prompt_lookup_num_tokens=2), greedy)


def test_a_prompt_without_an_image_falls_back_to_the_definition_for_text_and_says_so(build):
    model = build("Qwen2-VL")
    ids = torch.tensor([text(30, 0)])
    with compress(model, recipe()) as session:
        model.generate(ids, attention_mask=torch.ones_like(ids), **GREEDY)
    assert "one modality only: full-row entropy in place of cross-modal entropy" in str(session.report)


def test_layers_with_a_sliding_window_are_left_alone_and_named(build):
    model = build("Gemma 3")
    with compress(model, recipe()) as session:
        model.generate(**inputs("Gemma 3"), **GREEDY)
    assert session.report.layers == (0, 2)
    assert session.report.untouched == ("1: DynamicSlidingWindowLayer",)
