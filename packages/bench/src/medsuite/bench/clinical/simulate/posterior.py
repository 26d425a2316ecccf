"""The best possible predictor of a simulated hospital: the exact posterior of each outcome given what a view shows.

Given phenotype `c`, severity `s` and stay `t`, all events are independent; given the comorbidities `h` so are their
codes; given death `d` so are the outcome codes. With severity on a grid of 33 points::

    P(d, t, r | codes) ~ sum over c, s, h of
        P(c|a) P(s|a) P(principal|c) P(events|c,s,t) P(h|a,c) P(codes|h)
        P(d|a,c,s,h) P(t|c,s,h,d) P(r|c,s,h,t) P(outcome codes|d)

so that the sum over states is two matrix products. The age band `a` is observed; sex and noise codes mean nothing.
"""

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from medsuite.bench.clinical.simulate.vocabulary import AGE_BANDS, COMORBIDITIES, PHENOTYPES, STAY_DAYS
from medsuite.bench.clinical.simulate.world import (
    FALSE_RATE,
    PRINCIPAL_CORRECT,
    SENSITIVITY,
    SEVERITY_LIMIT,
    SEVERITY_MEAN,
    STAY_SPREAD,
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
    sigmoid,
    stay_borders,
)

GRID = np.linspace(-SEVERITY_LIMIT, SEVERITY_LIMIT, 33)
"""Points of the severity for the trapezoidal rule; 401 of them change probabilities by less than 1e-4."""
STATES = np.array([[bool(state >> bit & 1) for bit in range(len(COMORBIDITIES))] for state in range(32)])
"""All combinations of comorbidities."""
DEAD, HOME, BACK = range(3)
LENGTH_CLASS = np.digitize(STAY_DAYS, [7.5, 14.5])
CHUNK = 256


class SimulatedView(StrEnum):
    """What the predictor sees of a simulated stay."""

    RETROSPECTIVE = "retrospective"
    """All codes of the whole stay."""
    WITHOUT_OUTCOME_CODES = "retrospective without outcome codes"
    """All codes of the whole stay but the four that exist because of the outcome."""
    FIRST_DAY = "24 h"
    """Events of the first 24 hours, no outcome codes."""


class Posterior(NamedTuple):
    """Probabilities of each patient's outcomes.

    Attributes:
        death: P(death in hospital).
        length: P(stay of at most 7, 8 to 14, more than 14 days).
        readmission: P(readmission, given that the patient leaves alive).
    """

    death: Float[np.ndarray, " patient"]
    length: Float[np.ndarray, "patient 3"]
    readmission: Float[np.ndarray, " patient"]


def posterior(world: EHRWorld, patients: Patients, view: SimulatedView) -> Posterior:
    """Compute the exact posterior of the outcomes given age and what a view shows.

    Costs about a million floating-point operations a patient; memory is bounded by chunks of 256 patients.

    Args:
        world: The hospital that drew the patients.
        patients: Whose outcomes are predicted; their latent state and outcomes are not looked at.
        view: What is seen.
    """
    first_day = view is SimulatedView.FIRST_DAY
    seen = patients.onset <= 1.0 if first_day else np.isfinite(patients.onset)
    log_odds, log_none = _event_likelihood(world, first_day)
    coded = _outcome_code_likelihood(world, patients.outcome_code, used=view is SimulatedView.RETROSPECTIVE)
    joint = np.zeros((len(patients), 3, 3))
    for band in range(len(AGE_BANDS)):
        transition = _outcome_table(band, first_day)
        members = np.flatnonzero(patients.age_band == band)
        for start in range(0, len(members), CHUNK):
            chosen = members[start : start + CHUNK]
            events = (seen[chosen] @ log_odds.reshape(len(log_odds), -1)).reshape(len(chosen), *log_odds.shape[1:])
            log_state = events + log_none + _log_prior(band, patients.principal[chosen])[..., None]
            log_state -= log_state.max(axis=(1, 2, 3), keepdims=True)
            states = _comorbidity_states(world, band, patients.comorbidity_code[chosen])
            joint[chosen] = _sum_states(np.exp(log_state), states, transition)
    joint *= coded[:, :, None]
    joint /= joint.sum(axis=(1, 2), keepdims=True)
    outcome = joint.sum(axis=2)
    return Posterior(outcome[:, DEAD], joint.sum(axis=1), outcome[:, BACK] / (1 - outcome[:, DEAD]))


