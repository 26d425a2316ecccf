"""The experiment: the same patients, three views of their stays, classical models and a language model in each."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, Shaped

from medsuite.bench.clinical.ask import ask, make_client
from medsuite.bench.clinical.claims import ClinicalSettings
from medsuite.bench.clinical.classical import Data, Fitted, fit_paper, fit_tuned
from medsuite.bench.clinical.codes import EXTRA
from medsuite.bench.clinical.cohort import Cohort, build_cohort
from medsuite.bench.clinical.decide import (
    AGE_SEX,
    BAYES,
    CODE_COUNT,
    CONSTANT,
    LANGUAGE,
    OUTCOME,
    PERMUTED,
    PREVALENCE,
    VALIDATION,
    ViewName,
)
from medsuite.bench.clinical.features import CodeFeatures
from medsuite.bench.clinical.simulate.posterior import SimulatedView, posterior
from medsuite.bench.clinical.simulate.world import EHRWorld, Patients
from medsuite.bench.clinical.simulate.write_mimic4 import subject_ids, write_mimic4
from medsuite.bench.clinical.sources.mimic4 import open_source
from medsuite.bench.clinical.splits import Split, checked
from medsuite.bench.clinical.task import Task, make_task
from medsuite.core.claims import Context, Job, Measurement
from medsuite.core.errors import InputError, require

VIEWS: Mapping[ViewName, tuple[Task, SimulatedView]] = {
    "retrospective": (make_task("mortality"), SimulatedView.RETROSPECTIVE),
    "no outcome codes": (make_task("mortality", outcome_codes=False), SimulatedView.WITHOUT_OUTCOME_CODES),
    "24 h": (make_task("mortality", view="landmark"), SimulatedView.FIRST_DAY),
}
"""The views, as a task of the reader and as a view of the simulation."""
_SAMPLE_SEED = 5


@dataclass(frozen=True)
class Scene:
    """A seed's patients in every view, aligned.

    Attributes:
        cohorts: One for each view, with the same patients at the same positions.
        split: Positions; the patients to ask about come first in each half of the test set.
        asked: Positions of the patients that the language model is asked about.
        truth: The simulated patients in the order of the cohorts; None for a data set.
        world: Their hospital; None for a data set.
    """

    cohorts: Mapping[ViewName, Cohort]
    split: Split
    asked: Int[np.ndarray, " asked"]
    truth: Patients | None
    world: EHRWorld | None


def measure_classical(job: Job, context: Context) -> Iterator[Measurement]:
    """Fit the classical models and controls of one seed in every view, and yield each test patient's score.

    Rows carry the view as metric, so that models can only be paired within a view.
    """
    _limit_threads()
    scene = build_scene(job.seed, context)
    first, test = scene.cohorts["retrospective"], scene.split.test
    yield from _rows(OUTCOME, job.seed, "death", test, first.label[test])
    yield Measurement(OUTCOME, job.seed, "all", PREVALENCE, float(first.label.mean()))
    for number, view in enumerate(scene.cohorts):
        yield from _measure_view(job.seed, view, scene, context.settings)
        context.progress((number + 1) / len(scene.cohorts))


def _measure_view(seed: int, view: ViewName, scene: Scene, settings: ClinicalSettings) -> Iterator[Measurement]:
    cohort, test = scene.cohorts[view], scene.split.test
    yield from _rows(CONSTANT, seed, view, test, np.ones(len(test)))
    yield from _rows(CODE_COUNT, seed, view, test, _code_counts(cohort)[test])
    if scene.world is not None and scene.truth is not None:
        best = posterior(scene.world, scene.truth.take(test), VIEWS[view][1]).death
        yield from _rows(BAYES, seed, view, test, best)
    features = CodeFeatures().fit(cohort, scene.split.train)
    data, X = _data(features, cohort, scene.split), features.transform(cohort, test)
    for name in [*settings.models, *(f"{name}, tuned" for name in settings.tuned)]:
        fitted = _fit(name, data, settings, seed)
        yield Measurement(name, seed, "all", f"{view}: {VALIDATION}", fitted.validation)
        yield from _rows(name, seed, view, test, fitted.predict(X)[:, 1])
    yield from _controls(seed, view, data, X, test)


def measure_language(job: Job, context: Context) -> Iterator[Measurement]:
    """Ask the language model about one seed's patients in every view, and yield its scores.

    A failure is a row of NaN, never a missing one. Prompts that are the same in two views are asked once.
    """
    settings: ClinicalSettings = context.settings
    _limit_threads()
    scene = build_scene(job.seed, context)
    client = make_client(*_address(settings.language), dtype=settings.dtype)
    folder = context.artefact(f"answers-{job.seed}", _nothing)
    for number, (view, cohort) in enumerate(scene.cohorts.items()):
        found = ask(
            cohort,
            scene.asked,
            client,
            folder / "answers.sqlite",
            name=settings.language,
            training=scene.split.train,
        )
        yield from _rows(LANGUAGE, job.seed, view, scene.asked, found.probability[:, 1])
        context.progress((number + 1) / len(scene.cohorts))


def build_scene(seed: int, context: Context) -> Scene:
    """Read a seed's hospital in every view: a simulated one, written once in a run, or the data set.

    Raises:
        InputError: There are too few patients for the sizes.
    """
    settings: ClinicalSettings = context.settings
    world = truth = None
    folder = context.data
    if folder is not None and settings.seeds > 1:
        raise InputError(
            f"{settings.seeds} seeds on one data set would be reshuffles of the same patients",
            fix="choose --scale paper, which has one",
        )
    if folder is None:
        world = EHRWorld(seed)
        truth = world.sample(settings.patients, _SAMPLE_SEED)
        folder = context.artefact(f"hospital-{seed}", _writer(world, truth))
    source = open_source(folder)
    cohorts = {view: build_cohort(source, task) for view, (task, _) in VIEWS.items()}
    shared = set.intersection(*(set(cohort.subject_id.tolist()) for cohort in cohorts.values()))
    aligned = {view: keep_patients(cohort, shared) for view, cohort in cohorts.items()}
    first = aligned["retrospective"]
    split, asked = split_cases(first, settings, seed)
    if truth is not None:
        truth = truth.take(np.flatnonzero(np.isin(subject_ids(truth), first.subject_id)))
    return Scene(aligned, split, asked, truth, world)


def keep_patients(cohort: Cohort, patients: set[int]) -> Cohort:
    """Return a cohort of some of its patients; its flow chart stays that of all."""
    kept = np.isin(cohort.subject_id, sorted(patients))
    place = np.cumsum(kept) - 1
    events = kept[cohort.event_stay]
    columns = {name: getattr(cohort, name)[kept] for name in ("subject_id", "hadm_id", "age", "female", "label")}
    codes = {name: getattr(cohort, name)[events] for name in ("event_kind", "event_code")}
    stays = place[cohort.event_stay[events]]
    return Cohort(**{**vars(cohort), **columns, **codes, "event_stay": stays})


def split_cases(cohort: Cohort, settings: ClinicalSettings, seed: int) -> tuple[Split, Int[np.ndarray, " asked"]]:
    """Draw a balanced training set, a natural validation set and a half-and-half test set.

    Returns:
        The split, and the test patients to ask about, half of them dead.

    Raises:
        InputError: Too few patients died or lived.
    """
    rng = np.random.default_rng((seed, 6))
    dead, alive = (rng.permutation(np.flatnonzero(cohort.label == label)) for label in (1, 0))
    ratio = len(alive) / max(len(dead), 1)
    natural = {1: settings.validation, 0: round(settings.validation * ratio)}
    train, validation, test, asked = [], [], [], []
    for label, pool in ((1, dead), (0, alive)):
        middle = settings.train + natural[label]
        end = middle + settings.test
        if len(pool) < end:
            state = "died" if label else "lived"
            raise InputError(f"{len(pool)} patients of the cohort {state}", expected=f"at least {end}")
        train.append(pool[: settings.train])
        validation.append(pool[settings.train : middle])
        test.append(pool[middle:end])
        asked.append(pool[middle : middle + settings.asked])
    parts = (np.sort(np.concatenate(part)) for part in (train, validation, test))
    return checked(cohort, Split(*parts)), np.sort(np.concatenate(asked))


def _writer(world: EHRWorld, patients: Patients) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        write_mimic4(world, patients, folder)

    return write


def _address(language: str) -> tuple[str, str | None]:
    """Split `http://host/v1#model` into model and address; anything else is a model on this machine."""
    if language.startswith(("http://", "https://")):
        url, _, model = language.partition("#")
        return model, url
    return language, None


def _nothing(folder: Path) -> None:
    """Leave a folder of answers empty: it fills as they arrive."""


def _fit(name: str, data: Data, settings: ClinicalSettings, seed: int) -> Fitted:
    model, _, variant = name.partition(", ")
    if variant == "tuned":
        return fit_tuned(model, data, settings.configurations, seed)
    return fit_paper(model, data, seed, settings.restarts)


def _data(features: CodeFeatures, cohort: Cohort, split: Split) -> Data:
    rows = (split.train, split.validation)
    matrices = [features.transform(cohort, part) for part in rows]
    return Data(matrices[0], cohort.label[rows[0]], matrices[1], cohort.label[rows[1]])


def _controls(
    seed: int, view: str, data: Data, X: Float[np.ndarray, "row feature"], test: Int[np.ndarray, " row"]
) -> Iterator[Measurement]:
    """Logistic regression on age and sex alone, and on labels that were permuted."""
    # Sex and age stand last; see `CodeFeatures.transform`.
    last = slice(-7, None)
    plain = Data(data.X[:, last], data.y, data.X_validation[:, last], data.y_validation)
    permuted = Data(data.X, np.random.default_rng((seed, 7)).permutation(data.y), data.X_validation, data.y_validation)
    for name, rows, given in ((AGE_SEX, plain, X[:, last]), (PERMUTED, permuted, X)):
        fitted = fit_paper("logistic regression", rows, seed)
        yield from _rows(name, seed, view, test, fitted.predict(given)[:, 1])


def _code_counts(cohort: Cohort) -> Float[np.ndarray, " stay"]:
    return np.bincount(cohort.event_stay, minlength=len(cohort)).astype(float)


def _rows(
    arm: str, seed: int, metric: str, patients: Int[np.ndarray, " patient"], values: Shaped[np.ndarray, " patient"]
) -> Iterator[Measurement]:
    # Positions, not the data set's identifiers: a run folder may be shown to others.
    for patient, value in zip(patients.tolist(), values.tolist(), strict=True):
        yield Measurement(arm, seed, f"{seed}-{patient}", metric, float(value))


def _limit_threads() -> None:
    require("torch", extra=EXTRA).set_num_threads(1)
