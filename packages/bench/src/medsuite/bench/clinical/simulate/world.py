"""The simulated hospital: what makes a patient ill, what is written down, and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from medsuite.bench.clinical.simulate.vocabulary import (
    AGE_BANDS,
    COMORBIDITIES,
    PHENOTYPES,
    STAY_BORDERS,
    STAY_DAYS,
    event_kinds,
)
from medsuite.core.errors import InputError

SEVERITY_LIMIT = 4.0
"""Severity is a normal variable cut at plus and minus this."""
PRINCIPAL_CORRECT = 0.95
"""Probability that the principal diagnosis is one of the patient's phenotype."""


@dataclass(frozen=True)
class Dials:
    """What can be turned without touching the rest of a world.

    Attributes:
        signal: Scale of the dependence of all codes on severity.
        noise_codes: Number of diagnosis codes that mean nothing.
        outcome_codes: Scale of the rates of the four outcome codes; 0 means that no outcome leaks into codes.
        sensitivity: Scale of the probability that a comorbidity is coded.
    """

    signal: float = 1.0
    noise_codes: int = 300
    outcome_codes: float = 1.0
    sensitivity: float = 1.0


@dataclass(frozen=True)
class Patients:
    """Latent state, outcomes and codes of `n` first stays.

    Attributes:
        age_band: Position in `AGE_BANDS`.
        age: Years.
        female: Sex, which means nothing in this world.
        phenotype: Position in `PHENOTYPES`.
        severity: Latent severity.
        comorbidity: Which comorbidities a patient has.
        death: Died in hospital.
        stay: Position in `STAY_DAYS`.
        readmitted: Came back within two weeks of discharge; False for the dead.
        principal: Principal diagnosis: 3 times a phenotype plus 0, 1 or 2.
        comorbidity_code: 0 where not coded, else 1 or 2 for the code.
        onset: Days from admission to each event of `event_kinds()`; infinite where it did not come during the stay.
        outcome_code: Which of `OUTCOME_CODES` were assigned.
        noise: Which noise codes were assigned.
    """

    age_band: Int[np.ndarray, " patient"]
    age: Int[np.ndarray, " patient"]
    female: Bool[np.ndarray, " patient"]
    phenotype: Int[np.ndarray, " patient"]
    severity: Float[np.ndarray, " patient"]
    comorbidity: Bool[np.ndarray, "patient 5"]
    death: Bool[np.ndarray, " patient"]
    stay: Int[np.ndarray, " patient"]
    readmitted: Bool[np.ndarray, " patient"]
    principal: Int[np.ndarray, " patient"]
    comorbidity_code: Int[np.ndarray, "patient 5"]
    onset: Float[np.ndarray, "patient event"]
    outcome_code: Bool[np.ndarray, "patient 4"]
    noise: Bool[np.ndarray, "patient noise"]

    def __len__(self) -> int:
        return len(self.age)

    @property
    def days(self) -> Int[np.ndarray, " patient"]:
        """Length of stay in whole days."""
        return np.array(STAY_DAYS)[self.stay]

    def take(self, chosen: Shaped[np.ndarray, " chosen"]) -> "Patients":
        """Return some of the patients, by position or by a mask."""
        return Patients(**{name: values[chosen] for name, values in vars(self).items()})


@dataclass(frozen=True)
class EHRWorld:
    """A hospital: every probability of it, drawn from a seed once.

    All rates are chosen, none is estimated from patients.

    Attributes:
        seed: Decides the event rates.
        dials: What was turned.
        rates: Arrays of the events: `intercept`, `slope`, `log_rate` `[event]` and `affinity` `[event phenotype]`.
        noise_rates: Probability of each noise code.
    """

    seed: int = 7
    dials: Dials = Dials()
    rates: Mapping[str, Float[np.ndarray, "..."]] = field(init=False, repr=False, compare=False)
    noise_rates: Float[np.ndarray, " noise"] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng((self.seed, 0))
        object.__setattr__(self, "rates", _event_rates(rng, self.dials.signal))
        noise = np.exp(rng.uniform(np.log(0.001), np.log(0.08), self.dials.noise_codes))
        object.__setattr__(self, "noise_rates", noise)

    def sample(self, patients: int, seed: int) -> Patients:
        """Draw patients; about 40 microseconds each.

        Args:
            patients: How many.
            seed: Decides them, given the world.

        Raises:
            InputError: Fewer than one patient is asked for.
        """
        if patients < 1:
            raise InputError(f"{patients} patients", expected="at least 1")
        from medsuite.bench.clinical.simulate.sampling import sample_patients

        return sample_patients(self, patients, np.random.default_rng((self.seed, 1, seed)))


