"""The claim end to end: with real weights, and with servers whose answers decide what the verdict must be."""

import re
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest

from medsuite.bench.clinical.claims import CLINICAL, ClinicalSettings
from medsuite.bench.clinical.decide import LANGUAGE
from medsuite.bench.clinical.experiment import VIEWS, build_scene
from medsuite.bench.clinical.prompts import write_prompts
from medsuite.bench.clinical.simulate.posterior import posterior
from medsuite.core.claims import Job, Measurement
from medsuite.core.errors import InputError

sys.path.insert(0, str(Path(__file__).parent))
from oracle_server import serving

SMOKE: ClinicalSettings = CLINICAL.settings("smoke")
SMALL = replace(SMOKE, asked=SMOKE.test)


@dataclass
class FakeContext:
    folder: Path
    settings: Any
    data: Path | None = None
    scale: str = "smoke"

    def artefact(self, name: str, build: Callable[[Path], None]) -> Path:
        path = self.folder / name
        if not path.exists():
            path.mkdir(parents=True)
            build(path)
        return path

    def progress(self, fraction: float) -> None:
        pass


def measured(context: FakeContext, part: str) -> list[Measurement]:
    jobs = [job for job in CLINICAL.jobs(context.settings) if job.settings["part"] == part]
    return [row for job in jobs for row in CLINICAL.run(job, context)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def classical(folder: Path) -> list[Measurement]:
    return measured(FakeContext(folder, SMALL), "classical")


@pytest.fixture(scope="module")
def true_posterior(folder: Path) -> dict[str, float]:
    """What the best possible predictor says to each prompt about a test patient."""
    context = FakeContext(folder, SMALL)
    scene = build_scene(0, context)
    answers = {}
    for view in ("no outcome codes", "retrospective", "24 h"):
        best = posterior(scene.world, scene.truth.take(scene.asked), VIEWS[view][1]).death
        prompts = write_prompts(scene.cohorts[view], scene.asked.tolist())
        answers |= dict(zip((prompt.rstrip() for prompt in prompts), best, strict=True))
    return answers


def outcomes(rows: Iterable[Measurement]) -> dict[str, str]:
    return dict(zip(VIEWS, (verdict.outcome for verdict in CLINICAL.decide(list(rows))), strict=False))


def asked_of(
    server: AbstractContextManager[tuple[str, list[str]]], folder: Path
) -> tuple[list[Measurement], list[str]]:
    with server as (url, arrived):
        # Answers are kept by the server's address: another server is another model.
        return measured(FakeContext(folder, replace(SMALL, language=f"{url}#oracle")), "language"), arrived


def test_a_server_that_answers_with_the_true_posterior_turns_the_verdict(
    folder: Path, classical: list[Measurement], true_posterior: dict[str, float]
) -> None:
    rows, arrived = asked_of(serving(lambda prompt: true_posterior[prompt]), folder)
    assert set(arrived) == set(true_posterior)
    assert len(arrived) == 2 * len(true_posterior) < 3 * 2 * 2 * SMALL.asked, "prompts that views share are asked once"
    found = outcomes([*classical, *rows])
    assert found["retrospective"] == found["24 h"] == "not supported"


def test_a_server_that_answers_at_random_leaves_the_claim_supported(folder: Path, classical: list[Measurement]) -> None:
    rows, _ = asked_of(serving(lambda prompt: 0.3 + 0.4 * crc32(prompt.encode()) / 2**32), folder)
    assert outcomes([*classical, *rows])["retrospective"] == "supported"


def test_a_server_that_answers_all_alike_decides_nothing(folder: Path, classical: list[Measurement]) -> None:
    rows, _ = asked_of(serving(lambda prompt: 0.7), folder)
    assert set(outcomes([*classical, *rows]).values()) == {"void"}


def test_the_optimum_is_a_ceiling_and_the_controls_stay_low(classical: list[Measurement]) -> None:
    verdicts = CLINICAL.decide(
        [*classical, *(replace(row, arm=LANGUAGE) for row in classical if row.arm == "naive bayes")]
    )
    for verdict in verdicts[:3]:
        found = re.findall(
            r"(Bayes optimum|constant guess|permuted labels|logistic regression(?:, tuned)?|naive bayes) ([\d.]+)",
            verdict.controls,
        )
        values = {name: float(value) for name, value in found}
        assert max(values.values()) == values["Bayes optimum"]
        assert values["constant guess"] == 0.5
        assert abs(values["permuted labels"] - 0.5) < 0.25


def test_the_smoke_scale_runs_on_real_weights_and_draws(folder: Path, classical: list[Measurement]) -> None:
    # The classical jobs do not depend on how many patients are asked about.
    rows = [*classical, *measured(FakeContext(folder / "smoke", SMOKE), "language")]
    scores = np.array([row.value for row in rows if row.arm == LANGUAGE])
    assert len(scores) == 4 * len(VIEWS)
    assert np.all((scores > 0) & (scores < 1))
    assert len(np.unique(scores)) > 6, "scores in float32 are no ties"
    (drawing,) = CLINICAL.draw(rows)
    assert [axes.get_xlabel() for axes in drawing.figure.axes] == ["AUROC"] * 3
    assert len(CLINICAL.decide(rows)) == 8


def test_reshuffles_of_one_data_set_are_no_seeds(folder: Path, tmp_path: Path) -> None:
    context = FakeContext(tmp_path, replace(SMALL, seeds=3), data=folder / "hospital-0")
    with pytest.raises(InputError, match="reshuffles of the same patients"):
        list(CLINICAL.run(CLINICAL.jobs(context.settings)[0], context))


def test_a_data_set_is_measured_without_an_optimum(folder: Path, tmp_path: Path, classical: list[Measurement]) -> None:
    context = FakeContext(tmp_path, replace(SMALL, models=("naive bayes",), tuned=()), data=folder / "hospital-0")
    rows = measured(context, "classical")
    assert {row.arm for row in classical} - {row.arm for row in rows} == {
        *("Bayes optimum", "logistic regression", "logistic regression, tuned")
    }
    assert [row for row in rows if row.arm == "naive bayes"] == [row for row in classical if row.arm == "naive bayes"]


def test_too_few_deaths_are_refused(tmp_path: Path) -> None:
    context = FakeContext(tmp_path, replace(SMALL, patients=300))
    with pytest.raises(InputError, match=r"patients of the cohort died; expected at least 115"):
        build_scene(0, context)


def test_every_scale_has_a_grid_of_distinct_jobs() -> None:
    for settings in CLINICAL.scales.values():
        jobs: list[Job] = list(CLINICAL.jobs(settings))
        assert len({job.name for job in jobs}) == len(jobs) == 2 * settings.seeds
