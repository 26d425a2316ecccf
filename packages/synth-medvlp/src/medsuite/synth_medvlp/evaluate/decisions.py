"""What the rows say: decision rules as a pure function of measurements."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from medsuite.core.claims import Measurement, Outcome, Verdict
from medsuite.core.stats import Grid, Interval, bootstrap_crossed_mean, student_interval, tabulate
from medsuite.synth_medvlp.evaluate.arms import CEILING, REAL, SHUFFLED, SYNTHETIC, cell_name
from medsuite.synth_medvlp.why import CELLS, Effects, factorial_effects

NEGLIGIBLE = 0.01
"""Mean AUROC by which a difference matters: a gain is not supported where one as large as this is excluded."""

AT_CHANCE = 0.10
"""Distance of mean AUROC from 0.5 within which shuffled pairs have to stay; their findings wander by more."""

LEARNED = 0.60
"""Mean AUROC of the ceiling below which the models did not learn and nothing is decided."""

_CONTRASTS = (
    ("Synthetic pairs beat as many real ones with a long tail and harsh dirt", SYNTHETIC, REAL, "+3.8 %"),
    ("They beat real pairs with the few bad films that the paper found", SYNTHETIC, "mild real", ""),
    ("Half real and half synthetic beats as many real pairs, in as many steps", "mixed", REAL, ""),
    ("Real and synthetic together beat the real pairs alone", "mixed double", REAL, ""),
    ("They beat twice as many real pairs, at the same size and steps", "mixed double", "real double", ""),
    ("They beat the synthetic pairs alone", "mixed double", SYNTHETIC, "+9.07 % further"),
    ("At half the gap between the domains, synthetic pairs beat real ones", "half gap", REAL, ""),
)

_FACTORS = {
    "balance": "Balancing the findings helps",
    "cleanliness": "Cleaning films, reports and pairing helps",
    "domain": "The synthetic domain itself helps",
}


def decide(rows: Sequence[Measurement]) -> list[Verdict]:
    """Decide the claim: contrasts between arms, the three factors' main effects, and shuffled pairs."""
    verdicts = [_contrast(rows, *contrast) for contrast in _CONTRASTS]
    verdicts[0] = replace(verdicts[0], controls=f"{verdicts[0].controls}; {_conditions(rows)}")
    verdicts += [_effect(rows, name, statement) for name, statement in _FACTORS.items()]
    verdicts.append(_chance(rows))
    ceiling, floor = mean_auroc(rows, CEILING), _above_chance(rows)
    if ceiling < LEARNED:
        return _void(verdicts, f"the ceiling's mean AUROC is {ceiling:.3f}, under {LEARNED:g}")
    if floor.low > 0:
        return _void(verdicts, f"shuffled pairs reach a mean AUROC of {0.5 + floor.estimate:.3f}, above chance")
    return verdicts


def effects(rows: Sequence[Measurement]) -> Effects:
    """Split the eight cells' AUROCs, for each seed and finding."""
    return factorial_effects({cell: _auroc(rows, cell_name(cell)).values for cell in CELLS})


def mean_auroc(rows: Sequence[Measurement], arm: str) -> float:
    """Return an arm's AUROC over all findings and seeds."""
    return float(_auroc(rows, arm).seed_means().mean())


def _auroc(rows: Sequence[Measurement], arm: str) -> Grid:
    return tabulate(rows, arm=arm, metric="auroc")


def _contrast(rows: Sequence[Measurement], statement: str, first: str, second: str, published: str) -> Verdict:
    gain = _auroc(rows, first) - _auroc(rows, second)
    means = [mean_auroc(rows, arm) for arm in (first, second)]
    relative = means[0] / means[1] - 1
    controls = f"{first} {means[0]:.3f}, {second} {means[1]:.3f} ({relative:+.1%} relative)"
    return _gain(statement, gain, published, controls)


