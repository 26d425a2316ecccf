"""The paper's eleven classical models, with its settings and tuned on a shared budget."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from medsuite.bench.clinical.codes import EXTRA
from medsuite.core.errors import InputError, require, unknown_name
from medsuite.core.stats import auroc

Settings = Mapping[str, Any]
Predictor = Callable[[Float[np.ndarray, "row feature"]], Float[np.ndarray, "row label"]]


@dataclass(frozen=True)
class ClassicalModel:
    """One of the eleven.

    Attributes:
        build: Takes settings and returns an unfitted estimator; None for the two networks.
        space: Values that tuning draws from, by setting; the paper's settings are the estimator's own.
        restarts: How many seeds the paper fits, of which the best on validation F1 stays.
    """

    build: Callable[[Settings], Any] | None
    space: Mapping[str, Sequence[Any]]
    restarts: int = 1


@dataclass(frozen=True)
class Data:
    """Rows that a model learns from and rows that settings are chosen on.

    Attributes:
        X: Training rows.
        y: Their labels, from 0.
        X_validation: Validation rows.
        y_validation: Their labels.
    """

    X: Float[np.ndarray, "row feature"]
    y: Int[np.ndarray, " row"]
    X_validation: Float[np.ndarray, "validation feature"]
    y_validation: Int[np.ndarray, " validation"]

    def __post_init__(self) -> None:
        if len(np.unique(self.y)) < 2:
            raise InputError("training rows of one label only", expected="two labels at least")
        if len(np.unique(self.y_validation)) < 2:
            raise InputError("validation rows of one label only", expected="two labels at least")


@dataclass(frozen=True)
class Fitted:
    """A fitted model.

    Attributes:
        name: Which of the eleven.
        settings: What was chosen; empty for the paper's settings.
        tried: How many fits the choice was made from.
        validation: The AUROC on validation of the label with the highest number.
        predict: From rows to probabilities of the labels.
    """

    name: str
    settings: Settings
    tried: int
    validation: float
    predict: Predictor = field(repr=False, compare=False)


def fit_paper(name: str, data: Data, seed: int = 0, restarts: int | None = None) -> Fitted:
    """Fit with the paper's settings; of several seeds the one with the best F1 on validation stays.

    Args:
        name: One of `MODELS`.
        data: Rows to learn from and to choose on.
        seed: First seed.
        restarts: Seeds tried for tree, forest and perceptron; the paper's 20 when left out.

    Raises:
        InputError: The name is unknown.
        MissingDependencyError: A library is not installed.
    """
    model = _find(name)
    count = model.restarts if restarts is None or model.restarts == 1 else restarts
    fits = [_fit(name, {}, data, seed + number) for number in range(count)]
    best = max(range(count), key=lambda number: _f1(data.y_validation, fits[number](data.X_validation)))
    return Fitted(name, {}, count, _last_auroc(data.y_validation, fits[best](data.X_validation)), fits[best])


def fit_tuned(name: str, data: Data, configurations: int, seed: int = 0) -> Fitted:
    """Fit the paper's settings and settings drawn at random, and keep the best AUROC on validation.

    Args:
        name: One of `MODELS`.
        data: Rows to learn from and to choose on.
        configurations: How many are tried, the paper's among them; the same number for every model is a fair budget.
        seed: Decides the draw.

    Raises:
        InputError: The name is unknown, or the budget is below 1.
        MissingDependencyError: A library is not installed.
    """
    model = _find(name)
    if configurations < 1:
        raise InputError(f"{configurations} configurations", expected="at least 1")
    rng = np.random.default_rng((seed, list(MODELS).index(name)))
    tried: list[Settings] = [{}]
    tried += [
        {setting: values[int(rng.integers(len(values)))] for setting, values in model.space.items()}
        for _ in range(configurations - 1)
    ]
    fits = [_fit(name, settings, data, seed) for settings in tried]
    scores = [_last_auroc(data.y_validation, fit(data.X_validation)) for fit in fits]
    best = int(np.argmax(scores))
    return Fitted(name, tried[best], configurations, scores[best], fits[best])


def _fit(name: str, settings: Settings, data: Data, seed: int) -> Predictor:
    build = MODELS[name].build
    if build is None:
        return _fit_network(name, settings, data, seed)
    estimator = build(settings)
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=seed)
    with warnings.catch_warnings():
        # A perceptron that has not converged is a poor setting, which validation sees.
        warnings.simplefilter("ignore")
        estimator.fit(data.X, data.y)
    return lambda X: np.asarray(estimator.predict_proba(X), dtype=np.float64)


def _fit_network(name: str, settings: Settings, data: Data, seed: int) -> Predictor:
    torch = require("torch", extra=EXTRA)
    from medsuite.bench.clinical import networks

    kind = networks.CodeTransformer if name == "transformer" else networks.CodeLSTM
    labels = int(data.y.max()) + 1
    # Weights and dropout draw from the global generator: it is seeded here and put back.
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        network = kind(data.X.shape[1], labels)
        networks.train_network(
            network,
            data.X,
            data.y,
            data.X_validation,
            lambda probabilities: _f1(data.y_validation, probabilities),
            generator=torch.Generator().manual_seed(seed),
            **settings,
        )
    return lambda X: networks.predict_network(network, X)


def _f1(y: Int[np.ndarray, " row"], probabilities: Float[np.ndarray, "row label"]) -> float:
    """F1 of the positive label of two, the mean over labels of three."""
    from sklearn.metrics import f1_score

    average = "binary" if probabilities.shape[1] == 2 else "macro"
    return float(f1_score(y, probabilities.argmax(axis=1), average=average, zero_division=0))


def _last_auroc(y: Int[np.ndarray, " row"], probabilities: Float[np.ndarray, "row label"]) -> float:
    last = probabilities.shape[1] - 1
    return auroc(probabilities[:, last], y == last)


def _find(name: str) -> ClassicalModel:
    if name not in MODELS:
        raise unknown_name("classical model", name, MODELS)
    require("sklearn", extra=EXTRA)
    return MODELS[name]


def _xgboost(settings: Settings) -> Any:
    xgboost = require("xgboost", extra=EXTRA)
    return xgboost.XGBClassifier(n_jobs=1, **{"max_depth": 6, **settings})


def _logistic(settings: Settings) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=1000, **settings)


def _tree(settings: Settings) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(**{"max_depth": 6, **settings})


def _forest(settings: Settings) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(**{"n_estimators": 100, "max_depth": 6, **settings})


def _adaboost(settings: Settings) -> Any:
    from sklearn.ensemble import AdaBoostClassifier

    return AdaBoostClassifier(**{"n_estimators": 100, **settings})


def _support_vectors(settings: Settings) -> Any:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.svm import SVC

    # What SVC(probability=True) did: Platt's sigmoid on five-fold decisions, the machine itself on all rows.
    return CalibratedClassifierCV(SVC(**settings), ensemble=False, cv=5)


def _naive_bayes(settings: Settings) -> Any:
    from sklearn.naive_bayes import GaussianNB

    return GaussianNB(**settings)


def _neighbours(settings: Settings) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(**{"n_neighbors": 5, **settings})


def _perceptron(settings: Settings) -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(**{"hidden_layer_sizes": (100,), "max_iter": 1000, **settings})


_RATES = {"learning_rate": (1e-4, 3e-4, 1e-3), "epochs": (5, 10, 20)}
MODELS: Mapping[str, ClassicalModel] = {
    "xgboost": ClassicalModel(
        _xgboost,
        {
            "n_estimators": (50, 100, 200, 400),
            "max_depth": (2, 3, 4),
            "learning_rate": (0.03, 0.05, 0.1),
            "colsample_bytree": (0.3, 0.6),
            "subsample": (0.6, 1.0),
        },
    ),
    "logistic regression": ClassicalModel(_logistic, {"C": (0.003, 0.01, 0.03, 0.1, 0.3)}),
    "decision tree": ClassicalModel(_tree, {"max_depth": (3, 4, 8, 12), "min_samples_leaf": (5, 10, 20, 50)}, 20),
    "random forest": ClassicalModel(
        _forest,
        {"n_estimators": (100, 300), "max_depth": (6, 12, None), "min_samples_leaf": (1, 3, 10)},
        20,
    ),
    "adaboost": ClassicalModel(_adaboost, {"n_estimators": (50, 100, 200), "learning_rate": (0.1, 0.3, 1.0)}),
    "support vector machine": ClassicalModel(
        _support_vectors, {"C": (0.1, 0.3, 1.0, 3.0), "gamma": ("scale", 0.003, 0.01), "kernel": ("rbf", "linear")}
    ),
    "naive bayes": ClassicalModel(_naive_bayes, {"var_smoothing": (1e-4, 1e-3, 1e-2, 1e-1, 1.0)}),
    "nearest neighbours": ClassicalModel(
        _neighbours, {"n_neighbors": (11, 25, 51, 101), "metric": ("euclidean", "cosine")}
    ),
    "neural network": ClassicalModel(
        _perceptron, {"alpha": (0.01, 0.1, 1.0), "max_iter": (5, 10, 30), "hidden_layer_sizes": ((32,), (100,))}, 20
    ),
    "transformer": ClassicalModel(None, _RATES),
    "rnn": ClassicalModel(None, _RATES),
}
"""The eleven, by name."""
