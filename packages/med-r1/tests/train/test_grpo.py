import json
from dataclasses import replace

import pytest
import torch

from medsuite.core.errors import InputError
from medsuite.med_r1 import GRPOSettings, advantages, released_loss, train_grpo

SIX = GRPOSettings(
    steps=6, prompts=2, generations=4, learning_rate=1e-2, beta=0.04, new_tokens=4, style="compact", save_every=3
)


def a_share(completion, question):
    """Pays for capital letters, so that groups of a random model have a spread."""
    return sum(letter.isupper() for letter in completion) / 10


def run(policy, questions, out, settings=SIX, reward=a_share, resume=None):
    return train_grpo(policy, questions, {"capitals": reward}, settings, out, resume=resume)


@pytest.fixture(scope="module")
def straight(policy, simulated, tmp_path_factory):
    folder = tmp_path_factory.mktemp("straight")
    return folder, run(policy, simulated, folder)


def test_a_run_that_was_stopped_ends_in_the_same_weights_and_divergences(
    policy, simulated, tmp_path, straight, same_weights
):
    folder, whole = straight
    resumed = run(policy, simulated, tmp_path, resume=folder / "checkpoint-3")
    assert same_weights(whole.policy, resumed.policy) == 0
    assert same_weights(whole.policy, policy) > 1e-3
    assert [entry["kl"] for entry in resumed.history] == [entry["kl"] for entry in whole.history]
    assert whole.history[5]["kl"] > whole.history[0]["kl"] == 0


def test_the_stock_trainer_s_resume_loses_the_weights(policy, simulated, tmp_path, straight, monkeypatch, same_weights):
    """Why the override exists; if this fails, trl or transformers has mended it and the override can go."""
    folder, whole = straight
    monkeypatch.delattr("medsuite.med_r1.train.resume.Restoring._load_from_checkpoint")
    resumed = run(policy, simulated, tmp_path, resume=folder / "checkpoint-3")
    assert same_weights(whole.policy, resumed.policy) > 1e-3


def test_every_step_logs_reward_spread_and_entropy(straight):
    _, trained = straight
    assert len(trained.history) == 6
    for entry in trained.history:
        assert {"reward", "frac_reward_zero_std", "entropy", "kl", "rewards/capitals/mean"} <= set(entry)


def test_the_reward_rises_when_it_can(policy, simulated, tmp_path):
    settings = replace(SIX, steps=25, prompts=4, generations=8, beta=0.0, learning_rate=3e-3, save_every=0)
    rewards = [entry["reward"] for entry in run(policy, simulated, tmp_path, settings).history]
    assert sum(rewards[-5:]) > 1.5 * sum(rewards[:5])


def test_equal_rewards_move_nothing(policy, simulated, tmp_path, same_weights):
    trained = run(policy, simulated, tmp_path, replace(SIX, steps=2, beta=0.0), lambda completion, question: 1.0)
    assert same_weights(trained.policy, policy) == 0
    assert [entry["frac_reward_zero_std"] for entry in trained.history] == [1, 1]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_reward_that_is_not_finite_stops_the_run_by_name_and_question(policy, simulated, tmp_path, value):
    with pytest.raises(InputError, match=r"reward capitals gave (nan|inf) on question MR-hard-"):
        run(policy, simulated, tmp_path, reward=lambda completion, question: value)


def test_the_trained_model_is_a_folder_that_loads_again(straight):
    from medsuite.med_r1 import load_policy

    folder, trained = straight
    again = load_policy(folder, device="cpu")
    state = again.model.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in trained.policy.model.state_dict().items())
    assert json.loads((folder / "config.json").read_text())["model_type"] == "qwen2_vl"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"generations": 1}, "1 generations"),
        ({"prompts": 0}, "6 steps of 0 prompts"),
        ({"temperature": 0.0}, "temperature 0"),
        ({"beta": float("nan")}, "beta nan"),
        ({"decay_steps": -1}, "-1 of decay"),
    ],
)
def test_impossible_settings_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        replace(SIX, **changes)


def test_no_rewards_are_refused(policy, simulated, tmp_path):
    with pytest.raises(InputError, match="no rewards"):
        train_grpo(policy, simulated, {}, SIX, tmp_path)


def test_a_reward_that_fails_stops_the_run_by_name_and_question(policy, simulated, tmp_path):
    def broken(completion, question):
        raise ZeroDivisionError("no length")

    with pytest.raises(InputError, match=r"reward capitals failed on question MR-hard-\d+ for .*no length"):
        run(policy, simulated, tmp_path, reward=broken)
    with pytest.raises(InputError, match="reward capitals failed"):
        run(policy, simulated, tmp_path, reward=lambda completion, question: "two")


def test_what_the_loss_is_given_are_the_advantages_of_the_groups_rewards(policy, simulated, tmp_path, monkeypatch):
    """trl normalises, and may shuffle completions after it: the values of a batch are compared, not their order."""
    paid, given = [], []

    def reward(completion, question):
        paid.append((question.id, a_share(completion, question)))
        return paid[-1][1]

    def loss(log_probability, advantage, mask, beta, reference):
        given.append((advantage.detach().clone(), mask.detach().clone(), log_probability.detach().clone()))
        return released_loss(log_probability, advantage, mask, beta, reference)

    monkeypatch.setattr("medsuite.med_r1.train.grpo.released_loss", loss)
    run(policy, simulated, tmp_path, replace(SIX, steps=3, beta=0.0, save_every=0), reward)
    assert len(given) == 3
    for step, (advantage, mask, log_probability) in enumerate(given):
        batch = paid[8 * step : 8 * step + 8]
        groups = [[value for _, value in batch[start : start + 4]] for start in (0, 4)]
        assert [len({name for name, _ in batch[start : start + 4]}) for start in (0, 4)] == [1, 1]
        expected = advantages(torch.tensor(groups)).flatten()
        torch.testing.assert_close(advantage.sort().values, expected.sort().values, atol=1e-5, rtol=1e-5)
        assert mask.shape == log_probability.shape
        assert (log_probability <= 0).all()
        assert set(mask.unique().tolist()) <= {0, 1}
