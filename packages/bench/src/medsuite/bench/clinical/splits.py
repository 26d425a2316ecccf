"""Splits of a cohort into training, validation and test, by patient."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from medsuite.bench.clinical.cohort import Cohort
from medsuite.core.errors import InputError

PARTS = ("train", "validation", "test")
PAPER_SEEDS = (3, 5, 7, 11, 13)
"""Seeds of the paper's five reshuffles; they are reshuffles of one pool, not independent samples."""


class LeakageError(InputError):
    """The same patient would be on two sides of a split."""


@dataclass(frozen=True)
class PaperSizes:
    """Sizes of one of the paper's splits, by label in order.

    Attributes:
        train: Taken from the head of each label's shuffled stays: balanced.
        offset: Where validation begins in each label's shuffled stays.
        validation: In the natural ratio.
        test: Likewise.
    """

    train: tuple[int, ...]
    offset: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]


PAPER_SIZES: Mapping[str, PaperSizes] = {
    "length": PaperSizes((1292, 1292, 1292), (14000, 2278, 1292), (2000, 325, 185), (4000, 651, 369)),
    "mortality": PaperSizes((700, 700), (19487, 700), (2784, 100), (5568, 200)),
    "readmission": PaperSizes((2323, 2323), (14000, 2323), (2000, 332), (4000, 664)),
}
"""The paper's sizes for MIMIC-IV."""


@dataclass(frozen=True)
class Split:
    """Positions in a cohort.

    Attributes:
        train: Models learn from these.
        validation: Settings and thresholds are chosen on these.
        test: Scores are computed on these.
    """

    train: Int[np.ndarray, " train"]
    validation: Int[np.ndarray, " validation"]
    test: Int[np.ndarray, " test"]


def split_patients(
    cohort: Cohort, fractions: Sequence[float] = (0.7, 0.1, 0.2), seed: int = 0, unit: str = "patient"
) -> Split:
    """Split at random, each label in the same ratio.

    Args:
        cohort: What to split.
        fractions: Shares of training, validation and test.
        seed: Decides the split.
        unit: What stays together; `patient` is the only one allowed.

    Raises:
        LeakageError: Another unit is asked for: two stays of a patient would be on both sides.
        InputError: The shares are not three that add up to 1, or the cohort is empty.
    """
    if not len(cohort):
        raise InputError(
            "the cohort is empty: there is nothing to split", fix="see who was left out: medsuite bench clinical cohort"
        )
    if unit != "patient":
        raise LeakageError(
            f"a split by {unit}", expected="a split by patient: stays of one patient resemble each other"
        )
    if len(fractions) != 3 or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise InputError(f"shares {tuple(fractions)}", expected="three shares that add up to 1")
    rng = np.random.default_rng(seed)
    parts: list[list[np.ndarray]] = [[], [], []]
    for label in cohort.task.labels:
        members = rng.permutation(np.flatnonzero(cohort.label == label))
        borders = np.round(np.cumsum(fractions)[:2] * len(members)).astype(int)
        for part, chosen in zip(parts, np.split(members, borders), strict=True):
            part.append(chosen)
    return checked(cohort, Split(*(np.sort(np.concatenate(part)) for part in parts)))


def paper_split(cohort: Cohort, run: int, sizes: PaperSizes | None = None) -> Split:
    """Split as the released code does: a balanced training set, validation and test in the natural ratio.

    Args:
        cohort: What to split, in ascending order of patients.
        run: 0 to 4, the paper's reshuffles.
        sizes: Other sizes than the paper's.

    Raises:
        InputError: The run does not exist, or the cohort is too small for the sizes.
    """
    if run not in range(len(PAPER_SEEDS)):
        raise InputError(f"run {run}", expected="0 to 4")
    sizes = sizes or PAPER_SIZES[cohort.task.outcome]
    parts: list[list[int]] = [[], [], []]
    for place, label in enumerate(cohort.task.labels):
        pool = np.flatnonzero(cohort.label == label).tolist()
        random.Random(PAPER_SEEDS[run]).shuffle(pool)  # noqa: S311
        start, middle = sizes.offset[place], sizes.offset[place] + sizes.validation[place]
        end = middle + sizes.test[place]
        if len(pool) < max(end, sizes.train[place]):
            raise InputError(
                f"{len(pool)} patients with label {label}", expected=f"at least {end} for the paper's split"
            )
        for part, chosen in zip(parts, (pool[: sizes.train[place]], pool[start:middle], pool[middle:end]), strict=True):
            part.extend(chosen)
    return checked(cohort, Split(*(np.array(part, dtype=np.int64) for part in parts)))


def checked(cohort: Cohort, split: Split) -> Split:
    """Return a split after checking that no patient is on two sides.

    Raises:
        LeakageError: A patient is.
    """
    owners = [set(cohort.subject_id[getattr(split, part)].tolist()) for part in PARTS]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        shared = owners[first] & owners[second]
        if shared:
            raise LeakageError(
                f"{len(shared)} patients such as {min(shared)} are in {PARTS[first]} and {PARTS[second]}",
                expected="each patient on one side",
            )
    return split
