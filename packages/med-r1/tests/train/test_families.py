"""The trainers and the engine on a second family, whose pictures and checkpoints look otherwise than Qwen2-VL's."""

import pytest
import torch

from medsuite.core.tiny import VisionSize, Vocabulary, llava
from medsuite.med_r1 import GRPOSettings, SFTSettings, answer, load_policy, train_grpo, train_sft
from medsuite.med_r1.policy import TAGS


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llava")
    tiny = llava(vision=VisionSize(image_size=28), vocabulary=Vocabulary(extra_tokens=TAGS))
    tiny.model.generation_config.eos_token_id = tiny.tokenizer.eos_token_id
    tiny.model.generation_config.pad_token_id = tiny.tokenizer.pad_token_id
    tiny.save(folder)
    return load_policy(folder, device="cpu")


def test_llava_answers_alike_in_batches_of_any_size(other, simulated):
    one, many = (answer(other, simulated, style="compact", new_tokens=4, batch=size) for size in (1, 64))
    assert one == many
    assert other.tokenizer.convert_ids_to_tokens(other.suppressed) == ["<image>"]


def test_llava_is_fine_tuned_and_resumes_to_the_same_weights(other, simulated, tmp_path, same_weights):
    settings = SFTSettings(steps=4, batch=4, learning_rate=1e-2, style="compact", save_every=2)
    targets = [(question, question.letter) for question in simulated]
    straight = train_sft(other, simulated, targets, settings, tmp_path / "a")
    resumed = train_sft(other, simulated, targets, settings, tmp_path / "b", resume=tmp_path / "a" / "checkpoint-2")
    assert same_weights(straight, resumed) == 0
    assert same_weights(straight, other) > 1e-3


def test_llava_is_trained_by_grpo(other, simulated, tmp_path):
    settings = GRPOSettings(
        steps=2, prompts=2, generations=4, learning_rate=1e-3, beta=0.04, new_tokens=4, style="compact"
    )
    trained = train_grpo(other, simulated, {"length": lambda text, question: len(text) / 10}, settings, tmp_path)
    assert len(trained.history) == 2
    assert all(torch.isfinite(weight).all() for weight in trained.policy.model.parameters())
