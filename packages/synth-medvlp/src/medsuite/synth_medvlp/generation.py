"""The pipeline from a seed to shards: findings, films, verified reports, dirt if asked for, WebDataset shards.

Each shard is one cohort whose chance derives from the seed and the shard's number, so that a run that was killed goes
on with the first shard that is not listed, and ends with the same bytes.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from medsuite.core.errors import InputError, ResumeError, unknown_name
from medsuite.core.runs import describe_difference, write_atomically
from medsuite.synth_medvlp.cohorts import Cohort, draw_cohort, pair
from medsuite.synth_medvlp.dirt import CLEAN, FAULTS, HARSH, MILD, Dirt
from medsuite.synth_medvlp.domains import domain
from medsuite.synth_medvlp.records import read_record
from medsuite.synth_medvlp.shards import MANIFEST, Sample, is_whole, read_manifest, write_shard
from medsuite.synth_medvlp.vocabulary import FINDINGS

DIRT: dict[str, Dirt] = {"clean": CLEAN, "mild": MILD, "harsh": HARSH}
"""Levels of dirt by name."""

SETTINGS = "dataset.json"


@dataclass(frozen=True)
class Recipe:
    """What a data set is made of.

    Attributes:
        pairs: Number of pairs.
        size: Pixels on a side.
        gap: Distance from the real domain, 0 to 1.2; 1 is the synthetic one.
        tail: Zipf exponent of the findings, or None for balanced sampling.
        dirt: A key of `DIRT`.
        shard: Pairs in a shard.
        seed: Seed.
    """

    pairs: int
    size: int = 64
    gap: float = 1.0
    tail: float | None = None
    dirt: str = "clean"
    shard: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.pairs < 1 or self.shard < 1 or self.seed < 0:
            given = f"{self.pairs} pairs in shards of {self.shard} with seed {self.seed}"
            raise InputError(given, expected="at least one pair, one a shard, and a seed from 0")
        if not 16 <= self.size <= 4096:
            raise InputError(f"size {self.size}", expected="16 to 4096 pixels")
        domain(self.gap)
        if self.dirt not in DIRT:
            raise unknown_name("dirt", self.dirt, DIRT)
        if self.tail is not None and not 0 < self.tail <= 4:
            raise InputError(f"tail {self.tail}", expected="an exponent above 0, at most 4")


def generate(folder: Path, recipe: Recipe, report: Callable[[str], None] = lambda _: None) -> None:
    """Make a data set, or go on with one that was interrupted; a listed shard that is cut or gone is made again.

    Args:
        folder: New, empty, or one that holds the same recipe's beginning.
        recipe: What to make.
        report: Told a line for each shard.

    Raises:
        InputError: The recipe or the folder cannot be used.
        ResumeError: The folder holds another recipe.
    """
    _claim_folder(folder, recipe)
    listed = read_manifest(folder) if (folder / MANIFEST).is_file() else []
    done = {shard.name for shard in listed if is_whole(folder, shard)}
    for number, start in enumerate(range(0, recipe.pairs, recipe.shard)):
        name = f"pairs-{number:06d}.tar"
        if name not in done:
            count = min(recipe.shard, recipe.pairs - start)
            write_shard(folder, name, make_samples(recipe, number, count))
            report(f"{name}: {count} pairs")


def make_samples(recipe: Recipe, number: int, count: int) -> list[Sample]:
    """Make the pairs of one shard.

    Args:
        recipe: What to make.
        number: The shard's number.
        count: Pairs in it.
    """
    # The tail's order is chance of the whole set and not of the shard.
    cohort = draw_cohort(count, recipe.size, recipe.tail, recipe.gap, (recipe.seed, number), tail_key=(recipe.seed,))
    pairs = pair(cohort, DIRT[recipe.dirt], np.random.default_rng([recipe.seed, number, 1]))
    return [
        Sample(
            f"{recipe.seed:04d}-{number:06d}-{place:06d}",
            pairs.films[place],
            pairs.reports[place].text,
            _meta(recipe, cohort, place, FAULTS[pairs.fault[place]], pairs.stated[place]),
        )
        for place in range(count)
    ]


def read_recipe(folder: Path) -> dict[str, object]:
    """Read what a data set was made of; empty for a set that was not made here.

    Raises:
        InputError: The file is damaged.
    """
    return read_record(folder / SETTINGS, expected="the recipe of the data set", fix="generate into another folder")


def _meta(recipe: Recipe, cohort: Cohort, place: int, fault: str, stated: np.ndarray) -> dict[str, object]:
    return {
        "findings": [asdict(statement) for statement in cohort.statements[place]],
        "stated": [name for name, value in zip(FINDINGS, stated, strict=True) if value],
        "fault": fault,
        "origin": {"simulator": "medsuite.core.phantom", "gap": recipe.gap, "seed": recipe.seed},
    }


def _claim_folder(folder: Path, recipe: Recipe) -> None:
    path, wanted = folder / SETTINGS, asdict(recipe)
    if path.is_file():
        if (found := read_recipe(folder)) != wanted:
            difference = describe_difference(found, wanted)
            raise ResumeError(f"{folder} holds another data set ({difference})", fix="use another folder")
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is not empty and holds no data set", expected="a new or empty folder")
    write_atomically(path, json.dumps(wanted, indent=2) + "\n")
