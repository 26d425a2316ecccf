"""The dipole and the rhythm against their definition, one record, one beat and one instant after another."""

import math

import numpy as np
import pytest

from medsuite.ecg_align.simulate.findings import COLUMN, FINDINGS, WALLS, finding
from medsuite.ecg_align.simulate.heart import dipole
from medsuite.ecg_align.simulate.rhythm import beats
from medsuite.ecg_align.simulate.state import State, draw_state

SECONDS = 5.0


def unit(*components: float) -> np.ndarray:
    return np.array(components) / math.sqrt(sum(value * value for value in components))


def bell(seconds: float, centre: float, width: float) -> float:
    return math.exp(-((seconds - centre) ** 2) / (2 * width**2))


def logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value > -700 else 0.0


def present_findings(state: State, record: int) -> dict[str, float]:
    """Findings of a record with their sizes."""
    return {
        entry.name: float(state.size[record, column])
        for column, entry in enumerate(FINDINGS)
        if state.present[record, column]
    }


def slow_waves(there: dict[str, float], interval: float) -> tuple[dict[str, np.ndarray], float, float]:
    """Directions of the waves in mV, the factor of the QRS width, and the QT interval."""
    main = 1.25 * unit(0.75, 0.6, 0.35)
    if "LAFB" in there:
        length = math.hypot(main[0], main[1])
        main = np.array([length * math.cos(math.radians(-60)), length * math.sin(math.radians(-60)), main[2]])
    if "LVH" in there:
        main = 1.75 * main + np.array([0, 0, 0.5])
    sign = -1 if "LBBB" in there else 1
    t_wave = sign * 0.38 * unit(0.65, 0.55, -0.35)
    healthy_main, healthy_t = main.copy(), t_wave.copy()
    for wall, direction in WALLS.items():
        w = unit(*direction)
        main = main - there.get(f"{wall} Q wave", 0) * 0.55 * max(healthy_main @ w, 0) * w
        t_wave = t_wave - there.get(f"{wall} T inversion", 0) * (0.9 * (healthy_t @ w) + 0.3) * w
        t_wave = t_wave + there.get(f"{wall} tall T", 0) * 0.5 * w
    waves = {"septal": sign * 0.30 * unit(-0.5, -0.1, -0.8), "main": main, "t": t_wave}
    qt = 0.4 * math.sqrt(interval) * (1.28 if "long QT" in there else 0.72 if "short QT" in there else 1)
    return waves, 1.75 if "LBBB" in there else 1.0, qt


def slow_normal_beat(there: dict[str, float], interval: float, since: float) -> np.ndarray:
    """What one beat from above adds `since` seconds after its R peak, its P wave apart."""
    waves, wide, qt = slow_waves(there, interval)
    peak = 0.74 * qt
    value = waves["septal"] * bell(since, -0.028 * wide, 0.009 * wide)
    value = value + waves["main"] * bell(since, 0, 0.0115 * wide)
    value = value + 0.28 * unit(-0.2, -0.6, 0.75) * bell(since, 0.028 * wide, 0.010 * wide)
    value = value + 0.55 * waves["t"] * (bell(since, peak - 0.020, 0.055 * 1.15) + bell(since, peak + 0.015, 0.044))
    if "RBBB" in there:
        value = value + 0.7 * np.array([-0.85, -0.05, -0.75]) * bell(since, 0.062, 0.016)
    if "WPW" in there:
        value = value + 0.35 * waves["main"] * bell(since, -0.045, 0.014)
    for wall, direction in WALLS.items():
        w = unit(*direction)
        value = value - 0.6 * there.get(f"{wall} Q wave", 0) * w * bell(since, -0.022, 0.010)
        elevation = there.get(f"{wall} ST elevation", 0) - there.get(f"{wall} ST depression", 0)
        value = value + 0.2 * elevation * w * logistic((since - 0.05) / 0.010) * logistic((peak - since) / 0.030)
    return value


