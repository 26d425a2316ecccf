import pytest

from medsuite.core.errors import InputError
from medsuite.med_r1 import answer


def ask(policy, questions, **options):
    return answer(policy, questions, style="compact", new_tokens=5, **options)


def test_greedy_answers_are_the_same_one_by_one_and_in_batches(policy, simulated):
    assert ask(policy, simulated, batch=1) == ask(policy, simulated, batch=5) == ask(policy, simulated, batch=64)


def test_samples_depend_on_the_seed_alone(policy, simulated):
    first, again, other = (ask(policy, simulated, temperature=1.0, seed=seed) for seed in (0, 0, 1))
    assert first == again != other


def test_every_try_is_a_sample_of_its_own_question(policy, simulated):
    texts = ask(policy, simulated, temperature=1.0, tries=3, batch=6)
    assert [len(tries) for tries in texts] == [3] * len(simulated)
    assert any(len(set(tries)) > 1 for tries in texts)


def test_tokens_that_stand_for_pictures_are_never_written(policy, simulated):
    texts = [text for tries in ask(policy, simulated, temperature=5.0, tries=8) for text in tries]
    names = policy.tokenizer.convert_ids_to_tokens(policy.suppressed)
    assert set(names) == {"<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"}
    ids = policy.tokenizer("".join(texts))["input_ids"]
    assert not set(ids) & set(policy.suppressed)


def test_several_tries_need_a_temperature(policy, simulated):
    with pytest.raises(InputError, match="3 tries at temperature 0"):
        ask(policy, simulated, tries=3)


@pytest.mark.parametrize("changes", [{"batch": 0}, {"new_tokens": 0}, {"temperature": -1.0}, {"tries": 0}])
def test_numbers_that_ask_nothing_are_refused(policy, simulated, changes):
    with pytest.raises(InputError, match="at least 1 of each, and a temperature"):
        answer(policy, simulated, **({"style": "compact"} | changes))


def test_a_completion_that_does_not_fit_the_model_is_refused_with_the_numbers(policy, simulated):
    room = policy.model.config.get_text_config().max_position_embeddings
    with pytest.raises(
        InputError, match=rf"{room} new ones among questions MR-hard-00000 to .*; expected at most .* {room}"
    ):
        answer(policy, simulated, style="compact", new_tokens=room)


def test_padding_on_the_left_changes_no_probability_of_the_next_token(policy, simulated):
    """Questions of two and of four options have prompts of different lengths; alone, none is padded."""
    import torch

    from medsuite.med_r1.prompts import conversation

    chosen = sorted(simulated, key=lambda question: len(question.options))
    assert len(chosen[0].options) < len(chosen[-1].options)
    pair = (chosen[0], chosen[-1])
    texts = [
        policy.processor.apply_chat_template(conversation(each, "compact"), tokenize=False, add_generation_prompt=True)
        for each in pair
    ]
    pictures = [simulated.picture(each) for each in pair]

    def next_token(numbers):
        inputs = policy.processor(
            text=[texts[n] for n in numbers], images=[pictures[n] for n in numbers], padding=True, padding_side="left",
            return_tensors="pt",
        )  # fmt: skip
        with torch.no_grad():
            return policy.model(**inputs).logits[:, -1].log_softmax(-1)

    together = next_token([0, 1])
    for number in (0, 1):
        torch.testing.assert_close(together[number], next_token([number])[0], atol=1e-5, rtol=0)
