"""BP-GPT's claims as experiments: the brain prompt says what was heard, and aligning it to the text prompt helps."""

from dataclasses import dataclass, replace

from medsuite.core.claims import Arm, Claim, Job, Paper, Published
from medsuite.core.claims.model import Scale
from medsuite.core.lazy import deferred

HOME = "medsuite.bpgpt.evaluate"
"""Where the experiments lie."""

PAPER = Paper("BP-GPT: Auditory Neural Decoding Using fMRI-prompted LLM", 2025, "arXiv 2502.15172")
DATA = (
    "Simulated: a micro-world of telegraphic sentences from a grammar of 52 words, their responses in 160 voxels "
    "through a haemodynamic lobe of 10 s, and white noise; the language model is a GPT-2 of one layer trained on the "
    "spot. The exact Bayes decoder is known. No statement about real brains follows."
)


FIRST_SEED = 10
"""Sizes and learning rates were chosen in worlds below this seed; the claims are measured in others."""


@dataclass(frozen=True)
class MicroSettings:
    """Size of an experiment in the micro-world.

    Attributes:
        seeds: Number of worlds, each with its own grammar, listener and models.
        voxels: Voxels of the listener.
        train: Training windows.
        test: Test windows.
        snr: The signal-to-noise ratio that counts as high.
        width: Width of the language model; 16 per attention head.
        language_steps: Steps of language training.
        text_steps: Steps of stage 1.
        brain_steps: Steps of stage 2.
    """

    seeds: int
    voxels: int
    train: int
    test: int
    snr: float
    width: int
    language_steps: int
    text_steps: int
    brain_steps: int


SCALES: dict[Scale, MicroSettings] = {
    "smoke": MicroSettings(2, 16, 64, 6, 1.0, 16, 4, 4, 4),
    "laptop": MicroSettings(3, 160, 4000, 80, 1.0, 64, 150, 350, 500),
    "workstation": MicroSettings(10, 160, 16000, 400, 0.2, 64, 300, 1500, 6000),
}


# Alignment can only help where something is left to gain: half the SNR.
ALIGNMENT_SCALES: dict[Scale, MicroSettings] = {
    scale: replace(settings, snr=settings.snr / 2) for scale, settings in SCALES.items()
}


def _jobs(settings: MicroSettings) -> list[Job]:
    """One job per world; all arms of a world share its windows and its language model."""
    seconds = 0.05 * (settings.text_steps + 2 * settings.brain_steps) + 0.04 * settings.test
    return [Job(f"seed={seed}", seed, {}, seconds) for seed in range(FIRST_SEED, FIRST_SEED + settings.seeds)]


BRAIN = Claim(
    id="bpgpt/brain",
    paper=PAPER,
    statement="Prompted with a brain, a language model writes what was heard, better than with none or another's",
    published=(
        Published(
            "+4.61 METEOR, +2.43 BERTScore points",
            "best gain over earlier methods among three listeners of one story; no null without a brain is reported",
            "abstract",
        ),
    ),
    data=DATA,
    scales=SCALES,
    arms=(
        Arm("brain", "treatment", "the paper's encoder, aligned with per-sample InfoNCE"),
        Arm("permuted", "control", "the same encoder given the brain of another window"),
        Arm("constant", "floor", "k trained prompt vectors, the same for all windows"),
        Arm("language model", "floor", "no prompt but the begin-of-text token"),
        Arm("snr 0", "control", "the same encoder trained and tested on brains that heard nothing"),
        Arm("ridge", "rival", "ridge regression to sentence vectors, then the text mapper"),
        Arm("text", "ceiling", "the text prompt: what the prompt channel can carry"),
        Arm("oracle", "ceiling", "the exact Bayes decoder, which knows the listener and the grammar"),
    ),
    jobs=_jobs,
    run=deferred(f"{HOME}.experiments", "brain"),
    decide=deferred(f"{HOME}.decisions", "brain"),
    draw=deferred(f"{HOME}.drawings", "brain"),
)

ALIGNMENT = Claim(
    id="bpgpt/alignment",
    paper=PAPER,
    statement="Pulling the brain prompt towards the text prompt improves decoding",
    published=(
        Published(
            "improves", "ablation of the contrastive loss; its cells are not at hand and left blank", "section 4"
        ),
    ),
    data=DATA,
    scales=ALIGNMENT_SCALES,
    arms=(
        Arm("infonce", "treatment", "per-sample symmetric InfoNCE on centred prompts"),
        Arm("paper", "treatment", "the paper's formula, with other brains as negatives"),
        Arm("released", "rival", "the released code's formula: one logarithm per batch, squared norms"),
        Arm("none", "control", "the language-model loss alone, for as many steps"),
        Arm("mismatched", "control", "per-sample InfoNCE to the text prompts of other windows"),
        Arm("text", "ceiling", "the text prompt: what the prompt channel can carry"),
        Arm("oracle", "ceiling", "the exact Bayes decoder"),
    ),
    jobs=_jobs,
    run=deferred(f"{HOME}.experiments", "align"),
    decide=deferred(f"{HOME}.decisions", "align"),
    draw=deferred(f"{HOME}.drawings", "align"),
)

CLAIMS: tuple[Claim, ...] = (BRAIN, ALIGNMENT)
"""The claims that the entry point `medsuite.claims` registers."""
