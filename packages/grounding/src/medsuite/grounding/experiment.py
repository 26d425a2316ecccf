"""The job of the claim `grounding/knowledge`: one arm of one seed on phantom A."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

from medsuite.core.claims import Context, Job, Measurement
from medsuite.core.errors import InputError
from medsuite.grounding.claims import UNSEEN, PhantomSettings
from medsuite.grounding.dense import DenseSize
from medsuite.grounding.knowledge import KnowledgeBase, load_knowledge
from medsuite.grounding.phantom import LESIONS, PhantomSet, draw_set, hold_out
from medsuite.grounding.prompts import strategy
from medsuite.grounding.training import DenseTraining, overlap_with_target, train_dense

SEEN_LESIONS = LESIONS // 2
FOUND = 0.5


def measure(job: Job, context: Context) -> Iterator[Measurement]:
    """Train one arm and ask it for every lesion of the test pictures.

    Yields one row per arm, picture and metric: `seen_accuracy`, `unseen_accuracy` (share of the picture's two lesions
    found at IoU 0.5) and `unseen_iou`. The job of the arm `knowledge` also asks its network with wrong descriptions.

    Raises:
        InputError: A data folder was given: the claim is about the phantom.
    """
    if context.data is not None:
        raise InputError("grounding/knowledge measures its phantom and reads no data set", fix="leave --data out")
    settings: PhantomSettings = context.settings
    knowledge = load_knowledge("phantom")
    train, test = _pictures(job.seed, settings, knowledge, context)
    arm = str(job.settings["arm"])
    draws = np.random.default_rng([job.seed, 1])
    told = strategy(arm, knowledge, draws)
    right = strategy("knowledge", knowledge, draws)
    grounder = train_dense(
        train,
        [told.render(finding, draws).text for finding in knowledge.findings],
        [right.render(finding, draws).text for finding in knowledge.findings],
        DenseTraining(steps=settings.steps, pictures=settings.batch),
        seed=job.seed,
        size=DenseSize(),
        progress=context.progress,
    )
    asked = {arm: told}
    if arm == "knowledge":
        asked["wrong-class"] = strategy("wrong-class", knowledge, draws)
    for name, words in asked.items():
        yield from _rows(name, job.seed, overlap_with_target(grounder, test, knowledge, words, draws))


def _rows(arm: str, seed: int, overlap: Float[np.ndarray, "picture lesion"]) -> Iterator[Measurement]:
    seen, unseen = overlap[:, :SEEN_LESIONS], overlap[:, SEEN_LESIONS:]
    metrics = {
        "seen_accuracy": (seen >= FOUND).mean(axis=1),
        "unseen_accuracy": (unseen >= FOUND).mean(axis=1),
        "unseen_iou": unseen.mean(axis=1),
    }
    for metric, values in metrics.items():
        for picture, value in enumerate(values):
            yield Measurement(arm, seed, f"{seed}-{picture}", metric, float(value))


def _pictures(
    seed: int, settings: PhantomSettings, knowledge: KnowledgeBase, context: Context
) -> tuple[PhantomSet, PhantomSet]:
    """Draw the training and test pictures of a seed once for all arms."""

    def build(folder: Path) -> None:
        generator = np.random.default_rng([seed, 0])
        seen, unseen = hold_out(knowledge, UNSEEN, generator)
        plans = {
            "train": (settings.pictures, [(seen, LESIONS)]),
            "test": (settings.test_pictures, [(seen, SEEN_LESIONS), (unseen, LESIONS - SEEN_LESIONS)]),
        }
        for name, (count, groups) in plans.items():
            drawn = draw_set(knowledge, count, groups, generator, side=settings.side)
            np.savez(folder / f"{name}.npz", images=drawn.images, boxes=drawn.boxes, classes=drawn.classes)

    name = f"pictures-seed{seed}-{settings.pictures}-{settings.test_pictures}-{settings.side}px"
    folder = context.artefact(name, build)
    return _load(folder / "train.npz"), _load(folder / "test.npz")


def _load(path: Path) -> PhantomSet:
    with np.load(path) as arrays:
        return PhantomSet(arrays["images"], arrays["boxes"], arrays["classes"])
