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


CLAUSES = st.sampled_from(
    [
        "There is a nodule", "No pleural effusion", "possible mass", "Heart is enlarged", "the lungs are clear",
        "Pneumothorax is not seen", "calcified granuloma and cavity", "A pacer, no fracture", "nothing else",
    ]
)  # fmt: skip


@given(st.lists(CLAUSES, min_size=1, max_size=5), st.sampled_from([". ", "; ", "\n", ": ", " but "]))
def test_a_report_says_what_its_clauses_say_and_where(clauses, between):
    """Scopes end with the clause: what stands before or behind it changes no status."""
    report, expected, start = between.join(clauses), [], 0
    for clause in clauses:
        expected += [(e.concept, e.status, start + e.start, start + e.end) for e in extract(clause)]
        start += len(clause) + len(between)
    assert [(e.concept, e.status, e.start, e.end) for e in extract(report)] == expected


@given(st.lists(CLAUSES, min_size=1, max_size=4).map(". ".join))
def test_capitals_change_nothing_but_the_text(report):
    for other in (report.upper(), report.lower(), report.title()):
        plain = [(e.concept, e.status, e.start) for e in extract(report)]
        assert [(e.concept, e.status, e.start) for e in extract(other)] == plain


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_and_offsets_hold(text):
    try:
        entities = extract(text)
    except InputError:
        return
    for entity in entities:
        assert text[entity.start : entity.end] == entity.text


def test_a_long_report_takes_time_in_proportion_to_its_length():
    import time

    def seconds(copies):
        report = "No effusion but a mass, possible nodule without cavity; " * copies
        begin = time.process_time()
        extract(report)
        return time.process_time() - begin

    seconds(10)
    assert seconds(4000) < 40 * max(seconds(200), 1e-3)
