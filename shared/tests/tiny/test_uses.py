"""What the packages do with tiny models: train them, prompt them with vectors, show them videos."""

import functools
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from medsuite.core import tiny
from medsuite.core.tiny import TextSize, Tiny

PROMPTS = {
    "llama": "The heart is",
    "gpt2": "The heart is",
    "llava": "USER: <image>\nWhat is it? ASSISTANT:",
    "qwen2_vl": "<|vision_start|><|image_pad|><|vision_end|>What is it?",
    "florence2": "<CAPTION_TO_PHRASE_GROUNDING>a nodule",
}


@functools.cache
def built(family: str) -> Tiny:
    return getattr(tiny, family)()


def batch_of(chosen: Tiny, family: str) -> dict[str, torch.Tensor]:
    if family in ("llama", "gpt2"):
        inputs = dict(chosen.processor([PROMPTS[family]], return_tensors="pt"))
    else:
        image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (56, 56, 3), dtype=np.uint8))
        inputs = dict(chosen.processor(images=[image], text=[PROMPTS[family]], return_tensors="pt"))
    answer = "a nodule<loc_5><loc_6><loc_7><loc_8></s>" if family == "florence2" else PROMPTS[family]
    labels = torch.tensor([chosen.tokenizer(answer)["input_ids"]])
    return inputs | {"labels": labels if family == "florence2" else inputs["input_ids"].clone()}


@pytest.mark.parametrize("family", PROMPTS)
def test_a_few_steps_of_training_lower_the_loss(family: str) -> None:
    chosen = getattr(tiny, family)(TextSize(initializer_range=0.08))
    batch, optimizer = batch_of(chosen, family), torch.optim.AdamW(chosen.model.parameters(), lr=3e-3)
    losses = []
    for _ in range(12):
        loss = chosen.model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("family", PROMPTS)
@torch.no_grad()
def test_plain_and_fused_attention_agree(family: str) -> None:
    chosen, other = getattr(tiny, family)(), built(family)
    chosen.model.set_attn_implementation("eager")
    assert chosen.model.config._attn_implementation == "eager" != other.model.config._attn_implementation
    batch = batch_of(other, family)
    assert torch.allclose(chosen.model(**batch).logits, other.model(**batch).logits, atol=1e-5)


@pytest.mark.parametrize("family", PROMPTS)
@torch.no_grad()
def test_half_precision_stays_near_full_precision(family: str) -> None:
    chosen = getattr(tiny, family)()
    batch = batch_of(chosen, family)
    full = chosen.model(**batch).logits
    half = chosen.model.to(torch.bfloat16)(
        **{name: value.bfloat16() if value.is_floating_point() else value for name, value in batch.items()}
    ).logits
    assert half.dtype == torch.bfloat16
    assert torch.allclose(half.float(), full, atol=0.05)


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_a_prompt_of_vectors_is_answered_like_the_same_tokens(family: str) -> None:
    chosen = built(family)
    ids = chosen.processor(["The lungs are"], return_tensors="pt")["input_ids"]
    settings: dict[str, Any] = {"max_new_tokens": 6, "do_sample": False, "attention_mask": torch.ones_like(ids)}
    from_tokens = chosen.model.generate(ids, **settings)[:, ids.shape[1] :]
    vectors = chosen.model.get_input_embeddings()(ids)
    assert torch.equal(chosen.model.generate(inputs_embeds=vectors, **settings), from_tokens)


@pytest.mark.parametrize("family", PROMPTS)
def test_beams_come_with_their_scores(family: str) -> None:
    chosen = built(family)
    inputs = {name: value for name, value in batch_of(chosen, family).items() if name != "labels"}
    out = chosen.model.generate(
        **inputs,
        num_beams=3,
        num_return_sequences=3,
        max_new_tokens=6,
        do_sample=False,
        output_scores=True,
        return_dict_in_generate=True,
    )
    assert out.sequences.shape[0] == 3
    assert out.sequences_scores.tolist() == sorted(out.sequences_scores.tolist(), reverse=True)


@torch.no_grad()
def test_a_frame_sequence_takes_the_place_of_its_token() -> None:
    chosen = built("qwen2_vl")
    frames = np.random.default_rng(0).integers(0, 256, (4, 3, 56, 56), dtype=np.uint8)
    inputs = chosen.processor(
        text=["<|vision_start|><|video_pad|><|vision_end|>What is it?"],
        videos=[frames],
        do_sample_frames=False,
        return_tensors="pt",
    )
    time, height, width = inputs["video_grid_thw"][0].tolist()
    assert int((inputs["input_ids"] == chosen.tokenizer.video_token_id).sum()) == time * height * width // 4
    assert chosen.model(**inputs).logits.isfinite().all()


@pytest.mark.parametrize(
    ("family", "mark"), [("qwen2_vl", "<|vision_start|><|image_pad|><|vision_end|>"), ("llava", "<image>")]
)
@torch.no_grad()
def test_the_order_of_two_images_in_a_prompt_matters(family: str, mark: str) -> None:
    chosen = built(family)
    first, second = Image.new("RGB", (56, 56), "white"), Image.new("RGB", (56, 56), "black")
    logits = [
        chosen.model(**chosen.processor(images=[pair], text=[f"{mark}{mark} Which?"], return_tensors="pt")).logits[
            0, -1
        ]
        for pair in ([first, second], [second, first])
    ]
    assert not torch.allclose(logits[0], logits[1], atol=1e-6)


@torch.no_grad()
def test_qwen_gives_text_one_position_and_a_patch_three() -> None:
    chosen = built("qwen2_vl")
    inputs = batch_of(chosen, "qwen2_vl")
    positions, _ = chosen.model.model.get_rope_index(
        inputs["input_ids"], mm_token_type_ids=inputs["mm_token_type_ids"], image_grid_thw=inputs["image_grid_thw"]
    )
    text = inputs["mm_token_type_ids"][0] == 0
    assert positions[:, 0, ~text].tolist() == [[1, 1, 1, 1], [1, 1, 2, 2], [1, 2, 1, 2]]
    assert (positions[0, 0, text] == positions[1, 0, text]).all()
    assert int(positions.max()) == 1 + 2 + int(text.sum()) - 2
