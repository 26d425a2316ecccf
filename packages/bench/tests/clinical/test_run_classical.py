"""From a split cohort to a file of predictions, against the same steps in plain loops and scikit-learn."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from medsuite.bench.clinical.cohort import Cohort
from medsuite.bench.clinical.predictions import read_predictions
from medsuite.bench.clinical.run_classical import predict_classical
from medsuite.bench.clinical.splits import Split, split_patients
from medsuite.core.errors import InputError

MODEL = "logistic regression"


def plain_rows(cohort: Cohort, split: Split) -> Callable[[np.ndarray], np.ndarray]:
    """Which codes at least two training stays have, sex, and one of six age bands: one stay at a time."""

    def codes(place: int) -> set[str]:
        return {f"{kind}:{code}" for kind, found in zip("dpm", cohort.codes(place), strict=True) for code in found}

    counts: dict[str, int] = {}
    for place in split.train.tolist():
        for code in codes(place):
            counts[code] = counts.get(code, 0) + 1
    columns = sorted(code for code, count in counts.items() if count >= 2)

    def rows(places: np.ndarray) -> np.ndarray:
        made = []
        for place in places.tolist():
            mine, age = codes(place), cohort.age[place]
            band = sum(age >= border for border in (30, 40, 50, 60, 70))
            made.append([code in mine for code in columns] + [cohort.female[place]] + [band == k for k in range(6)])
        return np.array(made, dtype=np.float32)

    return rows


def test_predictions_are_those_of_the_steps_written_out(cohort: Cohort, tmp_path: Path) -> None:
    split = split_patients(cohort, (0.5, 0.3, 0.2), seed=2)
    ((path, fitted),) = predict_classical(cohort, split, tmp_path / "out", [MODEL])
    found = read_predictions(path)
    rows = plain_rows(cohort, split)
    model = LogisticRegression(max_iter=1000).fit(rows(split.train), cohort.label[split.train])
    np.testing.assert_allclose(found.probability, model.predict_proba(rows(split.test)), atol=1e-5)
    np.testing.assert_array_equal(found.subject_id, cohort.subject_id[split.test])
    np.testing.assert_array_equal(found.truth, cohort.label[split.test])
    assert (found.model, found.task, found.majority) == (MODEL, cohort.task.name, 0)
    # The threshold is the best on validation among all, and was chosen without the test patients.
    validation, truth = model.predict_proba(rows(split.validation))[:, 1], cohort.label[split.validation]
    best = max(f1_score(truth, validation >= cut) for cut in validation)
    assert f1_score(truth, validation >= found.about["threshold"] - 1e-6) == pytest.approx(best)
    np.testing.assert_array_equal(found.label, found.probability[:, 1] >= found.about["threshold"])
    assert fitted.tried == found.about["fits"] == 1


def test_the_papers_preset_counts_words_and_takes_the_likelier_label(
    cohort_of: Callable[..., Cohort], tmp_path: Path
) -> None:
    cohort = cohort_of("length", "paper")
    split = split_patients(cohort, (0.5, 0.3, 0.2), seed=2)
    ((path, _),) = predict_classical(cohort, split, tmp_path / "out", [MODEL])
    found = read_predictions(path)
    assert found.about["threshold"] is None
    np.testing.assert_array_equal(found.label, np.array([1, 2, 3])[found.probability.argmax(axis=1)])

    def words(places: np.ndarray, kind: int) -> list[str]:
        return [" ".join(code.split(":")[-1] for code in cohort.codes(int(place))[kind]) for place in places]

    blocks: dict[str, list[np.ndarray]] = {"train": [], "test": []}
    for kind in range(3):
        counter = CountVectorizer(max_features=2000).fit(words(split.train, kind))
        for part in blocks:
            blocks[part].append(counter.transform(words(getattr(split, part), kind)).toarray())
    for part, columns in blocks.items():
        places = getattr(split, part)
        # "70 years old or older" and its like: ten words at most, of which five rows differ.
        bands = [
            "less than 30 years old", "30 to 39 years old", "40 to 49 years old",
            "50 to 59 years old", "60 to 69 years old", "70 years old or older",
        ]  # fmt: skip
        ages = [bands[sum(cohort.age[place] >= border for border in (30, 40, 50, 60, 70))] for place in places]
        sexes = ["Female" if cohort.female[place] else "Male" for place in places]
        if part == "train":
            counters = [CountVectorizer(max_features=10).fit(ages), CountVectorizer(max_features=5).fit(sexes)]
        columns += [counter.transform(texts).toarray() for counter, texts in zip(counters, (ages, sexes), strict=True)]
    train, test = (np.hstack(columns).astype(np.float32) for columns in blocks.values())
    model = LogisticRegression(max_iter=1000).fit(train, cohort.label[split.train])
    np.testing.assert_allclose(found.probability, model.predict_proba(test), atol=1e-5)


def test_tuned_models_have_names_of_their_own_and_say_what_was_tried(cohort: Cohort, tmp_path: Path) -> None:
    split = split_patients(cohort, (0.5, 0.3, 0.2), seed=2)
    ((path, fitted),) = predict_classical(cohort, split, tmp_path / "out", ["naive bayes"], configurations=4)
    found = read_predictions(path)
    assert path.name == "naive-bayes-tuned.jsonl"
    assert (found.model, found.about["fits"]) == ("naive bayes, tuned", 4)
    assert found.about["settings"] == dict(fitted.settings)


def test_an_unknown_model_is_refused_before_anything_is_fitted_or_written(cohort: Cohort, tmp_path: Path) -> None:
    split = split_patients(cohort)
    with pytest.raises(InputError, match="did you mean 'naive bayes'"):
        list(predict_classical(cohort, split, tmp_path / "out", ["naive bayes", "naive byes"]))
    assert not (tmp_path / "out").exists()


def test_a_validation_set_without_deaths_is_refused(cohort: Cohort, tmp_path: Path) -> None:
    alive = np.flatnonzero(cohort.label == 0)
    split = Split(np.arange(300), alive[alive >= 300][:50], np.arange(600, 650))
    with pytest.raises(InputError, match="validation rows of one label only"):
        list(predict_classical(cohort, split, tmp_path / "out", [MODEL]))
