"""The verdicts, from invented rows whose answer is known."""

from collections.abc import Callable

import numpy as np
import pytest

from medsuite.bench.claims import CLAIMS
from medsuite.bench.finance.claims import FINANCE, draw, make_jobs
from medsuite.bench.finance.decide import TASKS, decide
from medsuite.bench.finance.schema import ImageType
from medsuite.core.claims import Measurement, Verdict

Rate = Callable[[str, str], float]
LEVELS = ("medium", "heavy")
ARMS = (
    "screen",
    "square",
    *(f"{level}{suffix}" for level in LEVELS for suffix in ("", ", rectified", ", true corners")),
)


def rows(rate: Rate, pictures: int = 5) -> list[Measurement]:
    """Answer the questions of some pictures right with a probability that depends on arm and picture type."""
    found = []
    for kind in ImageType:
        for number in range(pictures):
            draws = np.random.default_rng((list(ImageType).index(kind), number)).random(len(TASKS))
            found += [
                Measurement(arm, 0, f"{kind}-0-{number}#{task}", task, float(value < rate(arm, kind)))
                for arm in ARMS
                for task, value in zip(TASKS, draws, strict=True)
            ]
    return found


def outcomes(measurements: list[Measurement]) -> dict[str, str]:
    names = ("medium", "heavy", "medium rectified", "heavy rectified", "type on screen", "type medium", "type heavy")
    return {name: verdict.outcome for name, verdict in zip(names, decide(measurements), strict=True)}


def photograph_costs(arm: str, kind: str) -> float:
    return {"screen": 0.95, "square": 0.95}.get(arm, 0.85 if "rectified" in arm or "true" in arm else 0.6)


def test_a_loss_that_rectification_mends_supports_both() -> None:
    found = outcomes(rows(photograph_costs))
    assert found["medium"] == found["heavy"] == "supported"
    assert found["medium rectified"] == "supported"


def test_photographs_that_cost_nothing_are_not_harder() -> None:
    found = outcomes(rows(lambda arm, kind: 0.9))
    assert found["medium"] == "not supported"
    assert found["medium rectified"] == "void"
    assert found["type on screen"] in ("not supported", "inconclusive")


def test_a_perfect_score_everywhere_has_no_hardest_type() -> None:
    assert outcomes(rows(lambda arm, kind: 1.0))["type on screen"] == "not supported"


def test_harder_candlesticks_are_found() -> None:
    hard = (ImageType.CANDLESTICK, ImageType.INDICATOR)
    assert outcomes(rows(lambda arm, kind: 0.5 if kind in hard else 0.95))["type on screen"] == "supported"


def test_all_is_void_where_the_baseline_does_not_read_screens() -> None:
    assert set(outcomes(rows(lambda arm, kind: 0.3)).values()) == {"void"}
    assert set(outcomes(rows(photograph_costs, pictures=1)).values()) == {"void"}


def test_a_photographs_verdict_is_void_where_the_optics_alone_cost_as_much() -> None:
    found = outcomes(rows(lambda arm, kind: 0.95 if arm == "screen" else 0.6))
    assert found["medium"] == "void"


def test_rectification_that_mends_half_is_measured_as_half() -> None:
    half: Rate = lambda arm, kind: {"screen": 1.0, "square": 1.0}.get(arm, 0.75 if "," in arm else 0.5)  # noqa: E731
    verdict: Verdict = decide(rows(half, pictures=30))[2]
    assert verdict.estimate == pytest.approx(50, abs=8)
    assert verdict.low < 50 < verdict.high


def test_the_claim_is_registered_with_one_job_a_seed_and_type() -> None:
    assert FINANCE in CLAIMS
    assert len(make_jobs(FINANCE.settings("laptop"))) == 3 * len(ImageType)
    assert len(draw(rows(photograph_costs))) == 1


def test_every_estimate_is_that_of_a_plain_count() -> None:
    rng = np.random.default_rng(4)
    spread = {(arm, kind): rng.uniform(-0.15, 0.15) for arm in ARMS for kind in ImageType}
    found = rows(lambda arm, kind: photograph_costs(arm, kind) + spread[arm, kind], pictures=6)
    # Some tasks are not asked about some pictures, so that the mix of tasks differs between types.
    found = [row for row in found if not (row.metric == "ANC" and row.unit.startswith(("table", "mixed-0-1")))]
    verdicts = {verdict.statement: verdict for verdict in decide(found)}

    def right(arm: str, task: str | None = None, hard: bool | None = None) -> list[float]:
        return [
            row.value
            for row in found
            if row.arm == arm
            and task in (None, row.metric)
            and hard in (None, row.unit.startswith((ImageType.CANDLESTICK, ImageType.INDICATOR)))
        ]

    screen, medium, mended = (sum(right(arm)) for arm in ("screen", "medium", "medium, rectified"))
    asked = len(right("screen"))
    harder = verdicts["A medium photograph is harder than the screen, same picture and question"]
    assert harder.estimate == pytest.approx(100 * (screen - medium) / asked)
    optics = 100 * (screen - sum(right("square"))) / asked
    assert harder.controls == f"square to the screen, without glare {optics:.1f}"
    back = verdicts["Rectifying a medium photograph wins part of the loss back"]
    assert back.estimate == pytest.approx(100 * (mended - medium) / (screen - medium))
    for arm, where in (("screen", "on screens"), ("heavy", "in heavy photographs")):
        gaps = {task: np.mean(right(arm, task, True)) - np.mean(right(arm, task, False)) for task in TASKS}
        expected = np.average(list(gaps.values()), weights=[len(right(arm, task)) for task in gaps])
        verdict = verdicts[f"Candlestick and indicator charts are the hardest pictures {where}, task for task"]
        assert verdict.estimate == pytest.approx(100 * expected)
