"""Sets of pairs: findings are drawn, films rendered, reports written, and dirt put on both."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8

from medsuite.core.errors import InputError
from medsuite.synth_medvlp.dirt import CLEAN, Dirt, spoil_films, spoil_statements, swapped_order
from medsuite.synth_medvlp.domains import describe, domain, render
from medsuite.synth_medvlp.pool import EntityPool, measure_tail
from medsuite.synth_medvlp.reports import Report, Statement, write_verified
from medsuite.synth_medvlp.sampling import BalancedSampler, Draws, FrequencySampler, sizes_at_random
from medsuite.synth_medvlp.vocabulary import FINDINGS

FINDINGS_A_FILM = np.array([0.1, 0.3, 0.3, 0.3])
"""Shares of films with none, one, two and three findings, in every set."""

_RARE = 21


@dataclass(frozen=True)
class Cohort:
    """Films with what is truly in them, before anything is written or spoilt.

    Attributes:
        films: 8-bit films.
        statements: The findings of each film as a report can tell them.
    """

    films: UInt8[np.ndarray, "film height width"]
    statements: tuple[tuple[Statement, ...], ...]

    def __len__(self) -> int:
        return len(self.films)

    def __getitem__(self, part: slice) -> "Cohort":
        """Return some of the films."""
        return Cohort(self.films[part], self.statements[part])

    @property
    def labels(self) -> Bool[np.ndarray, "film finding"]:
        """Which findings each film has, in the order of `FINDINGS`."""
        return label_matrix(self.statements)

    def save(self, folder: Path) -> None:
        """Write `films.npy` and `statements.json`."""
        np.save(folder / "films.npy", self.films)
        listed = [[asdict(statement) for statement in film] for film in self.statements]
        (folder / "statements.json").write_text(json.dumps(listed))

    @classmethod
    def load(cls, folder: Path) -> "Cohort":
        """Read what `save` wrote."""
        listed = json.loads((folder / "statements.json").read_text())
        statements = tuple(tuple(Statement(**statement) for statement in film) for film in listed)
        return cls(np.load(folder / "films.npy"), statements)


@dataclass(frozen=True)
class PairedSet:
    """Pairs as a model is trained on them, with the truth kept beside.

    Attributes:
        films: 8-bit films, some of them bad.
        reports: What each film carries.
        fault: Index of each film's fault in `FAULTS`.
        stated: What the reports affirm of each film.
        labels: What is truly in each film.
    """

    films: UInt8[np.ndarray, "film height width"]
    reports: tuple[Report, ...]
    fault: np.ndarray
    stated: Bool[np.ndarray, "film finding"]
    labels: Bool[np.ndarray, "film finding"]

    def facts(self) -> dict[str, float]:
        """Measure the set: slope and Gini of the tail, the reports' precision and recall, the share of bad films."""
        tail, right = measure_tail(self.labels.sum(0)), (self.stated & self.labels).sum()
        return {
            "tail slope": tail.slope,
            "tail Gini": tail.gini,
            "report precision": float(right / self.stated.sum()),
            "report recall": float(right / self.labels.sum()),
            "bad films": float((self.fault > 0).mean()),
        }

    def shuffled(self, rng: np.random.Generator) -> "PairedSet":
        """Give every film the report of another one: the set without any relation between the two."""
        order = swapped_order(len(self.films), 1.0, rng)
        reports = tuple(self.reports[place] for place in order)
        return PairedSet(self.films, reports, self.fault, self.stated[order], self.labels)

    @classmethod
    def joined(cls, parts: Sequence["PairedSet"]) -> "PairedSet":
        """Put sets one behind the other."""
        arrays = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("films", "fault", "stated", "labels")
        }
        return cls(reports=tuple(report for part in parts for report in part.reports), **arrays)


def draw_findings(
    films: int, tail: float | None, rng: np.random.Generator, tail_rng: np.random.Generator | None = None
) -> Draws:
    """Draw the findings of films, balanced with the tightest cap that suffices, or with a long tail.

    A few films may all be normal; then nothing is drawn.

    Args:
        films: Number of films.
        tail: Zipf exponent of the findings' frequencies, chance deciding which is rare; None for balanced ones.
        rng: Source of chance.
        tail_rng: Decides which finding is rare; `rng` when left out.

    Raises:
        InputError: There is no film.
    """
    if films < 1:
        raise InputError(f"{films} films", expected="at least one")
    sizes = sizes_at_random(films, FINDINGS_A_FILM, rng)
    if not sizes.any():
        return Draws(FINDINGS, np.zeros(films + 1, dtype=int), np.zeros(0, dtype=int))
    if tail is None:
        cap = -(-int(sizes.sum()) // len(FINDINGS))
        return BalancedSampler(EntityPool(dict.fromkeys(FINDINGS, 1)), cap).draw(sizes, rng)
    return FrequencySampler(EntityPool.zipf(FINDINGS, tail, tail_rng or rng)).draw(sizes, rng)


def draw_cohort(
    films: int, size: int, tail: float | None, gap: float, key: Sequence[int], tail_key: Sequence[int] | None = None
) -> Cohort:
    """Draw findings and render their films.

    Args:
        films: Number of films.
        size: Pixels on a side.
        tail: See `draw_findings`.
        gap: Distance from the real domain, see `domain`.
        key: Integers that name this cohort; all chance derives from them.
        tail_key: Integers that decide which finding is rare, for cohorts that share it; `key` when left out.
    """
    source = np.random.SeedSequence(list(key))
    rare = np.random.default_rng([*(key if tail_key is None else tail_key), _RARE])
    draws = draw_findings(films, tail, np.random.default_rng(source.spawn(1)[0]), rare)
    labels = [draws[film] for film in range(films)]
    rendered = render(labels, source.generate_state(films).tolist(), size, domain(gap))
    statements = tuple(tuple(describe(finding) for finding in film) for film in rendered.findings)
    return Cohort(np.rint(255 * rendered.image).astype(np.uint8), statements)


def pair(cohort: Cohort, dirt: Dirt, rng: np.random.Generator) -> PairedSet:
    """Write a verified report for each film, with one denied finding, and put dirt on reports, films and pairing.

    A report is verified against what it was told to say, so that what it misses or invents is the dirt's doing alone.
    """
    told = [spoil_statements(film, dirt, rng) if dirt != CLEAN else list(film) for film in cohort.statements]
    reports = [write_verified(film, [_absent(film, rng)], rng) for film in told]
    order = swapped_order(len(cohort), dirt.swapped, rng)
    films, fault = spoil_films(cohort.films.astype(np.float32) / 255, dirt.bad, rng)
    return PairedSet(
        np.rint(255 * films).astype(np.uint8),
        tuple(reports[place] for place in order),
        fault,
        label_matrix(told)[order],
        cohort.labels,
    )


def label_matrix(statements: Sequence[Sequence[Statement]]) -> Bool[np.ndarray, "film finding"]:
    """Mark the findings of each film in the order of `FINDINGS`."""
    return np.array([[name in {entry.concept for entry in film} for name in FINDINGS] for film in statements], bool)


def _absent(statements: Sequence[Statement], rng: np.random.Generator) -> str:
    told = {statement.concept for statement in statements}
    return str(rng.choice([name for name in FINDINGS if name not in told]))
