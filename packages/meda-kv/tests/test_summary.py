"""The summary and its table against means by hand and scipy's intervals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from medsuite.meda_kv.evaluate.evaluation import Record, arm_parts
from medsuite.meda_kv.evaluate.questions import Score
from medsuite.meda_kv.evaluate.summary import summarise, table


def score(arm, value, protocol="after", nll=1.0, share=0.5, held=10, full=40):
    return Score(arm, protocol, value, nll, share, held, full)


def records(*rows):
    return [Record(f"q{number}", 10, tuple(row)) for number, row in enumerate(rows)]


@given(st.lists(st.booleans(), min_size=2, max_size=30))
@settings(deadline=None, max_examples=20)
def test_right_and_wrong_answers_have_wilsons_interval(right):
    (line,) = summarise(records(*([score("full", float(each))] for each in right)))
    expected = binomtest(sum(right), len(right)).proportion_ci(method="wilson")
    value = line.cells["after"].value
    assert (value.estimate, value.low, value.high) == pytest.approx((np.mean(right), *expected))


@given(st.lists(st.floats(0.01, 0.99), min_size=2, max_size=12))
@settings(deadline=None, max_examples=20)
def test_graded_answers_have_their_mean_inside_an_interval_inside_their_range(grades):
    (line,) = summarise(records(*([score("full", grade)] for grade in grades)))
    value = line.cells["after"].value
    assert value.estimate == pytest.approx(np.mean(grades))
    assert min(grades) - 1e-9 <= value.low <= value.estimate + 1e-9
    assert value.estimate - 1e-9 <= value.high <= max(grades) + 1e-9


def test_shares_and_bytes_are_means_over_questions_and_protocols():
    done = records(
        [
            score("h2o 0.5", 1.0, protocol, share=share, held=held)
            for protocol, share, held in (("after", 0.4, 10), ("in prompt", 0.6, 30))
        ]
        + [score("full", 1.0, protocol, share=1.0) for protocol in ("after", "in prompt")]
    )
    line = summarise(done)[0]
    assert (line.requested, line.measured, line.kv_bytes, line.kv_bytes_full) == (0.5, 0.5, 20, 40)
    assert list(line.cells) == ["in prompt", "after"]


def test_differences_are_paired_by_question_whatever_their_order():
    done = records(
        [score("full", 0.9, nll=1.0), score("h2o 0.5", 0.4, nll=1.5)],
        [score("h2o 0.5", 0.1, nll=2.5), score("full", 0.6, nll=2.0)],
    )
    _, half = summarise(done)
    assert half.cells["after"].loss.ends == pytest.approx((-0.5, -0.5, -0.5))
    assert half.cells["after"].nll_gain.ends == pytest.approx((0.5, 0.5, 0.5))


def test_an_arm_with_a_likelihood_missing_has_none():
    done = records([score("full", 0.9, nll=1.0)], [score("full", 0.9, nll=float("nan"))])
    assert summarise(done)[0].cells["after"].nll is None


def test_the_table_has_a_row_an_arm_and_columns_under_their_heads():
    done = records(*([score("full", 1.0, share=1.0), score("h2o 0.25", 0.0, nll=2.125, share=0.248)] for _ in range(4)))
    head, full, half = table(summarise(done)).splitlines()
    assert head.split() == ["arm", "asked", "kept", "question", "after", "nats/token"]
    assert full.split()[:4] == ["full", "1.000", "1.000", "1.000"]
    assert half.split() == ["h2o", "0.25", "0.250", "0.248", "0.000", "[0.00,", "0.49]", "2.125"]
    assert len(head) == len(full) == len(half)


@pytest.mark.parametrize(
    ("arm", "parts"),
    [("full", ("full", 1.0)), ("snapkv 0.2", ("snapkv", 0.2)), ("snapkv (kvpress) 0.05", ("snapkv (kvpress)", 0.05))],
)
def test_an_arms_name_is_its_method_and_its_share(arm, parts):
    assert arm_parts(arm) == parts
