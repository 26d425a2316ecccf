"""A simulated hospital as a folder, with the best possible predictions for its patients."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from medsuite.bench.clinical.predictions import Predictions, write_predictions
from medsuite.bench.clinical.simulate.posterior import SimulatedView, posterior
from medsuite.bench.clinical.simulate.world import Dials, EHRWorld, Patients
from medsuite.bench.clinical.simulate.write_mimic4 import subject_ids, write_mimic4
from medsuite.bench.clinical.task import make_task
from medsuite.bench.clinical.thresholds import expected_f1_threshold

_VIEWS = {
    SimulatedView.RETROSPECTIVE: ("retrospective", True),
    SimulatedView.WITHOUT_OUTCOME_CODES: ("retrospective", False),
    SimulatedView.FIRST_DAY: ("landmark", True),
}


def simulate_hospital(out: Path, patients: int, seed: int, dials: Dials) -> Iterator[Path]:
    """Write a folder in MIMIC-IV's layout and `bayes-TASK-VIEW.jsonl`, and yield each path.

    The predictions cover all patients; `medsuite bench clinical score` cuts them to those of the other models.

    Args:
        out: A new folder.
        patients: How many.
        seed: Decides the hospital and its patients.
        dials: What is turned.

    Raises:
        InputError: The folder is not empty, or there is no patient.
    """
    world = EHRWorld(seed, dials)
    drawn = world.sample(patients, seed)
    yield write_mimic4(world, drawn, out)
    for view, (name, outcome_codes) in _VIEWS.items():
        found = posterior(world, drawn, view)
        for outcome, probability in (("mortality", found.death), ("readmission", found.readmission)):
            task = make_task(outcome, view=name, outcome_codes=outcome_codes)
            both = np.stack([1 - probability, probability], axis=1)
            path = out / f"bayes-{outcome}-{view.name.lower()}.jsonl"
            write_predictions(path, _predictions(drawn, task.name, task.labels, both, outcome))
            yield path
        task = make_task("length", view=name, outcome_codes=outcome_codes)
        path = out / f"bayes-length-{view.name.lower()}.jsonl"
        write_predictions(path, _predictions(drawn, task.name, task.labels, found.length, "length"))
        yield path


def _choose(probability: Float[np.ndarray, "patient label"]) -> Int[np.ndarray, " patient"]:
    """Take the likelier of three labels, and of two the positive one where that makes the expected F1 best."""
    if probability.shape[1] > 2:
        return probability.argmax(axis=1)
    return (probability[:, 1] >= expected_f1_threshold(probability[:, 1])).astype(int)


def _predictions(
    patients: Patients,
    task: str,
    labels: tuple[int, ...],
    probability: Float[np.ndarray, "patient label"],
    outcome: str,
) -> Predictions:
    truth = {
        "mortality": patients.death.astype(int),
        "readmission": patients.readmitted.astype(int),
        "length": 1 + np.digitize(patients.days, [7.5, 14.5]),
    }[outcome]
    # Who died has no readmission to predict.
    kept = ~patients.death if outcome == "readmission" else np.ones(len(patients), dtype=bool)
    return Predictions(
        "Bayes optimum",
        task,
        labels,
        subject_ids(patients)[kept],
        truth[kept],
        np.full(int(kept.sum()), "answered"),
        np.array(labels)[_choose(probability[kept])],
        probability[kept],
        int(np.bincount(truth[kept]).argmax()),
        {"simulated": True},
    )
