"""Figures of an evaluation: quality against kept share, slots and entropies of the layers, and what was kept where."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from medsuite.meda_kv.evaluate.details import ArmDetail, Detail
from medsuite.meda_kv.evaluate.evaluation import arm_parts
from medsuite.meda_kv.evaluate.questions import PROTOCOLS, Protocol
from medsuite.meda_kv.evaluate.summary import Line

BINS = 240
"""Columns of the picture of a prompt; longer prompts are averaged."""
COLOURS = "cividis"
"""Colour map that reads on light and dark pages and without colour vision."""


def quality(lines: Sequence[Line], measure: str) -> Figure:
    """Draw each method's mean against its measured kept share, one panel a protocol.

    Args:
        lines: The summary.
        measure: What the value means.
    """
    return _panels(lines, "value", measure, (-0.03, 1.03))


def likelihood(lines: Sequence[Line]) -> Figure:
    """Draw each method's negative log-likelihood against its measured kept share."""
    return _panels(lines, "nll", "nats per token (lower is better)", None)


def has_likelihood(lines: Sequence[Line]) -> bool:
    """Whether answers were given word for word, so that there is a likelihood."""
    return any(cell.nll is not None for line in lines for cell in line.cells.values())


def _panels(lines: Sequence[Line], quantity: str, label: str, limits: tuple[float, float] | None) -> Figure:
    protocols = [protocol for protocol in PROTOCOLS if any(protocol in line.cells for line in lines)]
    figure = Figure(figsize=(3.7 * len(protocols) + 0.6, 3.5))
    panels = figure.subplots(1, len(protocols), sharex=True, sharey=True, squeeze=False)[0]
    for axes, protocol in zip(panels, protocols, strict=True):
        _panel(axes, lines, protocol, quantity)
        axes.set(title=f"question {protocol}" if len(protocols) > 1 else "", xlabel="measured kept share")
        axes.grid(alpha=0.2)
    most = max(line.measured for line in lines if line.method != "full")
    panels[0].set(ylabel=label, ylim=limits if limits else (0, None), xlim=(0, 1.08 * most))
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=min(4, len(names)))
    figure.set_layout_engine("constrained")
    return figure


def _panel(axes: Any, lines: Sequence[Line], protocol: Protocol, quantity: str) -> None:
    methods = list(dict.fromkeys(line.method for line in lines if line.method != "full"))
    width = 0.012 * max(line.measured for line in lines if line.method != "full")
    for place, name in enumerate(methods):
        mine = sorted((line for line in lines if line.method == name), key=lambda line: line.measured)
        points = [getattr(line.cells[protocol], quantity) for line in mine]
        # Methods kept the same share: a small step aside keeps their intervals apart.
        where = np.array([line.measured for line in mine]) + width * (place - (len(methods) - 1) / 2)
        means = np.array([point.estimate for point in points])
        bars = np.nan_to_num(np.abs(np.array([[point.low, point.high] for point in points]).T - means))
        axes.errorbar(where, means, yerr=bars, marker="o", markersize=4, capsize=3, linewidth=1.3, label=name)
    whole = getattr(next(line for line in lines if line.method == "full").cells[protocol], quantity)
    axes.axhline(whole.estimate, linestyle="--", linewidth=1, color="C6", label="full cache")


def smallest_share(arms: Sequence[ArmDetail]) -> list[ArmDetail]:
    """The arms at the smallest kept share, where most is evicted."""
    least = min(arm_parts(arm.arm)[1] for arm in arms)
    return [arm for arm in arms if arm_parts(arm.arm)[1] == least]


