"""The folder of a simulated hospital: its layout, its bytes, and that nothing of the patients is lost."""

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medsuite.bench.clinical.codes import OUTCOME_CODES
from medsuite.bench.clinical.cohort import Cohort
from medsuite.bench.clinical.simulate.vocabulary import event_kinds
from medsuite.bench.clinical.simulate.world import Dials, EHRWorld
from medsuite.bench.clinical.simulate.write_mimic4 import noise_codes, subject_ids, write_mimic4
from medsuite.bench.clinical.sources.catalog import COLUMNS
from medsuite.core.errors import InputError


def rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_tables_have_the_columns_of_mimic_iv(hospital) -> None:
    for table, columns in COLUMNS.items():
        with gzip.open(hospital.folder / "hosp" / f"{table}.csv.gz", "rt") as lines:
            assert lines.readline().strip().split(",") == list(columns)


def test_the_same_patients_give_the_same_bytes(tmp_path: Path) -> None:
    world = EHRWorld(seed=1)
    folders = [write_mimic4(world, world.sample(30, seed=4), tmp_path / name) for name in "ab"]
    for path in (folders[0] / "hosp").iterdir():
        assert path.read_bytes() == (folders[1] / "hosp" / path.name).read_bytes()


def test_a_folder_that_is_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(InputError, match="is not empty"):
        write_mimic4(EHRWorld(), EHRWorld().sample(2, 0), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("view", ["retrospective", "landmark"])
def test_the_reader_sees_what_the_posterior_sees(hospital, cohort_of: Callable[..., Cohort], view: str) -> None:
    """Codes of every patient, read from the folder, against the arrays that the posterior looks at."""
    found, patients = cohort_of("mortality", view=view), hospital.patients
    np.testing.assert_array_equal(found.subject_id, subject_ids(patients))
    names = {"diagnosis": "10:", "procedure": "10:", "drug": ""}
    noise = noise_codes(hospital.world)
    for number in range(len(patients)):
        limit = 1.0 if view == "landmark" else np.inf
        shown = np.isfinite(patients.onset[number]) & (patients.onset[number] <= limit)
        events = {names[kind.kind] + kind.code for kind, is_shown in zip(event_kinds(), shown, strict=True) if is_shown}
        diagnoses, procedures, drugs = found.codes(number)
        known = {names[kind.kind] + kind.code for kind in event_kinds()}
        assert known & {*diagnoses, *procedures, *drugs} == events
        assert {f"10:{noise[k]}" for k in np.flatnonzero(patients.noise[number])} <= set(diagnoses)
        outcomes = patients.outcome_code[number].sum() if view == "retrospective" else 0
        assert len(OUTCOME_CODES & set(diagnoses)) == outcomes


def test_labels_are_the_simulated_outcomes(hospital, cohort_of: Callable[..., Cohort]) -> None:
    patients = hospital.patients
    np.testing.assert_array_equal(cohort_of("mortality").label, patients.death)
    np.testing.assert_array_equal(cohort_of("length").label, 1 + (patients.days > 7) + (patients.days > 14))
    np.testing.assert_array_equal(cohort_of("readmission").label, patients.readmitted[~patients.death])


def test_noise_codes_are_real_and_unused() -> None:
    codes = noise_codes(EHRWorld(dials=Dials(noise_codes=20)))
    assert len(set(codes)) == 20
    assert not set(codes) & {kind.code for kind in event_kinds()}


def test_a_world_without_patients_is_refused() -> None:
    with pytest.raises(InputError, match="0 patients"):
        EHRWorld().sample(0, 0)


def test_a_dial_turns_one_thing_alone() -> None:
    silent, loud = (EHRWorld(dials=Dials(outcome_codes=scale)).sample(300, 1) for scale in (0.0, 1.0))
    np.testing.assert_array_equal(silent.onset, loud.onset)
    assert silent.outcome_code.sum() == 0 < loud.outcome_code.sum()
