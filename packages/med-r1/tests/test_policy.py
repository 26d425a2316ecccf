import pytest

from medsuite.core.errors import InputError
from medsuite.med_r1 import build, load_policy
from medsuite.med_r1.prompts import completion


def test_every_word_of_prompt_and_answer_is_one_token(policy, simulated):
    tokenizer = policy.tokenizer
    for question in simulated:
        prompt = tokenizer.tokenize(build(question, "compact"))
        answer = tokenizer.tokenize(completion(f" {question.answer_text}", question.letter))
        assert len(answer) == 6
        assert len(prompt) == 1 + 3 * len(question.options)
        assert {answer[1], answer[4]} <= set(prompt)


def test_a_saved_policy_answers_alike_and_pads_on_the_left(policy):
    again = load_policy(policy.folder, device="cpu")
    assert again.tokenizer.padding_side == "left"
    assert again.suppressed == policy.suppressed
    assert sum(weight.numel() for weight in again.model.parameters()) < 500_000


def test_a_language_model_is_refused(tmp_path):
    from medsuite.core.tiny import llama

    llama().save(tmp_path)
    with pytest.raises(InputError, match="llama"):
        load_policy(tmp_path)