def _event_likelihood(
    world: EHRWorld, first_day: bool
) -> tuple[Float[np.ndarray, "event phenotype severity stay"], Float[np.ndarray, "phenotype severity stay"]]:
    """Log-odds of each event, and the log-probability of none, by the end of the view; one stay for the first day."""
    phenotype, severity = np.arange(len(PHENOTYPES))[:, None], GRID[None]
    absent = 1 - present_at_admission(world, phenotype, severity)[..., None]
    horizon = np.ones(1) if first_day else np.array(STAY_DAYS, dtype=float)
    log_absent = np.log(absent) - daily_rate(world, phenotype, severity)[..., None] * horizon
    return np.log(-np.expm1(log_absent)) - log_absent, log_absent.sum(axis=0)


def _log_prior(band: int, principal: Int[np.ndarray, " patient"]) -> Float[np.ndarray, "patient phenotype severity"]:
    """Log P(c, s, principal diagnosis | age), up to a constant."""
    severity = -0.5 * (GRID - SEVERITY_MEAN[band]) ** 2
    severity[[0, -1]] += np.log(0.5)
    same = principal[:, None] // 3 == np.arange(len(PHENOTYPES))
    coded = np.where(same, PRINCIPAL_CORRECT, (1 - PRINCIPAL_CORRECT) / (len(PHENOTYPES) - 1))
    return (np.log(phenotype_prior()[band]) + np.log(coded))[:, :, None] + severity


def _comorbidity_states(
    world: EHRWorld, band: int, codes: Int[np.ndarray, "patient 5"]
) -> Float[np.ndarray, "phenotype patient state"]:
    """P(h | age, phenotype) P(comorbidity codes | h) of all 32 states, up to a constant."""
    rate = comorbidity_prior()[band][:, None, :]
    prior = np.where(STATES, rate, 1 - rate).prod(axis=-1)
    probability = np.where(STATES, SENSITIVITY * world.dials.sensitivity, FALSE_RATE)
    likelihood = np.where(codes[:, None, :] > 0, probability, 1 - probability).prod(axis=-1)
    return prior[:, None, :] * likelihood


def _outcome_table(band: int, first_day: bool) -> Float[np.ndarray, "phenotype state outcome severity stay"]:
    """P(outcome, stay | age, phenotype, comorbidities, severity); for the first day by class of stay."""
    from scipy.special import ndtr

    phenotype = np.arange(len(PHENOTYPES))[:, None, None]
    state, severity = STATES[None, :, None, :], GRID[None, None]
    death = sigmoid(death_logit(np.array(band), phenotype, severity, state))
    table = np.empty((len(PHENOTYPES), len(STATES), 3, len(GRID), len(STAY_DAYS)))
    for outcome, dead in ((DEAD, 1.0), (HOME, 0.0)):
        mean = log_stay(phenotype, severity, state, np.array(dead))[..., None]
        stay = np.diff(ndtr((stay_borders() - mean) / STAY_SPREAD), axis=-1)
        table[:, :, outcome] = (death if dead else 1 - death)[..., None] * stay
    cell = np.arange(len(STAY_DAYS))
    back = sigmoid(readmission_logit(phenotype[..., None], severity[..., None], state[..., None, :], cell))
    table[:, :, BACK] = table[:, :, HOME] * back
    table[:, :, HOME] -= table[:, :, BACK]
    if first_day:
        return np.stack([table[..., k == LENGTH_CLASS].sum(axis=-1) for k in range(3)], axis=-1)
    return table


def _sum_states(
    state: Float[np.ndarray, "patient phenotype severity seen_stay"],
    comorbidity: Float[np.ndarray, "phenotype patient combination"],
    table: Float[np.ndarray, "phenotype combination outcome severity stay"],
) -> Float[np.ndarray, "patient outcome length"]:
    """Sum over phenotype, comorbidities and severity, and over stays within each class."""
    phenotypes, combinations, outcomes, severities, stays = table.shape
    total = np.zeros((len(state), outcomes, stays))
    for c in range(phenotypes):
        given = comorbidity[c] @ table[c].reshape(combinations, -1)
        given = given.reshape(-1, outcomes, severities, stays)
        total += (given * state[:, c, None]).sum(axis=2)
    if stays == 3:
        return total
    return np.stack([total[..., k == LENGTH_CLASS].sum(axis=-1) for k in range(3)], axis=-1)


def _outcome_code_likelihood(
    world: EHRWorld, codes: Bool[np.ndarray, "patient 4"], used: bool
) -> Float[np.ndarray, "patient outcome"]:
    """P(outcome codes | outcome); 1 where the view does not show them."""
    if not used:
        return np.ones((len(codes), 3))
    rates = outcome_rates(world)
    given = np.where(codes[:, :, None], rates, 1 - rates).prod(axis=1)
    return given[:, [1, 0, 0]]
