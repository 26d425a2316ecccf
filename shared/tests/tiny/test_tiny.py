"""Every family: deterministic, usable end to end, and the same after a round trip through a folder."""

import functools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from medsuite.core import models, tiny
from medsuite.core.errors import InputError
from medsuite.core.tiny import TextSize, Tiny, VisionSize, Vocabulary

PROMPTS = {
    "llama": "The heart is",
    "gpt2": "The heart is",
    "llava": "USER: <image>\nWhat is it? ASSISTANT:",
    "qwen2_vl": "<|vision_start|><|image_pad|><|vision_end|>What is it?",
    "florence2": "<CAPTION_TO_PHRASE_GROUNDING>a nodule",
}
KINDS = dict.fromkeys(PROMPTS, "image-text") | {"llama": "causal-lm", "gpt2": "causal-lm", "vit": "image-encoder"}
WITH_IMAGES = ["llava", "qwen2_vl", "florence2"]


@functools.cache
def built(family: str) -> Tiny:
    return getattr(tiny, family)()


def picture(seed: int = 0, side: int = 56) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8))


def inputs_of(family: str, processor: Any, image: Image.Image | None = None) -> dict[str, torch.Tensor]:
    image = image or picture()
    if family == "vit":
        return dict(processor(images=[image], return_tensors="pt"))
    if family in WITH_IMAGES:
        return dict(processor(images=[image], text=[PROMPTS[family]], return_tensors="pt"))
    return dict(processor([PROMPTS[family]], return_tensors="pt"))


