import json

import pytest
import torch
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

from medsuite.core.errors import InputError, ResumeError
from medsuite.med_r1 import SFTSettings, train_sft
from medsuite.med_r1.prompts import completion, conversation
from medsuite.med_r1.train.batches import Collator
from medsuite.med_r1.train.resume import restore_weights

SIX = SFTSettings(steps=6, batch=4, learning_rate=1e-2, style="compact", save_every=3)


def targets(questions):
    return [(question, completion(f" {question.answer_text}", question.letter)) for question in questions]


def test_a_batch_is_what_trl_s_own_collator_makes(policy, simulated):
    collator = Collator(policy.processor, simulated)
    ours = collator(list(collator.rows(targets(simulated), "compact")))
    theirs = DataCollatorForVisionLanguageModeling(policy.processor, max_length=None, completion_only_loss=True)(
        [
            {
                "prompt": conversation(question, "compact"),
                "completion": [{"role": "assistant", "content": text}],
                "image": simulated.picture(question),
            }
            for question, text in targets(simulated)
        ]
    )
    assert set(ours) == set(theirs)
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), name


def test_pictures_beyond_the_memory_are_prepared_again(policy, simulated, monkeypatch):
    monkeypatch.setattr("medsuite.med_r1.train.batches.KEPT_BYTES", 0)
    short, full = Collator(policy.processor, simulated), Collator(policy.processor, simulated)
    rows = list(short.rows(targets(simulated), "compact"))
    monkeypatch.undo()
    full.rows(targets(simulated), "compact")
    assert torch.equal(short(rows)["pixel_values"], full(rows)["pixel_values"])


def test_the_loss_falls_and_the_start_is_left_as_it_was(policy, simulated, tmp_path):
    before = {name: value.clone() for name, value in policy.model.state_dict().items()}
    train_sft(policy, simulated, targets(simulated), SIX, tmp_path)
    log = json.loads((tmp_path / "checkpoint-6" / "trainer_state.json").read_text())["log_history"]
    losses = [entry["loss"] for entry in log if "loss" in entry]
    assert losses[-1] < 0.7 * losses[0]
    assert all(torch.equal(value, before[name]) for name, value in policy.model.state_dict().items())


def test_a_run_that_was_stopped_ends_in_the_same_weights(policy, simulated, tmp_path, same_weights):
    straight = train_sft(policy, simulated, targets(simulated), SIX, tmp_path / "a")
    resumed = train_sft(
        policy, simulated, targets(simulated), SIX, tmp_path / "b", resume=tmp_path / "a" / "checkpoint-3"
    )
    assert same_weights(straight, resumed) == 0
    assert same_weights(straight, policy) > 1e-3


def test_a_checkpoint_of_another_model_is_refused(policy, tmp_path):
    from medsuite.core.tiny import TextSize, qwen2_vl

    qwen2_vl(TextSize(hidden_size=64, layers=3)).save(tmp_path)
    with pytest.raises(ResumeError, match=r"does not fit the model: \d+ weights differ"):
        restore_weights(policy.model, str(tmp_path))


def test_nothing_to_learn_from_is_refused(policy, simulated, tmp_path):
    with pytest.raises(InputError, match="no targets"):
        train_sft(policy, simulated, [], SIX, tmp_path)
