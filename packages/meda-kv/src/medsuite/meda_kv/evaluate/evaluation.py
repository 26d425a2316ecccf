"""An evaluation: every question asked of every method at every kept share, in a run folder that can be resumed."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

from medsuite.core.errors import InputError, unknown_name
from medsuite.core.runs import JsonLines, RunFolder
from medsuite.meda_kv.evaluate.arms import open_model
from medsuite.meda_kv.evaluate.details import Detail, Recorder
from medsuite.meda_kv.evaluate.prompting import Opened
from medsuite.meda_kv.evaluate.questions import Arm, Score, TooLongError, ask
from medsuite.meda_kv.evaluate.tasks import TASKS, Asked, Scope
from medsuite.meda_kv.methods import method
from medsuite.meda_kv.prompt import observing
from medsuite.meda_kv.recipe import Recipe, shared_plan
from medsuite.meda_kv.session import Session

SHOWN = 3
"""Questions of which layers and tokens are recorded for the report."""
NAME = "{method} {share:g}"
"""How an arm is called."""


@dataclass(frozen=True)
class Plan:
    """What is evaluated.

    Attributes:
        task: Name of the task.
        model: What to ask; empty for the task's own.
        methods: Methods to compare.
        shares: Kept shares.
        scope: How much of the task is asked.
        exact: Whether all query rows are observed, or a sample; as `Recipe` chooses when left out.
        peers: Whether kvpress's own form of each method, where it has one, is asked as well.
    """

    task: str
    model: str = ""
    methods: tuple[str, ...] = ("snapkv", "h2o", "meda")
    shares: tuple[float, ...] = (0.4, 0.2)
    scope: Scope = field(default_factory=Scope)
    exact: bool | None = None
    peers: bool = False

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise unknown_name("task", self.task, TASKS)
        if not self.methods or not self.shares:
            raise InputError("no methods or no shares", expected="at least one of each")
        if not self.asked:
            raise InputError(f"{self.task} needs a model", expected="a folder or hub id of a vision-language model")

    @property
    def asked(self) -> str:
        """The model's name."""
        return self.model or TASKS[self.task].model

    def recipes(self) -> dict[str, Recipe]:
        """The arms, one a method and share."""
        pairs = product(self.methods, self.shares)
        return {NAME.format(method=name, share=share): self._recipe(name, share) for name, share in pairs}

    def _recipe(self, name: str, share: float) -> Recipe:
        return method(name, ratio=share, exact=self.exact)

    def config(self) -> dict[str, Any]:
        """What must be the same for a run to be resumed."""
        return {"version": version("medsuite-meda-kv"), **asdict(self), "model": self.asked}


@dataclass(frozen=True)
class Record:
    """One question's outcome.

    Attributes:
        unit: The question.
        tokens: Tokens of its prompt.
        scores: What the arms answered; empty when it was left out.
        seconds: How long it took.
        left_out: Why it was left out; empty when it was asked.
    """

    unit: str
    tokens: int = 0
    scores: tuple[Score, ...] = ()
    seconds: float = 0.0
    left_out: str = ""

    @classmethod
    def parse(cls, content: dict[str, Any]) -> "Record":
        """Read a line of `questions.jsonl`."""
        scores = tuple(Score(**score) for score in content.pop("scores"))
        return cls(**content, scores=scores)


Notify = Callable[[Record, int], None]
"""Told after each question how many are done."""


def records(folder: RunFolder) -> JsonLines:
    """The file of outcomes in a run folder."""
    return JsonLines(folder.path / "questions.jsonl")


def read_records(folder: RunFolder) -> list[Record]:
    """Read the outcomes so far.

    Raises:
        InputError: A line is damaged or of another version.
    """
    try:
        return [Record.parse(line) for line in records(folder)]
    except (KeyError, TypeError) as error:
        raise InputError(f"{records(folder).path} was written by another version ({error})") from error


def _silent(record: Record, done: int) -> None:
    """Tell nobody."""


def evaluate(plan: Plan, out: Path, notify: Notify = _silent) -> list[Record]:
    """Ask all questions, or those that are left when the run was stopped before.

    Every question's outcome is on the disk before the next is asked; a killed run repeats at most one.

    Args:
        plan: What is evaluated.
        out: The run folder.
        notify: Told after each question.

    Raises:
        InputError: The task's input is not what it should be.
        ResumeError: The folder belongs to another evaluation.
    """
    recipes = plan.recipes()
    folder, opened = RunFolder.open(out, plan.config()), open_model(plan.asked)
    with folder.locked(), observing(opened.model, shared_plan(recipes.values())) as session:
        finished = {record.unit: record for record in read_records(folder)}
        arms: dict[str, Recipe | Arm] = {**recipes, **_peers(plan, opened, session)}
        for record in _outcomes(plan, opened, session, arms, (folder, set(finished))):
            records(folder).append(asdict(record))
            finished[record.unit] = record
            notify(record, len(finished))
    if not finished:
        raise InputError(f"{plan.task} has no questions", expected="at least one")
    return list(finished.values())


def _outcomes(
    plan: Plan, opened: Opened, session: Session, arms: Mapping[str, Recipe | Arm], state: tuple[RunFolder, set[str]]
) -> Iterator[Record]:
    """Yield the outcomes of the questions that are left."""
    folder, finished = state
    for number, question in enumerate(TASKS[plan.task].questions(opened, plan.scope)):
        if question[0] not in finished:
            yield _asked(opened, session, question, arms, detail_path(folder, number) if number < SHOWN else None)


def detail_path(folder: RunFolder, number: int) -> Path:
    """Where a question's details lie."""
    return folder.artefact(f"question-{number}.json")


def read_details(folder: RunFolder) -> list[Detail]:
    """Read the details of the first questions."""
    return [Detail.load(path) for number in range(SHOWN) if (path := detail_path(folder, number)).is_file()]


def _asked(
    opened: Opened, session: Session, question: Asked, arms: Mapping[str, Recipe | Arm], shown: Path | None
) -> Record:
    """Ask one question of all arms; one that does not fit into the model is left out and says why."""
    unit, make = question
    started = time.perf_counter()
    try:
        made = make()
        recorder = Recorder(made, opened.tokenizer) if shown is not None else None
        scores = ask(session, made, arms, recorder)
    except TooLongError as error:
        return Record(unit, left_out=str(error))
    if recorder is not None and shown is not None:
        recorder.detail().save(shown)
    length = made.context.shape[1] + made.question.shape[1] + made.opening.shape[1]
    return Record(unit, length, tuple(scores), time.perf_counter() - started)


def _peers(plan: Plan, opened: Opened, session: Session) -> dict[str, Arm]:
    if not plan.peers:
        return {}
    from medsuite.meda_kv.evaluate.peer import peer_arms

    return peer_arms(session, opened.model, plan.methods, plan.shares)


def arm_parts(arm: str) -> tuple[str, float]:
    """Split an arm's name into method and requested share; the full cache keeps everything."""
    name, _, share = arm.rpartition(" ")
    return (name, float(share)) if name else (arm, 1.0)
