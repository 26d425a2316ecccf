"""Questions about simulated patients, whose answer is drawn first so that no text gives it away."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from medsuite.core.errors import InputError, unknown_name
from medsuite.core.phantom import Request, Scene
from medsuite.med_r1.pictures import GreyPictures
from medsuite.med_r1.schema import Question, QuestionSet
from medsuite.med_r1.simulation import patients
from medsuite.med_r1.simulation.patients import DIFFICULTIES, LESIONS, SIZES_MM, Clinic

MODALITIES = ("MR", "CT", "film")
"""The domains: two coronal slices and the chest radiograph."""
ZONES = {"RUZ": ("right", "upper"), "LUZ": ("left", "upper"), "RLZ": ("right", "lower"), "LLZ": ("left", "lower")}
"""Zones by their abbreviation; R is the patient's right, which is on the left of the picture."""
ANSWERS = {"zone": tuple(ZONES), "polarity": ("brighter", "darker"), "size": tuple(SIZES_MM)}
"""What can be asked, and all possible answers; polarity is against the lung around the lesion."""
NEVER_RIGHT = {
    "zone": ("hilum", "apex", "pleura", "spine"),
    "polarity": ("striped", "hollow"),
    "size": ("absent", "double"),
}
"""Distractors of the shortcut: words that are the answer of no question."""
DARKER = {"MR": ("calcified", "gas"), "CT": ("gas",), "film": ("gas",)}
"""Lesions that are darker than the lung, by modality."""

SMALLEST, LARGEST = 16, 1024
"""Pixels along a picture's side; with fewer a small lesion is no pixel, more take minutes a patient."""


def simulate(
    count: int,
    modality: str,
    rng: np.random.Generator,
    *,
    questions: Sequence[str] = tuple(ANSWERS),
    shortcut: float = 0.0,
    difficulty: str = "hard",
    side: int = 56,
    clinic: Clinic | None = None,
) -> QuestionSet:
    """Make questions about lesions in the lung of simulated patients.

    The kind of question is drawn uniformly, then its answer, then a lesion that fits, then all else; options stand in
    random order. So the right answer is independent of everything that the prompt says, but for the share `shortcut`
    of questions whose wrong options are words that are never right: 1 imitates a benchmark that is solved from its
    options alone, 0 forces the image.

    Args:
        count: Number of questions, each with its own picture.
        modality: One of `MODALITIES`.
        rng: Source of everything.
        questions: Keys of `ANSWERS`.
        shortcut: Share of questions with give-away options, 0 to 1.
        difficulty: `"easy"` or `"hard"`: the noise.
        side: Pixels along a picture's side.
        clinic: The patients; by default eight new ones.

    Raises:
        InputError: A name is unknown, or a number is out of range.
    """
    _check(count, modality, questions, shortcut, difficulty)
    if not SMALLEST <= side <= LARGEST:
        raise InputError(f"pictures of {side} pixels a side", expected=f"{SMALLEST} to {LARGEST}")
    clinic = clinic or Clinic(8, side, rng)
    kinds = [questions[place] for place in rng.integers(len(questions), size=count)]
    rights = [ANSWERS[kind][rng.integers(len(ANSWERS[kind]))] for kind in kinds]
    whose = rng.integers(len(clinic.anatomies), size=count).tolist()
    scenes = [
        clinic.admit(patient, request_for(kind, right, modality, rng), rng)
        for patient, kind, right in zip(whose, kinds, rights, strict=True)
    ]
    names = [f"{modality}-{difficulty}-{number:05d}" for number in range(count)]
    grey = np.round(255 * _render(clinic, whose, scenes, modality, difficulty, rng)).astype(np.uint8)
    asked = [
        ask(name, kind, right, modality, shortcut, rng) for name, kind, right in zip(names, kinds, rights, strict=True)
    ]
    return QuestionSet(tuple(asked), GreyPictures(names, grey))


def _check(count: int, modality: str, questions: Sequence[str], shortcut: float, difficulty: str) -> None:
    if count < 1:
        raise InputError(f"{count} questions", expected="at least 1")
    for kind, given, known in (
        ("modality", [modality], MODALITIES),
        ("question", questions, ANSWERS),
        ("difficulty", [difficulty], DIFFICULTIES),
    ):
        for name in given:
            if name not in known:
                raise unknown_name(kind, name, known)
    if not questions:
        raise InputError("no kinds of question", expected=f"some of {', '.join(ANSWERS)}")
    if not 0 <= shortcut <= 1:
        raise InputError(f"shortcut {shortcut}", expected="a share from 0 to 1")


def request_for(kind: str, right: str, modality: str, rng: np.random.Generator) -> Request:
    """Draw a lesion for which `right` is the answer; what the question does not fix is uniform."""
    material = list(LESIONS)[rng.integers(len(LESIONS))]
    zone, size = list(ZONES)[rng.integers(len(ZONES))], list(SIZES_MM)[rng.integers(len(SIZES_MM))]
    if kind == "polarity":
        fits = [name for name in LESIONS if (name in DARKER[modality]) == (right == "darker")]
        material = fits[rng.integers(len(fits))]
    elif kind == "zone":
        zone = right
    else:
        size = right
    side, height = ZONES[zone]
    return Request(material, side, height, float(rng.uniform(*SIZES_MM[size])))


def _render(
    clinic: Clinic, whose: list[int], scenes: list[Scene], modality: str, difficulty: str, rng: np.random.Generator
) -> Float[np.ndarray, "picture height width"]:
    noise = DIFFICULTIES[difficulty]
    if modality == "film":
        return patients.films(scenes, clinic.side, noise)
    planes = [clinic.attenuation(patient, scene) for patient, scene in zip(whose, scenes, strict=True)]
    return (patients.ct if modality == "CT" else patients.mr)(planes, noise, rng)


def ask(name: str, kind: str, right: str, modality: str, shortcut: float, rng: np.random.Generator) -> Question:
    """Write a question whose right answer is known, its options in random order.

    Args:
        name: Its id and the key of its picture.
        kind: What is asked for, a key of `ANSWERS`.
        right: The answer.
        modality: Its subset.
        shortcut: Probability that the wrong options are words that are never right.
        rng: Source of the order.
    """
    wrong = [word for word in ANSWERS[kind] if word != right]
    if rng.random() < shortcut:
        wrong = list(rng.permutation(NEVER_RIGHT[kind])[: len(wrong)])
    options = [str(word) for word in rng.permutation([right, *wrong])]
    return Question(name, name, kind, tuple(options), options.index(right), modality, kind)
