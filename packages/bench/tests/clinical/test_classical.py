"""The eleven classical models, their settings and their budget."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from medsuite.bench.clinical.classical import MODELS, Data, fit_paper, fit_tuned
from medsuite.bench.clinical.networks import CodeLSTM, CodeTransformer, predict_network
from medsuite.core.errors import InputError
from medsuite.core.stats import auroc


def make_data(labels: int = 2, rows: int = 240) -> Data:
    """Codes of which a few go with the label."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, labels, rows)
    X = (rng.random((rows, 12)) < 0.2 + 0.5 * (y[:, None] == np.arange(12) % labels) * (np.arange(12) < 6)).astype(
        np.float32
    )
    return Data(X[: rows // 2], y[: rows // 2], X[rows // 2 :], y[rows // 2 :])


DATA = make_data()
CHEAP = [name for name in MODELS if name != "rnn"]


def test_there_are_eleven() -> None:
    assert len(MODELS) == 11


@pytest.mark.parametrize("name", CHEAP)
def test_each_model_gives_probabilities_that_rank(name: str) -> None:
    fitted = fit_paper(name, DATA, restarts=1)
    found = fitted.predict(DATA.X_validation)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    assert auroc(found[:, 1], DATA.y_validation) == pytest.approx(fitted.validation)
    # Twenty epochs at the paper's rate of 1e-4 barely move a transformer on 120 rows.
    assert fitted.validation > (0.6 if name == "transformer" else 0.75)


def test_the_papers_settings_are_those_of_the_library() -> None:
    expected = LogisticRegression(max_iter=1000).fit(DATA.X, DATA.y).predict_proba(DATA.X_validation)
    np.testing.assert_allclose(fit_paper("logistic regression", DATA).predict(DATA.X_validation), expected)
    # Platt's sigmoid keeps the order of the machine's own decisions.
    decisions = SVC().fit(DATA.X, DATA.y).decision_function(DATA.X_validation)
    found = fit_paper("support vector machine", DATA).predict(DATA.X_validation)[:, 1]
    np.testing.assert_array_equal(np.argsort(found, kind="stable"), np.argsort(decisions, kind="stable"))


def test_restarts_are_tried_for_those_models_alone_whose_seed_matters() -> None:
    assert fit_paper("decision tree", DATA, restarts=3).tried == 3
    assert fit_paper("logistic regression", DATA, restarts=3).tried == 1
    assert {name for name, model in MODELS.items() if model.restarts > 1} == {
        "decision tree",
        "random forest",
        "neural network",
    }


def test_tuning_tries_the_budget_and_is_never_worse_on_validation() -> None:
    plain = fit_paper("decision tree", DATA, restarts=1)
    tuned = fit_tuned("decision tree", DATA, 5)
    assert tuned.tried == 5
    assert tuned.validation >= plain.validation
    assert set(tuned.settings) <= {"max_depth", "min_samples_leaf"}
    assert fit_tuned("decision tree", DATA, 5).settings == tuned.settings


def test_three_labels_are_ranked_by_the_last() -> None:
    data = make_data(labels=3)
    for name in ("xgboost", "support vector machine", "naive bayes"):
        fitted = fit_paper(name, data)
        assert fitted.predict(data.X_validation).shape == (120, 3)
        assert fitted.validation > 0.7


@pytest.mark.parametrize("kind", [CodeTransformer, CodeLSTM])
def test_a_patients_prediction_does_not_depend_on_who_else_is_tested(kind: type) -> None:
    torch.manual_seed(0)
    network = kind(12, 2)
    together = predict_network(network, DATA.X[:5])
    alone = np.concatenate([predict_network(network, DATA.X[row : row + 1]) for row in range(5)])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_a_network_leaves_the_global_generator_as_it_was() -> None:
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    first = fit_paper("transformer", make_data(rows=80)).predict(DATA.X)
    np.testing.assert_array_equal(torch.rand(2), expected)
    np.testing.assert_array_equal(first, fit_paper("transformer", make_data(rows=80)).predict(DATA.X))


def test_mistakes_are_named() -> None:
    with pytest.raises(InputError, match="did you mean 'xgboost'"):
        fit_paper("xgbost", DATA)
    with pytest.raises(InputError, match="0 configurations"):
        fit_tuned("naive bayes", DATA, 0)
    with pytest.raises(InputError, match="training rows of one label only"):
        Data(DATA.X, np.zeros(len(DATA.y), dtype=int), DATA.X, DATA.y)
