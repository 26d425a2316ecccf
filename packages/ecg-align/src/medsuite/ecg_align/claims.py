"""The headline claims of SuPreME and K-MERL as experiments: zero-shot from text, and any leads."""

from dataclasses import dataclass

from medsuite.core.claims import Arm, Claim, Job, Paper, Published
from medsuite.core.lazy import deferred

HOME = "medsuite.ecg_align.evaluate"
"""Where the experiments lie."""

SUPREME = Paper(
    "SuPreME: A Supervised Pre-training Framework for Multimodal ECG Representation Learning", 2025, "arXiv 2502.19668"
)
KMERL = Paper(
    "Knowledge-enhanced Multimodal ECG Representation Learning with Arbitrary-Lead Inputs", 2025, "arXiv 2502.17900"
)
DATA = (
    "Simulated: 5 s at 100 Hz from a moving dipole, every person with lead fields of their own, noise at the "
    "electrodes, labels that are the causes put in. No patient's recording is involved and nothing clinical follows."
)


@dataclass(frozen=True)
class ZeroShotSettings:
    """Size of the zero-shot experiment.

    Attributes:
        folds: Number of folds, each with five other held-out compositions.
        records: Training records of a fold.
        test_records: Test records of a fold.
        steps: Training steps.
        batch: Records in a step.
    """

    folds: int
    records: int
    test_records: int
    steps: int
    batch: int = 64


@dataclass(frozen=True)
class LeadSettings:
    """Size of the experiment on partial leads.

    Attributes:
        seeds: Number of seeds.
        records: Training records of a seed.
        test_records: Test records of a seed.
        steps: Training steps, the same for every arm.
        batch: Records in a step.
    """

    seeds: int
    records: int
    test_records: int
    steps: int
    batch: int = 48


def _zero_shot_jobs(settings: ZeroShotSettings) -> list[Job]:
    """One job per fold: all kinds of text are trained on one encoder in the same batches."""
    seconds = settings.steps * settings.batch * 8.5e-4 + 10
    return [Job(f"fold={fold}", fold, {"fold": fold}, seconds) for fold in range(settings.folds)]


def _lead_jobs(settings: LeadSettings) -> list[Job]:
    """One job per seed and trained encoder; zero-filled and reconstructed leads go through the same one."""
    cost = {"masked": 9e-4, "mixing": 4.5e-4, "own": 3e-4}
    return [
        Job(f"seed={seed} group={group}", seed, {"group": group}, settings.steps * settings.batch * each + 8)
        for seed in range(settings.seeds)
        for group, each in cost.items()
    ]


ZERO_SHOT = Claim(
    id="ecg-align/zero-shot",
    paper=SUPREME,
    statement="Queries in words find findings that no training record had",
    published=(
        Published(
            "77.20 %",
            "zero-shot macro AUROC over six downstream sets with 106 conditions as queries, 4.98 points above the best "
            "self-supervised methods",
            "abstract, versions 2 and 3",
        ),
    ),
    data=DATA,
    scales={
        "smoke": ZeroShotSettings(2, 256, 300, 12),
        "laptop": ZeroShotSettings(3, 5000, 1200, 1200),
        "workstation": ZeroShotSettings(5, 20000, 4000, 6000),
    },
    arms=(
        Arm("knowledge", "treatment", "what is seen and in which leads, through a frozen MiniLM"),
        Arm("name", "rival", "the clinical name, which is compositional too"),
        Arm("code", "rival", "a statement code"),
        Arm("same change elsewhere", "control", "trained queries of the same change at the other walls"),
        Arm("nearest trained", "control", "the trained query whose text is nearest"),
        Arm("shuffled", "control", "the same texts handed to each other's findings"),
        Arm("random", "floor", "a random vector per finding, an opaque name"),
    ),
    jobs=_zero_shot_jobs,
    run=deferred(f"{HOME}.zero_shot", "zero_shot"),
    decide=deferred(f"{HOME}.decisions", "zero_shot"),
    draw=deferred(f"{HOME}.drawings", "zero_shot"),
)

LEADS = Claim(
    id="ecg-align/any-leads",
    paper=KMERL,
    statement="One set of weights reads any leads better than a twelve-lead model with the missing leads filled",
    published=(
        Published(
            "+16 %",
            "mean zero-shot AUROC with partial leads over existing methods, which were given zeros for missing leads "
            "as far as the summary tells",
            "abstract",
        ),
    ),
    data=DATA,
    scales={
        "smoke": LeadSettings(2, 200, 300, 8),
        "laptop": LeadSettings(3, 4000, 1000, 1500),
        "workstation": LeadSettings(5, 20000, 4000, 6000, 64),
    },
    arms=(
        Arm("masked", "treatment", "lead-wise tokens, a lead set drawn every step, absent leads make no token"),
        Arm("zero-filled", "rival", "a lead-mixing model of twelve leads; missing ones are zeros"),
        Arm("reconstructed", "rival", "the same model; missing leads by least squares from those given"),
        Arm("own lead", "ceiling", "a lead-wise model that was trained on that lead alone"),
    ),
    jobs=_lead_jobs,
    run=deferred(f"{HOME}.partial_leads", "partial_leads"),
    decide=deferred(f"{HOME}.decisions", "any_leads"),
    draw=deferred(f"{HOME}.drawings", "any_leads"),
)

CLAIMS: tuple[Claim, ...] = (ZERO_SHOT, LEADS)
"""The claims that the entry point `medsuite.claims` registers."""
