"""Splits by patient, and the paper's reshuffles."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsuite.bench.clinical.cohort import Cohort
from medsuite.bench.clinical.splits import (
    PAPER_SIZES,
    LeakageError,
    PaperSizes,
    Split,
    checked,
    paper_split,
    split_patients,
)
from medsuite.core.errors import InputError


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), train=st.sampled_from([0.5, 0.6, 0.7]))
def test_a_split_holds_everybody_once_with_labels_in_the_same_ratio(cohort: Cohort, seed: int, train: float) -> None:
    split = split_patients(cohort, (train, 0.9 - train, 0.1), seed)
    everybody = np.concatenate([split.train, split.validation, split.test])
    assert sorted(everybody) == list(range(len(cohort)))
    share = cohort.label[split.train].mean()
    assert share == pytest.approx(cohort.label.mean(), abs=1 / len(split.train) + 1e-9)


def test_a_split_by_stay_is_refused(cohort: Cohort) -> None:
    with pytest.raises(LeakageError, match="a split by stay"):
        split_patients(cohort, unit="stay")


def test_a_patient_on_two_sides_is_found(cohort: Cohort) -> None:
    with pytest.raises(LeakageError, match=r"1 patients such as \d+ are in train and test"):
        checked(cohort, Split(np.array([0, 1]), np.array([2]), np.array([1, 3])))


def test_shares_that_do_not_add_up_are_refused(cohort: Cohort) -> None:
    with pytest.raises(InputError, match="three shares that add up to 1"):
        split_patients(cohort, (0.5, 0.1, 0.1))


def test_the_papers_split_is_its_shuffle_of_each_label(cohort: Cohort) -> None:
    sizes = PaperSizes((20, 20), (100, 20), (50, 5), (80, 10))
    found = paper_split(cohort, 2, sizes)
    expected: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
    for label, (train, offset, validation, test) in enumerate(zip(*vars(sizes).values(), strict=True)):
        pool = [place for place in range(len(cohort)) if cohort.label[place] == label]
        random.seed(7)
        random.shuffle(pool)
        expected["train"] += pool[:train]
        expected["validation"] += pool[offset : offset + validation]
        expected["test"] += pool[offset + validation : offset + validation + test]
    assert {name: getattr(found, name).tolist() for name in expected} == expected


def test_the_papers_sizes_keep_the_natural_ratio_in_the_test_set_alone() -> None:
    for sizes in PAPER_SIZES.values():
        assert len(set(sizes.train)) == 1
        ratios = [np.array(part) / sum(part) for part in (sizes.validation, sizes.test)]
        np.testing.assert_allclose(*ratios, atol=0.005)


def test_a_cohort_that_is_too_small_for_the_papers_split_is_refused(cohort: Cohort) -> None:
    with pytest.raises(InputError, match="at least 27839 for the paper's split"):
        paper_split(cohort, 0)
    with pytest.raises(InputError, match="run 5"):
        paper_split(cohort, 5)


def test_an_empty_cohort_is_not_split(cohort: Cohort) -> None:
    nobody = replace(
        cohort, **{name: getattr(cohort, name)[:0] for name in ("subject_id", "hadm_id", "age", "female", "label")}
    )
    with pytest.raises(InputError, match="the cohort is empty"):
        split_patients(nobody)
