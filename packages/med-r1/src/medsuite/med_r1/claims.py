"""MedVLM-R1's headline claim as an experiment: does reinforcement learning carry over where fine-tuning does not?"""

from dataclasses import dataclass

from medsuite.core.claims import Arm, Claim, Job, Paper, Published
from medsuite.core.lazy import deferred

HOME = "medsuite.med_r1.transfer"
"""Where the experiment lies."""

TRAINED_DOMAIN = "MR"
OTHER_DOMAINS = ("CT", "film")


@dataclass(frozen=True)
class TransferSettings:
    """Size of the experiment.

    Attributes:
        seeds: Number of seeds: of sampling, of the order of the questions, of generation.
        bases: Number of base models, each with its own patients, questions and weights; the seeds take turns.
        warmup_questions: Easy questions of each modality that a base learns from.
        train_questions: Hard questions of MR that every arm learns from.
        test_questions: Hard questions of each modality, of other patients.
        clean_steps: Steps of a base's first stage, on easy questions.
        noise_steps: Steps of its second, in which a share `noise` of the letters is random and the think text right.
        noise: That share.
        grpo_steps: Steps of reinforcement learning.
        prompts: Questions a step.
        generations: Completions of each.
        grpo_rate: Learning rate of reinforcement learning.
        sft_steps: Steps of each supervised arm.
        batch: Questions a supervised step.
        sft_rate: Its learning rate.
        tries: Samples of the base for each question, of which the arm `own samples` learns a right one.
        side: Pixels along a picture's side.
    """

    seeds: int
    bases: int
    warmup_questions: int
    train_questions: int
    test_questions: int
    clean_steps: int
    noise_steps: int
    grpo_steps: int
    sft_steps: int
    prompts: int = 8
    generations: int = 8
    batch: int = 64
    noise: float = 0.4
    grpo_rate: float = 2e-4
    sft_rate: float = 1e-3
    tries: int = 4
    side: int = 56


RIVALS = ("own samples", "letter", "empty think", "rationale")
"""The supervised arms; the first is the headline's."""

ARMS = (
    Arm("GRPO", "treatment", "format and accuracy reward as released, groups of 8"),
    Arm("own samples", "rival", "fine-tuned on the base's own right answers to the same questions"),
    Arm("letter", "rival", "fine-tuned on the bare letter, the paper's rival"),
    Arm("empty think", "rival", "fine-tuned on the released format with nothing in the think block"),
    Arm("rationale", "rival", "fine-tuned on the right option in the think block and its letter"),
    Arm("random reward", "control", "GRPO with the format reward and a coin for the accuracy reward"),
    Arm("base", "floor", "where all arms start"),
    Arm("text only", "control", "a logistic regression that reads question and options and sees no image"),
)
TRAINED = ("GRPO", *RIVALS, "random reward")
"""The arms that are trained."""


def _jobs(settings: TransferSettings) -> list[Job]:
    """One job a base for what needs no training, one a seed and trained arm; whoever comes first builds the base."""
    pictures = 3 * settings.warmup_questions + settings.train_questions + 3 * settings.test_questions
    build = 0.01 * pictures + 0.003 * settings.batch * (settings.clean_steps + settings.noise_steps)
    grpo = 0.0045 * settings.grpo_steps * settings.prompts * settings.generations
    sft = 0.002 * settings.sft_steps * settings.batch
    asking = 3 + 0.01 * settings.test_questions
    jobs = [
        Job(f"base={number}", number, {"arm": "base", "base": number}, build + 3 * asking)
        for number in range(settings.bases)
    ]
    for seed in range(settings.seeds):
        for arm in TRAINED:
            seconds = asking + (grpo if arm in ("GRPO", "random reward") else sft)
            jobs.append(Job(f"seed={seed} arm={arm}", seed, {"arm": arm, "base": seed % settings.bases}, seconds))
    return jobs


TRANSFER = Claim(
    id="med-r1/transfer",
    paper=Paper(
        "MedVLM-R1: Incentivizing Medical Reasoning Capability of Vision-Language Models via Reinforcement Learning",
        2025,
        "arXiv 2502.19634",
    ),
    statement="Reinforcement learning on MR carries over to CT and film; fine-tuning on the same questions does not",
    published=(
        Published(
            "55.11 % to 78.22 %", "mean accuracy on 300 questions each of MRI, CT and X-ray, 2B model", "abstract"
        ),
    ),
    data=(
        "Simulated: questions about one lesion in the lung of a simulated patient, drawn as CT slice, MR slice and "
        "film, and a Qwen2-VL of 0.4 million weights that is trained here. It tests the mechanism, not clinical "
        "accuracy; the base has seen all three modalities, as the paper's had."
    ),
    scales={
        "smoke": TransferSettings(
            seeds=2,
            bases=1,
            warmup_questions=16,
            train_questions=16,
            test_questions=10,
            clean_steps=2,
            noise_steps=2,
            grpo_steps=2,
            sft_steps=2,
            prompts=2,
            generations=4,
            batch=8,
        ),
        "laptop": TransferSettings(
            seeds=3,
            bases=1,
            warmup_questions=600,
            train_questions=600,
            test_questions=200,
            clean_steps=300,
            noise_steps=60,
            grpo_steps=70,
            sft_steps=80,
        ),
        "workstation": TransferSettings(
            seeds=6,
            bases=6,
            warmup_questions=2000,
            train_questions=600,
            test_questions=300,
            clean_steps=800,
            noise_steps=60,
            grpo_steps=200,
            sft_steps=80,
        ),
    },
    arms=ARMS,
    jobs=_jobs,
    run=deferred(f"{HOME}.experiment", "measure"),
    decide=deferred(f"{HOME}.decision", "decide"),
    draw=deferred(f"{HOME}.drawing", "draw"),
)

CLAIMS: tuple[Claim, ...] = (TRANSFER,)
"""The claims that the entry point `medsuite.claims` registers."""