def _event_rates(rng: np.random.Generator, signal: float) -> dict[str, Float[np.ndarray, "..."]]:
    """Draw how often, how early and for whom each event comes."""
    kinds = event_kinds()
    group = np.array([("diagnosis", "procedure", "drug").index(kind.kind) for kind in kinds])
    grade = np.array([kind.grade for kind in kinds], dtype=float)
    normal = rng.normal(size=(3, len(kinds)))
    affinity = rng.normal(0, 0.5, (len(kinds), len(PHENOTYPES)))
    for number, kind in enumerate(kinds):
        affinity[number, list(kind.homes)] += 1.6
    return {
        "intercept": np.array([-4.1, -3.9, -1.9])[group] + np.array([0.5, 0.6, 0.9])[group] * normal[0],
        "slope": signal * (0.1 + 0.34 * grade + 0.1 * normal[1]),
        "log_rate": np.array([-4.6, -4.4, -3.7])[group] + 0.5 * normal[2],
        "affinity": affinity,
    }


PHENOTYPE_WEIGHT = np.array([0.13, 0.09, 0.11, 0.12, 0.07, 0.07, 0.06, 0.06, 0.07, 0.05, 0.08, 0.09])
PHENOTYPE_AGE = np.array([0.2, 0.3, 0.7, 0.4, 0.5, 0.2, 1.0, 0.3, 0.3, -1.0, -0.8, 0.2])
AGE_WEIGHT = np.array([0.08, 0.14, 0.24, 0.20, 0.19, 0.15])
SEVERITY_MEAN = np.array([-0.35, -0.2, 0.0, 0.1, 0.25, 0.45])
DEATH_INTERCEPT = np.array([-2.8, -4.1, -4.0, -3.8, -3.4, -4.5, -4.7, -3.4, -3.9, -5.4, -4.4, -6.7])
DEATH_AGE = np.array([-0.8, -0.5, -0.1, 0.1, 0.35, 0.8])
DEATH_COMORBIDITY = np.array([0.7, 0.6, 0.15, 0.45, 1.5])
STAY_MEDIAN = np.array([5.8, 3.5, 4.5, 4.3, 4.7, 3.4, 4.9, 4.7, 4.3, 3.0, 4.1, 2.7])
STAY_COMORBIDITY = np.array([0.15, 0.12, 0.05, 0.08, 0.2])
STAY_SPREAD = 0.55
READMISSION_PHENOTYPE = np.array([0.2, 0.1, 0.4, 0.3, -0.1, 0.0, -0.1, 0.4, 0.2, 0.1, -0.3, -0.6])
READMISSION_COMORBIDITY = np.array([0.35, 0.3, 0.15, 0.25, 0.5])
SENSITIVITY = np.array([0.80, 0.78, 0.85, 0.80, 0.75])
FALSE_RATE = np.array([0.010, 0.008, 0.015, 0.012, 0.003])
OUTCOME_RATES = np.array([[0.025, 0.42], [0.012, 0.38], [0.004, 0.22], [0.0002, 0.03]])
"""Probability of each outcome code for survivors and for the dead."""


