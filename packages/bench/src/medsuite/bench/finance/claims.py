"""MME-Finance's claims as one experiment: photographs are harder, and candlestick and indicator charts are hardest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medsuite.bench.finance.decide import decide
from medsuite.bench.finance.schema import ImageType
from medsuite.core.claims import Arm, Claim, Context, Drawing, Job, Measurement, Paper, Published
from medsuite.core.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE = "MME-Finance: A Multimodal Finance Benchmark for Expert-level Understanding and Reasoning"
SECONDS_A_PICTURE = 10.0
"""Expected cost of one picture: reading it on screen and in three photographs."""


@dataclass(frozen=True)
class FinanceSettings:
    """Size of the experiment.

    Attributes:
        seeds: Number of seeds; each draws its own pictures and photographs.
        pictures: Pictures per type and seed.
        levels: Camera levels beside the control.
    """

    seeds: int
    pictures: int
    levels: tuple[str, ...] = ("medium", "heavy")


def make_jobs(settings: FinanceSettings) -> list[Job]:
    """One job a seed and picture type."""
    seconds = settings.pictures * SECONDS_A_PICTURE
    return [
        Job(f"seed={seed} type={image_type}", seed, {"image_type": str(image_type)}, seconds)
        for seed in range(settings.seeds)
        for image_type in ImageType
    ]


def run(job: Job, context: Context) -> Iterator[Measurement]:
    """Measure one job; see `medsuite.bench.finance.experiment.measure`.

    Raises:
        InputError: A data folder was given: the released set has no picture in two styles, so that nothing is paired.
    """
    from medsuite.bench.finance.experiment import measure

    if context.data is not None:
        raise InputError(
            f"{context.data} cannot be used by bench/finance: no released picture exists in two styles",
            fix="run the claim without --data; score replies to the released set with: medsuite bench finance evaluate",
        )
    yield from measure(job, context.settings.levels, context.settings.pictures)


def draw(measurements: Sequence[Measurement]) -> list[Drawing]:
    """Draw accuracy by task and by picture type in each condition."""
    from matplotlib.figure import Figure

    shown = ["screen", "square", "medium", "medium, rectified", "heavy", "heavy, rectified"]
    present = [arm for arm in shown if any(row.arm == arm for row in measurements)]
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    tasks = ["OCR", "ER", "SA", "ANC", "ENC", "NA"]
    by_task = {arm: [_accuracy(measurements, arm, task=task) for task in tasks] for arm in present}
    by_type = {arm: [_accuracy(measurements, arm, image_type=kind) for kind in ImageType] for arm in present}
    _draw_points(left, by_task, tasks)
    _draw_points(right, by_type, list(ImageType))
    left.set_ylabel("questions answered right (%)")
    right.legend(frameon=False, fontsize=8, loc="lower left")
    caption = (
        "The same questions about the same pictures. What rectification wins back was lost to geometry; the rest was "
        "lost to reading. Estimates (ENC) count as right within 2 % of the visible axis."
    )
    return [Drawing("Screens and photographs, by task and by picture type", caption, figure)]


def _draw_points(axes: "Axes", accuracy: dict[str, list[float]], names: Sequence[str]) -> None:
    places = np.arange(len(names))
    for number, (arm, values) in enumerate(accuracy.items()):
        axes.plot(places + 0.12 * (number - (len(accuracy) - 1) / 2), values, "o", label=arm, markersize=5)
    axes.set_xticks(places, names, fontsize=8)
    axes.set_ylim(-3, 103)
    axes.grid(axis="y", alpha=0.3)


def _accuracy(
    measurements: Sequence[Measurement], arm: str, task: str | None = None, image_type: str | None = None
) -> float:
    tasks = (task,) if task else ("OCR", "ER", "SA", "ANC", "ENC", "NA")
    values = [
        row.value
        for row in measurements
        if row.arm == arm and row.metric in tasks and (image_type is None or row.unit.startswith(f"{image_type}-"))
    ]
    return 100 * float(np.mean(values)) if values else float("nan")


FINANCE = Claim(
    id="bench/finance",
    paper=Paper(TITLE, 2024, "2411.03314"),
    statement=(
        "Photographs of a screen are harder than the screen, "
        "and candlestick and indicator charts are the hardest pictures."
    ),
    published=(
        Published(
            "4.6 points (English), 6.4 (Chinese)",
            "mean over about 30 models of computer screenshot minus mobile photograph",
            "style tables, August 2025",
        ),
        Published(
            "-9.3 points (English), -3.5 (Chinese)",
            "mean over about 30 models of candlestick and indicator charts minus the other types",
            "type tables, August 2025",
        ),
    ),
    data=(
        "Simulated: charts of a simulated market, tables and report pages of invented companies, "
        "and photographs by a camera model."
    ),
    scales={
        "smoke": FinanceSettings(seeds=1, pictures=1, levels=("medium",)),
        "laptop": FinanceSettings(seeds=3, pictures=2),
        "workstation": FinanceSettings(seeds=10, pictures=10),
    },
    arms=(
        Arm("true text", "ceiling", "the drawn strings in place of OCR: the limit of the rules"),
        Arm("screen", "control", "the picture as it was drawn"),
        Arm("square", "control", "the camera square to the screen, without glare: the optics alone"),
        Arm("medium", "treatment", "a photograph by hand"),
        Arm("medium, rectified", "rival", "the same, corners found and perspective undone"),
        Arm("medium, true corners", "ceiling", "the same with the true corners"),
        Arm("heavy", "treatment", "a bad photograph"),
        Arm("heavy, rectified", "rival", "the same, corners found and perspective undone"),
        Arm("heavy, true corners", "ceiling", "the same with the true corners"),
        Arm("prior", "floor", "the most frequent answer of each wording; never sees the picture"),
        Arm("axis guess", "floor", "the middle of the axis for every estimate"),
    ),
    jobs=make_jobs,
    run=run,
    decide=decide,
    draw=draw,
)
CLAIMS: tuple[Claim, ...] = (FINANCE,)
