"""The paper's prompts, byte for byte, on one patient."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from medsuite.bench.clinical.cohort import Cohort
from medsuite.bench.clinical.prompts import QUESTIONS, patient_profile, write_exemplars, write_prompts
from medsuite.core.errors import InputError

PROFILE = (
    "Patient information:\nAge: 67\nGender: male\nConditions: Sepsis, unspecified organism, 0010\nProcedures\n"
    "Using Drugs: opioids\n"
)
ASKED = (
    "Will the patient die because of the above situation?\nAnswer 1 if yes, 0 if no. Answer with only the number.\n"
    "Answer: "
)


@pytest.fixture
def one(cohort: Cohort) -> Cohort:
    """A cohort of one man of 67 with sepsis, an unknown code, no procedure and an opioid."""
    columns = {
        name: np.array([value])
        for name, value in (("subject_id", 1), ("hadm_id", 2), ("age", 67), ("female", 0), ("label", 1))
    }
    return replace(
        cohort,
        **columns,
        event_stay=np.zeros(3, dtype=int),
        event_kind=np.array([0, 0, 2]),
        event_code=np.array(["10:A419", "9:0010", "N02A"], dtype=object),
    )


def test_the_direct_prompt_is_the_papers(one: Cohort) -> None:
    assert write_prompts(one, [0]) == [PROFILE + ASKED]


def test_a_role_stands_in_front(one: Cohort) -> None:
    (prompt,) = write_prompts(one, [0], "RP")
    assert prompt == (
        "Imagine that you are a doctor. Today, you're seeing a patient with the following profile:\n" + PROFILE + ASKED
    )


def test_reasons_replace_the_answer_format(one: Cohort) -> None:
    (prompt,) = write_prompts(one, [0], "COT")
    assert prompt == (
        f"{PROFILE}Will the patient die because of the above situation?\nPlease provide your concise reasoning steps "
        "for the prediction(no more than 3 steps), and finally answer 1 if the patient will die and 0 otherwise."
    )


def test_reflection_keeps_what_the_numbers_mean(one: Cohort) -> None:
    (prompt,) = write_prompts(one, [0], "SR")
    assert prompt == (
        f"{PROFILE}Will the patient die because of the above situation?\nAnswer 1 if yes, 0 if no.\nFirst answer with "
        "a number. Then conduct a concise reflection. Finally output your answer again with a number."
    )


def test_the_question_about_the_stay_is_the_papers() -> None:
    assert QUESTIONS["length"].text == (
        "Predict the number of weeks of stay in hospital.\nAnswer 1 if no more than one week,\nAnswer 2 if more than "
        "one week but not more than two weeks,\nAnswer 3 if more than two weeks.\nAnswer with only the number. Answer: "
    )


def test_codes_can_stand_for_names(one: Cohort) -> None:
    assert "Conditions: A419, 0010\nProcedures\nUsing Drugs: N02A\n" in patient_profile(one, 0, "codes")


def test_exemplars_are_answered_training_patients_one_for_each_label(cohort_of: Callable[..., Cohort]) -> None:
    cohort = cohort_of("length")
    training = np.arange(0, len(cohort), 2)
    shots = write_exemplars(cohort, training, seed=1)
    parts = shots.split("\n\n")[:-1]
    assert [part[-1] for part in parts] == ["1", "2", "3"]
    profiles = {patient_profile(cohort, int(place)): int(place) for place in training}
    for part, label in zip(parts, cohort.task.labels, strict=True):
        place = profiles[part[: part.index("Predict the number")]]
        assert cohort.label[place] == label
    (prompt,) = write_prompts(cohort, [1], "ICL", exemplars=shots)
    assert prompt == shots + write_prompts(cohort, [1])[0]


def test_an_unknown_mode_is_named(one: Cohort) -> None:
    with pytest.raises(InputError, match=r"unknown prompt mode 'CoT'.*did you mean 'COT'"):
        write_prompts(one, [0], "CoT")


def test_a_label_that_no_training_patient_has_cannot_be_shown(one: Cohort) -> None:
    with pytest.raises(InputError, match="no training patient with label 0"):
        write_exemplars(one, np.array([0]), seed=0)
