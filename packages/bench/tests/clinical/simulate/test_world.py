"""The simulated hospital: its rates against their definitions, and what is independent of what."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from medsuite.bench.clinical.simulate.vocabulary import AGE_BANDS, PHENOTYPES, PRINCIPAL_CODES, STAY_DAYS, event_kinds
from medsuite.bench.clinical.simulate.world import (
    AGE_WEIGHT,
    DEATH_INTERCEPT,
    SENSITIVITY,
    Dials,
    EHRWorld,
    comorbidity_prior,
    death_logit,
    phenotype_prior,
    present_at_admission,
)

WORLD = EHRWorld(seed=7)
PATIENTS = WORLD.sample(12_000, seed=3)


def close(found: float, expected: float, n: int) -> bool:
    """Within four standard errors of a proportion."""
    return abs(found - expected) < 4 * np.sqrt(max(expected * (1 - expected), 1e-4) / n)


def test_the_vocabulary_is_that_of_the_reference() -> None:
    kinds = [kind.kind for kind in event_kinds()]
    assert [kinds.count(kind) for kind in ("diagnosis", "procedure", "drug")] == [24, 18, 46]
    assert (len(PHENOTYPES), len(PRINCIPAL_CODES), len(STAY_DAYS)) == (12, 12, 13)


def test_priors_are_distributions() -> None:
    np.testing.assert_allclose(phenotype_prior().sum(axis=1), 1)
    assert AGE_WEIGHT.sum() == pytest.approx(1)
    assert np.all((comorbidity_prior() > 0) & (comorbidity_prior() < 1))


def test_patients_follow_the_priors() -> None:
    for band in range(len(AGE_BANDS)):
        mine = PATIENTS.age_band == band
        assert close(mine.mean(), AGE_WEIGHT[band], len(PATIENTS))
        low, high = AGE_BANDS[band]
        assert np.all((PATIENTS.age[mine] >= low) & (PATIENTS.age[mine] < high))
        shares = [np.mean(PATIENTS.phenotype[mine] == c) for c in range(len(PHENOTYPES))]
        assert all(close(s, p, mine.sum()) for s, p in zip(shares, phenotype_prior()[band], strict=True))


def test_the_share_of_deaths_is_the_mean_of_their_probabilities() -> None:
    logit = death_logit(PATIENTS.age_band, PATIENTS.phenotype, PATIENTS.severity, PATIENTS.comorbidity)
    probability = 1 / (1 + np.exp(-logit))
    for phenotype in range(len(PHENOTYPES)):
        mine = PATIENTS.phenotype == phenotype
        assert close(PATIENTS.death[mine].mean(), probability[mine].mean(), mine.sum())
    assert np.argmax(DEATH_INTERCEPT) == PHENOTYPES.index("sepsis")


def test_the_rates_are_those_of_the_prototype() -> None:
    alive = ~PATIENTS.death
    classes = [
        np.mean(PATIENTS.days <= 7),
        np.mean((PATIENTS.days > 7) & (PATIENTS.days <= 14)),
        np.mean(PATIENTS.days > 14),
    ]
    assert PATIENTS.death.mean() == pytest.approx(0.084, abs=0.012)
    assert classes == pytest.approx([0.821, 0.144, 0.035], abs=0.03)
    assert PATIENTS.readmitted[alive].mean() == pytest.approx(0.094, abs=0.012)


def test_codes_that_are_there_at_admission_come_at_their_rate() -> None:
    mine = PATIENTS.phenotype == PHENOTYPES.index("sepsis")
    expected = present_at_admission(WORLD, PATIENTS.phenotype[mine], PATIENTS.severity[mine]).mean(axis=1)
    found = (PATIENTS.onset[mine] == 0).mean(axis=0)
    assert all(close(f, e, int(mine.sum())) for f, e in zip(found, expected, strict=True))


def test_no_event_comes_after_discharge() -> None:
    last = np.where(np.isfinite(PATIENTS.onset), PATIENTS.onset, 0).max(axis=1)
    assert np.all(last <= PATIENTS.days)


def test_comorbidities_are_coded_with_their_sensitivity() -> None:
    coded = PATIENTS.comorbidity_code > 0
    for which in range(5):
        ill = PATIENTS.comorbidity[:, which]
        assert close(coded[ill, which].mean(), SENSITIVITY[which], int(ill.sum()))


def test_sex_and_noise_codes_mean_nothing() -> None:
    table = [
        [np.sum(PATIENTS.female & PATIENTS.death), np.sum(PATIENTS.female & ~PATIENTS.death)],
        [np.sum(~PATIENTS.female & PATIENTS.death), np.sum(~PATIENTS.female & ~PATIENTS.death)],
    ]
    assert stats.chi2_contingency(table).pvalue > 0.001
    assert close(PATIENTS.noise.mean(), float(WORLD.noise_rates.mean()), PATIENTS.noise.size // 20)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 40))
def test_the_same_seeds_give_the_same_patients(seed: int, patients: int) -> None:
    first, second = (EHRWorld(seed).sample(patients, seed) for _ in range(2))
    for name, values in vars(first).items():
        np.testing.assert_array_equal(values, getattr(second, name))


def test_a_louder_signal_separates_the_severe_more() -> None:
    def spread(world: EHRWorld) -> float:
        shown = np.isfinite(world.sample(3000, 1).onset).sum(axis=1)
        return float(np.corrcoef(shown, world.sample(3000, 1).severity)[0, 1])

    assert spread(EHRWorld(7, Dials(signal=2.0))) > spread(WORLD) > spread(EHRWorld(7, Dials(signal=0.0)))
