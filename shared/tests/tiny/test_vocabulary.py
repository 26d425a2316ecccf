"""Tokenizers trained on the spot: they lose nothing, and special tokens stay whole."""

import functools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from medsuite.core import tiny
from medsuite.core.tiny import Vocabulary
from medsuite.core.tiny.florence import LOCATIONS, TASK_TOKENS
from medsuite.core.tiny.vision_language import QWEN_TOKENS


@functools.cache
def tokenizer(family: str) -> Any:
    return getattr(tiny, family)().tokenizer


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_survives_the_tokenizer(text: str) -> None:
    ids = tokenizer("llama")(text)["input_ids"]
    assert tokenizer("llama").decode(ids) == text


def test_words_of_the_corpus_become_whole_tokens() -> None:
    trained = tiny.gpt2(vocabulary=Vocabulary(corpus=["consolidation of the consolidation"] * 4, entries=300)).tokenizer
    assert trained.tokenize("consolidation") == ["consolidation"]
    assert len(tokenizer("gpt2").tokenize("zygomorphic")) > 3


def test_extra_tokens_are_whole_and_survive_the_removal_of_special_ones() -> None:
    trained = tiny.qwen2_vl(vocabulary=Vocabulary(extra_tokens=("<think>", "</think>"))).tokenizer
    ids = trained("<think> A</think><|im_end|>")["input_ids"]
    assert ids[0] == trained.convert_tokens_to_ids("<think>")
    assert trained.decode(ids, skip_special_tokens=True) == "<think> A</think>"


def test_qwen_has_its_vision_tokens_as_single_ids() -> None:
    for token in QWEN_TOKENS.leading:
        assert len(tokenizer("qwen2_vl")(token)["input_ids"]) == 1
    assert tokenizer("qwen2_vl").video_token == "<|video_pad|>"


def test_florence_has_a_thousand_consecutive_locations_among_1024_task_tokens() -> None:
    ids = tokenizer("florence2").convert_tokens_to_ids([f"<loc_{place}>" for place in range(LOCATIONS)])
    assert ids == list(range(ids[0], ids[0] + 1000))
    assert len(set(TASK_TOKENS)) == len(TASK_TOKENS) == 1024


def test_florence_reads_its_own_boxes_back_in_pixels() -> None:
    boxes = tiny.florence2().processor.post_process_generation(
        text="<s>a nodule<loc_5><loc_6><loc_700><loc_999></s>",
        task="<CAPTION_TO_PHRASE_GROUNDING>",
        image_size=(1000, 2000),
    )
    assert boxes == {"<CAPTION_TO_PHRASE_GROUNDING>": {"bboxes": [[5, 13, 700, 1999]], "labels": ["a nodule"]}}


def test_florence_turns_a_task_into_its_phrase_behind_the_image() -> None:
    chosen = tiny.florence2()
    inputs = chosen.processor(images=Image.new("RGB", (64, 64)), text="<OD>", return_tensors="pt")
    phrase = "Locate the objects with category name in the image."
    assert chosen.tokenizer.decode(inputs["input_ids"][0]) == f"{'<image>' * 5}<s>{phrase}</s>"


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        (
            "qwen2_vl",
            "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Why?<|im_end|>\n<|im_start|>assistant\n",
        ),
        ("llava", "USER: <image>\nWhy? ASSISTANT:"),
    ],
)
def test_a_chat_with_an_image_is_written_as_the_family_writes_it(family: str, expected: str) -> None:
    chat = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Why?"}]}]
    assert getattr(tiny, family)().processor.apply_chat_template(chat, add_generation_prompt=True) == expected


def test_a_chat_with_llama_is_chatml() -> None:
    chat = [{"role": "user", "content": "Why?"}]
    text = tokenizer("llama").apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    assert text == "<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n"
