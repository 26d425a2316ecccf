"""What the rows of the claims say, from the rows alone."""

from collections.abc import Sequence

import numpy as np

from medsuite.core.claims import Measurement, Verdict
from medsuite.core.claims.model import Outcome
from medsuite.core.stats import Grid, Interval, bootstrap_mean, tabulate

MARGIN = 8.0
"""Points of slot accuracy that the decoder may stay behind the oracle, and still be near it."""
CHANCE_MARGIN = 3.0
"""Points of slot accuracy around chance within which a decoder without signal has to stay."""
READABLE = 0.8
"""Accuracy of the text prompt below which the language model cannot read prompts, whoever makes them."""


def brain(rows: Sequence[Measurement]) -> list[Verdict]:
    """Decide `bpgpt/brain`: gain over the nulls, distance to the oracle, chance without signal, the linear rival.

    Intervals are of paired differences over test windows of all worlds. Everything is void where the text prompt, which
    knows the words, is not read, or where words are read from noise; nothing is won over a
    null unless the interval lies above zero.
    """
    broken = _unreadable(rows)
    if not broken and (leak := _gain(rows, "snr 0", "chance")).low > 0:
        broken = f"Trained on noise, the same decoder is {leak.estimate:.1f} points above chance."
    nulls = [
        _above(rows, ("brain", null), f"The brain prompt is read better than {words}", broken)
        for null, words in (
            ("permuted", "the brain of another window"),
            ("constant", "a tuned constant prompt"),
            ("language model", "no prompt at all"),
        )
    ]
    return [*nulls, _near_oracle(rows, broken), _at_chance(rows), _against_ridge(rows, broken)]


def align(rows: Sequence[Measurement]) -> list[Verdict]:
    """Decide `bpgpt/alignment`: each alignment against none after equal steps, then against a wrong text.

    Void where the text prompt is not read, or the encoder without alignment is within `CHANCE_MARGIN` points of the
    oracle and has nothing to gain.
    """
    room = _gain(rows, "oracle", "none")
    broken = _unreadable(rows)
    if not broken and room.low < CHANCE_MARGIN:
        broken = f"Without alignment only {room.estimate:.1f} points are left to gain."
    statements = (
        ("infonce", "none", "Per-sample InfoNCE improves decoding over no alignment"),
        ("paper", "none", "The paper's alignment improves decoding over no alignment"),
        ("released", "none", "The released code's alignment improves decoding over no alignment"),
        ("infonce", "mismatched", "Aligning to a window's own text prompt beats aligning to another's"),
    )
    return [_above(rows, (first, second), text, broken) for first, second, text in statements]


def _unreadable(rows: Sequence[Measurement]) -> str:
    able = _mean(rows, "text")
    return f"Even the text prompt is read at {able:.0f} % only." if able < 100 * READABLE else ""


def _above(rows: Sequence[Measurement], arms: tuple[str, str], statement: str, broken: str) -> Verdict:
    gain = _gain(rows, *arms)
    outcome: Outcome = "supported" if gain.low > 0 else "not supported" if gain.high < 0 else "inconclusive"
    reason = f"Slot accuracy {_mean(rows, arms[0]):.1f} % against {_mean(rows, arms[1]):.1f} %."
    if broken:
        outcome, reason = "void", broken
    return _verdict(statement, outcome, gain, reason, _controls(rows, arms))


def _near_oracle(rows: Sequence[Measurement], broken: str) -> Verdict:
    gap = _gain(rows, "oracle", "brain")
    outcome: Outcome = "supported" if gap.high < MARGIN else "not supported" if gap.low > MARGIN else "inconclusive"
    reason = (
        f"The exact Bayes decoder reads {_mean(rows, 'oracle'):.1f} %, the brain prompt {_mean(rows, 'brain'):.1f} %."
    )
    if broken:
        outcome, reason = "void", broken
    statement = f"At high SNR the brain prompt stays within {MARGIN:g} points of the Bayes oracle"
    return _verdict(statement, outcome, gap, reason, _controls(rows, ("brain", "oracle")))


def _at_chance(rows: Sequence[Measurement]) -> Verdict:
    gain = _gain(rows, "snr 0", "chance")
    within = _chance_like(rows)
    beyond = gain.low > CHANCE_MARGIN or gain.high < -CHANCE_MARGIN
    outcome: Outcome = "supported" if within else "not supported" if beyond else "inconclusive"
    reason = f"Slot accuracy {_mean(rows, 'snr 0'):.1f} %; the best constant guess has {_mean(rows, 'chance'):.1f} %."
    statement = f"Without signal the brain prompt stays within {CHANCE_MARGIN:g} points of chance"
    return _verdict(statement, outcome, gain, reason, "")


def _against_ridge(rows: Sequence[Measurement], broken: str) -> Verdict:
    return _above(rows, ("brain", "ridge"), "The trained encoder reads better than ridge regression", broken)


def _chance_like(rows: Sequence[Measurement]) -> bool:
    gain = _gain(rows, "snr 0", "chance")
    return gain.low > -CHANCE_MARGIN and gain.high < CHANCE_MARGIN


def _gain(rows: Sequence[Measurement], first: str, second: str) -> Interval:
    """Difference of slot accuracy in points, with its bootstrap interval over windows."""
    difference = 100 * (_accuracy(rows, first) - _accuracy(rows, second)).unit_means()
    return bootstrap_mean(difference, rng=np.random.default_rng(0), method="percentile")


def _mean(rows: Sequence[Measurement], arm: str) -> float:
    return 100 * float(_accuracy(rows, arm).unit_means().mean())


def _accuracy(rows: Sequence[Measurement], arm: str) -> Grid:
    return tabulate(rows, arm=arm, metric="accuracy")


def _controls(rows: Sequence[Measurement], compared: tuple[str, str]) -> str:
    others = [arm for arm in dict.fromkeys(row.arm for row in rows) if arm not in compared]
    return ", ".join(f"{arm} {_mean(rows, arm):.1f} %" for arm in others)


def _verdict(statement: str, outcome: Outcome, interval: Interval, reason: str, controls: str) -> Verdict:
    method = f"95 % {interval.method} over {interval.n} windows, paired"
    return Verdict(statement, outcome, *interval.ends, "points", "", interval.n, method, reason, controls)
