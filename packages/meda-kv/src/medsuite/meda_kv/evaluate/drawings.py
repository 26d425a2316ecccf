"""Figures of the claims, from the rows alone."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from medsuite.core.claims import Drawing, Measurement
from medsuite.core.stats import bootstrap_mean, tabulate

PROTOCOLS = ("in prompt", "after")
GUESS = float(np.log(10))
"""Negative log-likelihood of a digit when guessing."""


def memory(rows: Sequence[Measurement]) -> list[Drawing]:
    """Draw `meda-kv/memory`."""
    return [_quality(rows)]


def allocation(rows: Sequence[Measurement]) -> list[Drawing]:
    """Draw `meda-kv/allocation`."""
    return [_quality(rows), _layers(rows)]


def pictures(rows: Sequence[Measurement]) -> list[Drawing]:
    """Draw `meda-kv/pictures`: questions answered right by each arm, and where the slots go."""
    return [_rightness(rows), _layers(rows)]


def speed(rows: Sequence[Measurement]) -> list[Drawing]:
    """Draw `meda-kv/speed`: milliseconds per token against the length of the prompt."""
    figure = Figure()
    axes = figure.subplots()
    for arm in _arms(rows):
        mine = [row for row in rows if row.arm == arm and row.metric == "token_ms"]
        lengths = sorted({int(row.unit.split()[0]) for row in mine})
        times = [[row.value for row in mine if row.unit == f"{length} tokens"] for length in lengths]
        means = np.array([np.mean(values) for values in times])
        spread = np.abs(np.array([[np.min(values), np.max(values)] for values in times]).T - means)
        axes.errorbar(lengths, means, yerr=spread, marker="o", capsize=3, label=arm)
    axes.set(xlabel="prompt length in tokens", ylabel="milliseconds per token", ylim=(0, None))
    axes.legend()
    caption = (
        "Median time of one generated token; bars span the texts. What the smaller cache saves grows with the prompt; "
        "the weights are read for every token in either arm."
    )
    return [Drawing("Decoding time", caption, figure)]


def _quality(rows: Sequence[Measurement]) -> Drawing:
    """Negative log-likelihood of each arm."""
    figure, panels = _panels(rows, "nll", 1.0)
    for axes in panels:
        axes.axhline(GUESS, linestyle=":", linewidth=1, color="C5", label="guessing digits")
    panels[0].set(ylabel="nats per digit (lower is better)", ylim=(0, None))
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper")
    caption = "Negative log-likelihood of the pass key's digits with 95 % bootstrap intervals over questions."
    return Drawing("Answer quality of every arm", caption, figure)


def _rightness(rows: Sequence[Measurement]) -> Drawing:
    """Share of questions that each arm answers right."""
    figure, panels = _panels(rows, "correct", 100.0)
    panels[0].set(ylabel="questions right in %", ylim=(-3, 103))
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper")
    caption = "Questions of which all keys and the census are right, with 95 % bootstrap intervals over questions."
    return Drawing("Right answers of every arm", caption, figure)


def _panels(rows: Sequence[Measurement], quantity: str, factor: float) -> tuple[Figure, Sequence[Axes]]:
    """Mean of a quantity of each arm, one panel a protocol, one colour a share, the full cache as a line."""
    figure = Figure(figsize=(7.2, 3.3))
    panels = figure.subplots(1, 2, sharey=True)
    shares = sorted({float(row.metric.rpartition("kept ")[2]) for row in rows if row.metric.startswith("nll")})
    arms = [arm for arm in _arms(rows) if arm != "full"]
    for axes, protocol in zip(panels, PROTOCOLS, strict=True):
        names = [f"{quantity}, question {protocol}, kept {share:g}" for share in shares]
        for place, (share, name) in enumerate(zip(shares, names, strict=True)):
            means, low, high = factor * np.array([_interval(rows, arm, name) for arm in arms]).T
            where = np.arange(len(arms)) + (place - (len(shares) - 1) / 2) * 0.2
            bars = np.abs(np.array([low, high]) - means)
            axes.errorbar(where, means, yerr=bars, marker="o", linestyle="none", capsize=3, label=f"{share:g} kept")
        full = factor * _interval(rows, "full", names[0])[0]
        axes.axhline(full, linestyle="--", linewidth=1, color="C4", label="full cache")
        axes.set(title=f"question {protocol}", xlabel="arm", xlim=(-0.6, len(arms) - 0.4))
        axes.set_xticks(range(len(arms)), arms, rotation=20)
    figure.set_layout_engine("constrained")
    return figure, list(panels)


def _layers(rows: Sequence[Measurement]) -> Drawing:
    """Entropy and kept share of each layer, mean over the seeds' first texts."""
    figure = Figure(figsize=(7.2, 3.0))
    panels = figure.subplots(1, 2)
    share = max(row.metric.rpartition("kept ")[2] for row in rows if row.metric.startswith("layer share"))
    for arm, (axes, name) in product(("entropy", "uniform", "pyramid"), zip(panels, ("entropy", "share"), strict=True)):
        if name == "entropy" and arm != "entropy":
            continue
        grid = tabulate(rows, arm=arm, metric=f"layer {name}, kept {share}")
        axes.plot(range(len(grid.units)), grid.unit_means(), marker=".", label=arm)
    panels[0].set(xlabel="layer", ylabel="attention entropy in nats", ylim=(0, None))
    panels[1].set(xlabel="layer", ylabel="kept share of the layer", ylim=(0, 1.02))
    panels[1].legend()
    for axes in panels:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.set_layout_engine("constrained")
    caption = f"Left: entropy of the attention rows. Right: the slots it buys when {share} of the cache is kept."
    return Drawing("Where the slots go", caption, figure)


def _interval(rows: Sequence[Measurement], arm: str, metric: str) -> tuple[float, float, float]:
    values = tabulate(rows, arm=arm, metric=metric).unit_means()
    return bootstrap_mean(values, rng=np.random.default_rng(0), method="percentile").ends


def _arms(rows: Sequence[Measurement]) -> list[str]:
    """Arms in the order in which they were measured."""
    return list(dict.fromkeys(row.arm for row in rows))
