"""The exact posterior against its definition, summed without a shortcut, and against the outcomes themselves."""

from functools import lru_cache

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from medsuite.bench.clinical.simulate.posterior import Posterior, SimulatedView, posterior
from medsuite.bench.clinical.simulate.vocabulary import STAY_BORDERS, STAY_DAYS
from medsuite.bench.clinical.simulate.world import (
    SEVERITY_MEAN,
    Dials,
    EHRWorld,
    Patients,
    comorbidity_prior,
    daily_rate,
    death_logit,
    log_stay,
    outcome_rates,
    phenotype_prior,
    present_at_admission,
    readmission_logit,
)
from medsuite.core.stats import auroc

WORLD = EHRWorld(seed=7)
PATIENTS = WORLD.sample(4000, seed=1)
SENSITIVITY, FALSE_RATE = (0.80, 0.78, 0.85, 0.80, 0.75), (0.010, 0.008, 0.015, 0.012, 0.003)


@lru_cache(maxsize=3)
def best(view: SimulatedView) -> Posterior:
    return posterior(WORLD, PATIENTS, view)


def by_definition(number: int, view: SimulatedView) -> tuple[float, list[float], float]:
    """P(death), P(length), P(readmission | alive) of one patient: the joint probability of every state and of what is
    seen, on 401 points of severity, added up."""
    band, severity = PATIENTS.age_band[number : number + 1], np.linspace(-4, 4, 401)
    total = {"death": 0.0, "alive": 0.0, "back": 0.0}
    length = np.zeros(3)
    borders = [0, *STAY_BORDERS, np.inf]
    for phenotype in range(12):
        prior = phenotype_prior()[band[0], phenotype] * stats.norm.pdf(severity, SEVERITY_MEAN[band[0]])
        prior[[0, -1]] /= 2
        prior = prior * (0.95 if PATIENTS.principal[number] // 3 == phenotype else 0.05 / 11)
        here = np.full(401, phenotype)
        present, rate = (f(WORLD, here, severity) for f in (present_at_admission, daily_rate))
        events = [events_by(number, view, present, rate, days) for days in STAY_DAYS]
        for state in range(32):
            ill = np.array([state >> bit & 1 for bit in range(5)], dtype=bool)
            codes = np.where(ill, SENSITIVITY, FALSE_RATE)
            coded = np.where(PATIENTS.comorbidity_code[number] > 0, codes, 1 - codes).prod()
            likely = comorbidity_prior()[band[0], phenotype]
            weight = prior * coded * np.where(ill, likely, 1 - likely).prod()
            dead = expit(death_logit(band, here, severity, ill))
            for death, probability in ((0, 1 - dead), (1, dead)):
                shown = outcome_codes(number, view, death)
                cells = stats.lognorm.cdf(
                    np.array(borders)[:, None], 0.55, scale=np.exp(log_stay(here, severity, ill, np.array([death])))
                )
                for stay, days in enumerate(STAY_DAYS):
                    joint = weight * probability * shown * (cells[stay + 1] - cells[stay]) * events[stay]
                    length[(days > 7) + (days > 14)] += joint.sum()
                    total["death" if death else "alive"] += joint.sum()
                    if not death:
                        total["back"] += (joint * expit(readmission_logit(here, severity, ill, np.array([stay])))).sum()
    everything = total["death"] + total["alive"]
    return total["death"] / everything, (length / everything).tolist(), total["back"] / total["alive"]


def events_by(number: int, view: SimulatedView, present: np.ndarray, rate: np.ndarray, days: int) -> np.ndarray:
    """P(events seen | phenotype, severity, stay)."""
    horizon = 1 if view is SimulatedView.FIRST_DAY else days
    seen = PATIENTS.onset[number] <= (1 if view is SimulatedView.FIRST_DAY else 99)
    by_then = present + (1 - present) * (1 - np.exp(-rate * horizon))
    return np.where(seen[:, None], by_then, 1 - by_then).prod(axis=0)


def outcome_codes(number: int, view: SimulatedView, death: int) -> float:
    if view is not SimulatedView.RETROSPECTIVE:
        return 1.0
    rates = outcome_rates(WORLD)[:, death]
    return float(np.where(PATIENTS.outcome_code[number], rates, 1 - rates).prod())


@pytest.mark.parametrize("view", list(SimulatedView))
@pytest.mark.parametrize("number", [int(np.flatnonzero(PATIENTS.death)[0]), int(np.argmax(PATIENTS.days))])
def test_the_posterior_is_the_joint_probability_added_up(number: int, view: SimulatedView) -> None:
    death, length, back = by_definition(number, view)
    found = best(view)
    assert found.death[number] == pytest.approx(death, rel=1e-4)
    assert found.length[number] == pytest.approx(length, rel=1e-4)
    assert found.readmission[number] == pytest.approx(back, rel=1e-4)


@pytest.mark.parametrize("view", list(SimulatedView))
def test_predicted_probabilities_come_true(view: SimulatedView) -> None:
    found = best(view)
    alive = ~PATIENTS.death
    for predicted, happened in (
        (found.death, PATIENTS.death),
        (found.length[:, 2], PATIENTS.days > 14),
        (found.readmission[alive], PATIENTS.readmitted[alive]),
    ):
        for part in np.array_split(np.argsort(predicted), 6):
            error = np.sqrt((predicted[part] * (1 - predicted[part])).mean() / len(part))
            assert abs(predicted[part].mean() - happened[part].mean()) < 4 * error + 0.002


def test_the_optimum_is_that_of_the_prototype() -> None:
    aurocs = {}
    for view in SimulatedView:
        found = best(view)
        aurocs[view] = auroc(found.death, PATIENTS.death), auroc(found.length[:, 2], PATIENTS.days > 14)
    assert aurocs[SimulatedView.RETROSPECTIVE] == pytest.approx((0.944, 0.985), abs=0.02)
    assert aurocs[SimulatedView.FIRST_DAY] == pytest.approx((0.84, 0.80), abs=0.025)
    assert aurocs[SimulatedView.WITHOUT_OUTCOME_CODES][0] == pytest.approx(0.847, abs=0.025), "the four codes carry it"


def test_nothing_that_is_hidden_is_looked_at() -> None:
    few = PATIENTS.take(np.arange(40))
    rng = np.random.default_rng(0)
    hidden = {
        "death": rng.random(40) < 0.5,
        "readmitted": rng.random(40) < 0.5,
        "stay": rng.integers(0, len(STAY_DAYS), 40),
        "severity": rng.normal(size=40),
        "phenotype": rng.integers(0, 12, 40),
        "comorbidity": rng.random((40, 5)) < 0.5,
        "female": rng.random(40) < 0.5,
        "noise": rng.random(few.noise.shape) < 0.5,
    }
    scrambled = Patients(**{**vars(few), **hidden})
    for view in SimulatedView:
        for real, other in zip(posterior(WORLD, few, view), posterior(WORLD, scrambled, view), strict=True):
            np.testing.assert_array_equal(real, other)


def test_without_outcome_codes_in_the_world_the_view_without_them_loses_nothing() -> None:
    world = EHRWorld(seed=7, dials=Dials(outcome_codes=0.0))
    patients = world.sample(200, seed=1)
    assert not patients.outcome_code.any()
    both = [posterior(world, patients, view).death for view in list(SimulatedView)[:2]]
    np.testing.assert_allclose(*both)