def slow_dipole(state: State, record: int, instant: float) -> np.ndarray:
    there, rhythm = present_findings(state, record), beats(state)
    value = np.zeros(3)
    for beat, at in enumerate(rhythm.times[record]):
        since = instant - at
        if rhythm.normal[record, beat]:
            value = value + slow_normal_beat(there, rhythm.interval[record], since)
        if rhythm.atrial[record, beat]:
            value = value + 0.13 * unit(0.45, 0.8, -0.1) * bell(since, -rhythm.pr[record], 0.022)
        if rhythm.ectopic[record, beat]:
            course = bell(since, 0, 0.034) - 0.35 * bell(since, 0.30, 0.070)
            value = value + 1.6 * unit(-0.6, 0.7, 0.4) * course
    if "atrial fibrillation" in there:
        for frequency, phase, *direction in state.flutter[record]:
            value = value + 0.04 * np.array(direction) * math.sin(2 * math.pi * (frequency * instant + phase))
    return value * (0.3 if "low voltage" in there else 1.0)


def with_only(name: str) -> State:
    state = draw_state(1, SECONDS, np.random.default_rng(5))
    state.present[:] = False
    state.present[0, COLUMN[name]] = True
    return state


@pytest.mark.parametrize("name", [entry.name for entry in FINDINGS])
def test_each_finding_alone_is_rendered_as_it_is_defined(name):
    state, instants = with_only(name), np.linspace(0.9, 2.6, 60)
    expected = [slow_dipole(state, 0, instant) for instant in instants]
    np.testing.assert_allclose(dipole(state, instants)[0], expected, atol=5e-6)


def test_findings_together_are_rendered_as_they_are_defined(rng):
    """Every pair that one record can have occurs among these, and the order of wall changes does not matter."""
    state, instants = draw_state(150, SECONDS, rng), np.array([0.4, 1.31, 2.0, 2.57, 4.9])
    made = dipole(state, instants)
    for record in range(150):
        expected = [slow_dipole(state, record, instant) for instant in instants]
        np.testing.assert_allclose(made[record], expected, atol=1e-5)


def test_beats_follow_each_other_at_the_rate_of_their_rhythm(rng):
    state = draw_state(300, SECONDS, rng)
    rhythm = beats(state)
    for record in range(300):
        there = present_findings(state, record)
        place = state.rate[record]
        rate = 58 + 34 * place
        rate = 110 + 30 * place if "tachycardia" in there else rate
        rate = 36 + 12 * place if "bradycardia" in there else rate
        rate = 65 + 50 * place if "atrial fibrillation" in there else rate
        at = (state.start[record] - 1) * 60 / rate
        for beat in range(rhythm.times.shape[1]):
            steady = 1 + 0.03 * state.jitter[record, beat]
            at += (state.irregular[record, beat] if "atrial fibrillation" in there else steady) * 60 / rate
            if rhythm.ectopic[record, beat]:
                # It comes early after the beat before it, and the next one keeps its time.
                before = rhythm.times[record, beat - 1]
                assert rhythm.times[record, beat] == pytest.approx(before + 0.6 * 60 / rate)
            else:
                assert rhythm.times[record, beat] == pytest.approx(at)
        assert rhythm.times[record, -1] > SECONDS
        assert rhythm.pr[record] == pytest.approx(
            0.16 + 0.010 * state.pr[record] + 0.12 * ("AV block I" in there) - 0.055 * ("WPW" in there)
        )


def test_a_premature_beat_has_no_p_wave_and_there_is_one_at_most(rng):
    state = draw_state(400, SECONDS, rng)
    rhythm = beats(state)
    has_one = state.present[:, COLUMN["PVC"]]
    np.testing.assert_array_equal(rhythm.ectopic.sum(axis=1), has_one)
    assert not (rhythm.ectopic & (rhythm.normal | rhythm.atrial)).any()
    assert not rhythm.atrial[state.present[:, COLUMN["atrial fibrillation"]]].any()
    assert ((rhythm.times[rhythm.ectopic] > 0) & (rhythm.times[rhythm.ectopic] < SECONDS)).all()


def test_a_finding_is_looked_up_by_its_name_alone():
    assert finding("inferior tall T") == FINDINGS[COLUMN["inferior tall T"]]
    assert {entry.wall for entry in FINDINGS if entry.wall} == set(WALLS)
