import dataclasses

import numpy as np
import pytest

from medsuite.core.errors import InputError
from medsuite.ecg_align import FINDINGS, LEADS12, Simulator
from medsuite.ecg_align.simulate.fields import DOWER, LEAD_MATRIX, electrode_fields, personal_fields, rotations
from medsuite.ecg_align.simulate.findings import COLUMN, GROUPS, OPPOSITES, WALLS, finding
from medsuite.ecg_align.simulate.state import State, draw_state

ROW = {name: row for row, name in enumerate(LEADS12)}


def one(state: State, *names: str, **values) -> State:
    """The first record of a state with exactly these findings, each of size one, and Dower's fields."""
    first = state.rows(np.arange(len(state.present)) == 0)
    present = np.zeros_like(first.present)
    present[:, [COLUMN[name] for name in names]] = True
    return dataclasses.replace(first, present=present, size=np.ones_like(first.size), fields=DOWER[None], **values)


def beat_times(simulator: Simulator, state: State) -> np.ndarray:
    """R peaks by an independent method: local maxima of the length of the steps of three leads."""
    leads = simulator.clean(state)[0][[ROW["I"], ROW["aVF"], ROW["V2"]]]
    size = np.linalg.norm(leads, axis=0)
    top = (size[1:-1] > size[:-2]) & (size[1:-1] >= size[2:]) & (size[1:-1] > 0.6 * size.max())
    return (np.flatnonzero(top) + 1) / simulator.rate


def test_the_limb_identities_hold_with_noise_to_rounding(batch):
    lead = {name: batch.signal[:, row] for name, row in ROW.items()}
    assert np.abs(lead["III"] - (lead["II"] - lead["I"])).max() < 2e-15
    assert np.abs(lead["aVR"] + (lead["I"] + lead["II"]) / 2).max() < 2e-15
    assert np.abs(lead["aVL"] - (lead["I"] - lead["II"] / 2)).max() < 2e-15
    assert np.abs(lead["aVF"] - (lead["II"] - lead["I"] / 2)).max() < 2e-15


def test_leads_of_a_dipole_are_dowers_rows_times_the_dipole():
    dipole = np.array([0.3, -0.7, 0.2])
    leads = LEAD_MATRIX @ electrode_fields(DOWER) @ dipole
    np.testing.assert_allclose(leads[[0, 1, *range(6, 12)]], DOWER @ dipole, atol=1e-15)


def test_the_pseudo_inverse_of_the_lead_fields_is_the_printed_inverse_dower_matrix():
    """Edenbrandt and Pahlm 1988, rows X, Y, Z over V1 to V6, I, II."""
    printed = np.array(
        [
            [-0.172, -0.074, 0.122, 0.231, 0.239, 0.194, 0.156, -0.010],
            [0.057, -0.019, -0.106, -0.022, 0.041, 0.048, -0.227, 0.887],
            [-0.229, -0.310, -0.246, -0.063, 0.055, 0.108, 0.022, 0.102],
        ]
    )
    ours = np.linalg.pinv(DOWER)[:, [2, 3, 4, 5, 6, 7, 0, 1]]
    np.testing.assert_allclose(ours, printed, atol=5.1e-4)


def test_no_one_map_for_all_people_explains_the_missing_chest_leads_well(simulator, rng):
    """Between people the fields differ as much as in real records, where a generic map explains about 0.8."""
    leads = simulator.clean(draw_state(300, 5.0, rng)).transpose(1, 0, 2).reshape(12, -1)
    given, missing = leads[[0, 1, 7]], leads[[6, 8, 9, 10, 11]]
    guess = missing @ np.linalg.pinv(given) @ given
    explained = 1 - ((missing - guess) ** 2).sum() / (missing**2).sum()
    assert 0.6 < explained < 0.9


def test_without_spread_and_tilt_the_fields_are_dowers_stretched(rng):
    fields = personal_fields(rng, 3, spread=0.0, tilt=0.0)
    stretch = fields / DOWER
    np.testing.assert_allclose(stretch, np.broadcast_to(stretch[:, :1], stretch.shape))
    assert ((stretch >= 0.8) & (stretch <= 1.25)).all()


def test_rotations_keep_lengths_and_turn_x_to_y(rng):
    turns = rotations(rng.uniform(-1, 1, (5, 3)))
    np.testing.assert_allclose(turns @ turns.transpose(0, 2, 1), np.tile(np.eye(3), (5, 1, 1)), atol=1e-14)
    np.testing.assert_allclose(rotations(np.array([[0, 0, np.pi / 2]]))[0] @ [1, 0, 0], [0, 1, 0], atol=1e-15)


def test_labels_are_the_causes_put_in_at_their_prevalence_without_contradictions(rng):
    present = draw_state(20_000, 5.0, rng).present
    share = present.mean(axis=0)
    assert 0.07 < share[COLUMN["anterior Q wave"]] < 0.10
    assert 0.08 < share[COLUMN["LBBB"]] < 0.10
    for members in GROUPS.values():
        assert present[:, [COLUMN[name] for name in members]].sum(axis=1).max() == 1
    for wall in WALLS:
        for change, opposite in OPPOSITES:
            assert not (present[:, COLUMN[f"{wall} {change}"]] & present[:, COLUMN[f"{wall} {opposite}"]]).any()


