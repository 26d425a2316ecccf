"""What the rows of the claims say, from the rows alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from medsuite.core.claims import Measurement, Verdict
from medsuite.core.claims.model import Outcome
from medsuite.core.stats import Interval, bootstrap_mean, student_interval, tabulate

FREED, SPEEDUP = 72.0, 2.82
"""The paper's two figures: percent of the cache's bytes, and times faster."""
MARGIN = 5.0
"""Points of accuracy that may be lost while quality still counts as kept."""
UNSTEADY = 1.5
"""How many times longer a step may take from one round to the next before times are no longer compared."""
ABLE = 0.8
"""Accuracy of the full cache below which its questions say nothing about compression."""
PROTOCOLS = ("in prompt", "after")


def memory(rows: Sequence[Measurement]) -> list[Verdict]:
    """Decide `meda-kv/memory`: non-inferior accuracy with 72 % of the bytes freed, then the single parts.

    The headline is the paper's own protocol, with the question inside the compressed prompt. Accuracy is kept when the
    interval of the paired difference to the full cache lies above -5 points, lost when it lies below.
    """
    share = _shares(rows)[0]
    freed = 100 * tabulate(rows, arm="meda", metric=_metric("freed", "in prompt", share)).unit_means()
    kept = [_kept_accuracy(rows, protocol, share, float(freed.mean())) for protocol in PROTOCOLS]
    bytes_freed = Verdict(
        f"At least {FREED:g} % of the bytes of keys and values are freed",
        "supported" if freed.min() >= FREED - 0.1 else "not supported",
        float(freed.mean()),
        float(freed.min()),
        float(freed.max()),
        "%",
        "72 %",
        len(freed),
        "range over questions of the live storages' bytes",
        "Measured on storages, not computed from the ratio.",
    )
    rivals = [
        _better(rows, ("meda", rival), (protocol, share), f"MEDA answers better than {words} at equal bytes")
        for rival, words in (("uniform", "equal layers"), ("shuffled", "shuffled entropies"))
        for protocol in PROTOCOLS
    ]
    return [kept[0], bytes_freed, kept[1], *rivals]


def allocation(rows: Sequence[Measurement]) -> list[Verdict]:
    """Decide `meda-kv/allocation`: gain in log-likelihood over equal layers, per protocol and share.

    A gain that shuffled entropies reach as well is void: what helped was unequal layers, not knowing which.
    """
    words = "Entropy allocation answers better than equal layers"
    return _allocations(rows, LIKELIHOOD, words)


def pictures(rows: Sequence[Measurement]) -> list[Verdict]:
    """Decide `meda-kv/pictures`: gain in questions answered right over equal layers, with the same control."""
    words = "Cross-modal entropy answers more questions right than equal layers"
    return _allocations(rows, ACCURACY, words)


def _allocations(rows: Sequence[Measurement], measure: "_Measure", words: str) -> list[Verdict]:
    verdicts = []
    for share in _shares(rows):
        for protocol in PROTOCOLS:
            gain = _better(rows, ("entropy", "uniform"), (protocol, share), words, measure, "better")
            control = measure.gain(rows, ("entropy", "shuffled"), protocol, share)
            gain = replace(gain, controls=f"against shuffled entropies {control.estimate:.3g}")
            if gain.outcome == "supported" and control.low <= 0:
                reason = f"Shuffled entropies do as well: gain over them {control}."
                gain = replace(gain, outcome="void", reason=reason)
            verdicts.append(gain)
    return verdicts


def speed(rows: Sequence[Measurement]) -> list[Verdict]:
    """Decide `meda-kv/speed`: ratio of the time per token, full over compressed, at the longest prompt first.

    The interval is Student's over the seeds' log ratios. Beside it stands the ratio that follows when a step takes the
    time to read weights and cache once; attention and the copy of the growing cache can take more. Void where the
    machine did other things meanwhile.
    """
    lengths = sorted({row.unit for row in rows}, key=lambda unit: int(unit.split()[0]), reverse=True)
    verdicts = []
    for unit in lengths:
        ratio, read_once = _speedup(rows, unit)
        reason = f"Reading weights and cache once a token would give {read_once:.2f} times."
        unsteady = max(row.value for row in rows if row.unit == unit and row.metric == "unsteadiness")
        busy = f"The machine was busy: the same step took up to {unsteady:.1f} times longer from round to round."
        for statement, target, published in (
            (f"Decoding is {SPEEDUP:g} times faster", SPEEDUP, "2.82x"),
            ("Decoding is faster than with the full cache", 1.0, ""),
        ):
            outcome, why = (_against(ratio, target), reason) if unsteady <= UNSTEADY else ("void", busy)
            text = f"{statement} ({unit})"
            verdicts.append(Verdict(text, outcome, *ratio.ends, "times", published, ratio.n, _method(ratio), why))
    return verdicts


def _kept_accuracy(rows: Sequence[Measurement], protocol: str, share: float, freed: float) -> Verdict:
    name = _metric("correct", protocol, share)
    full = tabulate(rows, arm="full", metric=name)
    loss = tabulate(rows, arm="meda", metric=name) - full
    able = float(full.unit_means().mean())
    interval = bootstrap_mean(100 * loss.unit_means(), rng=np.random.default_rng(0), method="percentile")
    outcome = _against(interval, -MARGIN)
    reason = (
        f"Full cache {100 * able:.0f} % right, MEDA {100 * able + interval.estimate:.0f} %, with {freed:.1f} % of the "
        f"bytes freed; a loss of {MARGIN:g} points would still count as kept."
    )
    if able < ABLE:
        outcome, reason = "void", f"The full cache itself answers only {100 * able:.0f} % of the questions."
    elif freed < FREED - 0.1:
        outcome, reason = "void", f"Only {freed:.1f} % of the bytes were freed."
    statement = f"With {FREED:g} % of the cache freed, accuracy is that of the full cache, question {protocol}"
    method, controls = _method(interval), _losses(rows, protocol, share)
    return Verdict(statement, outcome, *interval.ends, "points", "72 %", interval.n, method, reason, controls)


def _losses(rows: Sequence[Measurement], protocol: str, share: float) -> str:
    """What the rival and the controls lose against the full cache, in points."""
    name, measured = _metric("correct", protocol, share), {row.arm for row in rows}
    full = tabulate(rows, arm="full", metric=name)
    return ", ".join(
        f"{words} {100 * float((tabulate(rows, arm=arm, metric=name) - full).unit_means().mean()):.1f}"
        for arm, words in (("uniform", "equal layers"), ("shuffled", "shuffled entropies"), ("random", "random slots"))
        if arm in measured
    )


@dataclass(frozen=True)
class _Measure:
    """What two arms are compared by.

    Attributes:
        name: Name of the quantity in the rows.
        factor: What makes a gain of the difference between two arms.
        unit: Unit of the gain.
        words: Sentence on both arms' means.
    """

    name: str
    factor: float
    unit: str
    words: str

    def gain(self, rows: Sequence[Measurement], arms: tuple[str, str], protocol: str, share: float) -> Interval:
        """Paired gain of the first arm over the second; positive when the first is better."""
        metric = _metric(self.name, protocol, share)
        first, second = (tabulate(rows, arm=arm, metric=metric) for arm in arms)
        difference = self.factor * (first - second).unit_means()
        return bootstrap_mean(difference, rng=np.random.default_rng(0), method="percentile")

    def reason(self, rows: Sequence[Measurement], arms: tuple[str, str], protocol: str, share: float) -> str:
        """The sentence with the means."""
        metric = _metric(self.name, protocol, share)
        means = [abs(self.factor) * tabulate(rows, arm=arm, metric=metric).unit_means().mean() for arm in arms]
        return self.words.format(*means)


LIKELIHOOD = _Measure(
    "nll", -1.0, "nats per digit", "Negative log-likelihood of a digit: {:.2f} against {:.2f}; guessing gives 2.30."
)
ACCURACY = _Measure("correct", 100.0, "points", "Right altogether: {:.0f} % against {:.0f} %.")


def _better(
    rows: Sequence[Measurement],
    arms: tuple[str, str],
    setting: tuple[str, float],
    statement: str,
    measure: _Measure = LIKELIHOOD,
    published: str = "",
) -> Verdict:
    protocol, share = setting
    gain = measure.gain(rows, arms, protocol, share)
    able = float(tabulate(rows, arm="full", metric=_metric("correct", protocol, share)).unit_means().mean())
    outcome, reason = _gained(gain), measure.reason(rows, arms, protocol, share)
    if able < ABLE:
        outcome, reason = "void", f"The full cache itself answers only {100 * able:.0f} % of the questions."
    text = f"{statement}, question {protocol}, kept share {share:g}"
    return Verdict(text, outcome, *gain.ends, measure.unit, published, gain.n, _method(gain), reason)


def _speedup(rows: Sequence[Measurement], unit: str) -> tuple[Interval, float]:
    here = [row for row in rows if row.unit == unit]
    full, meda = (tabulate(here, arm=arm, metric="token_ms").seed_means() for arm in ("full", "meda"))
    interval = student_interval(np.log(full / meda))
    estimate, low, high = map(float, np.exp(interval.ends))
    read_once = float(tabulate(here, arm="meda", metric="read_once").seed_means().mean())
    return replace(
        interval, estimate=estimate, low=low, high=high, method="Student t of log ratios over seeds"
    ), read_once


def _against(interval: Interval, target: float) -> Outcome:
    """Whether the interval lies above the target, below it, or about it."""
    if interval.low >= target:
        return "supported"
    return "not supported" if interval.high < target else "inconclusive"


def _gained(gain: Interval) -> Outcome:
    """Whether the interval lies above zero, not above it, or about it; no difference at all is no gain."""
    if gain.low > 0:
        return "supported"
    return "not supported" if gain.high <= 0 else "inconclusive"


def _shares(rows: Sequence[Measurement]) -> list[float]:
    """Kept shares in the rows, the largest first."""
    marks = {row.metric.rpartition("kept ")[2] for row in rows if row.metric.startswith("nll")}
    return sorted(map(float, marks), reverse=True)


def _metric(quantity: str, protocol: str, share: float) -> str:
    return f"{quantity}, question {protocol}, kept {share:g}"


def _method(interval: Interval) -> str:
    return f"{100 * interval.level:g} % {interval.method}"
