"""What the rows say: decision rules as pure functions of measurements."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from medsuite.core.claims import Measurement, Outcome, Verdict
from medsuite.core.stats import Interval, bootstrap_crossed_mean, bootstrap_mean, tabulate

MARGIN = 0.20
"""AUROC by which own queries have to beat shuffled ones."""

NEGLIGIBLE = 0.05
"""AUROC that a difference must reach to matter, once zero cannot be excluded."""

LEARNED = 0.80
"""Macro AUROC on trained findings below which the models did not learn and nothing is decided."""

FEW_LEADS = ("I", "II", "V2", "I, II")
MANY_LEADS = ("I, II, V2", "12")
PARTIAL = ("I", "II", "V2", "I, II", "6 limb", "I, II, V2")


def zero_shot(rows: Sequence[Measurement]) -> list[Verdict]:
    """Decide SuPreME's claim from the differences on held-out compositions, each of which is a unit."""
    seen = _macro(rows, "knowledge", "seen")
    macros = {arm: _macro(rows, arm, "unseen") for arm in ("knowledge", "name", "code", "random", "shuffled")}
    listed = ", ".join(f"{arm} {value:.3f}" for arm, value in macros.items()) + f"; trained findings {seen:.3f}"
    margin = _unseen_gain(rows, "shuffled")
    elsewhere = _unseen_gain(rows, "same change elsewhere")
    walls = {arm: _macro(rows, arm, "wall test") for arm in ("knowledge", "name", "random")}
    strong = f"same change elsewhere {_macro(rows, 'same change elsewhere', 'unseen'):.3f}, " + ", ".join(
        f"wall test by {arm} {value:.3f}" for arm, value in walls.items()
    )
    verdicts = [
        _verdict(
            f"Own queries beat shuffled ones by {MARGIN:.2f} AUROC on compositions never trained",
            margin,
            _against(margin, MARGIN),
            "77.20 % macro AUROC",
            listed,
        ),
        _verdict(
            "They beat trained queries of the same change at other walls", elsewhere, _gain(elsewhere), "", strong
        ),
    ]
    for rival, name in (("name", "the clinical name"), ("code", "a code"), ("random", "an opaque name")):
        gain = _unseen_gain(rows, rival)
        verdicts.append(_verdict(f"Knowledge beats {name}", gain, _gain(gain), "", listed))
    verdicts.append(_far(rows))
    return _void_unless(verdicts, seen >= LEARNED, f"macro AUROC on trained findings is {seen:.3f}, under {LEARNED}")


def any_leads(rows: Sequence[Measurement]) -> list[Verdict]:
    """Decide K-MERL's claim against three rivals from the differences by seed and finding."""
    verdicts = []
    for rival, sets, statement, published in (
        ("zero-filled", PARTIAL, "With some leads one set of weights beats zero-filled leads", "+16 %"),
        ("reconstructed", FEW_LEADS, "With one or two leads it beats reconstructed leads", ""),
        ("reconstructed", MANY_LEADS, "With three leads across the dipole, or all, it does too", ""),
        ("own lead", ("I",), "With lead I it is as good as a model of lead I alone, or better", ""),
    ):
        gain = _lead_gain(rows, rival, sets)
        listed = ", ".join(
            f"{name}: {_macro(rows, 'masked', name):.3f} / {_macro(rows, rival, name):.3f}" for name in sets
        )
        outcome = _not_worse(gain) if rival == "own lead" else _gain(gain)
        verdicts.append(_verdict(statement, gain, outcome, published, f"masked / {rival}, {listed}"))
    full = min(_macro(rows, arm, "12") for arm in ("masked", "zero-filled"))
    return _void_unless(verdicts, full >= LEARNED, f"macro AUROC with twelve leads is {full:.3f}, under {LEARNED}")


def _unseen_gain(rows: Sequence[Measurement], rival: str) -> Interval:
    """Difference over held-out compositions; each is held out in one fold, so that units are independent."""
    gain = tabulate(rows, arm="knowledge", metric="unseen") - tabulate(rows, arm=rival, metric="unseen")
    return bootstrap_mean(gain.unit_means(), rng=np.random.default_rng(0))


def _lead_gain(rows: Sequence[Measurement], rival: str, sets: Sequence[str]) -> Interval:
    grids = [tabulate(rows, arm="masked", metric=name) - tabulate(rows, arm=rival, metric=name) for name in sets]
    return bootstrap_crossed_mean(np.mean([grid.values for grid in grids], axis=0), rng=np.random.default_rng(0))


def _far(rows: Sequence[Measurement]) -> Verdict:
    grid = tabulate(rows, arm="knowledge", metric="far")
    below = bootstrap_crossed_mean(grid.values - 0.5, rng=np.random.default_rng(0))
    outcome: Outcome = "supported" if below.high < 0 else "not supported" if below.low > 0 else "inconclusive"
    listed = ", ".join(f"{name} {value:.3f}" for name, value in zip(grid.units, grid.unit_means(), strict=True))
    return _verdict("Queries whose attributes were never trained score below chance", below, outcome, "", listed)


def _against(interval: Interval, threshold: float) -> Outcome:
    if interval.low >= threshold:
        return "supported"
    return "not supported" if interval.high < threshold else "inconclusive"


def _gain(interval: Interval) -> Outcome:
    """Supported above zero; not supported where a gain that matters is excluded."""
    if interval.low > 0:
        return "supported"
    return "not supported" if interval.high < NEGLIGIBLE else "inconclusive"


def _not_worse(interval: Interval) -> Outcome:
    if interval.low > -NEGLIGIBLE / 2:
        return "supported"
    return "not supported" if interval.high < 0 else "inconclusive"


def _verdict(statement: str, interval: Interval, outcome: Outcome, published: str, controls: str) -> Verdict:
    reason = {
        "supported": "the interval lies on the claim's side",
        "not supported": "the interval lies on the other side, or excludes a difference that matters",
    }.get(outcome, "the interval reaches to both sides")
    return Verdict(
        statement, outcome, interval.estimate, interval.low, interval.high, "AUROC difference", published,
        interval.n, f"95 % {interval.method}", reason, controls,
    )  # fmt: skip


def _void_unless(verdicts: list[Verdict], learned: bool, reason: str) -> list[Verdict]:
    return verdicts if learned else [replace(verdict, outcome="void", reason=reason) for verdict in verdicts]


def _macro(rows: Sequence[Measurement], arm: str, metric: str) -> float:
    return float(np.nanmean(tabulate(rows, arm=arm, metric=metric).values))
