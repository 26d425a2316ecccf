"""The rows of the claims' jobs are what was asked, on a model that takes no time."""

from types import SimpleNamespace

import numpy as np
import pytest
from contexts import FakeContext

from medsuite.core.claims import Job
from medsuite.core.errors import InputError
from medsuite.meda_kv import Budget, ShuffledEntropy
from medsuite.meda_kv.evaluate import experiments
from medsuite.meda_kv.evaluate.arms import allocation_arms, memory_arms, open_model, picture_arms
from medsuite.meda_kv.evaluate.questions import Score

ARMS = {"full", "meda", "uniform", "shuffled", "random"}


def context(**settings):
    return FakeContext(SimpleNamespace(**settings))


@pytest.fixture(scope="module")
def asked():
    here = context(model="tiny", context=200, shares=(0.6, 0.5))
    rows = list(experiments.memory(Job("a", 3, {"start": 0, "stop": 2}), here))
    return here, rows


def of(rows, start):
    return [row for row in rows if row.metric.startswith(start)]


def test_every_arm_has_every_quantity_of_every_question_once(asked):
    _, rows = asked
    answers = of(rows, ("nll", "correct", "freed"))
    keys = [(row.arm, row.unit, row.metric) for row in answers]
    assert len(set(keys)) == len(keys) == 5 * 2 * 3 * 2 * 2
    assert {row.arm for row in answers} == ARMS
    assert {row.unit for row in answers} == {"seed 3 question 0", "seed 3 question 1"}
    assert {row.seed for row in rows} == {3}


def test_the_freed_share_is_what_was_not_kept_and_nothing_of_the_full_cache(asked):
    _, rows = asked
    for row in of(rows, "freed"):
        kept = float(row.metric.rpartition("kept ")[2])
        assert row.value == pytest.approx(0.0 if row.arm == "full" else 1 - kept, abs=0.01)


def test_layers_are_told_once_a_seed_and_share_their_budget(asked):
    _, rows = asked
    shares = of(rows, "layer share, kept 0.5")
    for arm in ARMS - {"full"}:
        mine = [row for row in shares if row.arm == arm]
        assert [row.unit for row in mine] == ["layer 00", "layer 01"]
        assert np.mean([row.value for row in mine]) == pytest.approx(0.5, abs=0.01)


def test_the_control_has_the_entropies_of_the_layers_that_it_shuffles(asked):
    _, rows = asked
    found = {
        arm: [row.value for row in of(rows, "layer entropy, kept 0.5") if row.arm == arm]
        for arm in ("meda", "shuffled")
    }
    assert found["meda"] == found["shuffled"]


def test_progress_ends_at_one(asked):
    assert asked[0].fractions == [0.5, 1.0]


def test_a_later_job_goes_on_with_other_questions_and_tells_no_layers():
    here = context(model="tiny", context=200, shares=(0.6,))
    rows = list(experiments.allocation(Job("b", 0, {"start": 5, "stop": 6}), here))
    assert {row.unit for row in rows} == {"seed 0 question 5"}
    assert not of(rows, "layer")


def test_a_timed_job_has_both_arms_and_every_quantity():
    here = context(model="tiny", share=0.5, new_tokens=2, rounds=2)
    rows = list(experiments.speed(Job("c", 1, {"context": 96}), here))
    quantities = {"token_ms", "unsteadiness", "kv_bytes", "compress_ms", "read_once"}
    assert {(row.arm, row.metric) for row in rows} == {(arm, name) for arm in ("full", "meda") for name in quantities}
    assert {row.unit for row in rows} == {"96 tokens"}
    held = {row.arm: row.value for row in of(rows, "kv_bytes")}
    assert held["meda"] == pytest.approx(held["full"] / 2, rel=0.01)


def test_pictures_are_asked_of_the_hand_set_model_which_the_full_cache_answers():
    here = context(side=4, pictures=2, shares=(0.5,))
    rows = list(experiments.pictures(Job("d", 0, {"start": 0, "stop": 1}), here))
    assert {row.arm for row in of(rows, "correct")} == {"full", "entropy", "uniform", "pyramid", "shuffled"}
    assert {row.value for row in of(rows, "correct") if row.arm == "full"} == {1.0}


def test_a_score_of_an_arm_counts_at_its_share_and_that_of_the_full_cache_at_every_one():
    half, full = (Score(arm, "after", 0.5, 2.0, 0.3, 30, 100) for arm in ("meda 0.3", "full"))
    values = {row.metric: row.value for row in experiments._score_rows(half, 0, "u", (0.3, 0.2))}
    names = {"nll": 2.0, "correct": 0.0, "freed": 0.7}
    assert values == {f"{name}, question after, kept 0.3": pytest.approx(value) for name, value in names.items()}
    assert len(experiments._score_rows(full, 0, "u", (0.3, 0.2))) == 6


@pytest.mark.parametrize("arms", [memory_arms, allocation_arms, picture_arms])
def test_arms_differ_in_their_parts_and_not_in_their_budget(arms):
    recipes = arms(0.3, 7)
    assert {recipe.budget for recipe in recipes.values()} == {Budget(ratio=0.3)}
    assert len(set(map(str, recipes.values()))) == len(recipes)
    assert isinstance(recipes["shuffled"].allocate, ShuffledEntropy)
    assert recipes["shuffled"].allocate.seed == 7


@pytest.mark.parametrize("arms", [allocation_arms, picture_arms])
def test_the_arms_of_an_allocation_select_and_merge_alike(arms):
    recipes = arms(0.3, 0).values()
    assert len({recipe.select for recipe in recipes}) == len({recipe.merge for recipe in recipes}) == 1


def test_a_scale_on_ones_own_model_needs_its_folder():
    with pytest.raises(InputError, match="expected --data with its folder"):
        open_model("data")


def test_models_are_opened_once_with_tokenizer_or_processor():
    assert open_model("tiny") is open_model("tiny")
    assert (open_model("tiny").sees, open_model("constructed").sees) == (False, True)
    assert open_model("constructed").tokenizer is open_model("constructed").processor.tokenizer


def test_a_folder_is_opened_like_a_name(tmp_path):
    from medsuite.core import tiny

    folder = tiny.llama().save(tmp_path)
    opened = open_model("data", folder)
    assert not opened.sees
    assert opened.model.config.num_hidden_layers == tiny.llama().config.num_hidden_layers
