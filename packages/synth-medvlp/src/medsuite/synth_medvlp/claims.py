"""SynCXR's claim as an experiment: synthetic pairs against real ones, mixtures, and what the difference is due to."""

from dataclasses import dataclass

from medsuite.core.claims import Arm, Claim, Job, Paper, Published
from medsuite.core.lazy import deferred

HOME = "medsuite.synth_medvlp.evaluate"
"""Where the experiment lies."""

PAPER = Paper("Can Medical Vision-Language Pre-training Succeed with Purely Synthetic Data?", 2025, "arXiv 2410.13523")


@dataclass(frozen=True)
class Settings:
    """Size of the experiment.

    Attributes:
        seeds: Number of seeds; each has its own patients, long tail, dirt and weights.
        pairs: Pairs of an arm; the arms called double have twice as many and twice the steps.
        test_films: Balanced, clean films of the real domain that all arms are asked about.
        size: Pixels on a side.
        epochs: Epochs.
        batch: Pairs in a step.
        tail: Zipf exponent of the real set's findings.
        gap: Distance of the synthetic domain; see `medsuite.synth_medvlp.domain`.
    """

    seeds: int
    pairs: int
    test_films: int
    size: int = 48
    epochs: int = 14
    batch: int = 64
    tail: float = 1.5
    gap: float = 1.0


_ARMS_OF = {"real cells": 4, "synthetic cells": 4, "mixtures": 5, "levels": 3}
"""Each group of arms with its sets' size in units of the settings' pairs."""


def _jobs(settings: Settings) -> list[Job]:
    """One job per seed and group of arms; films are drawn once for all of them."""
    each = settings.pairs * (3e-3 + settings.epochs * 2.2e-4 * (settings.size / 48) ** 2)
    return [
        Job(f"seed={seed} group={group}", seed, {"group": group}, 5 + each * sets)
        for seed in range(settings.seeds)
        for group, sets in _ARMS_OF.items()
    ]


_CELLS = (
    Arm("tailed dirty real", "rival", "the real set: long tail, harsh dirt, degraded films"),
    Arm("tailed clean real", "rival", "the real set without dirt"),
    Arm("balanced dirty real", "rival", "the real set with balanced findings"),
    Arm("balanced clean real", "ceiling", "the real domain, balanced and without dirt, like the test films"),
    Arm("tailed dirty synthetic", "control", "the synthetic domain with the real set's tail and dirt"),
    Arm("tailed clean synthetic", "control", "the synthetic domain with the real set's tail"),
    Arm("balanced dirty synthetic", "control", "the synthetic domain with the real set's dirt"),
    Arm("balanced clean synthetic", "treatment", "the synthetic set: balanced, clean, another domain"),
)

SYNTHETIC_PAIRS = Claim(
    id="synth-medvlp/synthetic",
    paper=PAPER,
    statement="Pre-training on synthetic pairs alone is better than on as many real ones, if those are dirty enough",
    published=(
        Published("+3.8 %", "mean zero-shot AUC, purely synthetic against MIMIC-CXR pairs, equal number", "abstract"),
        Published("+9.07 %", "mean zero-shot AUC, synthetic and real pairs together, further", "abstract"),
    ),
    data=(
        "Simulated chest films: a degraded domain stands for real films and a clean one for a generator's; reports by "
        "grammar; tail, dirt and gap are chosen. No patient's film is involved and nothing clinical follows."
    ),
    scales={
        "smoke": Settings(2, 96, 200, epochs=2, batch=32),
        "laptop": Settings(3, 1600, 1500),
        "workstation": Settings(5, 8000, 4000, size=64, epochs=16),
    },
    arms=(
        *_CELLS,
        Arm("mixed", "treatment", "half of the real and half of the synthetic set: equal size and steps"),
        Arm("mixed double", "treatment", "both sets: twice the size and steps"),
        Arm("real double", "control", "twice as much real data: the size and steps of the double mixture"),
        Arm("mild real", "rival", "the real set with the 2.6 % bad films that the paper found, and little label noise"),
        Arm("half gap", "control", "the synthetic set at half the distance of the domains"),
        Arm("shuffled", "floor", "the synthetic set, every film with another one's report"),
    ),
    jobs=_jobs,
    run=deferred(f"{HOME}.experiment", "run"),
    decide=deferred(f"{HOME}.decisions", "decide"),
    draw=deferred(f"{HOME}.drawings", "draw"),
)

CLAIMS: tuple[Claim, ...] = (SYNTHETIC_PAIRS,)
"""The claims that the entry point `medsuite.claims` registers."""