def sigmoid(logit: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Return `1 / (1 + exp(-logit))`."""
    return 1 / (1 + np.exp(-logit))


def phenotype_prior() -> Float[np.ndarray, "age phenotype"]:
    """Return P(phenotype | age band)."""
    place = (np.arange(len(AGE_BANDS)) - 2.5) / 2.5
    weights = PHENOTYPE_WEIGHT * np.exp(place[:, None] * PHENOTYPE_AGE)
    return weights / weights.sum(1, keepdims=True)


def comorbidity_prior() -> Float[np.ndarray, "age phenotype comorbidity"]:
    """Return P(comorbidity | age band, phenotype)."""
    place = np.arange(len(AGE_BANDS)) - 2.5
    extra = np.zeros((len(PHENOTYPES), len(COMORBIDITIES)))
    for phenotype, comorbidity, effect in (
        ("heart_failure", "heart failure", 3.0),
        ("infarction", "heart failure", 0.6),
        ("kidney_injury", "kidney disease", 1.2),
        ("ketoacidosis", "diabetes", 6.0),
        ("pneumonia", "lung disease", 2.2),
        ("cancer", "metastases", 2.5),
    ):
        extra[PHENOTYPES.index(phenotype), COMORBIDITIES.index(comorbidity)] = effect
    base = np.array([-2.2, -1.9, -1.3, -1.9, -3.5])
    slope = np.array([0.3, 0.35, 0.2, 0.25, 0.15])
    return sigmoid(base + place[:, None, None] * slope + extra)


def death_logit(
    age_band: Shaped[np.ndarray, "..."],
    phenotype: Shaped[np.ndarray, "..."],
    severity: Shaped[np.ndarray, "..."],
    comorbidity: Shaped[np.ndarray, "... 5"],
) -> Float[np.ndarray, "..."]:
    """Log-odds of death: phenotype + 1.35 severity + age + comorbidities. Arguments broadcast."""
    return DEATH_INTERCEPT[phenotype] + 1.35 * severity + DEATH_AGE[age_band] + comorbidity @ DEATH_COMORBIDITY


def log_stay(
    phenotype: Shaped[np.ndarray, "..."],
    severity: Shaped[np.ndarray, "..."],
    comorbidity: Shaped[np.ndarray, "... 5"],
    death: Shaped[np.ndarray, "..."],
) -> Float[np.ndarray, "..."]:
    """Mean of the logarithm of the stay in days; its spread is `STAY_SPREAD`. Arguments broadcast."""
    return np.log(STAY_MEDIAN)[phenotype] + 0.33 * severity + comorbidity @ STAY_COMORBIDITY - 0.25 * death


def readmission_logit(
    phenotype: Shaped[np.ndarray, "..."],
    severity: Shaped[np.ndarray, "..."],
    comorbidity: Shaped[np.ndarray, "... 5"],
    stay: Shaped[np.ndarray, "..."],
) -> Float[np.ndarray, "..."]:
    """Log-odds of coming back, for who leaves alive; `stay` is a position in `STAY_DAYS`. Arguments broadcast."""
    long_stay = np.array(STAY_DAYS)[stay] > 7
    return (-2.7 + 0.45 * severity + comorbidity @ READMISSION_COMORBIDITY + 0.35 * long_stay) + READMISSION_PHENOTYPE[
        phenotype
    ]


def present_at_admission(
    world: EHRWorld, phenotype: Shaped[np.ndarray, "..."], severity: Shaped[np.ndarray, "..."]
) -> Float[np.ndarray, "event ..."]:
    """Probability that each event is there at admission."""
    rates = world.rates
    shape = (-1,) + (1,) * np.broadcast(phenotype, severity).ndim
    intercept, slope = rates["intercept"].reshape(shape), rates["slope"].reshape(shape)
    return sigmoid(intercept + slope * severity + rates["affinity"][:, phenotype])


def daily_rate(
    world: EHRWorld, phenotype: Shaped[np.ndarray, "..."], severity: Shaped[np.ndarray, "..."]
) -> Float[np.ndarray, "event ..."]:
    """Rate a day at which each event comes later, if it was not there at admission."""
    rates = world.rates
    shape = (-1,) + (1,) * np.broadcast(phenotype, severity).ndim
    log_rate, slope = rates["log_rate"].reshape(shape), rates["slope"].reshape(shape)
    return np.exp(log_rate + 0.45 * slope * severity + 0.4 * rates["affinity"][:, phenotype])


def outcome_rates(world: EHRWorld) -> Float[np.ndarray, "code 2"]:
    """Probability of each outcome code for survivors and for the dead."""
    return OUTCOME_RATES * world.dials.outcome_codes


def stay_borders() -> Float[np.ndarray, " border"]:
    """Borders of the cells of `STAY_DAYS` on the logarithmic axis, with both ends."""
    return np.concatenate([[-np.inf], np.log(STAY_BORDERS), [np.inf]])
