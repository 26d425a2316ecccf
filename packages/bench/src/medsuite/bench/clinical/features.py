"""Features of the classical models: which codes a stay has, sex and age."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from medsuite.bench.clinical.codes import EXTRA
from medsuite.bench.clinical.cohort import Cohort
from medsuite.core.errors import InputError, require

AGE_BORDERS = (30, 40, 50, 60, 70)
"""Borders of the paper's six age bands."""
_AGE_WORDS = ("less than 30", "30 to 39", "40 to 49", "50 to 59", "60 to 69", "70 years old or older")
Rows = Int[np.ndarray, " row"]
Matrix = Float[np.ndarray, "row feature"]


@runtime_checkable
class Features(Protocol):
    """Anything that turns stays into rows of numbers, with what it learns from the training stays alone."""

    def fit(self, cohort: Cohort, rows: Rows) -> "Features":
        """Learn the vocabulary from some stays."""

    def transform(self, cohort: Cohort, rows: Rows) -> Matrix:
        """Turn stays into rows."""


class CodeFeatures:
    """One column for each code with its version, one for sex, one for each age band.

    Args:
        min_patients: A code becomes a column if that many training stays have it.
    """

    def __init__(self, min_patients: int = 2) -> None:
        self.min_patients = min_patients
        self.vocabulary: dict[str, int] = {}

    def fit(self, cohort: Cohort, rows: Rows) -> "CodeFeatures":
        """Learn which codes become columns.

        Raises:
            InputError: There is no stay.
        """
        if len(rows) == 0:
            raise InputError("no stay to learn features from", expected="a training set that is not empty")
        keys, counts = np.unique(_keys(cohort)[np.isin(cohort.event_stay, rows)], return_counts=True)
        self.vocabulary = {key: column for column, key in enumerate(keys[counts >= self.min_patients])}
        return self

    def transform(self, cohort: Cohort, rows: Rows) -> Matrix:
        """Return 0 and 1, codes first; codes that were not learned are left out."""
        width = len(self.vocabulary)
        matrix = np.zeros((len(rows), width + 1 + len(AGE_BORDERS) + 1), dtype=np.float32)
        place = np.full(len(cohort), -1)
        place[rows] = np.arange(len(rows))
        keys, inverse = np.unique(_keys(cohort), return_inverse=True)
        column = np.array([self.vocabulary.get(key, -1) for key in keys], dtype=int)[inverse]
        used = (place[cohort.event_stay] >= 0) & (column >= 0)
        matrix[place[cohort.event_stay[used]], column[used]] = 1
        matrix[:, width] = cohort.female[rows]
        matrix[np.arange(len(rows)), width + 1 + np.digitize(cohort.age[rows], AGE_BORDERS)] = 1
        return matrix


class PaperFeatures:
    """The paper's features: word counts of codes without version, of an age sentence and of sex.

    To the letter, with what that does: small letters, one-character codes dropped, at most 2,000 words for each kind of
    code, and at most 10 words for the age, so that 30 to 39 and 40 to 49 years become the same row.
    """

    def fit(self, cohort: Cohort, rows: Rows) -> "PaperFeatures":
        """Learn the five vocabularies.

        Raises:
            InputError: There is no stay.
            MissingDependencyError: scikit-learn is not installed.
        """
        if len(rows) == 0:
            raise InputError("no stay to learn features from", expected="a training set that is not empty")
        text = require("sklearn.feature_extraction.text", extra=EXTRA)
        self._counters = [text.CountVectorizer(max_features=limit) for limit in (2000, 2000, 2000, 10, 5)]
        for counter, sentences in zip(self._counters, _sentences(cohort, rows), strict=True):
            counter.fit(sentences)
        return self

    def transform(self, cohort: Cohort, rows: Rows) -> Matrix:
        """Return counts: conditions, procedures, drugs, age, sex."""
        columns = [
            counter.transform(sentences).toarray()
            for counter, sentences in zip(self._counters, _sentences(cohort, rows), strict=True)
        ]
        return np.hstack(columns).astype(np.float32)


def _keys(cohort: Cohort) -> np.ndarray:
    prefix = np.array(["d", "p", "m"], dtype=object)[cohort.event_kind]
    return (prefix + ":" + cohort.event_code).astype(str) if len(prefix) else np.array([], dtype=str)


def _sentences(cohort: Cohort, rows: Rows) -> list[list[str]]:
    codes = [cohort.codes(int(row)) for row in rows]
    bands = np.digitize(cohort.age[rows], AGE_BORDERS)
    ages = [_AGE_WORDS[band] + ("" if band == len(AGE_BORDERS) else " years old") for band in bands]
    sexes = ["Female" if female else "Male" for female in cohort.female[rows]]
    return [*([" ".join(_bare(code) for code in stay[kind]) for stay in codes] for kind in range(3)), ages, sexes]


def _bare(code: str) -> str:
    return code.rpartition(":")[2]
