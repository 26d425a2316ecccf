"""Drawings of the claim for the report."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from medsuite.core.claims import Drawing, Measurement
from medsuite.core.stats import student_interval, tabulate
from medsuite.synth_medvlp.evaluate.arms import SOURCES
from medsuite.synth_medvlp.evaluate.decisions import effects, mean_auroc

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(rows: Sequence[Measurement]) -> list[Drawing]:
    """Draw all arms, the split of the difference, and the findings one by one."""
    return [_arms(rows), _split(rows), _findings(rows)]


def _arms(rows: Sequence[Measurement]) -> Drawing:
    figure = _figure(4.6)
    axes = figure.add_subplot()
    names = sorted(SOURCES, key=lambda arm: mean_auroc(rows, arm))
    for place, arm in enumerate(names):
        seeds = tabulate(rows, arm=arm, metric="auroc").seed_means()
        prompts = tabulate(rows, arm=arm, metric="macro").unit_means()
        axes.plot([prompts.min(), prompts.max()], [place, place], color="C2", linewidth=7, alpha=0.35)
        axes.plot(seeds, np.full(len(seeds), place), "o", markersize=4, color="C0", alpha=0.7)
        axes.plot([seeds.mean()], [place], "|", markersize=15, markeredgewidth=2.5, color="C1")
    axes.set_yticks(range(len(names)), names)
    axes.axvline(0.5, linewidth=0.8, linestyle=":")
    axes.set_xlabel("mean zero-shot AUROC over 14 findings, real test films")
    caption = (
        "Dots are seeds, bars their means; the wide band reaches from the worst of six pairs of prompts to the best. "
        "Arms called double have twice the pairs and steps."
    )
    return Drawing("What each set teaches", caption, figure)


def _split(rows: Sequence[Measurement]) -> Drawing:
    figure = _figure(2.8)
    found, axes = effects(rows), figure.add_subplot()
    names = list(found.main)
    for shift, colour, label, parts in (
        (-0.12, "C0", "main effect", found.main),
        (0.12, "C1", "Shapley part of synthetic - real", found.shapley),
    ):
        intervals = [student_interval(np.nanmean(parts[name], axis=1)) for name in names]
        centres = np.array([interval.estimate for interval in intervals])
        reach = np.array(
            [[interval.estimate - interval.low, interval.high - interval.estimate] for interval in intervals]
        )
        axes.errorbar(centres, np.arange(len(names)) + shift, xerr=reach.T, fmt="o", color=colour, label=label)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.axvline(0, linewidth=0.8, linestyle=":")
    axes.set_xlabel("mean AUROC")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    caption = "Effects of the three factors in the eight cells, with 95 % Student-t intervals over the seeds."
    return Drawing("What the difference is due to", caption, figure)


def _findings(rows: Sequence[Measurement]) -> Drawing:
    figure = _figure(4.2)
    axes = figure.add_subplot()
    arms = ("balanced clean real", "balanced clean synthetic", "tailed dirty real")
    grids = [tabulate(rows, arm=arm, metric="auroc") for arm in arms]
    order = np.argsort(grids[0].unit_means())
    for grid, arm, marker in zip(grids, arms, "^os", strict=True):
        axes.plot(grid.unit_means()[order], np.arange(len(order)), marker, label=arm, markersize=5)
    axes.set_yticks(range(len(order)), [grids[0].units[place] for place in order])
    axes.axvline(0.5, linewidth=0.8, linestyle=":")
    axes.set_xlabel("zero-shot AUROC, mean over seeds")
    axes.legend(loc="lower left", bbox_to_anchor=(-0.3, 1), ncols=3)
    caption = (
        "Findings that even the ceiling does not learn at this size stay near chance; none is left out of the mean."
    )
    return Drawing("Finding by finding", caption, figure)


def _figure(height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(6.4, height), layout="constrained")
