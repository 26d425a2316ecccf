import numpy as np
import pytest

from medsuite.core.errors import InputError
from medsuite.med_r1.rewards import REWARDS, RandomReward, accuracy_reward, find_rewards, probe
from medsuite.med_r1.rewards.probes import ADVERSARIES, example_question


def paid(table):
    return {row.adversary.name: row.total for row in table.rows}


def test_the_table_shows_what_each_adversary_is_paid_by_the_released_rewards():
    totals = paid(probe(REWARDS, example_question(4)))
    assert totals["honest"] == totals["empty think"] == totals["answer inside think"] == 2
    assert totals["newline at the end"] == totals["no think"] == 1
    assert totals["letter with a full stop"] == 1.5
    assert totals["all letters"] == totals["Cyrillic letter"] == totals["empty everything"] == 1
    assert totals["nothing"] == totals["the question copied"] == totals["50 kB of tags"] == 0
    assert set(totals) == {adversary.name for adversary in ADVERSARIES}


@pytest.mark.parametrize("options", [2, 3, 4, 10])
def test_an_honest_guess_is_paid_the_format_and_one_over_the_options(options):
    table = probe(REWARDS, example_question(options))
    assert table.guess == pytest.approx(1 + 1 / options)
    assert table.holes == []


def test_rewards_that_pay_for_silence_have_a_hole():
    def short(completion, question):
        return 3.0 if not completion else 0.0

    table = probe({**REWARDS, "short": short}, example_question(4))
    assert table.holes == ["nothing"]


def test_the_table_prints_a_line_for_each_adversary():
    lines = str(probe(find_rewards(["accuracy"]), example_question(3))).splitlines()
    assert len(lines) == 1 + len(ADVERSARIES)
    assert lines[0].split() == ["accuracy", "total"]


def test_the_random_reward_is_a_coin_that_does_not_read(question):
    reward = RandomReward(np.random.default_rng(0), 0.25)
    values = [reward("<answer>B</answer>", question) for _ in range(2000)]
    assert set(values) == {0.0, 1.0}
    assert np.mean(values) == pytest.approx(0.25, abs=0.04)
    with pytest.raises(InputError, match="between 0 and 1"):
        RandomReward(np.random.default_rng(0), 1.0)


def test_an_unknown_reward_names_the_nearest():
    with pytest.raises(InputError, match="did you mean 'accuracy'"):
        find_rewards(["acuracy"])
    assert find_rewards(["accuracy"])["accuracy"] is accuracy_reward
