"""What the commands do with files: train, ask and score, each so that it can be killed and run again."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from medsuite.core.errors import InputError, ResumeError, unknown_name
from medsuite.core.runs import JsonLines, RunFolder
from medsuite.med_r1.data import read
from medsuite.med_r1.evaluation.controls import Evaluation, evaluate
from medsuite.med_r1.evaluation.engine import answer
from medsuite.med_r1.evaluation.score import Answers
from medsuite.med_r1.policy import Policy, load_policy
from medsuite.med_r1.prompts import completion
from medsuite.med_r1.rewards import accuracy_reward, format_reward
from medsuite.med_r1.schema import Question, QuestionSet
from medsuite.med_r1.train.grpo import GRPOSettings, train_grpo
from medsuite.med_r1.train.sft import SFTSettings, train_sft
from medsuite.med_r1.train.targets import own_samples

ARMS = ("grpo", "letter", "empty-think", "own-samples")
TRIES = 4
"""Samples of the base for each question of the arm `own-samples`."""


@dataclass(frozen=True)
class TrainingRun:
    """A training run on files; see the options of `medsuite med-r1 train`."""

    file: Path
    layout: str
    images: Path
    subset: str | None
    model: str
    arm: str
    style: str
    steps: int
    learning_rate: float
    prompts: int
    generations: int
    beta: float
    new_tokens: int
    save_every: int
    seed: int

    def __post_init__(self) -> None:
        if self.arm not in ARMS:
            raise unknown_name("arm", self.arm, ARMS)
        if self.save_every < 1:
            raise InputError(f"{self.save_every} steps between checkpoints", expected="at least 1")

    def describe(self) -> str:
        """Say what a step consists of."""
        return self._grpo().describe() if self.arm == "grpo" else f"{self.steps} steps of {self.prompts} questions"

    def start(self, out: Path) -> Path:
        """Train, going on from the last checkpoint in the folder.

        Args:
            out: Run folder: new, or that of the same run.

        Returns:
            Folder of the trained model.

        Raises:
            InputError: A file, name or number is not what the run takes.
            ResumeError: The folder belongs to a run with other settings.
        """
        questions = read(self.file, self.layout, self.images)
        questions = questions.subset(self.subset) if self.subset else questions
        if out.exists():
            RunFolder.open(out, asdict(self))
        policy = load_policy(self.model)
        with RunFolder.open(out, asdict(self)).locked():
            checkpoints, resume = out / "checkpoints", last_checkpoint(out / "checkpoints")
            if self.arm == "grpo":
                rewards = {"format": format_reward, "accuracy": accuracy_reward}
                train_grpo(policy, questions, rewards, self._grpo(), checkpoints, resume=resume)
            else:
                targets = self._targets(policy, questions)
                train_sft(policy, questions, targets, self._sft(), checkpoints, resume=resume)
        return checkpoints

    def _grpo(self) -> GRPOSettings:
        return GRPOSettings(
            steps=self.steps,
            prompts=self.prompts,
            generations=self.generations,
            learning_rate=self.learning_rate,
            beta=self.beta,
            new_tokens=self.new_tokens,
            style=self.style,
            seed=self.seed,
            save_every=self.save_every,
        )

    def _sft(self) -> SFTSettings:
        return SFTSettings(
            steps=self.steps,
            batch=self.prompts,
            learning_rate=self.learning_rate,
            style=self.style,
            seed=self.seed,
            save_every=self.save_every,
        )

    def _targets(self, policy: Policy, questions: QuestionSet) -> list[tuple[Question, str]]:
        if self.arm == "own-samples":
            return own_samples(
                policy, questions, tries=TRIES, style=self.style, new_tokens=self.new_tokens, seed=self.seed
            )
        if self.arm == "letter":
            return [(question, question.letter) for question in questions]
        return [(question, completion("", question.letter)) for question in questions]


def last_checkpoint(folder: Path) -> Path | None:
    """Return the newest whole checkpoint in a folder, None if there is none."""
    found = [path for path in folder.glob("checkpoint-*") if (path / "trainer_state.json").is_file()]
    return max(found, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def predict_file(model: str, questions: QuestionSet, out: Path, style: str, new_tokens: int, batch: int) -> int:
    """Ask the questions that a file has no answer to yet, and append the answers, batch by batch.

    Args:
        model: Folder or hub id; loaded if there is something to ask.
        questions: What to ask.
        out: JSON lines of `id`, `answer`, `model` and `prompt`.
        style: Prompt style.
        new_tokens: Longest completion.
        batch: Questions asked together.

    Returns:
        How many were asked.

    Raises:
        ResumeError: The file holds answers of another model or prompt.
        InputError: The model is none.
    """
    identity = {"model": model, "prompt": style}
    done = _answered(out, identity)
    todo = [question for question in questions if question.id not in done]
    if not todo:
        return 0
    policy, lines = load_policy(model), JsonLines(out)
    for start in range(0, len(todo), batch):
        part = QuestionSet(tuple(todo[start : start + batch]), questions.pictures)
        texts = answer(policy, part, style=style, new_tokens=new_tokens, batch=batch)
        for question, (text,) in zip(part, texts, strict=True):
            lines.append({"id": question.id, "answer": text, **identity})
    return len(todo)


def _answered(out: Path, identity: dict[str, str]) -> set[str]:
    done = set()
    for entry in JsonLines(out):
        given = {name: entry.get(name) for name in identity}
        if given != identity:
            raise ResumeError(f"{out} holds answers of {given}", expected=str(identity), fix="use another --out file")
        done.add(entry["id"])
    return done


def read_answers(path: Path, questions: QuestionSet) -> Answers:
    """Read the answers that `predict_file` wrote.

    Args:
        path: JSON lines.
        questions: What was asked.

    Raises:
        InputError: The file is missing, no such file, or lacks an answer.
    """
    if not path.is_file():
        raise InputError(f"{path} is not there", expected="the JSON lines that predict wrote")
    texts = {entry.get("id"): entry.get("answer") for entry in JsonLines(path)}
    absent = [question.id for question in questions if not isinstance(texts.get(question.id), str)]
    if absent:
        raise InputError(f"{path} lacks {len(absent)} of {len(questions)} answers, such as to question {absent[0]}")
    return Answers(questions, tuple(str(texts[question.id]) for question in questions))


def evaluate_policy(
    policy: Policy, questions: QuestionSet, style: str, new_tokens: int, batch: int, seed: int
) -> Evaluation:
    """Ask a policy a question set and all controls, greedily.

    Args:
        policy: The model.
        questions: The set.
        style: Prompt style.
        new_tokens: Longest completion.
        batch: Questions asked together.
        seed: Of the swaps and of the audit's folds.
    """

    def ask(asked: QuestionSet) -> tuple[str, ...]:
        texts = answer(policy, asked, style=style, new_tokens=new_tokens, batch=batch)
        return tuple(text for (text,) in texts)

    return evaluate(ask, questions, np.random.default_rng(seed))
