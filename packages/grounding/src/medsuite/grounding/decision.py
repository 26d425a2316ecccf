"""The decision of the claim `grounding/knowledge`: pure, from rows alone."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from medsuite.core.claims import Measurement, Outcome, Verdict
from medsuite.core.stats import Interval, student_interval, tabulate
from medsuite.grounding.claims import TRAINED

ENOUGH = 0.80
"""Accuracy that knowledge must reach on unseen classes, and every trained arm on seen ones."""
CHANCE = 0.25
"""Accuracy of pointing at one of the picture's four lesions at random."""
NEAR = 0.20
"""Chance-corrected accuracy up to which an arm counts as near zero, and a control as near the name alone."""

Seeds = Mapping[str, Float[np.ndarray, "seed"]]


def above_chance(accuracy: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """Return (accuracy - chance) / (1 - chance): 0 for a random lesion of the picture, 1 for always right."""
    return (accuracy - CHANCE) / (1 - CHANCE)


def seed_accuracy(rows: Sequence[Measurement], metric: str) -> dict[str, Float[np.ndarray, "seed"]]:
    """Return each arm's mean over pictures, one number a seed."""
    arms = dict.fromkeys(row.arm for row in rows)
    return {arm: tabulate(rows, arm=arm, metric=metric).seed_means() for arm in arms}


def decide(rows: Sequence[Measurement]) -> list[Verdict]:
    """Put three statements to the test, with Student-t intervals over seeds.

    A seed is the independent replicate: it has its own held-out combinations, pictures and weights. Void where a
    trained arm did not learn the seen classes, or where an arm without the right description does as well as the
    treatment.
    """
    unseen, seen = seed_accuracy(rows, "unseen_accuracy"), seed_accuracy(rows, "seen_accuracy")
    pictures = len({row.unit for row in rows})
    void = _void(unseen, seen)
    return [_enough(unseen, void, pictures), _name_is_near_zero(unseen, void), _controls_are_near_name(unseen, void)]


def _void(unseen: Seeds, seen: Seeds) -> str:
    slow = [arm for arm in TRAINED if seen[arm].mean() < ENOUGH]
    if slow:
        return f"{', '.join(slow)} did not learn the seen classes to {ENOUGH:.0%}"
    equal = [arm for arm in ("name", "shuffled", "wrong-class") if unseen[arm].mean() >= unseen["knowledge"].mean()]
    if equal:
        return f"{', '.join(equal)} finds unseen classes as well as the treatment: the pictures give the answer away"
    return ""


def _enough(unseen: Seeds, void: str, pictures: int) -> Verdict:
    interval = student_interval(unseen["knowledge"])
    interval = replace(interval, high=min(interval.high, 1.0))
    rest = ", ".join(f"{arm} {values.mean():.2f}" for arm, values in unseen.items() if arm != "knowledge")
    outcome = _compare(interval, ENOUGH, below=False)
    reason = (
        f"the interval is compared with {ENOUGH:.2f}; {pictures} pictures, a random lesion is right at {CHANCE:.2f}"
    )
    return _verdict(
        f"Knowledge finds at least {ENOUGH:.0%} of the lesions of unseen attribute combinations at IoU 0.5",
        interval, outcome, reason, void, controls=rest, unit="accuracy", published="mAP50 3.05 % against 1.48 %",
    )  # fmt: skip


def _name_is_near_zero(unseen: Seeds, void: str) -> Verdict:
    interval = student_interval(above_chance(unseen["name"]))
    return _verdict(
        f"The name alone finds unseen classes no better than at random: at most {NEAR:.2f} above chance",
        interval, _compare(interval, NEAR, below=True), f"raw accuracy {unseen['name'].mean():.2f}", void,
    )  # fmt: skip


def _controls_are_near_name(unseen: Seeds, void: str) -> Verdict:
    gaps = {
        arm: student_interval(above_chance(unseen[arm]) - above_chance(unseen["name"]))
        for arm in ("shuffled", "wrong-class")
    }
    worst = max(gaps, key=lambda arm: gaps[arm].high)
    means = ", ".join(f"{arm} {gap.estimate:+.2f}" for arm, gap in gaps.items())
    return _verdict(
        f"Shuffled and wrong descriptions stay near the name alone: at most {NEAR:.2f} above it",
        gaps[worst], _compare(gaps[worst], NEAR, below=True), f"the worse of the two is {worst}", void, controls=means,
    )  # fmt: skip


def _compare(interval: Interval, limit: float, *, below: bool) -> Outcome:
    sign = -1 if below else 1
    low, high = sorted((sign * (interval.low - limit), sign * (interval.high - limit)))
    if low >= 0:
        return "supported"
    return "not supported" if high < 0 else "inconclusive"


def _verdict(
    statement: str,
    interval: Interval,
    outcome: Outcome,
    reason: str,
    void: str,
    *,
    controls: str = "",
    unit: str = "accuracy above chance",
    published: str = "",
) -> Verdict:
    return Verdict(
        statement=statement,
        outcome="void" if void else outcome,
        estimate=interval.estimate,
        low=interval.low,
        high=interval.high,
        unit=unit,
        published=published,
        n=interval.n,
        method=f"95 % {interval.method} over {interval.n} seeds",
        reason=void or reason,
        controls=controls,
    )
