"""Figures of the claims, from the rows alone."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from medsuite.core.claims import Drawing, Measurement
from medsuite.core.stats import bootstrap_mean, tabulate


def brain(rows: Sequence[Measurement]) -> list[Drawing]:
    """Draw `bpgpt/brain`: slot accuracy of every arm, ceilings first."""
    order = ("oracle", "text", "brain", "ridge", "permuted", "constant", "language model", "snr 0", "chance")
    caption = (
        "Share of the ten words of a 20 s window that are written at their place; a dot per world, bars are 95 % "
        "bootstrap intervals over windows. Between permuted and brain lies what the brain gives."
    )
    return [Drawing("What is read with a brain and without", caption, _accuracies(rows, order))]


def align(rows: Sequence[Measurement]) -> list[Drawing]:
    """Draw `bpgpt/alignment`: slot accuracy of encoders that differ in their alignment."""
    order = ("oracle", "text", "infonce", "paper", "released", "none", "mismatched")
    caption = (
        "Share of the ten words of a 20 s window that are written at their place, after equally many steps; a dot per "
        "world, bars are 95 % bootstrap intervals over windows."
    )
    return [Drawing("Alignment to the text prompt", caption, _accuracies(rows, order))]


def _accuracies(rows: Sequence[Measurement], order: tuple[str, ...]) -> Figure:
    figure = Figure(figsize=(7.0, 0.42 * len(order) + 0.9), layout="constrained")
    axes = figure.subplots()
    for place, arm in enumerate(order):
        grid = tabulate(rows, arm=arm, metric="accuracy")
        interval = bootstrap_mean(100 * grid.unit_means(), rng=np.random.default_rng(0), method="percentile")
        estimate, low, high = interval.ends
        axes.barh(place, estimate, height=0.6, color="C0", alpha=0.35)
        axes.errorbar(estimate, place, xerr=[[estimate - low], [high - estimate]], color="C0", capsize=3)
        worlds = 100 * grid.seed_means()
        axes.plot(worlds, np.full(len(worlds), place), ".", color="C1", markersize=6)
    axes.set(yticks=range(len(order)), yticklabels=order, xlabel="slot accuracy in %", xlim=(0, 101))
    axes.invert_yaxis()
    return figure
