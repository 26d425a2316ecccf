"""The verdicts on MME-Finance's claims, from rows alone."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from medsuite.bench.finance.schema import ImageType
from medsuite.core.claims import Measurement, Outcome, Verdict
from medsuite.core.stats import Interval, bootstrap_sums

TASKS = ("OCR", "ER", "SA", "ANC", "ENC", "NA")
HARD_TYPES = (ImageType.CANDLESTICK, ImageType.INDICATOR)
PUBLISHED_GAP = 4.6
"""Computer screenshot minus mobile photograph in points, the mean over the published English rows."""
PUBLISHED_TYPE_GAP = -9.3
"""Candlestick and indicator minus the other types in points, the mean over the published English rows."""
LEAST_SCREEN_ACCURACY = 60.0
"""Below this many percent on screens the baseline does not read, and nothing can be said about photographs."""
LEAST_PICTURES = 12
Cells = Float[np.ndarray, "pictures tasks 2"]


def decide(measurements: Sequence[Measurement]) -> list[Verdict]:
    """Compare conditions paired by question, with intervals by bootstrap over pictures.

    A photograph is harder where the interval of screen minus photograph lies above 0, and not harder where it lies
    below half the published gap. Rectification wins something back where the interval of the share lies above 0.
    Candlestick and indicator charts are hardest where the interval of their difference from the other types, with the
    task held fixed, lies below 0; not, where it lies above half the published difference. Everything is void where the
    baseline does not read screens, and a photograph's verdict where the optics alone, square to the screen, cost half
    as much as the photograph.
    """
    arms = {row.arm for row in measurements}
    levels = [level for level in ("medium", "heavy") if level in arms]
    verdicts = [_photograph_verdict(measurements, level) for level in levels]
    verdicts += [_rectification_verdict(measurements, level) for level in levels]
    return verdicts + [_type_verdict(measurements, arm) for arm in ("screen", *levels)]


def _photograph_verdict(measurements: Sequence[Measurement], level: str) -> Verdict:
    statement = f"A {level} photograph is harder than the screen, same picture and question"
    interval = _difference(measurements, "screen", level)
    control = _difference(measurements, "screen", "square").estimate
    problem = _problem(measurements) or (
        f"the optics alone cost {control:.1f} points" if control > max(interval.estimate, 1.0) / 2 else None
    )
    outcome = _outcome(interval.low > 0, interval.high < PUBLISHED_GAP / 2)
    lost, won = _discordant(measurements, "screen", level)
    reason = problem or f"{lost} questions lost and {won} won; the optics alone cost {control:.1f} points"
    published = "4.6 points in English, 6.4 in Chinese (models, unpaired)"
    verdict = _verdict(statement, "void" if problem else outcome, interval, "points", published, reason)
    return replace(verdict, controls=f"square to the screen, without glare {control:.1f}")


def _rectification_verdict(measurements: Sequence[Measurement], level: str) -> Verdict:
    statement = f"Rectifying a {level} photograph wins part of the loss back"
    problem = _problem(measurements)
    loss = _difference(measurements, "screen", level)
    if problem is None and loss.low <= 0:
        problem = "no loss was shown, so that no share of it exists"
    if problem:
        return _verdict(
            statement, "void", Interval(np.nan, np.nan, np.nan, 0.95, loss.n, loss.method), "%", "", problem
        )
    arms = ("screen", level, f"{level}, rectified")
    right = np.stack([_cells(measurements, arm)[..., 0].sum(1) for arm in arms], 1)
    share = bootstrap_sums(_share_won_back, right, rng=np.random.default_rng(0), method="percentile")
    true = np.stack([_cells(measurements, arm)[..., 0].sum(1) for arm in (*arms[:2], f"{level}, true corners")], 1)
    limit = _share_won_back(true.sum(0)[None])[0]
    outcome = _outcome(share.low > 0, share.high <= 0)
    reason = f"with the true corners {limit:.0f} %: that much of the loss is geometry, the rest is reading"
    return _verdict(statement, outcome, share, "% of the loss", "", reason)


def _type_verdict(measurements: Sequence[Measurement], arm: str) -> Verdict:
    where = "on screens" if arm == "screen" else f"in {arm} photographs"
    statement = f"Candlestick and indicator charts are the hardest pictures {where}, task for task"
    interval = _type_difference(measurements, arm)
    problem = _problem(measurements)
    outcome = _outcome(interval.high < 0, interval.low > PUBLISHED_TYPE_GAP / 2)
    scores = {kind: _accuracy(_of_type(measurements, kind), arm) for kind in ImageType}
    hardest = min(scores, key=lambda kind: scores[kind])
    reason = problem or f"the hardest type is the {hardest} ({scores[hardest]:.0f} %)"
    published = "-9.3 points in English, -3.5 in Chinese (task mix not held fixed)"
    return _verdict(statement, "void" if problem else outcome, interval, "points", published, reason)


def _outcome(supported: bool, refuted: bool) -> Outcome:
    if supported:
        return "supported"
    return "not supported" if refuted else "inconclusive"


def _problem(measurements: Sequence[Measurement]) -> str | None:
    """Say why nothing can be decided, or None."""
    accuracy = _accuracy(measurements, "screen")
    if accuracy < LEAST_SCREEN_ACCURACY:
        return f"the baseline answers only {accuracy:.0f} % of the questions on screens"
    pictures = len(_pictures(measurements))
    return None if pictures >= LEAST_PICTURES else f"{pictures} pictures are too few"


def _difference(measurements: Sequence[Measurement], first: str, second: str) -> Interval:
    """Difference of two arms in points over the questions that both were asked."""
    cells = [_cells(measurements, arm).sum(1) for arm in (first, second)]
    both = (cells[0][:, 1] > 0) & (cells[1][:, 1] > 0)
    sums = np.stack([cells[0][both, 0], cells[1][both, 0], cells[0][both, 1]], 1)
    return bootstrap_sums(_points, sums, rng=np.random.default_rng(0), method="percentile")


def _points(sums: Float[np.ndarray, "resample 3"]) -> Float[np.ndarray, " resample"]:
    return 100 * (sums[:, 0] - sums[:, 1]) / sums[:, 2]


def _share_won_back(sums: Float[np.ndarray, "resample 3"]) -> Float[np.ndarray, " resample"]:
    """Percentage of the loss that the rectified photograph regains; 0 where nothing is lost."""
    loss = sums[:, 0] - sums[:, 1]
    return np.where(loss > 0, 100 * (sums[:, 2] - sums[:, 1]) / np.where(loss > 0, loss, 1), 0.0)


def _type_difference(measurements: Sequence[Measurement], arm: str) -> Interval:
    """Difference between the two groups of types in points, averaged over tasks by their number of questions."""
    cells = _cells(measurements, arm)
    hard = np.array([picture.startswith(HARD_TYPES) for picture in _pictures(measurements)])
    shares = cells[..., 1].sum(0)
    columns = np.concatenate([cells * hard[:, None, None], cells * ~hard[:, None, None]], 1)

    def standardised(sums: Float[np.ndarray, "resample column"]) -> Float[np.ndarray, " resample"]:
        right, asked = np.moveaxis(sums.reshape(len(sums), 2, len(TASKS), 2), -1, 0)
        both = (asked > 0).all(1)
        rates = right / np.where(asked > 0, asked, 1)
        weights = shares * both
        return 100 * ((rates[:, 0] - rates[:, 1]) * weights).sum(1) / weights.sum(1)

    flat = columns.reshape(len(columns), -1)
    return bootstrap_sums(standardised, flat, rng=np.random.default_rng(0), method="percentile", strata=hard)


def _cells(measurements: Sequence[Measurement], arm: str) -> Cells:
    """Number right and number asked of each picture and task."""
    index = {picture: number for number, picture in enumerate(_pictures(measurements))}
    cells = np.zeros((len(index), len(TASKS), 2))
    for row in measurements:
        if row.arm == arm and row.metric in TASKS:
            cells[index[_picture(row)], TASKS.index(row.metric)] += row.value, 1
    return cells


def _pictures(measurements: Sequence[Measurement]) -> list[str]:
    return sorted({_picture(row) for row in measurements})


def _picture(row: Measurement) -> str:
    return row.unit.partition("#")[0]


def _of_type(measurements: Sequence[Measurement], image_type: str) -> list[Measurement]:
    return [row for row in measurements if row.unit.startswith(f"{image_type}-")]


def _accuracy(measurements: Sequence[Measurement], arm: str) -> float:
    right, asked = _cells(measurements, arm).sum((0, 1)) if measurements else (0.0, 0.0)
    return 100 * right / asked if asked else float("nan")


def _discordant(measurements: Sequence[Measurement], first: str, second: str) -> tuple[int, int]:
    """Count questions right only in the first arm, and only in the second."""
    values = {
        arm: {r.unit: r.value for r in measurements if r.arm == arm and r.metric in TASKS} for arm in (first, second)
    }
    pairs = [(value, values[second][unit]) for unit, value in values[first].items() if unit in values[second]]
    return sum(a > b for a, b in pairs), sum(a < b for a, b in pairs)


def _verdict(
    statement: str,
    outcome: Outcome,
    interval: Interval,
    unit: str,
    published: str,
    reason: str,
) -> Verdict:
    method = f"95 % percentile bootstrap over {interval.n} pictures"
    return Verdict(statement, outcome, *interval.ends, unit, published, interval.n, method, reason)
