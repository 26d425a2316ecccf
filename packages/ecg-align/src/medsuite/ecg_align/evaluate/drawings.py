"""Drawings of the claims for the report."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from medsuite.core.claims import Drawing, Measurement
from medsuite.core.stats import tabulate
from medsuite.ecg_align.evaluate.decisions import FEW_LEADS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ARMS = ("knowledge", "name", "code", "same change elsewhere", "nearest trained", "shuffled", "random")
_SETS = (*FEW_LEADS, "6 limb", "I, II, V2", "12")


def zero_shot(rows: Sequence[Measurement]) -> list[Drawing]:
    """Draw every held-out composition's AUROC under each query, and the far findings."""
    figure, axes = _empty()
    for place, arm in enumerate(_ARMS):
        values = tabulate(rows, arm=arm, metric="unseen").unit_means()
        jitter = np.linspace(-0.18, 0.18, len(values))
        axes.plot(values, place + jitter, "o", alpha=0.45, markersize=4, color="C0")
        axes.plot([values.mean()], [place], "|", markersize=20, markeredgewidth=2.5, color="C1")
    far = tabulate(rows, arm="knowledge", metric="far").values.ravel()
    axes.plot(far, np.full(len(far), len(_ARMS)), "s", alpha=0.6, markersize=4, color="C2")
    axes.set_yticks(range(len(_ARMS) + 1), [*_ARMS, "far findings, knowledge"])
    axes.invert_yaxis()
    axes.axvline(0.5, linewidth=0.8, linestyle=":")
    axes.set_xlabel("AUROC on findings that no training record had")
    caption = (
        "Each dot is one finding, the bar their mean. The strong control is the same change elsewhere: trained queries "
        "of that change at other walls. Squares: findings whose opposite alone was trained."
    )
    return [Drawing("Zero-shot on compositions never trained", caption, figure)]


def any_leads(rows: Sequence[Measurement]) -> list[Drawing]:
    """Draw the macro AUROC over the sets of leads that are given."""
    figure, axes = _empty()
    for arm in ("masked", "zero-filled", "reconstructed"):
        values = np.array([tabulate(rows, arm=arm, metric=name).seed_means() for name in _SETS])
        axes.plot(range(len(_SETS)), values.mean(axis=1), marker="o", label=arm)
        axes.fill_between(range(len(_SETS)), values.min(axis=1), values.max(axis=1), alpha=0.2)
    own = tabulate(rows, arm="own lead", metric="I").seed_means()
    axes.plot(np.zeros(len(own)), own, "D", markersize=5, label="model of lead I alone")
    axes.set_xticks(range(len(_SETS)), _SETS)
    axes.set_xlabel("leads given")
    axes.set_ylabel("macro AUROC, 38 findings")
    axes.legend()
    caption = "Means over seeds; the bands reach from the lowest seed to the highest."
    return [Drawing("One set of weights for any leads", caption, figure)]


def _empty() -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    return figure, figure.add_subplot()
