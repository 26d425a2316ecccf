"""What the experiments train: each arm with its family and its share of the optimiser steps."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medsuite.core.claims import Context

TRAINING_CASES, SPACING, FINE_SPACING = 200, 0.115, 0.0575


@dataclass(frozen=True)
class Recipe:
    """A family, its hyperparameters and how many steps it gets at the laptop scale."""

    family: str
    settings: Mapping[str, Any]
    steps: int


RECIPES: Mapping[str, Recipe] = {
    "meshgraphnet": Recipe("meshgraphnet", {"global_context": True}, 700),
    "multiscale": Recipe("multiscale", {}, 500),
    "transolver": Recipe("transolver", {}, 900),
    "deeponet": Recipe("deeponet", {}, 4000),
    "grid-unet": Recipe("grid-unet", {}, 900),
    "grid-unet-scatter": Recipe("grid-unet", {"encoding": "scatter"}, 900),
    "pointwise": Recipe("pointwise", {}, 1500),
}


@dataclass(frozen=True, eq=False)
class Trained:
    """A fitted surrogate and what it cost: simulation of the training cases and fitting, in seconds."""

    surrogate: Any
    seconds: float


def trained(context: Context, arm: str, seed: int, effort: float, cases: int) -> Trained:
    """Return an arm's surrogate fitted to one seed's training cases; trained once in a run folder and then reused."""
    from medsuite.gridml.models.base import Budget
    from medsuite.gridml.models.registry import family
    from medsuite.gridml.simulation import simulate
    from medsuite.gridml.store import load_surrogate, save_surrogate

    recipe = RECIPES[arm]
    steps = max(2, round(effort * recipe.steps))

    def build(folder: Path) -> None:
        start = time.perf_counter()
        solved = simulate("poisson", cases=cases, seed=seed, spacing=SPACING)
        surrogate = family(recipe.family, **recipe.settings).fit(solved, Budget(steps=steps), seed)
        save_surrogate(surrogate, folder / "surrogate.safetensors")
        (folder / "seconds.txt").write_text(f"{time.perf_counter() - start:.6g}\n")

    folder = context.artefact(f"{arm}-seed{seed}-steps{steps}-cases{cases}", build)
    return Trained(load_surrogate(folder / "surrogate.safetensors"), float((folder / "seconds.txt").read_text()))