def _effect(rows: Sequence[Measurement], name: str, statement: str) -> Verdict:
    found, grid = effects(rows), _auroc(rows, REAL)
    split = ", ".join(f"{factor} {np.nanmean(values):+.3f}" for factor, values in found.shapley.items())
    pairs = ", ".join(f"{names} {np.nanmean(values):+.3f}" for names, values in found.interaction.items())
    controls = f"Shapley parts of synthetic - real: {split}; interactions: {pairs}"
    return _gain(statement, replace(grid, values=found.main[name]), "", controls)


def _gain(statement: str, gain: Grid, published: str, controls: str) -> Verdict:
    """Supported above zero over the seeds; not supported where a gain that matters is excluded."""
    interval = student_interval(gain.seed_means())
    outcome: Outcome = "inconclusive"
    reason = "the interval holds both zero and a gain that matters"
    if interval.low > 0:
        outcome, reason = "supported", "the interval lies above zero"
    elif interval.high < NEGLIGIBLE:
        outcome, reason = "not supported", f"the interval excludes a gain of {NEGLIGIBLE:g}"
    return _verdict(statement, outcome, interval, published, reason, f"{controls}; {_over_findings(gain)}")


def _over_findings(gain: Grid) -> str:
    """Say what other findings could make of a gain: the bootstrap over them, and the one that matters most left out."""
    both = bootstrap_crossed_mean(gain.values, rng=np.random.default_rng(0))
    means = gain.unit_means()
    most = int(np.argmax(np.abs(means - means.mean())))
    without = np.delete(means, most).mean()
    return f"over seeds and findings {both.low:+.3f} to {both.high:+.3f}; without {gain.units[most]} {without:+.3f}"


def _chance(rows: Sequence[Measurement]) -> Verdict:
    interval = _above_chance(rows)
    outcome: Outcome = "inconclusive"
    if max(abs(interval.low), abs(interval.high)) <= AT_CHANCE:
        outcome = "supported"
    elif interval.low > 0 or interval.high < 0:
        outcome = "not supported"
    reason = f"the interval of AUROC - 0.5 is compared with ±{AT_CHANCE:g}"
    statement = "Shuffled synthetic pairs teach nothing"
    return _verdict(statement, outcome, interval, "", reason, f"ceiling {mean_auroc(rows, CEILING):.3f}")


def _above_chance(rows: Sequence[Measurement]) -> Interval:
    """Return AUROC - 0.5 of shuffled pairs, over seeds and findings, in each of which an untaught model errs anew."""
    return bootstrap_crossed_mean(_auroc(rows, SHUFFLED).values - 0.5, rng=np.random.default_rng(0))


def _conditions(rows: Sequence[Measurement]) -> str:
    """Say in numbers what the sign of the headline hangs on: tail and dirt of the real set, gap of the domains."""
    facts = {
        name: tabulate(rows, arm=REAL, metric=name).values.mean()
        for name in ("tail slope", "bad films", "report precision", "report recall")
    }
    gap = mean_auroc(rows, CEILING) - mean_auroc(rows, SYNTHETIC)
    half = mean_auroc(rows, CEILING) - mean_auroc(rows, "half gap")
    mild = mean_auroc(rows, SYNTHETIC) - mean_auroc(rows, "mild real")
    return (
        f"real set: tail slope {facts['tail slope']:.2f}, {facts['bad films']:.0%} bad films, reports with precision "
        f"{facts['report precision']:.2f} and recall {facts['report recall']:.2f}; the gap costs {gap:.3f}, half of it "
        f"{half:.3f}; against mildly dirty real pairs {mild:+.3f}"
    )


def _verdict(
    statement: str, outcome: Outcome, interval: Interval, published: str, reason: str, controls: str
) -> Verdict:
    return Verdict(
        statement, outcome, interval.estimate, interval.low, interval.high, "mean AUROC", published, interval.n,
        f"95 % {interval.method}", reason, controls,
    )  # fmt: skip


def _void(verdicts: list[Verdict], reason: str) -> list[Verdict]:
    return [replace(verdict, outcome="void", reason=reason) for verdict in verdicts]
