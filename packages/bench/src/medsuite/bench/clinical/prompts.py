"""The paper's prompts: patient profile, question, answer format, and its modes of asking.

The wording is the paper's (Chen et al., 2024, arXiv 2411.06469). Exemplars are drawn from the training patients at run
time: those of the paper are real patients and are not shipped.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int

from medsuite.bench.clinical.cohort import Cohort
from medsuite.bench.clinical.task import Outcome
from medsuite.core.errors import InputError, unknown_name

Wording = Literal["names", "codes"]


@dataclass(frozen=True)
class Question:
    """What is asked about a profile.

    Attributes:
        question: The question itself.
        answer_format: What each number means.
        cue: What the answer follows.
        reasoning: What replaces format and cue where reasons come first.
    """

    question: str
    answer_format: str
    cue: str
    reasoning: str

    @property
    def text(self) -> str:
        """Question, format and cue, as they follow a profile."""
        return f"{self.question}\n{self.answer_format}{self.cue}"


_STEPS = (
    "Please provide your concise reasoning steps for the prediction(no more than 3 steps), and finally answer 1 if the "
    "patient will "
)
QUESTIONS: Mapping[Outcome, Question] = {
    "length": Question(
        "Predict the number of weeks of stay in hospital.",
        "Answer 1 if no more than one week,\nAnswer 2 if more than one week but not more than two weeks,\n"
        "Answer 3 if more than two weeks.\n",
        "Answer with only the number. Answer: ",
        f"{_STEPS}stay no more than one week, answer 2 if more than one week but not more than two weeks, answer 3 if "
        "more than two weeks.",
    ),
    "mortality": Question(
        "Will the patient die because of the above situation?",
        "Answer 1 if yes, 0 if no. Answer with only the number.\n",
        "Answer: ",
        f"{_STEPS}die and 0 otherwise.",
    ),
    "readmission": Question(
        "Will the patient be readmitted to the hospital within two weeks?",
        "Answer 1 for yes, 0 for no. Answer with only the number.\n",
        "Answer: ",
        f"{_STEPS}be readmitted and 0 otherwise.",
    ),
}
_ONLY = "Answer with only the number."
_ROLE = "Imagine that you are a doctor. Today, you're seeing a patient with the following profile:\n"
_REFLECTION = (
    "First answer with a number. Then conduct a concise reflection. Finally output your answer again with a number."
)


def patient_profile(cohort: Cohort, stay: int, wording: Wording = "names") -> str:
    """Write a patient's profile as the paper does; an empty list leaves its heading without a colon.

    Args:
        cohort: Holds the patient.
        stay: Position in the cohort.
        wording: `names` prints what each code is called, `codes` the codes themselves.
    """
    sex = {1: "female", 0: "male"}.get(int(cohort.female[stay]), "unknown")
    lines = ["Patient information:", f"Age: {cohort.age[stay]}", f"Gender: {sex}"]
    headings = ("Conditions", "Procedures", "Using Drugs")
    for kind, (heading, codes) in enumerate(zip(headings, cohort.codes(stay), strict=True)):
        # A code without a title is printed itself, never as "unknown".
        shown = [_name(cohort, kind, code) if wording == "names" else _bare(code) for code in codes]
        lines.append(f"{heading}: {', '.join(shown)}" if shown else heading)
    return "\n".join(lines) + "\n"


def ask_directly(profile: str, question: Question) -> str:
    """Profile, question, answer format and cue (the paper's ORI)."""
    return profile + question.text


def ask_as_doctor(profile: str, question: Question) -> str:
    """The direct question with a role in front (RP)."""
    return _ROLE + profile + question.text


def ask_for_reasons(profile: str, question: Question) -> str:
    """Ask for at most three steps of reasoning, then a number (COT)."""
    return f"{profile}{question.question}\n{question.reasoning}"


def ask_for_reflection(profile: str, question: Question) -> str:
    """Ask for a number, a reflection and the number again (SR)."""
    body = question.text[: question.text.rindex(_ONLY)].rstrip(" \n")
    return f"{profile}{body}\n{_REFLECTION}"


MODES: Mapping[str, Callable[[str, Question], str]] = {
    "ORI": ask_directly,
    "RP": ask_as_doctor,
    "COT": ask_for_reasons,
    "SR": ask_for_reflection,
    "ICL": ask_directly,
}
"""The paper's modes; ICL is ORI after the exemplars of `write_exemplars`."""
WORDY = frozenset({"COT", "SR"})
"""Modes whose answer is a text with the number in it."""


def write_prompts(
    cohort: Cohort, stays: Sequence[int], mode: str = "ORI", wording: Wording = "names", exemplars: str = ""
) -> list[str]:
    """Write the prompts of some patients.

    Args:
        cohort: Holds the patients.
        stays: Positions in the cohort.
        mode: One of `MODES`.
        wording: Names of codes, or the codes.
        exemplars: What stands before each prompt: answered questions about other patients.

    Raises:
        InputError: The mode is unknown.
    """
    if mode not in MODES:
        raise unknown_name("prompt mode", mode, MODES)
    question = QUESTIONS[cohort.task.outcome]
    return [exemplars + MODES[mode](patient_profile(cohort, int(stay), wording), question) for stay in stays]


def write_exemplars(cohort: Cohort, training: Int[np.ndarray, " row"], seed: int, wording: Wording = "names") -> str:
    """Write one answered question for each label, ordered by label, about training patients drawn at random.

    Args:
        cohort: Holds the patients.
        training: Positions of the training patients.
        seed: Decides who is drawn.
        wording: Names of codes, or the codes.

    Raises:
        InputError: No training patient has one of the labels.
    """
    rng = np.random.default_rng(seed)
    question = QUESTIONS[cohort.task.outcome]
    shots = []
    for label in cohort.task.labels:
        candidates = training[cohort.label[training] == label]
        if not len(candidates):
            raise InputError(f"no training patient with label {label}", expected="one exemplar for each label")
        stay = int(rng.choice(candidates))
        shots.append(f"{ask_directly(patient_profile(cohort, stay, wording), question)}{label}\n\n")
    return "".join(shots)


def _name(cohort: Cohort, kind: int, code: str) -> str:
    title = cohort.titles.get((kind, code))
    if title is None:
        return _bare(code)
    # The paper prints drug classes in small letters, official titles as they are.
    return title.lower() if kind == 2 else title


def _bare(code: str) -> str:
    return code.rpartition(":")[2]
