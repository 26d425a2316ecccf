"""The figures of the claim `med-r1/transfer`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from medsuite.core.claims import Drawing, Measurement
from medsuite.core.stats import tabulate
from medsuite.med_r1.claims import ARMS, OTHER_DOMAINS, TRAINED_DOMAIN
from medsuite.med_r1.transfer.decision import mean, of_domains

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(rows: Sequence[Measurement]) -> list[Drawing]:
    """Draw every arm's accuracy in and out of domain, and the course of the reward."""
    return [_accuracies(rows), _course(rows)]


def _accuracies(rows: Sequence[Measurement]) -> Drawing:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.6, 3.6), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    names = [arm.name for arm in reversed(ARMS) if arm.name != "text only"]
    for axes, domains, title in zip(
        panels, ((TRAINED_DOMAIN,), OTHER_DOMAINS), ("MR, trained on", "CT and film, never trained on"), strict=True
    ):
        for shift, metric in ((0.14, "greedy"), (-0.14, "sampled")):
            _dots(axes, rows, names, metric, domains, shift)
        axes.axvline(mean(rows, "text only", "chance", domains), linestyle=":", linewidth=1, color="gray")
        axes.set(title=title, xlabel="accuracy", yticks=range(len(names)), yticklabels=names)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlim(0, 1)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=2, frameon=False)
    caption = (
        "A dot is a seed, a bar the mean. All arms start from the base and learn from the same MR questions. "
        "Dotted: a uniform guess."
    )
    return Drawing("Reinforcement learning against four kinds of fine-tuning", caption, figure)


def _dots(
    axes: "Axes", rows: Sequence[Measurement], names: list[str], metric: str, domains: Sequence[str], shift: float
) -> None:
    kept = of_domains(rows, domains)
    means = [tabulate(kept, arm=name, metric=metric).seed_means() for name in names]
    heights = np.arange(len(names)) + shift
    bars = axes.barh(heights, [values.mean() for values in means], height=0.26, alpha=0.55, label=metric)
    colour = bars[0].get_facecolor()[:3]
    for height, values in zip(heights, means, strict=True):
        axes.plot(values, np.full(len(values), height), "o", markersize=3.5, color=colour)


def _course(rows: Sequence[Measurement]) -> Drawing:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.6, 2.6), layout="constrained")
    panels = figure.subplots(1, 2)
    for axes, metric, label in zip(
        panels, ("accuracy reward", "zero spread"), ("mean accuracy reward", "groups without spread"), strict=True
    ):
        for arm in ("GRPO", "random reward"):
            values = tabulate(rows, arm=arm, metric=metric).unit_means()
            window = max(1, len(values) // 7)
            smooth = np.convolve(values, np.full(window, 1 / window), mode="valid")
            axes.plot(np.arange(len(smooth)) + (window + 1) / 2, smooth, label=arm)
        axes.set(xlabel="step", ylabel=label, ylim=(0, 1))
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].legend(frameon=False)
    caption = (
        "Left: accuracy reward of the sampled completions (for the control, the coin). Right: share of groups whose "
        "rewards are all equal, which teach nothing. Means over seeds and a tenth of the run."
    )
    return Drawing("The course of reinforcement learning", caption, figure)
