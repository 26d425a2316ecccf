"""What an evaluation says: means with intervals, and paired differences to the full cache."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from medsuite.core.stats import Interval, bootstrap_mean, wilson_interval
from medsuite.meda_kv.evaluate.evaluation import Record, arm_parts
from medsuite.meda_kv.evaluate.questions import PROTOCOLS, Protocol, Score


@dataclass(frozen=True)
class Cell:
    """One arm under one protocol.

    Attributes:
        value: Mean of the task's measure: Wilson's interval when every answer is right or wrong, else a bootstrap.
        loss: Paired difference to the full cache, a bootstrap over questions.
        nll: Mean negative log-likelihood in nats a token; None where answers are written freely.
        nll_gain: Paired difference of it to the full cache; None there.
    """

    value: Interval
    loss: Interval
    nll: Interval | None
    nll_gain: Interval | None


@dataclass(frozen=True)
class Line:
    """One arm.

    Attributes:
        arm: Its name.
        method: The method.
        requested: Kept share that was asked for.
        measured: Kept share over the questions: mean of both protocols.
        kv_bytes: Mean bytes of keys and values.
        kv_bytes_full: The same of the full cache.
        cells: What was answered under each protocol.
    """

    arm: str
    method: str
    requested: float
    measured: float
    kv_bytes: float
    kv_bytes_full: float
    cells: dict[Protocol, Cell]


def summarise(done: Sequence[Record]) -> list[Line]:
    """Summarise the questions that were asked, one line an arm, the full cache first.

    Args:
        done: The outcomes.
    """
    scores: dict[str, dict[Protocol, dict[str, Score]]] = {}
    for record in done:
        for score in record.scores:
            scores.setdefault(score.arm, {}).setdefault(score.protocol, {})[record.unit] = score
    full = scores.get("full", {})
    return [_line(arm, mine, full) for arm, mine in scores.items()]


def _line(arm: str, mine: dict[Protocol, dict[str, Score]], full: dict[Protocol, dict[str, Score]]) -> Line:
    every = [score for by_unit in mine.values() for score in by_unit.values()]
    name, requested = arm_parts(arm)
    cells = {protocol: _cell(mine[protocol], full[protocol]) for protocol in PROTOCOLS if protocol in mine}
    mean = {
        quantity: float(np.mean([getattr(score, quantity) for score in every]))
        for quantity in ("kept_share", "kv_bytes", "kv_bytes_full")
    }
    return Line(arm, name, requested, mean["kept_share"], mean["kv_bytes"], mean["kv_bytes_full"], cells)


def _cell(mine: dict[str, Score], full: dict[str, Score]) -> Cell:
    units = sorted(mine)
    value, whole = (np.array([by_unit[unit].value for unit in units]) for by_unit in (mine, full))
    nll, nll_full = (np.array([by_unit[unit].nll for unit in units]) for by_unit in (mine, full))
    known = bool(np.isfinite(nll).all())
    return Cell(
        _interval(value),
        _bootstrap(value - whole),
        _bootstrap(nll) if known else None,
        _bootstrap(nll - nll_full) if known else None,
    )


def _interval(values: Float[np.ndarray, " units"]) -> Interval:
    if set(values.tolist()) <= {0.0, 1.0}:
        return wilson_interval(int(values.sum()), len(values))
    return _bootstrap(values)


def _bootstrap(values: Float[np.ndarray, " units"]) -> Interval:
    """A bootstrap of the mean; of a single question there is no interval."""
    if len(values) < 2:
        return Interval(float(values[0]), float("nan"), float("nan"), 0.95, 1, "none, of one question")
    return bootstrap_mean(values, rng=np.random.default_rng(0), method="percentile")


def table(lines: Sequence[Line]) -> str:
    """The summary as text: kept shares asked for and measured, and each protocol's mean with its interval."""
    protocols = [protocol for protocol in PROTOCOLS if any(protocol in line.cells for line in lines)]
    known = any(cell.nll is not None for line in lines for cell in line.cells.values())
    head = f"{'arm':<26}{'asked':>7}{'kept':>7}"
    for protocol in protocols:
        head += f"{'question ' + protocol:>28}" + (f"{'nats/token':>12}" if known else "")
    rows = [head]
    for line in lines:
        row = f"{line.arm:<26}{line.requested:>7.3f}{line.measured:>7.3f}"
        for protocol in protocols:
            row += _text(line.cells[protocol], known)
        rows.append(row)
    return "\n".join(rows)


def _text(cell: Cell, known: bool) -> str:
    value = cell.value
    interval = f"[{value.low:.2f}, {value.high:.2f}]" if np.isfinite(value.low) else ""
    nll = f"{cell.nll.estimate:>12.3f}" if cell.nll is not None else f"{'':>12}" if known else ""
    return f"{value.estimate:>14.3f} {interval:>13}{nll}"
