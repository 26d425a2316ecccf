"""Thresholds against trying every one with scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from medsuite.bench.clinical.thresholds import best_f1_threshold, expected_f1_threshold
from medsuite.core.errors import InputError

ROWS = st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=40)


@given(ROWS.filter(lambda rows: any(positive for _, positive in rows)))
def test_no_threshold_has_a_better_f1(rows: list[tuple[int, bool]]) -> None:
    probability = np.array([value / 8 for value, _ in rows])
    positive = np.array([is_positive for _, is_positive in rows])
    found = f1_score(positive, probability >= best_f1_threshold(probability, positive))
    assert found == pytest.approx(max(f1_score(positive, probability >= cut) for cut in np.unique(probability)))


def test_the_expected_threshold_is_the_best_on_outcomes_that_follow_the_probabilities() -> None:
    rng = np.random.default_rng(0)
    probability = rng.beta(0.5, 4, 20_000)
    happened = rng.random(20_000) < probability
    scores = [
        f1_score(happened, probability >= choose)
        for choose in (expected_f1_threshold(probability), best_f1_threshold(probability, happened), 0.5)
    ]
    assert scores[0] == pytest.approx(scores[1], abs=0.005)
    assert scores[0] > scores[2] + 0.1, "a half is far from the best where few are positive"


def test_what_has_no_threshold_is_refused() -> None:
    with pytest.raises(InputError, match="no validation patient with the positive label"):
        best_f1_threshold(np.array([0.2, 0.3]), np.array([False, False]))
    with pytest.raises(InputError, match="no probability"):
        expected_f1_threshold(np.array([]))
