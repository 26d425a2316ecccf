"""ClinicalBench's claim as an experiment: language models do not beat classical models at predicting death."""

from collections.abc import Iterable
from dataclasses import dataclass

from medsuite.core.claims import Arm, Claim, Context, Job, Measurement, Paper, Published
from medsuite.core.lazy import deferred

HOME = "medsuite.bench.clinical"
VIEWS = ("retrospective", "no outcome codes", "24 h")
QUICK_MODELS = (
    *("xgboost", "logistic regression", "decision tree", "random forest", "adaboost", "support vector machine"),
    *("naive bayes", "nearest neighbours", "neural network", "transformer"),
)
"""Ten of the eleven; the LSTM costs as much as all of them together, and sees the same single vector."""
ELEVEN = (*QUICK_MODELS, "rnn")
TUNED = ("xgboost", "logistic regression")


@dataclass(frozen=True)
class ClinicalSettings:
    """Size of the experiment.

    Attributes:
        seeds: Number of seeds; each has its own hospital, patients and split.
        patients: Simulated patients a seed.
        train: Training patients that died, and as many that lived: balanced, as in the paper.
        validation: Validation patients that died; those that lived are added in the natural ratio.
        test: Test patients that died, and as many that lived; the AUROC does not depend on the ratio.
        asked: Of those, how many of each the language model is asked about.
        models: Which of the eleven, with the paper's settings.
        tuned: Which of them are tuned as well.
        configurations: Settings tried for each tuned model.
        restarts: Seeds tried for tree, forest and perceptron; 20 in the paper.
        language: A model that `medsuite.core.models` can load, or the address of a server and, after `#`, its model.
        dtype: Precision of a local model's body; the options are scored in float32 always.
    """

    seeds: int
    patients: int
    train: int
    validation: int
    test: int
    asked: int
    models: tuple[str, ...]
    tuned: tuple[str, ...]
    configurations: int = 6
    restarts: int = 1
    language: str = "smollm2-135m"
    dtype: str = "float32"


def make_jobs(settings: ClinicalSettings) -> list[Job]:
    """Two jobs a seed: the classical models in every view, and the language model, which shares prompts."""
    rows = 2 * settings.train
    fits = len(settings.models) + settings.configurations * len(settings.tuned)
    classical = 6 + len(VIEWS) * rows * (fits * 4e-4 + (0.03 if "rnn" in settings.models else 0))
    asking = 12 + 2 * settings.asked * 0.6 * len(VIEWS)
    parts = (("classical", classical), ("language", asking))
    return [
        Job(f"seed={seed} {part}", seed, {"part": part}, seconds)
        for seed in range(settings.seeds)
        for part, seconds in parts
    ]


def run(job: Job, context: Context) -> Iterable[Measurement]:
    """Measure one job; see `medsuite.bench.clinical.experiment`."""
    name = f"measure_{job.settings['part']}"
    rows: Iterable[Measurement] = deferred(f"{HOME}.experiment", name)(job, context)
    return rows


CLINICAL = Claim(
    id="bench/clinical",
    paper=Paper("ClinicalBench: Can LLMs Beat Traditional ML Models in Clinical Prediction?", 2024, "arXiv 2411.06469"),
    statement="Language models do not beat classical models in clinical prediction.",
    published=(
        Published(
            "AUROC 95.97 (95.55, 96.39) against 86.46 (85.94, 86.99)",
            "XGBoost against Gemma2-9B, death in hospital, MIMIC-III, codes of the whole stay; t intervals over five "
            "overlapping reshuffles",
            "the repository's documentation",
        ),
        Published(
            "F1 65.75 (63.85, 67.65) against 43.03 (42.35, 43.71)",
            "the same, F1 of the deaths",
            "the repository's documentation",
        ),
    ),
    data=(
        "Simulated: patients in MIMIC-IV's layout from a hospital whose every rate was chosen, none estimated; real "
        "ICD titles; SmolLM2-135M, whose result says nothing about larger models"
    ),
    scales={
        "smoke": ClinicalSettings(
            1, 1500, 40, 15, 60, 2, ("logistic regression", "naive bayes"), ("logistic regression",), 2
        ),
        "laptop": ClinicalSettings(3, 10_500, 700, 60, 100, 24, QUICK_MODELS, TUNED, 6),
        "workstation": ClinicalSettings(5, 15_000, 700, 100, 300, 300, ELEVEN, ELEVEN, 20, 20, dtype="bfloat16"),
        "paper": ClinicalSettings(1, 40_000, 700, 100, 200, 200, ELEVEN, ELEVEN, 20, 20, dtype="bfloat16"),
    },
    arms=(
        *(Arm(name, "treatment", "the paper's settings") for name in ELEVEN),
        *(Arm(f"{name}, tuned", "treatment", "settings chosen on validation") for name in ELEVEN),
        Arm("language model", "rival", "the paper's prompt, likelihood of 0 and 1 in float32, no training"),
        Arm("Bayes optimum", "ceiling", "the exact posterior given what the view shows"),
        Arm("constant guess", "floor", "the same score for everybody"),
        Arm("age and sex", "control", "logistic regression on these alone"),
        Arm("number of codes", "control", "how many codes the view shows"),
        Arm("permuted labels", "control", "logistic regression that learned from shuffled outcomes"),
    ),
    jobs=make_jobs,
    run=run,
    decide=deferred(f"{HOME}.decide", "decide"),
    draw=deferred(f"{HOME}.drawing", "draw"),
)
CLAIMS: tuple[Claim, ...] = (CLINICAL,)
