from itertools import product

import numpy as np
import pytest

from medsuite.core.claims import Measurement
from medsuite.core.stats import bootstrap_crossed_mean
from medsuite.med_r1.claims import ARMS, RIVALS, TRAINED
from medsuite.med_r1.transfer.decision import advantage, decide

DOMAINS, SEEDS, ITEMS = ("MR", "CT", "film"), range(3), 60
PATTERN = {
    "base": 0.60, "GRPO": 0.72, "own samples": 0.70, "letter": 0.45, "empty think": 0.42, "rationale": 0.73,
    "random reward": 0.55, "blank": 0.42, "swapped": 0.42, "text only": 0.42,
}  # fmt: skip


def coins(name, level, domain, seed):
    """Right and wrong answers with exactly the level's share, in an order of their own."""
    values = np.arange(ITEMS) < round(level * ITEMS)
    return np.random.default_rng([sum(map(ord, name + domain)), seed]).permutation(values).astype(float)


def make(levels, reward=0.6):
    rows = []
    for arm, domain, seed in product(("base", *TRAINED), DOMAINS, SEEDS):
        for metric in ("greedy", "sampled"):
            level = levels.get((arm, metric, domain), levels.get((arm, metric), levels[arm]))
            values = coins(arm, level, domain, seed)
            rows += [Measurement(arm, seed, f"{domain}-{n}", metric, v) for n, v in enumerate(values)]
    for domain in DOMAINS:
        for metric in ("blank", "swapped"):
            values = coins(metric, levels[metric], domain, 0)
            rows += [Measurement("base", 0, f"{domain}-{n}", metric, v) for n, v in enumerate(values)]
        values = coins("text", levels["text only"], domain, 0)
        rows += [Measurement("text only", 0, f"{domain}-{n}", "greedy", v) for n, v in enumerate(values)]
        rows += [Measurement("text only", 0, f"{domain}-{n}", "chance", 0.42) for n in range(ITEMS)]
    for arm, seed, step in product(("GRPO", "random reward"), SEEDS, range(6)):
        rows.append(Measurement(arm, seed, f"step {step:04d}", "accuracy reward", reward))
        rows.append(Measurement(arm, seed, f"step {step:04d}", "zero spread", 0.3))
    return rows


def outcomes(**changes):
    named = {name.replace("_", " "): value for name, value in changes.items()}
    return {rival: verdict.outcome for rival, verdict in zip(RIVALS, decide(make(PATTERN | named)), strict=True)}


def test_the_expected_pattern_is_supported_against_the_paper_s_rival_alone():
    found = outcomes()
    assert (found["letter"], found["empty think"]) == ("supported", "supported")
    assert found["own samples"] in ("inconclusive", "not supported")
    assert found["rationale"] in ("inconclusive", "not supported")


def test_there_is_one_verdict_for_each_rival_and_the_headline_is_own_samples():
    verdicts = decide(make(PATTERN))
    assert len(verdicts) == len(RIVALS) == 4
    assert "own right answers" in verdicts[0].statement
    assert [bool(verdict.published) for verdict in verdicts] == [False, True, False, False]


def test_a_rival_that_is_better_is_not_supported():
    assert outcomes(own_samples=0.95)["own samples"] == "not supported"
    assert outcomes(letter=0.95)["letter"] == "not supported"


def test_greedy_and_sampled_accuracy_are_both_printed():
    verdict = decide(make(PATTERN | {("GRPO", "sampled"): 0.8, ("GRPO", "greedy"): 0.7}))[0]
    assert "GRPO 0.70/0.80" in verdict.controls
    assert "sampled answers give +0.1" in verdict.reason


def test_the_estimate_is_the_paired_difference_out_of_domain():
    rows = make(PATTERN | {("GRPO", "greedy", "MR"): 0.05})
    grid = [
        [
            next(r.value for r in rows if (r.arm, r.seed, r.unit, r.metric) == ("GRPO", seed, unit, "greedy"))
            - next(r.value for r in rows if (r.arm, r.seed, r.unit, r.metric) == ("letter", seed, unit, "greedy"))
            for unit in sorted(f"{domain}-{n}" for domain in ("CT", "film") for n in range(ITEMS))
        ]
        for seed in SEEDS
    ]
    expected = bootstrap_crossed_mean(np.array(grid), rng=np.random.default_rng(0))
    assert advantage(rows, "letter", "greedy") == expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"text only": 0.75}, "a reader of the text alone gets 0.75 on MR, chance is 0.42"),
        ({"swapped": 0.55}, "the base owes 5 points to the image"),
        ({("GRPO", "sampled", "MR"): 0.60}, "reinforcement learning did not work: \\+0.0 points"),
        ({"random reward": 0.70}, "a random reward gains \\+10.0 points"),
    ],
)
def test_a_run_that_could_not_tell_is_void_with_its_reason(changes, reason):
    import re

    verdicts = decide(make(PATTERN | changes))
    assert {verdict.outcome for verdict in verdicts} == {"void"}
    assert re.search(reason, verdicts[0].reason)


def test_every_arm_has_a_role():
    roles = {arm.name: arm.role for arm in ARMS}
    assert roles["GRPO"] == "treatment"
    assert [roles[name] for name in RIVALS] == ["rival"] * 4
    assert roles["random reward"] == roles["text only"] == "control"
