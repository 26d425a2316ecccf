"""The jobs of the claim `med-r1/transfer`: a base, and arms that go on from it with the same questions."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from medsuite.core.claims import Context, Job, Measurement
from medsuite.core.errors import InputError
from medsuite.med_r1.auditing import FOLDS, cross_validated, question_and_option_words
from medsuite.med_r1.claims import TransferSettings
from medsuite.med_r1.evaluation.controls import rotated
from medsuite.med_r1.evaluation.engine import answer
from medsuite.med_r1.evaluation.score import Answers
from medsuite.med_r1.extract import parse
from medsuite.med_r1.pictures import blank, swapped
from medsuite.med_r1.policy import Policy, load_policy
from medsuite.med_r1.prompts import completion
from medsuite.med_r1.rewards import RandomReward, Reward, accuracy_reward, format_reward
from medsuite.med_r1.schema import Question, QuestionSet
from medsuite.med_r1.train.grpo import GRPOSettings, Trained, train_grpo
from medsuite.med_r1.train.sft import SFTSettings, train_sft
from medsuite.med_r1.train.targets import own_samples
from medsuite.med_r1.transfer.base import NEW_TOKENS, STYLE, rationale, train_base
from medsuite.med_r1.transfer.questions import World, build_world, load_world, save_world


def measure(job: Job, context: Context) -> Iterator[Measurement]:
    """Train one arm and ask it the test questions, or ask the base them with all controls.

    Yields rows of `greedy` and `sampled` correctness, one a test question, and for the base also of `blank`, `swapped`
    and `circular`. Reinforcement learning also yields `accuracy reward` and `zero spread`, one a step. Letters are read
    tolerantly, so that the arm of bare letters is not marked down for its format.

    Raises:
        InputError: A data folder was given: the claim is about simulated questions.
    """
    import torch
    from transformers.utils.logging import disable_progress_bar

    if context.data is not None:
        raise InputError("med-r1/transfer measures simulated questions and reads no data set", fix="leave --data out")
    torch.set_num_threads(1)
    disable_progress_bar()
    world, base = _start(job, context)
    arm = str(job.settings["arm"])
    if arm == "base":
        yield from _base_rows(context.settings, job.seed, base, world.test)
        return
    with TemporaryDirectory() as scratch:
        if arm in ("GRPO", "random reward"):
            trained = _reinforce(job, context, base, world.train, Path(scratch))
            policy = trained.policy
            yield from _course_rows(arm, job.seed, trained)
        else:
            policy = _fine_tune(job, context, base, world.train, Path(scratch))
    yield from _answer_rows(arm, job.seed, policy, world.test)


def _start(job: Job, context: Context) -> tuple[World, Policy]:
    """Return the questions and the base of a job, which are made once."""
    settings: TransferSettings = context.settings
    number = int(job.settings["base"])
    questions = f"{number}-{settings.warmup_questions}-{settings.train_questions}-{settings.test_questions}"
    steps = f"{settings.clean_steps}-{settings.noise_steps}-{settings.noise:g}-{settings.batch}"
    world = load_world(
        context.artefact(f"questions-{questions}", lambda folder: save_world(build_world(settings, number), folder))
    )
    folder = context.artefact(
        f"base-{questions}-{steps}", lambda folder: train_base(settings, world.warmup, number, folder)
    )
    return world, load_policy(folder, device="cpu")


def _reinforce(job: Job, context: Context, base: Policy, questions: QuestionSet, out: Path) -> Trained:
    settings: TransferSettings = context.settings
    second: Reward = accuracy_reward
    if job.settings["arm"] == "random reward":
        second = RandomReward(np.random.default_rng([job.seed, 2]))
    run = GRPOSettings(
        steps=settings.grpo_steps,
        prompts=settings.prompts,
        generations=settings.generations,
        learning_rate=settings.grpo_rate,
        beta=0.0,
        new_tokens=NEW_TOKENS,
        style=STYLE,
        seed=job.seed,
    )
    rewards: dict[str, Reward] = {"format": format_reward, "accuracy": second}
    return train_grpo(base, questions, rewards, run, out, progress=context.progress)


def _fine_tune(job: Job, context: Context, base: Policy, questions: QuestionSet, out: Path) -> Policy:
    settings: TransferSettings = context.settings
    targets = targets_for(str(job.settings["arm"]), base, questions, settings, job.seed)
    if not targets:
        # A base that is never right has nothing to teach itself.
        return base
    decay = settings.sft_steps * 3 // 10
    run = SFTSettings(settings.sft_steps, settings.batch, settings.sft_rate, 5, decay, STYLE, job.seed)
    return train_sft(base, questions, targets, run, out, progress=context.progress)


def targets_for(
    arm: str, base: Policy, questions: QuestionSet, settings: TransferSettings, seed: int
) -> list[tuple[Question, str]]:
    """Return what a supervised arm learns.

    Args:
        arm: One of `RIVALS`.
        base: The base, which the arm `own samples` asks.
        questions: The training questions.
        settings: How often it asks.
        seed: Of the sampling.
    """
    if arm == "own samples":
        return own_samples(
            base, questions, tries=settings.tries, style=STYLE, new_tokens=NEW_TOKENS, batch=256, seed=seed
        )
    write = {
        "letter": lambda question: question.letter,
        "empty think": lambda question: completion("", question.letter),
        "rationale": rationale,
    }[arm]
    return [(question, write(question)) for question in questions]


def _ask(policy: Policy, questions: QuestionSet, seed: int, temperature: float = 0.0) -> Answers:
    texts = answer(policy, questions, style=STYLE, new_tokens=NEW_TOKENS, batch=128, temperature=temperature, seed=seed)
    return Answers(questions, tuple(text for (text,) in texts))


def _answer_rows(arm: str, seed: int, policy: Policy, test: QuestionSet) -> Iterator[Measurement]:
    greedy = _ask(policy, test, seed)
    yield from _rows(arm, seed, test, "greedy", greedy.correct("tolerant"))
    yield from _rows(arm, seed, test, "sampled", _ask(policy, test, seed, 1.0).correct("tolerant"))
    yield from _rows(arm, seed, test, "compliant", [parse(text).compliant for text in greedy.texts])


def _base_rows(settings: TransferSettings, seed: int, base: Policy, test: QuestionSet) -> Iterator[Measurement]:
    """Yield the base's rows for every seed that starts from it, its controls, and the text-only reader's rows."""
    rng = np.random.default_rng([seed, 3])
    yield from _text_rows(seed, test, rng)
    for number in range(seed, settings.seeds, settings.bases):
        yield from _answer_rows("base", number, base, test)
    controls = {"blank": blank(test), "swapped": swapped(test, rng)}
    for metric, questions in controls.items():
        yield from _rows("base", seed, test, metric, _ask(base, questions, seed).correct("tolerant"))
    right = _ask(base, test, seed).correct("tolerant")
    for places in range(1, 4):
        right = right & _ask(base, rotated(test, places), seed).correct("tolerant")
    yield from _rows("base", seed, test, "circular", right)


def _text_rows(seed: int, test: QuestionSet, rng: np.random.Generator) -> Iterator[Measurement]:
    for name in test.subsets:
        part = test.subset(name)
        folds = rng.permutation(np.arange(len(part)) % FOLDS)
        right = cross_validated(part.questions, folds, question_and_option_words)
        yield from _rows("text only", seed, part, "greedy", right)
        yield from _rows("text only", seed, part, "chance", [1 / len(question.options) for question in part])


def _course_rows(arm: str, seed: int, trained: Trained) -> Iterator[Measurement]:
    for number, entry in enumerate(trained.history, start=1):
        unit = f"step {number:04d}"
        yield Measurement(arm, seed, unit, "accuracy reward", float(entry["rewards/accuracy/mean"]))
        yield Measurement(arm, seed, unit, "zero spread", float(entry["frac_reward_zero_std"]))


def _rows(
    arm: str, seed: int, questions: QuestionSet, metric: str, values: Iterable[float | bool | np.bool_]
) -> Iterator[Measurement]:
    for question, value in zip(questions, values, strict=True):
        yield Measurement(arm, seed, question.id, metric, float(value))
