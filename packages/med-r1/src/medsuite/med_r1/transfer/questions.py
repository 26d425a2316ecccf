"""The questions of one base and of all arms that start from it, made once and kept in the run folder."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from medsuite.core.runs import write_atomically
from medsuite.med_r1.claims import TRAINED_DOMAIN, TransferSettings
from medsuite.med_r1.pictures import GreyPictures
from medsuite.med_r1.schema import Question, QuestionSet
from medsuite.med_r1.simulation import MODALITIES, Clinic, simulate

PATIENTS = 24
"""Patients that the base and the arms learn from; half as many others are in the test."""


@dataclass(frozen=True)
class World:
    """Three sets of simulated questions.

    Attributes:
        warmup: Easy, of all modalities: what the base learns from.
        train: Hard, MR alone: what every arm learns from.
        test: Hard, of all modalities and of other patients.
    """

    warmup: QuestionSet
    train: QuestionSet
    test: QuestionSet


def build_world(settings: TransferSettings, number: int) -> World:
    """Simulate the questions of one base.

    Args:
        settings: Sizes.
        number: Number of the base, the seed of everything.
    """
    rng = np.random.default_rng([number, 0])
    side = settings.side
    known, others = Clinic(PATIENTS, side, rng), Clinic(PATIENTS // 2, side, rng)
    easy = [simulate(settings.warmup_questions, name, rng, difficulty="easy", clinic=known) for name in MODALITIES]
    train = simulate(settings.train_questions, TRAINED_DOMAIN, rng, clinic=known)
    hard = [simulate(settings.test_questions, name, rng, clinic=others) for name in MODALITIES]
    return World(_joined(easy), train, _joined(hard))


def _joined(parts: list[QuestionSet]) -> QuestionSet:
    questions = tuple(question for part in parts for question in part)
    grey = np.concatenate([part.pictures.grey for part in parts if isinstance(part.pictures, GreyPictures)])
    return QuestionSet(questions, GreyPictures([question.image for question in questions], grey))


def save_world(world: World, folder: Path) -> None:
    """Write the three sets, each as JSON and an array of its pictures."""
    for name in ("warmup", "train", "test"):
        part: QuestionSet = getattr(world, name)
        np.save(folder / f"{name}.npy", np.stack([np.asarray(part.picture(each).convert("L")) for each in part]))
        write_atomically(folder / f"{name}.json", json.dumps([asdict(question) for question in part]))


def load_world(folder: Path) -> World:
    """Read what `save_world` wrote."""
    return World(*(_load(folder, name) for name in ("warmup", "train", "test")))


def _load(folder: Path, name: str) -> QuestionSet:
    entries = json.loads((folder / f"{name}.json").read_text())
    questions = tuple(Question(**{**entry, "options": tuple(entry["options"])}) for entry in entries)
    return QuestionSet(questions, GreyPictures([each.image for each in questions], np.load(folder / f"{name}.npy")))