@torch.no_grad()
def answer(family: str, model: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    if family == "vit":
        return model(**inputs).last_hidden_state
    return model.generate(**inputs, max_new_tokens=5, do_sample=False)


@torch.no_grad()
def logits(family: str, image: Image.Image) -> torch.Tensor:
    chosen = built(family)
    start = {"decoder_input_ids": torch.tensor([[2]])} if family == "florence2" else {}
    return chosen.model(**inputs_of(family, chosen.processor, image), **start).logits


@pytest.mark.parametrize("family", KINDS)
def test_the_seed_alone_decides_the_weights(family: str) -> None:
    again, other = getattr(tiny, family)().model.state_dict(), getattr(tiny, family)(seed=1).model.state_dict()
    weights = built(family).model.state_dict()
    assert all(torch.equal(weights[name], again[name]) for name in weights)
    assert not all(torch.equal(weights[name], other[name]) for name in weights)


@pytest.mark.parametrize("family", KINDS)
def test_building_leaves_the_global_generator_alone(family: str) -> None:
    before = torch.get_rng_state()
    getattr(tiny, family)(seed=3)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("family", KINDS)
def test_a_saved_model_is_loaded_with_the_same_answer(family: str, tmp_path: Path) -> None:
    chosen = built(family)
    loaded = models.load(chosen.save(tmp_path / family), KINDS[family], device="cpu")
    assert type(loaded.model) is type(chosen.model)
    before = answer(family, chosen.model, inputs_of(family, chosen.processor))
    assert torch.equal(answer(family, loaded.model, inputs_of(family, loaded.processor)), before)


@pytest.mark.parametrize("family", PROMPTS)
def test_a_saved_tokenizer_comes_back_the_same(family: str, tmp_path: Path) -> None:
    chosen = built(family)
    text = "A naïve <loc_7> test: 48213 <|im_end|></s>  two spaces"
    back = models.load(chosen.save(tmp_path / family), KINDS[family], device="cpu").tokenizer
    assert back(text)["input_ids"] == chosen.tokenizer(text)["input_ids"]
    assert (back.padding_side, back.eos_token, len(back)) == (
        chosen.tokenizer.padding_side,
        chosen.tokenizer.eos_token,
        len(chosen.tokenizer),
    )


@pytest.mark.parametrize("family", PROMPTS)
def test_generation_knows_where_to_stop_and_what_pads(family: str) -> None:
    chosen = built(family)
    settings = chosen.model.generation_config
    assert settings.eos_token_id == chosen.tokenizer.eos_token_id
    assert settings.pad_token_id == chosen.tokenizer.pad_token_id
    assert chosen.model.get_input_embeddings().num_embeddings == len(chosen.tokenizer)


@pytest.mark.parametrize("family", WITH_IMAGES)
def test_the_image_reaches_the_language_model(family: str) -> None:
    assert not torch.allclose(logits(family, picture(0)), logits(family, picture(1)), atol=1e-6)


@pytest.mark.parametrize(
    ("family", "side", "expected"),
    [
        ("llava", 56, 16),
        ("llava", 84, 36),
        ("qwen2_vl", 56, 4),
        ("qwen2_vl", 112, 16),
        ("florence2", 64, 5),
        ("florence2", 128, 17),
    ],
)
def test_the_prompt_has_as_many_image_tokens_as_the_image_has_patches(family: str, side: int, expected: int) -> None:
    chosen = getattr(tiny, family)(vision=VisionSize(image_size=side))
    inputs = inputs_of(family, chosen.processor, picture(side=side))
    assert int((inputs["input_ids"] == chosen.tokenizer.image_token_id).sum()) == expected
    assert answer(family, chosen.model, inputs).shape[0] == 1


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_a_padded_batch_answers_like_each_prompt_alone(family: str) -> None:
    chosen = built(family)
    prompts = ["The heart is of normal size", "A mass"]
    batch = answer(family, chosen.model, dict(chosen.processor(prompts, padding=True, return_tensors="pt")))
    for row, prompt in zip(batch, prompts, strict=True):
        alone = answer(family, chosen.model, dict(chosen.processor([prompt], return_tensors="pt")))
        assert row[-5:].tolist() == alone[0, -5:].tolist()


def test_llama_has_as_many_weights_as_its_size_says() -> None:
    size = TextSize(hidden_size=48, intermediate_size=80, layers=3, heads=6, key_value_heads=3)
    chosen = tiny.llama(size)
    attention = 2 * 48 * 48 + 2 * 48 * 24
    block = attention + 3 * 48 * 80 + 2 * 48
    assert chosen.model.num_parameters() == len(chosen.tokenizer) * 48 + 3 * block + 48


def test_the_initializer_range_is_the_spread_of_the_weights() -> None:
    weights = tiny.llama(TextSize(initializer_range=0.08)).model.model.layers[0].mlp.up_proj.weight
    assert float(weights.detach().std()) == pytest.approx(0.08, rel=0.02)


def test_the_vision_transformer_gives_a_row_for_each_patch_and_one_for_the_class() -> None:
    chosen = tiny.vit(VisionSize(image_size=84))
    assert answer("vit", chosen.model, inputs_of("vit", chosen.processor)).shape == (1, 1 + 36, 32)


@pytest.mark.parametrize(
    ("build", "given"),
    [
        (lambda: tiny.qwen2_vl(vision=VisionSize(image_size=42)), "image_size=42"),
        (lambda: tiny.florence2(vision=VisionSize(image_size=56)), "image_size=56"),
        (lambda: tiny.vit(VisionSize(image_size=50)), "image_size=50"),
        (lambda: tiny.gpt2(TextSize(hidden_size=62)), "hidden_size=62"),
        (lambda: tiny.llama(TextSize(key_value_heads=3)), "heads=4"),
        (lambda: tiny.gpt2(vocabulary=Vocabulary(entries=200)), "200 entries"),
        (lambda: built("vit").tokenizer, "ViTImageProcessor has no tokenizer"),
    ],
)
def test_what_does_not_fit_is_named(build: Callable[[], object], given: str) -> None:
    with pytest.raises(InputError, match=given):
        build()


def test_importing_tiny_and_models_imports_neither_torch_nor_transformers() -> None:
    code = "import sys, medsuite.core.tiny, medsuite.core.models; print({'torch', 'transformers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