def layer_budgets(details: Sequence[Detail]) -> Figure:
    """Draw the kept share of every layer at the smallest kept share, mean over the recorded questions."""
    arms = smallest_share([arm for detail in details for arm in detail.arms])
    protocols = [protocol for protocol in PROTOCOLS if any(arm.protocol == protocol for arm in arms)]
    figure = Figure(figsize=(3.7 * len(protocols) + 0.6, 3.3))
    panels = figure.subplots(1, len(protocols), sharey=True, squeeze=False)[0]
    for axes, protocol in zip(panels, protocols, strict=True):
        for name in dict.fromkeys(arm.arm for arm in arms):
            mine = [arm for arm in arms if arm.arm == name and arm.protocol == protocol]
            axes.plot(
                mine[0].layers, np.mean([arm.share for arm in mine], axis=0), marker="o", markersize=3, label=name
            )
        axes.set(title=f"question {protocol}" if len(protocols) > 1 else "", xlabel="layer")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.2)
    panels[0].set(ylabel="kept share of the layer", ylim=(0, 1.08 * max(max(arm.share) for arm in arms)))
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=min(4, len(names)))
    figure.set_layout_engine("constrained")
    return figure


def entropy_map(kind: str, entropies: Float[np.ndarray, "layers heads"]) -> Figure:
    """Draw attention entropy by layer and head, and its mean over the heads.

    Args:
        kind: What was normalised over.
        entropies: Nats.
    """
    layers, heads = entropies.shape
    figure = Figure(figsize=(7.4, 1.6 + min(0.16 * layers, 3.4)))
    left, right = figure.subplots(1, 2, width_ratios=(1.4, 1), sharey=True)
    image = left.imshow(entropies, aspect="auto", cmap=COLOURS, vmin=0, interpolation="nearest")
    left.set(xlabel="head", ylabel="layer")
    left.spines[["left", "bottom"]].set_visible(False)
    left.set_xticks(range(0, heads, max(1, heads // 8)))
    left.set_yticks(range(0, layers, max(1, layers // 8)))
    figure.colorbar(image, ax=left, label=f"{kind}, nats", shrink=0.9, pad=0.03)
    right.plot(entropies.mean(axis=1), range(layers), marker="o", markersize=3)
    right.set(xlabel="mean over heads, nats", xlim=(0, 1.1 * entropies.mean(axis=1).max()))
    right.grid(alpha=0.2)
    figure.set_layout_engine("constrained")
    return figure


def kept_along(detail: Detail, protocol: Protocol) -> Figure:
    """Draw for every arm which part of the prompt it keeps, with the needles' places above.

    Args:
        detail: A question.
        protocol: When it was asked.
    """
    arms = [arm for arm in detail.arms if arm.protocol == protocol]
    tokens = len(arms[0].kept)
    rows = np.stack([_binned(np.array(arm.kept)) for arm in arms])
    figure = Figure(figsize=(7.4, 1.1 + 0.23 * len(arms)))
    axes = figure.subplots()
    image = axes.imshow(
        rows, aspect="auto", cmap=COLOURS, vmin=0, vmax=1, interpolation="nearest", extent=(0, tokens, len(arms), 0)
    )
    axes.set_yticks(np.arange(len(arms)) + 0.5, [arm.arm for arm in arms])
    axes.set(xlabel="token of the prompt", ylim=(len(arms), 0))
    axes.spines[["left", "bottom"]].set_visible(False)
    if detail.marks:
        axes.plot(np.array(detail.marks) + 0.5, np.full(len(detail.marks), -0.25), "v", color="C5", clip_on=False, ms=3)
    figure.colorbar(image, ax=axes, label="kept share", shrink=0.9, pad=0.02)
    figure.set_layout_engine("constrained")
    return figure


def _binned(kept: Float[np.ndarray, " tokens"]) -> Float[np.ndarray, " bins"]:
    """Mean over parts of a prompt that has more tokens than the picture columns, each where its column stands."""
    if len(kept) <= BINS:
        return kept
    edges = np.linspace(0, len(kept), BINS + 1).astype(np.int64)
    return np.add.reduceat(kept, edges[:-1]) / np.diff(edges)
