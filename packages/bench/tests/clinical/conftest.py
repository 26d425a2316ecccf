"""One small simulated hospital for all tests of the clinical half."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from medsuite.bench.clinical.cohort import Cohort, build_cohort
from medsuite.bench.clinical.simulate.world import EHRWorld, Patients
from medsuite.bench.clinical.simulate.write_mimic4 import write_mimic4
from medsuite.bench.clinical.sources.mimic4 import open_source
from medsuite.bench.clinical.task import make_task


class Hospital(NamedTuple):
    """A simulated hospital and its folder."""

    world: EHRWorld
    patients: Patients
    folder: Path


@pytest.fixture(scope="session")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    world = EHRWorld(seed=3)
    patients = world.sample(700, seed=1)
    return Hospital(world, patients, write_mimic4(world, patients, tmp_path_factory.mktemp("hospital") / "mimic"))


@pytest.fixture(scope="session")
def cohort_of(hospital: Hospital) -> Callable[..., Cohort]:
    """Build each cohort of the small hospital once."""
    built: dict[tuple[object, ...], Cohort] = {}

    def build(*names: object, **options: object) -> Cohort:
        key = (names, tuple(sorted(options.items())))
        if key not in built:
            built[key] = build_cohort(open_source(hospital.folder), make_task(*names, **options))  # type: ignore[arg-type]
        return built[key]

    return build


@pytest.fixture(scope="session")
def cohort(cohort_of: Callable[..., Cohort]) -> Cohort:
    return cohort_of("mortality")
