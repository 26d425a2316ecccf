"""A paper's claim as frozen data and four functions: the grid of jobs, the job, the decision and the drawing."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from medsuite.core.errors import InputError, unknown_name

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

Role = Literal["treatment", "rival", "control", "ceiling", "floor"]
Outcome = Literal["supported", "not supported", "inconclusive", "void", "no verdict"]
Scale = Literal["smoke", "laptop", "workstation", "paper"]
SCALES: tuple[Scale, ...] = ("smoke", "laptop", "workstation", "paper")


@dataclass(frozen=True)
class Paper:
    """Where a claim was published: `identifier` is an arXiv number or a DOI."""

    title: str
    year: int
    identifier: str


@dataclass(frozen=True)
class Published:
    """A figure as the paper prints it.

    Attributes:
        text: The figure with its unit, such as `"72 %"`.
        measured: What the authors measured, on what, against what.
        source: Where it stands in the paper.
    """

    text: str
    measured: str
    source: str


@dataclass(frozen=True)
class Arm:
    """One condition of an experiment and the part that it plays."""

    name: str
    role: Role
    description: str = ""


@dataclass(frozen=True)
class Job:
    """One cell of a claim's grid: independent, seeded and minutes long at most.

    Attributes:
        name: Readable and unique in the grid, such as `"seed=0 arms=full,meda"`.
        seed: Every random number of the job derives from it.
        settings: What distinguishes this job, as JSON values.
        seconds: The expected cost on one core, which orders the queue and feeds the time left.
        exclusive: The job measures time, so that nothing else may run beside it.
    """

    name: str
    seed: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 1.0
    exclusive: bool = False

    def key(self, claim: str, version: str, scale_settings: Mapping[str, Any]) -> str:
        """Hash all that the job's rows depend on: claim, package version, scale, job settings and seed."""
        content = [claim, version, dict(scale_settings), self.name, self.seed, dict(self.settings)]
        text = json.dumps(content, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Measurement:
    """One row of an experiment.

    Attributes:
        arm: Name of the arm.
        seed: Seed of the job that measured it.
        unit: The item that is resampled: a patient, image, mesh, question.
        metric: Name of the quantity, with its unit where it has one (`"decode_ms"`).
        value: The number; NaN where the quantity is undefined.
    """

    arm: str
    seed: int
    unit: str
    metric: str
    value: float


@dataclass(frozen=True)
class Verdict:
    """What the rows say about one statement.

    Attributes:
        statement: The sentence that was put to the test.
        outcome: Its fate. *void* where a precondition failed, *no verdict* at the smoke scale.
        estimate: The measured number.
        low: Lower end of its interval; equal to `estimate` for a quantity without sampling error.
        high: Upper end of its interval.
        unit: Unit of the three numbers.
        published: The paper's number for this statement as text, empty where it gives none.
        n: Number of resampled units.
        method: The interval's method, such as `"95 % BCa bootstrap over 75 questions"`.
        reason: One sentence on why this outcome.
        controls: The controls' and rivals' numbers in the same unit, such as `"shuffled 0.12, uniform 0.55"`.
    """

    statement: str
    outcome: Outcome
    estimate: float
    low: float
    high: float
    unit: str
    published: str
    n: int
    method: str
    reason: str = ""
    controls: str = ""


@dataclass(frozen=True)
class Drawing:
    """A titled Matplotlib figure for the report; the caption says what to see in it."""

    title: str
    caption: str
    figure: "Figure"


@runtime_checkable
class Context(Protocol):
    """What a running job may use besides its settings."""

    @property
    def settings(self) -> Any:
        """The frozen settings object of the chosen scale."""

    @property
    def scale(self) -> Scale:
        """The chosen scale."""

    @property
    def data(self) -> "Path | None":
        """Folder of the paper's own data set, or None for the embedded data."""

    def artefact(self, name: str, build: Callable[["Path"], None]) -> "Path":
        """Return the folder of a step that a package's jobs share, built once by `build(folder)` in the run folder."""

    def progress(self, fraction: float) -> None:
        """Tell how much of the job is done, from 0 to 1."""


@dataclass(frozen=True)
class Claim:
    """A paper's headline claim, executable.

    Attributes:
        id: `package/claim`, such as `"meda-kv/memory"`.
        paper: The publication.
        statement: The claim in one sentence.
        published: The paper's figures.
        data: What the embedded data is, in one sentence that names simulations as such.
        scales: One frozen settings dataclass per scale; `smoke` gives no verdict and runs in seconds.
        arms: The conditions with their roles.
        jobs: The grid for a settings object.
        run: Measures one job.
        decide: Pure function from all rows to verdicts; the first one is the headline.
        draw: From all rows to drawings.
    """

    id: str
    paper: Paper
    statement: str
    published: tuple[Published, ...]
    data: str
    scales: Mapping[Scale, Any]
    arms: tuple[Arm, ...]
    jobs: Callable[[Any], Sequence[Job]]
    run: Callable[[Job, Context], Iterable[Measurement]]
    decide: Callable[[Sequence[Measurement]], Sequence[Verdict]]
    draw: Callable[[Sequence[Measurement]], Sequence[Drawing]]

    def settings(self, scale: str) -> Any:
        """Return the settings of a scale.

        Raises:
            InputError: The claim is not defined at that scale.
        """
        if scale not in SCALES:
            raise unknown_name("scale", scale, SCALES)
        if scale not in self.scales:
            raise InputError(f"claim {self.id} has no scale {scale!r}", expected=f"one of {', '.join(self.scales)}")
        return self.scales[scale]

    def job_keys(self, scale: str, version: str) -> dict[str, Job]:
        """Map each job's key to the job, in grid order."""
        settings = self.settings(scale)
        return {job.key(self.id, version, asdict(settings)): job for job in self.jobs(settings)}
