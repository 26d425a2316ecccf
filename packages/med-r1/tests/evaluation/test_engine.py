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
