"""Drawing patients from a simulated hospital."""

import numpy as np
from jaxtyping import Bool, Float, Int

from medsuite.bench.clinical.simulate.vocabulary import AGE_BANDS, PHENOTYPES
from medsuite.bench.clinical.simulate.world import (
    AGE_WEIGHT,
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


def sample_patients(world: EHRWorld, n: int, rng: np.random.Generator) -> Patients:
    """Draw the latent state, then the outcomes, then what is coded."""
    age_band = rng.choice(len(AGE_BANDS), n, p=AGE_WEIGHT)
    lower, upper = np.array(AGE_BANDS).T
    phenotype = _choose(phenotype_prior()[age_band], rng)
    severity = _cut_normal(SEVERITY_MEAN[age_band], rng)
    comorbidity = rng.random((n, 5)) < comorbidity_prior()[age_band, phenotype]
    death = rng.random(n) < sigmoid(death_logit(age_band, phenotype, severity, comorbidity))
    stay_days = log_stay(phenotype, severity, comorbidity, death) + STAY_SPREAD * rng.normal(size=n)
    stay = np.searchsorted(stay_borders()[1:-1], stay_days)
    back = rng.random(n) < sigmoid(readmission_logit(phenotype, severity, comorbidity, stay))
    patients = {
        "age_band": age_band,
        "age": rng.integers(lower[age_band], upper[age_band]),
        "female": rng.random(n) < 0.5,
        "phenotype": phenotype,
        "severity": severity,
        "comorbidity": comorbidity,
        "death": death,
        "stay": stay,
        "readmitted": back & ~death,
        "principal": _principal(phenotype, rng),
        "comorbidity_code": _comorbidity_codes(world, comorbidity, rng),
        "outcome_code": rng.random((n, 4)) < outcome_rates(world).T[death.astype(int)],
        "noise": rng.random((n, len(world.noise_rates))) < world.noise_rates,
    }
    onset = _onsets(world, phenotype, severity, rng)
    partial = Patients(onset=onset, **patients)
    onset[onset > partial.days[:, None]] = np.inf
    return partial


def _choose(
    probabilities: Float[np.ndarray, "patient choice"], rng: np.random.Generator
) -> Int[np.ndarray, " patient"]:
    cumulated = np.cumsum(probabilities, axis=1)
    return (rng.random((len(cumulated), 1)) > cumulated[:, :-1]).sum(axis=1)


def _cut_normal(mean: Float[np.ndarray, " patient"], rng: np.random.Generator) -> Float[np.ndarray, " patient"]:
    """Draw normal variables of spread 1 within the limits by drawing again those outside."""
    values = rng.normal(mean)
    while (outside := np.abs(values) > SEVERITY_LIMIT).any():
        values[outside] = rng.normal(mean[outside])
    return values


def _principal(phenotype: Int[np.ndarray, " patient"], rng: np.random.Generator) -> Int[np.ndarray, " patient"]:
    """Choose one of three codes of the phenotype, or now and then of another one."""
    other = (phenotype + rng.integers(1, len(PHENOTYPES), len(phenotype))) % len(PHENOTYPES)
    coded = np.where(rng.random(len(phenotype)) < PRINCIPAL_CORRECT, phenotype, other)
    return 3 * coded + rng.integers(0, 3, len(phenotype))


def _comorbidity_codes(
    world: EHRWorld, comorbidity: Bool[np.ndarray, "patient 5"], rng: np.random.Generator
) -> Int[np.ndarray, "patient 5"]:
    probability = np.where(comorbidity, SENSITIVITY * world.dials.sensitivity, FALSE_RATE)
    coded = rng.random(comorbidity.shape) < probability
    return np.where(coded, rng.integers(1, 3, comorbidity.shape), 0)


def _onsets(
    world: EHRWorld,
    phenotype: Int[np.ndarray, " patient"],
    severity: Float[np.ndarray, " patient"],
    rng: np.random.Generator,
) -> Float[np.ndarray, "patient event"]:
    present = present_at_admission(world, phenotype, severity).T
    later = rng.exponential(size=present.shape) / daily_rate(world, phenotype, severity).T
    return np.where(rng.random(present.shape) < present, 0.0, later)
