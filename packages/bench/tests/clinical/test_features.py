"""Features, against the codes themselves and with the paper's peculiarities."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from medsuite.bench.clinical.cohort import Cohort
from medsuite.bench.clinical.features import CodeFeatures, PaperFeatures
from medsuite.core.errors import InputError

TRAIN, TEST = np.arange(0, 300), np.array([450, 300, 333])


def test_columns_are_the_codes_that_enough_training_patients_have(cohort: Cohort) -> None:
    features = CodeFeatures(min_patients=5).fit(cohort, TRAIN)
    counts: dict[str, int] = {}
    for place in TRAIN:
        for prefix, codes in zip("dpm", cohort.codes(int(place)), strict=True):
            for code in codes:
                counts[f"{prefix}:{code}"] = counts.get(f"{prefix}:{code}", 0) + 1
    assert set(features.vocabulary) == {code for code, count in counts.items() if count >= 5}


def test_a_row_says_which_codes_sex_and_age_band_a_stay_has(cohort: Cohort) -> None:
    features = CodeFeatures().fit(cohort, TRAIN)
    matrix = features.transform(cohort, TEST)
    for row, place in zip(matrix, TEST, strict=True):
        own = {
            f"{prefix}:{code}" for prefix, codes in zip("dpm", cohort.codes(int(place)), strict=True) for code in codes
        }
        shown = {code for code, column in features.vocabulary.items() if row[column]}
        assert shown == own & set(features.vocabulary)
        assert row[-7] == cohort.female[place]
        assert row[-6:].tolist() == [
            float(low <= cohort.age[place] < high)
            for low, high in ((0, 30), (30, 40), (40, 50), (50, 60), (60, 70), (70, 200))
        ]


def test_nothing_is_learned_from_the_test_patients(cohort: Cohort) -> None:
    moved = replace(cohort, event_code=np.where(cohort.event_stay >= 300, "10:ZZZ", cohort.event_code))
    for kind in (CodeFeatures, PaperFeatures):
        first, second = (kind().fit(one, TRAIN).transform(one, TRAIN[:50]) for one in (cohort, moved))
        np.testing.assert_array_equal(first, second)


def test_the_papers_ages_of_thirty_and_forty_are_the_same_row(cohort_of: Callable[..., Cohort]) -> None:
    cohort = cohort_of("mortality", "paper")
    rows = np.arange(len(cohort))
    features = PaperFeatures().fit(cohort, rows)
    ages = np.where(rows % 2 == 0, 35, 45)
    twins = replace(
        cohort, age=ages, event_code=np.full(len(cohort.event_code), "10:A419"), female=np.ones(len(rows), dtype=int)
    )
    columns = [counter.get_feature_names_out() for counter in features._counters]
    matrix = features.transform(twins, rows)[:, -len(columns[3]) - len(columns[4]) :]
    assert len(np.unique(matrix, axis=0)) == 1
    assert sum(map(len, columns)) == features.transform(cohort, rows[:1]).shape[1]


def test_no_patient_to_learn_from_is_refused(cohort: Cohort) -> None:
    for kind in (CodeFeatures, PaperFeatures):
        with pytest.raises(InputError, match="no stay to learn features from"):
            kind().fit(cohort, np.array([], dtype=int))
