"""The figure of the claim `grounding/knowledge`."""

from collections.abc import Sequence

import numpy as np

from medsuite.core.claims import Drawing, Measurement
from medsuite.grounding.claims import ARMS
from medsuite.grounding.decision import CHANCE, ENOUGH, seed_accuracy


def draw(rows: Sequence[Measurement]) -> list[Drawing]:
    """Draw the accuracy of each arm on seen and unseen combinations, a dot per seed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.4), layout="constrained")
    axes = figure.subplots()
    arms = [arm.name for arm in reversed(ARMS)]
    for shift, metric, label in ((0.14, "seen_accuracy", "seen"), (-0.14, "unseen_accuracy", "never trained")):
        accuracy = seed_accuracy(rows, metric)
        heights = np.arange(len(arms)) + shift
        bars = axes.barh(heights, [accuracy[arm].mean() for arm in arms], height=0.26, label=label, alpha=0.6)
        for height, arm in zip(heights, arms, strict=True):
            axes.plot(accuracy[arm], np.full(len(accuracy[arm]), height), "o", ms=4, color=bars[0].get_facecolor()[:3])
    axes.axvline(CHANCE, linestyle=":", linewidth=1, color="gray")
    axes.axvline(ENOUGH, linestyle="--", linewidth=1, color="gray")
    axes.set(xlim=(0, 1.02), xlabel="lesions found at IoU 0.5", yticks=range(len(arms)), yticklabels=arms)
    axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=2, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    caption = (
        "Share of lesions found, by what the grounder is told. A dot is a seed with its own held-out combinations. "
        f"Dotted: a random lesion of the picture ({CHANCE:.2f}). Dashed: the claim ({ENOUGH:.2f})."
    )
    return [Drawing("Attribute combinations that were never trained", caption, figure)]
