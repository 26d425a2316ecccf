"""The verdicts, from invented rows whose answer is known."""

from collections.abc import Mapping

import numpy as np
import pytest

from medsuite.bench.clinical.decide import (
    BAYES,
    LANGUAGE,
    OUTCOME,
    PERMUTED,
    VIEW_NAMES,
    Rows,
    adjusted_p,
    arm_auroc,
    chosen_model,
    decide,
    tabulate_scores,
)
from medsuite.core.claims import Measurement
from medsuite.core.stats import auroc

Signals = Mapping[str, float]
FAIR: Signals = {"good": 2.0, "poor": 1.0, LANGUAGE: 0.2, BAYES: 3.0, PERMUTED: 0.0, "constant guess": 0.0}


def rows(signals: Signals = FAIR, views: Mapping[str, Signals] | None = None, patients: int = 60) -> list[Measurement]:
    """Scores of arms whose separation of the dead from the survivors is known, in two seeds."""
    found = []
    for seed in (0, 1):
        death = np.arange(patients) % 2
        found += [Measurement(OUTCOME, seed, f"{seed}-{k}", "death", float(death[k])) for k in range(patients)]
        for number, view in enumerate(VIEW_NAMES):
            for place, (arm, signal) in enumerate({**signals, **(views or {}).get(view, {})}.items()):
                noise = np.random.default_rng((seed, place)).normal(size=patients)
                score = signal * death + noise + 0.1 * number
                found += [Measurement(arm, seed, f"{seed}-{k}", view, float(score[k])) for k in range(patients)]
                found.append(Measurement(arm, seed, "all", f"{view}: validation AUROC", signal))
    return found


def outcomes(measurements: list[Measurement]) -> list[str]:
    return [verdict.outcome for verdict in decide(measurements)]


def test_a_better_model_beats_the_language_model_in_every_view() -> None:
    verdicts = decide(rows())
    assert [verdict.outcome for verdict in verdicts[:3]] == ["supported"] * 3
    assert all(verdict.reason.startswith("good, chosen on validation") for verdict in verdicts[:3])
    assert len({verdict.statement for verdict in verdicts}) == 8


def test_a_better_language_model_refutes_the_claim() -> None:
    assert outcomes(rows({**FAIR, LANGUAGE: 2.9}))[:3] == ["not supported"] * 3


def test_an_equal_language_model_leaves_it_open() -> None:
    verdict = decide(rows({**FAIR, "good": 1.0, LANGUAGE: 1.8}, patients=24))[0]
    assert verdict.low < 0 < verdict.high
    assert verdict.outcome == "inconclusive"


def test_one_model_that_is_level_refutes_that_all_are_ahead() -> None:
    found = outcomes(rows({**FAIR, "hopeless": -0.5}))
    assert found[0] == "supported"
    assert found[3] == "not supported"


def test_a_view_is_judged_by_its_own_rows() -> None:
    found = outcomes(rows(views={"24 h": {LANGUAGE: 2.9}}))
    assert found[:3] == ["supported", "supported", "not supported"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"good": 3.0, BAYES: 0.5}, "beats the optimum"),
        ({PERMUTED: 3.0}, "learned from permuted labels"),
    ],
)
def test_what_cannot_be_makes_the_view_void(change: Signals, reason: str) -> None:
    verdict = decide(rows({**FAIR, **change}))[0]
    assert verdict.outcome == "void"
    assert reason in verdict.reason


def test_missing_answers_and_ties_make_the_view_void() -> None:
    measurements = rows()
    silent = [
        Measurement(row.arm, row.seed, row.unit, row.metric, np.nan)
        if row.arm == LANGUAGE and row.metric in VIEW_NAMES and row.unit.endswith(("1", "2"))
        else row
        for row in measurements
    ]
    assert decide(silent)[0].reason.startswith("the language model answered")
    rounded = [
        Measurement(row.arm, row.seed, row.unit, row.metric, round(row.value)) if row.arm == LANGUAGE else row
        for row in measurements
    ]
    assert "distinct scores" in decide(rounded)[0].reason


def test_a_few_missing_answers_count_without_a_look_at_the_outcome() -> None:
    measurements = [
        Measurement(row.arm, row.seed, row.unit, row.metric, np.nan)
        if (row.arm, row.unit, row.metric) == (LANGUAGE, "0-3", "24 h")
        else row
        for row in rows()
    ]
    table = tabulate_scores(Rows(measurements), [(LANGUAGE, "24 h")])
    others = [row.value for row in measurements if (row.arm, row.seed, row.metric) == (LANGUAGE, 0, "24 h")]
    units = sorted(f"{row.seed} {row.unit}" for row in measurements if row.metric == "death")
    assert table.scores[0][units.index("0 0-3")] == pytest.approx(np.nanmean(others))


def test_the_auroc_is_that_of_each_seed_averaged() -> None:
    measurements = rows()
    expected = []
    for seed in (0, 1):
        scores = {
            row.unit: row.value for row in measurements if (row.arm, row.metric, row.seed) == ("good", "24 h", seed)
        }
        death = {row.unit: row.value for row in measurements if row.metric == "death" and row.seed == seed}
        mine = [unit for unit in death if unit in scores]
        expected.append(auroc(np.array([scores[u] for u in mine]), np.array([death[u] for u in mine])))
    assert arm_auroc(Rows(measurements), "good", "24 h").estimate == pytest.approx(np.mean(expected))


def test_holm_multiplies_the_smallest_p_by_the_number_of_models() -> None:
    alone = {arm: adjusted_p(Rows(rows({arm: FAIR[arm], LANGUAGE: FAIR[LANGUAGE]})), "24 h")[arm] for arm in ("good",)}
    both = adjusted_p(Rows(rows({"good": FAIR["good"], LANGUAGE: FAIR[LANGUAGE], "poor": 0.2})), "24 h")
    assert both["good"] == pytest.approx(2 * alone["good"])


def test_the_model_is_chosen_on_validation_and_not_on_the_test_patients() -> None:
    measurements = rows()
    for place, row in enumerate(measurements):
        if row.arm == "poor" and row.metric.endswith("validation AUROC"):
            measurements[place] = Measurement(row.arm, row.seed, row.unit, row.metric, 9.0)
    assert chosen_model(Rows(measurements), "24 h") == "poor"


def test_foreknowledge_is_the_gap_between_the_views() -> None:
    leaking = outcomes(rows(views={"no outcome codes": {"good": 1.0}, "24 h": {"good": 0.9}}))
    assert leaking[6:] == ["supported", "supported"]
    honest = outcomes(rows())
    assert honest[6:] == ["not supported", "void"]
    elsewhere = outcomes(rows(views={"24 h": {"good": 0.6}}))
    assert elsewhere[6:] == ["supported", "not supported"]
