"""The pool of entities that reports name, counted by concept and by string, and the shape of its tail."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Shaped

from medsuite.core.errors import InputError
from medsuite.synth_medvlp.entities import extract

FEWEST = 10
"""Uses from which on a concept counts for the slope of the tail."""


@dataclass(frozen=True)
class Tail:
    """How unequal the counts of a pool are.

    Attributes:
        slope: s of count ~ rank^-s, by least squares in logarithms over concepts with at least ten uses; NaN where
            fewer than two have as many.
        gini: Gini coefficient of the counts, 0 for equal ones.
        effective: Effective number of concepts, exp of the entropy of their shares.
    """

    slope: float
    gini: float
    effective: float

    def __str__(self) -> str:
        return f"slope {self.slope:.2f}, Gini {self.gini:.2f}, effective number {self.effective:.1f}"


def measure_tail(counts: Shaped[np.ndarray, "concept"]) -> Tail:
    """Measure the tail of counts.

    Args:
        counts: Uses of each concept, at least one of them positive.

    Raises:
        InputError: Nothing was counted.
    """
    ordered = np.sort(np.asarray(counts, dtype=float))[::-1]
    if not len(ordered) or ordered[0] <= 0:
        raise InputError("a pool without a single use", expected="at least one entity that reports name")
    shares = ordered[ordered > 0] / ordered.sum()
    return Tail(_slope(ordered), _gini(ordered), float(np.exp(-(shares * np.log(shares)).sum())))


def _slope(ordered: Float[np.ndarray, "concept"]) -> float:
    kept = ordered[ordered >= FEWEST]
    if len(kept) < 2:
        return float("nan")
    return float(-np.polyfit(np.log(np.arange(1, len(kept) + 1)), np.log(kept), 1)[0])


def _gini(ordered: Float[np.ndarray, "concept"]) -> float:
    """Return Σᵢ (n + 1 - 2 rᵢ) xᵢ / (n Σ x) with rank r of 1 for the largest, which is Σ|xᵢ - xⱼ| / (2 n² mean)."""
    n = len(ordered)
    return float(((n + 1 - 2 * np.arange(1, n + 1)) * ordered).sum() / (n * ordered.sum()))


@dataclass(frozen=True)
class EntityPool:
    """Entities with their number of uses; what a sampler draws from.

    Attributes:
        counts: Uses of each concept; one that may be drawn and was never used has 0.
        strings: Uses of each spelling, lower case. SynCXR balances these; a concept with 200 spellings is then 200
            times as frequent as one with a single name.
    """

    counts: Mapping[str, int]
    strings: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.counts:
            raise InputError("an entity pool without entities", expected="at least one")

    @classmethod
    def from_reports(cls, reports: Iterable[str]) -> "EntityPool":
        """Count the findings that reports affirm, once for each report.

        Raises:
            InputError: No report affirms a finding, or one holds no word.
        """
        concepts: Counter[str] = Counter()
        strings: Counter[str] = Counter()
        for report in reports:
            present = [entity for entity in extract(report) if entity.status == "present"]
            concepts.update({entity.concept for entity in present})
            strings.update({entity.text.lower() for entity in present})
        return cls(dict(concepts.most_common()), dict(strings.most_common()))

    @classmethod
    def zipf(cls, names: Iterable[str], exponent: float, rng: np.random.Generator) -> "EntityPool":
        """Make a pool with counts of 10,000 r^-exponent, in which chance decides what is rare."""
        shuffled = rng.permutation(np.array(list(names))).tolist()
        return cls({name: round(10_000 * rank**-exponent) for rank, name in enumerate(shuffled, start=1)})

    @property
    def names(self) -> tuple[str, ...]:
        """The concepts in the order of the counts."""
        return tuple(self.counts)

    def tail(self) -> Tail:
        """Measure the tail of the concepts."""
        return measure_tail(np.array(list(self.counts.values())))
