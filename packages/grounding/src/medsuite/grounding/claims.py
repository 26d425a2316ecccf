"""AG-KD's headline claim as an experiment: knowledge finds combinations that were never trained, a name does not."""

from dataclasses import dataclass

from medsuite.core.claims import Arm, Claim, Job, Paper, Published
from medsuite.core.lazy import deferred

HOME = "medsuite.grounding"
"""Where the experiments lie."""

UNSEEN = 8
"""Classes held out: 8 of the phantom's 32 attribute combinations, balanced over every attribute."""


@dataclass(frozen=True)
class PhantomSettings:
    """Size of the experiment on phantom A.

    Attributes:
        seeds: Number of seeds; each has its own split, pictures and weights.
        pictures: Training pictures a seed, each with four lesions of seen classes.
        test_pictures: Test pictures a seed, each with two lesions of seen and two of unseen classes.
        steps: Optimiser steps of each arm.
        batch: Pictures a step.
        side: Pixels along a picture's side.
    """

    seeds: int
    pictures: int
    test_pictures: int
    steps: int
    batch: int
    side: int = 64


ARMS = (
    Arm("knowledge", "treatment", "trained and asked with “{name} means {shape}, {density}, {texture}, {location}”"),
    Arm("name", "rival", "trained and asked with the bare name"),
    Arm("knowledge-without-name", "ceiling", "trained and asked with the description alone"),
    Arm("shuffled", "control", "each name has the description of another class, in training and test"),
    Arm("wrong-class", "control", "the treatment's network, asked with a wrong description"),
    Arm("location-only", "control", "of the description only the zone is told"),
)
TRAINED = tuple(arm.name for arm in ARMS if arm.name != "wrong-class")


def _jobs(settings: PhantomSettings) -> list[Job]:
    """One job per seed and trained arm; the arms of a seed see the same pictures in the same order."""
    seconds = 2 + settings.steps * settings.batch * settings.side**2 / 2.2e6
    return [
        Job(f"seed={seed} arm={arm}", seed, {"arm": arm}, seconds) for seed in range(settings.seeds) for arm in TRAINED
    ]


KNOWLEDGE = Claim(
    id="grounding/knowledge",
    paper=Paper(
        "Enhancing Abnormality Grounding for Vision Language Models with Knowledge Descriptions",
        2025,
        "arXiv 2503.03278",
    ),
    statement="Told what a finding looks like, a grounder finds classes that it never trained on",
    published=(
        Published("3.05 % against 1.48 %", "mAP50 on 18 unknown classes of PadChest-GR, knowledge and name", "table 2"),
        Published("25.50 % against 13.26 %", "mAP50 on VinDr-CXR, knowledge against name only", "table 1"),
    ),
    data=(
        "Simulated: phantom A, 64-pixel pictures of lesions whose classes are attribute combinations with meaningless "
        "names, and a small dense grounder trained from scratch. It tests the mechanism, not clinical accuracy."
    ),
    scales={
        "smoke": PhantomSettings(seeds=2, pictures=64, test_pictures=12, steps=4, batch=8),
        "laptop": PhantomSettings(seeds=5, pictures=3000, test_pictures=300, steps=250, batch=32),
        "workstation": PhantomSettings(seeds=5, pictures=12000, test_pictures=1000, steps=1000, batch=64),
    },
    arms=ARMS,
    jobs=_jobs,
    run=deferred(f"{HOME}.experiment", "measure"),
    decide=deferred(f"{HOME}.decision", "decide"),
    draw=deferred(f"{HOME}.drawing", "draw"),
)

CLAIMS: tuple[Claim, ...] = (KNOWLEDGE,)
"""The claims that the entry point `medsuite.claims` registers."""
