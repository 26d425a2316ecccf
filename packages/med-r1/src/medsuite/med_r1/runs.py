"""What the commands do with files: train, ask and score, each so that it can be killed and run again."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from medsuite.core.errors import InputError, ResumeError, unknown_name
from medsuite.core.runs import JsonLines, RunFolder
from medsuite.med_r1.data import read
from medsuite.med_r1.evaluation.controls import Evaluation, evaluate
from medsuite.med_r1.evaluation.engine import answer
from medsuite.med_r1.evaluation.score import Answers
from medsuite.med_r1.policy import Policy, load_policy
from medsuite.med_r1.prompts import build, completion
from medsuite.med_r1.rewards import accuracy_reward, format_reward
from medsuite.med_r1.schema import Question, QuestionSet, digest
from medsuite.med_r1.seeds import generator
from medsuite.med_r1.train.arguments import is_main_process, processes
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
        self._settings()

    def describe(self) -> str:
        """Say what a step consists of."""
        settings = self._settings()
        said = f"{self.steps} steps of {self.prompts} questions"
        if isinstance(settings, GRPOSettings):
            said = settings.describe()
        together = processes()
        return f"{said}, in each of {together} processes" if together > 1 else said

    def start(self, out: Path) -> Path:
        """Train, going on from the last checkpoint in the folder.

        Args:
            out: Run folder: new, or that of the same run.

        Returns:
            Folder of the trained model.

        Raises:
            InputError: A file, name or number is not what the run takes.
            ResumeError: The folder belongs to a run with other settings, questions, weights or number of processes.
        """
        if out.exists() and not out.is_dir():
            raise InputError(f"{out} is a file", expected="a folder for the run")
        questions = read(self.file, self.layout, self.images)
        questions = questions.subset(self.subset) if self.subset else questions
        _refuse_ambiguous(questions)
        config = asdict(self) | {"data": questions.digest, "weights": weights_digest(self.model)}
        config["processes"] = processes()
        if is_main_process() and out.exists():
            RunFolder.open(out, config)
        policy = load_policy(self.model)
        with _held(out, config):
            checkpoints, resume = out / "checkpoints", last_checkpoint(out / "checkpoints")
            settings = self._settings()
            if isinstance(settings, GRPOSettings):
                rewards = {"format": format_reward, "accuracy": accuracy_reward}
                train_grpo(policy, questions, rewards, settings, checkpoints, resume=resume)
            else:
                targets = self._targets(policy, questions)
                train_sft(policy, questions, targets, settings, checkpoints, resume=resume)
        return checkpoints

    def _settings(self) -> GRPOSettings | SFTSettings:
        return self._grpo() if self.arm == "grpo" else self._sft()

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


@contextmanager
def _held(out: Path, config: Mapping[str, Any]) -> Iterator[None]:
    """Hold the run folder; of processes that train together the first one holds it for all."""
    if not is_main_process():
        yield
        return
    with RunFolder.open(out, config).locked():
        yield


def _refuse_ambiguous(questions: QuestionSet) -> None:
    twins = [question for question in questions if question.is_ambiguous]
    if twins:
        given = f"{len(twins)} questions have two right letters, such as {twins[0].id} with {twins[0].options}"
        raise InputError(given, expected="options that differ by more than case and full stops", fix="mend the file")


def weights_digest(model: str) -> str:
    """Hash the weights and the configuration of a model's folder; empty for a packaged name or a hub id.

    Args:
        model: As `load_policy` takes it.
    """
    paths = sorted(Path(model).glob("*.safetensors")) + sorted(Path(model).glob("config.json"))
    if not paths:
        return ""
    total = hashlib.blake2b(digest_size=8)
    for path in paths:
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "blake2b").digest())
    return total.hexdigest()


def last_checkpoint(folder: Path) -> Path | None:
    """Return the newest whole checkpoint in a folder, None if there is none."""
    found = [path for path in folder.glob("checkpoint-*") if _is_whole(path)]
    return max(found, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def _is_whole(checkpoint: Path) -> bool:
    """Tell whether a checkpoint was finished: its state is what a trainer writes last."""
    try:
        json.loads((checkpoint / "trainer_state.json").read_text())
    except (OSError, ValueError):
        return False
    return checkpoint.name.rpartition("-")[2].isdecimal()


def predict_file(model: str, questions: QuestionSet, out: Path, style: str, new_tokens: int, batch: int) -> int:
    """Ask the questions that a file has no answer to yet, and append the answers, batch by batch.

    Args:
        model: Folder or hub id; loaded if there is something to ask.
        questions: What to ask.
        out: JSON lines of `id`, `answer`, `model`, `prompt`, `new_tokens` and `asked`, a hash of prompt and picture's
            name.
        style: Prompt style.
        new_tokens: Longest completion.
        batch: Questions asked together.

    Returns:
        How many were asked.

    Raises:
        ResumeError: The file holds answers of another model or prompt, or to other questions.
        InputError: The model is none, or a number is not positive.
    """
    if out.is_dir():
        raise InputError(f"{out} is a folder", expected="a file for the answers")
    if batch < 1 or new_tokens < 1:
        raise InputError(f"batches of {batch} with {new_tokens} new tokens", expected="at least 1 of each")
    identity = {"model": model, "prompt": style, "new_tokens": new_tokens}
    done = _answered(out, identity, questions)
    todo = [question for question in questions if question.id not in done]
    if not todo:
        return 0
    policy, lines = load_policy(model), JsonLines(out)
    for start in range(0, len(todo), batch):
        part = QuestionSet(tuple(todo[start : start + batch]), questions.pictures)
        texts = answer(policy, part, style=style, new_tokens=new_tokens, batch=batch)
        for question, (text,) in zip(part, texts, strict=True):
            asked = fingerprint(question, style)
            lines.append({"id": question.id, "answer": text, **identity, "asked": asked})
    return len(todo)


def fingerprint(question: Question, style: str) -> str:
    """Hash what a model is asked: the prompt and the name of the picture."""
    return digest([build(question, style), question.image])


def _answered(out: Path, identity: Mapping[str, object], questions: QuestionSet) -> set[str]:
    asked = {question.id: fingerprint(question, str(identity["prompt"])) for question in questions}
    done = set()
    for entry in _entries(out):
        given = {name: entry.get(name) for name in identity}
        if given != dict(identity):
            fix = "use another --out file"
            raise ResumeError(f"{out} holds answers of {given}", expected=str(dict(identity)), fix=fix)
        name = str(entry.get("id"))
        if entry.get("asked") != asked.get(name):
            raise ResumeError(f"{out} holds an answer to another question {name}", fix="use another --out file")
        done.add(name)
    return done


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    for entry in JsonLines(path):
        if not isinstance(entry, dict):
            raise InputError(
                f"{path} has a line {json.dumps(entry)[:40]}", expected="the JSON lines that predict wrote"
            )
        yield entry


def read_answers(path: Path, questions: QuestionSet) -> Answers:
    """Read the answers that `predict_file` wrote.

    Args:
        path: JSON lines.
        questions: What was asked.

    Raises:
        InputError: The file is missing, no such file, lacks an answer, or answers other questions.
    """
    if not path.is_file():
        raise InputError(f"{path} is not there", expected="the JSON lines that predict wrote")
    entries = {str(entry.get("id")): entry for entry in _entries(path)}
    texts = {name: entry.get("answer") for name, entry in entries.items()}
    absent = [question.id for question in questions if not isinstance(texts.get(question.id), str)]
    if absent:
        raise InputError(f"{path} lacks {len(absent)} of {len(questions)} answers, such as to question {absent[0]}")
    for question in questions:
        entry = entries[question.id]
        # Lines that another program wrote say nothing of what was asked, and are believed.
        if "asked" in entry and entry["asked"] != fingerprint(question, str(entry.get("prompt"))):
            raise InputError(f"{path} answers another question {question.id}", expected="the file that was asked")
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

    return evaluate(ask, questions, generator(seed))
