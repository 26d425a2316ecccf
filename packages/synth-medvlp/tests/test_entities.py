import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.synth_medvlp import CONCEPTS, EntityPool, extract


def found(report: str) -> list[tuple[str, str]]:
    return [(entity.concept, entity.status) for entity in extract(report)]


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        ("There is a pleural effusion.", [("pleural effusion", "present")]),
        ("No pleural effusion or pneumothorax.", [("pleural effusion", "absent"), ("pneumothorax", "absent")]),
        ("No effusion. Nodule on the left.", [("pleural effusion", "absent"), ("nodule", "present")]),
        ("No effusion but a mass is seen.", [("pleural effusion", "absent"), ("mass", "present")]),
        ("Pneumothorax is not seen.", [("pneumothorax", "absent")]),
        ("Possible consolidation; cardiomegaly.", [("consolidation", "uncertain"), ("cardiomegaly", "present")]),
        ("Cannot exclude pneumothorax.", [("pneumothorax", "uncertain")]),
        ("No change in the effusion.", [("pleural effusion", "uncertain")]),
        ("The effusion has resolved.", [("pleural effusion", "uncertain")]),
        ("Calcified nodule.", [("calcified granuloma", "present")]),
        ("The lungs are clear of consolidation.", [("consolidation", "absent")]),
        ("Blunting, suggestive of small effusions.", [("pleural effusion", "uncertain")]),
        ("Pericardial effusion without mass effect.", []),
        ("The lungs are clear.", []),
    ],
)
def test_status_follows_the_cues_of_its_clause(report, expected):
    assert found(report) == expected


def test_offsets_give_the_words_back():
    report = "FINDINGS: Small Pleural Effusion on the left."
    (entity,) = extract(report)
    assert report[entity.start : entity.end] == entity.text == "Pleural Effusion"
    assert entity.kind == CONCEPTS["pleural effusion"].kind


@given(st.sampled_from(sorted(CONCEPTS)), st.integers(0, 20), st.booleans())
def test_every_spelling_is_its_concept_and_within_a_word_it_is_none(name, place, upper):
    spellings = CONCEPTS[name].spellings
    spelling = spellings[place % len(spellings)]
    text = spelling.upper() if upper else spelling
    assert found(f"Seen: {text}.") == [(name, "present")]
    assert found(f"Seen: x{text}y.") == []


@pytest.mark.parametrize("report", ["", " \n", "XXXX XXXX.", "___ ___", "1 2 3"])
def test_a_report_without_a_word_is_refused(report):
    with pytest.raises(InputError, match="holds no word"):
        extract(report)


def test_a_pool_counts_a_concept_once_a_report_and_every_spelling():
    reports = ["Effusion. Pleural effusion.", "No effusion. A mass.", "Pleural fluid; nodule.", "Clear lungs."]
    pool = EntityPool.from_reports(reports)
    assert pool.counts == {"pleural effusion": 2, "mass": 1, "nodule": 1}
    assert pool.strings == {"effusion": 1, "pleural effusion": 1, "mass": 1, "pleural fluid": 1, "nodule": 1}


def test_a_pool_of_reports_without_findings_is_refused():
    with pytest.raises(InputError, match="without entities"):
        EntityPool.from_reports(["No effusion."])