def test_forbidden_findings_do_not_occur_and_unknown_ones_are_refused(simulator, rng):
    assert not simulator.draw(300, rng, forbid=["RBBB"]).labels[:, COLUMN["RBBB"]].any()
    with pytest.raises(InputError, match=r"unknown finding 'RBB'.*did you mean 'RBBB'"):
        simulator.draw(1, rng, forbid=["RBB"])


def test_the_same_seed_gives_the_same_records(simulator):
    first, second = (simulator.draw(3, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first.signal, second.signal)


def test_a_record_rendered_alone_is_the_record_in_its_batch(simulator, batch):
    chosen = np.arange(200) == 130
    together = simulator.clean(batch.state)[chosen]
    np.testing.assert_allclose(simulator.clean(batch.state.rows(chosen)), together, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "low", "high"), [("tachycardia", 110, 140), ("bradycardia", 36, 48), ("LBBB", 58, 92)]
)
def test_the_heart_beats_as_fast_as_its_rhythm_says(batch, name, low, high):
    long = Simulator(seconds=20.0)
    state = draw_state(1, 20.0, np.random.default_rng(1))
    rate = 60 / np.diff(beat_times(long, one(state, name))).mean()
    assert low - 3 < rate < high + 3


def test_fibrillation_is_irregular_and_sinus_rhythm_is_not():
    long, state = Simulator(seconds=20.0), draw_state(1, 20.0, np.random.default_rng(1))
    variation = {}
    for name in ("atrial fibrillation", "LVH"):
        intervals = np.diff(beat_times(long, one(state, name)))
        variation[name] = intervals.std() / intervals.mean()
    assert variation["LVH"] < 0.06 < 0.15 < variation["atrial fibrillation"]


def test_st_elevation_raises_the_leads_that_look_at_the_wall_by_its_projection(simulator, batch):
    with_it = one(batch.state, "inferior ST elevation")
    change = simulator.clean(with_it) - simulator.clean(with_it.without("inferior ST elevation"))
    # 0.2 mV along the wall (0, 1, 0), seen through Dower's Y column.
    assert change[0, ROW["II"]].max() == pytest.approx(0.2 * 1.066, rel=0.03)
    assert change[0, ROW["aVF"]].max() == pytest.approx(0.2 * (1.066 + 0.235 / 2), rel=0.03)
    depressed = one(batch.state, "inferior ST depression")
    opposite = simulator.clean(depressed) - simulator.clean(depressed.without("inferior ST depression"))
    np.testing.assert_allclose(opposite, -change, atol=1e-12)


def test_low_voltage_scales_every_lead_and_long_qt_leaves_the_qrs_alone(simulator, batch):
    normal = simulator.clean(one(batch.state))
    np.testing.assert_allclose(simulator.clean(one(batch.state, "low voltage")), 0.3 * normal, atol=1e-12)
    change = np.abs(simulator.clean(one(batch.state, "long QT")) - normal)[0].max(axis=0)
    peak = round(beat_times(simulator, one(batch.state))[1] * simulator.rate)
    assert change[peak - 2 : peak + 3].max() < 0.02 < 0.1 < change[peak : peak + 60].max()


def test_a_downward_change_is_invisible_in_lead_one_and_visible_in_lead_two(simulator, batch):
    state = one(batch.state, "inferior ST elevation")
    assert not simulator.visible(state, "inferior ST elevation", ["I"]).any()
    assert simulator.visible(state, "inferior ST elevation", ["II"]).all()
    assert simulator.visible(state, "inferior ST elevation").all()


def test_a_finding_that_is_not_there_is_not_visible_and_its_absence_changes_nothing(simulator, batch):
    without = batch.state.without("PVC")
    assert not simulator.visible(without, "PVC").any()
    absent = ~batch.labels[:, COLUMN["PVC"]]
    clean = simulator.clean(batch.state.rows(absent))
    np.testing.assert_allclose(clean, simulator.clean(without.rows(absent)), atol=1e-12)


def test_visibility_is_judged_against_the_noise_of_the_lead(batch):
    state = one(batch.state, "inferior ST elevation")
    assert Simulator(noise=0.001).visible(state, "inferior ST elevation", ["I"]).all()
    assert not Simulator(noise=1.0).visible(state, "inferior ST elevation").any()


def test_a_record_is_a_recording_that_names_its_findings(batch):
    recording = batch.recording(5)
    assert recording.leads == LEADS12
    expected = {entry.name for entry, there in zip(FINDINGS, batch.labels[5], strict=True) if there}
    assert set(recording.meta["findings"]) == expected
    assert max(recording.limb_residual().values()) < 1e-9


def test_the_walls_are_unit_vectors_and_sizes_are_checked(simulator, rng):
    for wall in WALLS:
        assert np.linalg.norm(finding(f"{wall} tall T").direction) == pytest.approx(1)
    with pytest.raises(InputError, match="0 records"):
        simulator.draw(0, rng)
    for name, value in (("seconds", 0), ("rate", float("inf")), ("noise", -0.1), ("wander", float("nan"))):
        with pytest.raises(InputError, match=rf"Simulator\({name}={value}\)"):
            Simulator(**{name: value})
