"""The figure of ClinicalBench's claim."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from medsuite.bench.clinical.decide import (
    AGE_SEX,
    BAYES,
    CODE_COUNT,
    LANGUAGE,
    PERMUTED,
    Rows,
    ViewName,
    arm_auroc,
    mean_auroc,
)
from medsuite.core.claims import Drawing, Measurement

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CONTROLS = (AGE_SEX, CODE_COUNT, PERMUTED)
_TITLES = {
    "retrospective": "all codes of the stay",
    "no outcome codes": "without outcome codes",
    "24 h": "first 24 hours",
}


def draw(measurements: Sequence[Measurement]) -> list[Drawing]:
    """Draw every model's AUROC in each view, with the optimum as a line."""
    from matplotlib.figure import Figure

    rows = Rows(measurements)
    views = rows.views
    order = sorted(rows.classical(views[0]), key=lambda arm: mean_auroc(rows, arm, views[0]))
    arms = [*CONTROLS, LANGUAGE, *order]
    figure = Figure(figsize=(3.4 * len(views) + 1.2, 0.26 * len(arms) + 1.2), layout="constrained")
    panels = figure.subplots(1, len(views), sharey=True, squeeze=False)[0]
    for axes, view in zip(panels, views, strict=True):
        _draw_view(axes, rows, arms, view)
    panels[0].set_yticks(range(len(arms)), arms, fontsize=8)
    caption = (
        "AUROC for death in hospital, within seeds and averaged, with 95 % intervals over patients. The dashed line is "
        "the optimum of the view, the dotted one the constant guess. The language model was asked about fewer "
        "patients, hence the wider interval; differences are tested in pairs."
    )
    return [Drawing("Classical models and a language model in three views of the same stays", caption, figure)]


def _draw_view(axes: "Axes", rows: Rows, arms: Sequence[str], view: ViewName) -> None:
    for place, arm in enumerate(arms):
        found = arm_auroc(rows, arm, view)
        colour = "C1" if arm == LANGUAGE else "C7" if arm in CONTROLS else "C0"
        axes.plot([found.low, found.high], [place, place], color=colour, linewidth=1.5)
        axes.plot(found.estimate, place, "o", color=colour, markersize=4.5)
    axes.axvline(0.5, color="C7", linestyle=":", linewidth=1)
    if rows.simulated:
        axes.axvline(mean_auroc(rows, BAYES, view), color="C2", linestyle="--", linewidth=1)
    axes.set_title(_TITLES[view], fontsize=9)
    axes.set_xlabel("AUROC", fontsize=8)
    axes.set_xlim(0.3, 1.0)
    axes.tick_params(labelsize=8)
    axes.grid(axis="x", alpha=0.3)
