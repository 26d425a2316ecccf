"""From a sample to tokens: seams, templates, placeholders and what is held back."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medsuite.core import tiny
from medsuite.core.errors import InputError
from medsuite.meda_kv.evaluate.numbered import COLOURS, numbered_pictures
from medsuite.meda_kv.evaluate.prompting import Opened, to_question
from medsuite.meda_kv.evaluate.questions import TooLongError, beginning, plain_turn, token_ids
from medsuite.meda_kv.evaluate.released.sample import PICTURE, Sample

LLAMA = Opened(tiny.llama().model, tiny.llama().processor, "tiny")
TOKENIZER = LLAMA.tokenizer


def sample(context="A long text about the heart.", question=" What is it about?", pictures=(), **more):
    return Sample("sample 1", context, question, lambda answer: 1.0, 8, lambda: tuple(pictures), **more)


def whole(question):
    return TOKENIZER.decode(torch.cat([question.context, question.question, question.opening], 1)[0])


def test_a_turn_is_the_chat_template_around_the_text():
    question = to_question(LLAMA, sample())
    words = "A long text about the heart. What is it about?"
    turn = TOKENIZER.apply_chat_template(
        [{"role": "user", "content": words}], tokenize=False, add_generation_prompt=True
    )
    assert whole(question) == turn
    assert TOKENIZER.decode(question.context[0]).endswith("about the heart.")


def test_what_is_no_turn_is_continued_as_it_stands():
    question = to_question(LLAMA, sample(turn=False))
    start = TOKENIZER.decode(beginning(TOKENIZER)[0])
    assert whole(question) == start + "A long text about the heart. What is it about?"


def test_first_words_of_the_answer_are_its_opening_and_the_question_stays_whole():
    held = to_question(LLAMA, sample(turn=False))
    given_ = to_question(LLAMA, sample(turn=False, opening=" It is"))
    assert torch.equal(given_.question, torch.cat([held.question, held.opening], 1))
    assert TOKENIZER.decode(given_.opening[0]) == " It is"


def test_a_sample_without_a_question_is_refused_unless_its_answer_is_opened():
    with pytest.raises(InputError, match="sample 1 has no question after its context"):
        to_question(LLAMA, sample(question="", turn=False))
    assert to_question(LLAMA, sample(question="", turn=False, opening="So")).question.shape == (1, 0)


@given(st.integers(12, 120))
@settings(deadline=None, max_examples=15)
def test_a_long_text_keeps_its_two_ends_and_the_length_that_was_asked_for(longest):
    text = sample(context=" ".join(f"word{number}" for number in range(90)), turn=False)
    full, cut = to_question(LLAMA, text), to_question(LLAMA, text, longest)
    room = longest - cut.question.shape[1]
    kept = cut.context[0].tolist()
    assert len(kept) == min(room, full.context.shape[1])
    assert kept[: room - room // 2] == full.context[0, : room - room // 2].tolist()
    assert kept[-(room // 2) :] == full.context[0, -(room // 2) :].tolist()


def test_a_question_that_leaves_no_room_says_what_to_do():
    with pytest.raises(TooLongError, match=r"sample 1 is .* tokens long.*at most 4.*raise --longest"):
        to_question(LLAMA, sample(question=" and so on" * 30), longest=4)


def test_pictures_are_never_cut():
    made = tiny.llava()
    numbered = numbered_pictures(np.random.default_rng(0), 3)
    with pytest.raises(TooLongError, match="with pictures"):
        to_question(Opened(made.model, made.processor), numbered, longest=20)


def test_a_processor_without_a_template_gets_its_placeholders_between_the_words():
    made = tiny.llava()
    bare = SimpleNamespace(tokenizer=made.tokenizer, image_token=made.processor.image_token, chat_template=None)
    seen = []

    def process(text, **given_):
        seen.append((text, given_["add_special_tokens"]))
        return {
            "input_ids": torch.ones(1, 3, dtype=torch.long),
            "attention_mask": torch.ones(1, 3),
            "pixel_values": torch.ones(1),
        }

    bare = type("Bare", (), {**vars(bare), "__call__": lambda self, **given_: process(**given_)})()
    question = to_question(
        Opened(made.model, bare), sample(context=f"See{PICTURE}and", pictures=["picture"], turn=False)
    )
    assert seen == [(f"See {made.processor.image_token} and", True)]
    assert sorted(question.inputs) == ["pixel_values"]


@pytest.mark.parametrize(("ends", "stops"), [(7, {7}), ([7, 9], {7, 9}), (None, set())])
def test_every_end_of_a_text_stops_an_answer(ends, stops):
    model = SimpleNamespace(generation_config=SimpleNamespace(eos_token_id=ends))
    assert Opened(model, None).stops == stops


def test_without_a_template_a_turn_is_a_line():
    assert plain_turn(SimpleNamespace(chat_template=None)) == ("", "\n")


def test_tokens_are_those_of_the_text_alone():
    ids = token_ids(TOKENIZER, "heart and lung")
    assert TOKENIZER.decode(ids[0]) == "heart and lung"
    assert ids.dtype == torch.int64


@pytest.mark.parametrize("count", [1, 4, len(COLOURS)])
def test_numbers_are_written_on_pictures_of_different_colours_and_one_is_asked_for(count):
    for seed in range(4):
        made = numbered_pictures(np.random.default_rng(seed), count)
        pictures = made.pictures()
        corners = {"#{:02x}{:02x}{:02x}".format(*picture.getpixel((0, 0))) for picture in pictures}
        assert len(corners) == len(pictures) == made.context.count(PICTURE) == count
        (named,) = [name for name in COLOURS if f"the {name} picture" in made.question]
        assert COLOURS[named] in corners


def test_the_number_of_the_asked_picture_alone_is_right():
    made = numbered_pictures(np.random.default_rng(1), 2)
    right = [number for number in range(1000, 10000) if made.grade(f"It is {number}.")]
    assert len(right) == 1


@pytest.mark.parametrize("count", [0, len(COLOURS) + 1])
def test_more_pictures_than_colours_are_refused(count):
    with pytest.raises(InputError, match=f"{count} pictures; expected 1 to 8"):
        numbered_pictures(np.random.default_rng(0), count)
