import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.ecg_align import FINDINGS, extract, to_labels
from medsuite.ecg_align.queries import clinical_name

CASES = {
    "Sinus bradycardia. No ST elevation, T inversion or Q waves. Possible LVH": {
        "bradycardia": "definite",
        "ST elevation": "excluded",
        "T inversion": "excluded",
        "Q wave": "excluded",
        "LVH": "possible",
    },
    "Inferior infarction cannot be ruled out, left bundle branch block": {
        "inferior Q wave": "possible",
        "LBBB": "definite",
    },
    "ST elevation of 1.5 mV in anterior and lateral leads": {
        "anterior ST elevation": "definite",
        "lateral ST elevation": "definite",
    },
    "No atrial fibrillation but first degree AV block": {"atrial fibrillation": "excluded", "AV block I": "definite"},
    "Atrial fibrillation/flutter": {"atrial fibrillation": "possible"},
    "No evidence of infarction, sinus tachycardia": {"Q wave": "excluded", "tachycardia": "definite"},
    "No infarction and left bundle branch block": {"Q wave": "excluded", "LBBB": "definite"},
    "Inferior ST elevation has resolved": {"inferior ST elevation": "excluded"},
    "Anterior ST elevation and T inversion": {
        "anterior ST elevation": "definite",
        "anterior T inversion": "definite",
    },
    "Anteroseptal infarct, old": {"anterior Q wave": "definite", "septal Q wave": "definite"},
    "Inferolateral STEMI": {"inferior ST elevation": "definite", "lateral ST elevation": "definite"},
    "High lateral T-wave inversion": {"high lateral T inversion": "definite"},
    "Probable old inferior infarction": {"inferior Q wave": "probable"},
    "No LBBB, RBBB, or LVH; PVCs": {
        "LBBB": "excluded",
        "RBBB": "excluded",
        "LVH": "excluded",
        "PVC": "definite",
    },
    "Not possible to exclude inferior infarct": {"inferior Q wave": "possible"},
    "Sinus rhythm without WPW": {"WPW": "excluded"},
    "Low QRS voltage; prolonged QTc interval": {"low voltage": "definite", "long QT": "definite"},
    "Otherwise normal ECG": {},
}


@pytest.mark.parametrize("report", CASES)
def test_what_a_report_asserts_doubts_and_denies(report):
    assert {mention.finding: mention.certainty for mention in extract(report)} == CASES[report]


NAMED = [entry.name for entry in FINDINGS if entry.change not in ("tall T", "T inversion", "ST depression")]


@given(st.sampled_from(NAMED))
def test_a_definite_finding_is_one_and_no_before_it_makes_it_zero(name):
    text = clinical_name(name)
    assert to_labels(extract(f"ECG: {text}."), [name]).tolist() == [1.0]
    assert to_labels(extract(f"No {text}."), [name]).tolist() == [0.0]
    assert np.isnan(to_labels(extract(f"Possible {text}."), [name])).all()


@given(st.sampled_from(sorted(CASES)))
def test_saying_it_twice_changes_nothing(report):
    names = [entry.name for entry in FINDINGS]
    once, twice = (to_labels(extract(text), names) for text in (report, f"{report}. {report}"))
    np.testing.assert_array_equal(once, twice)


@pytest.mark.parametrize("report", ["", "ECG", "Rate 72, PR 160, QRS 90"])
def test_a_report_without_findings_says_nothing_rather_than_no(report):
    assert np.isnan(to_labels(extract(report), ["LBBB", "inferior ST elevation"])).all()


def test_a_denial_without_a_wall_denies_every_wall_and_an_assertion_without_one_asserts_none():
    names = ["inferior ST elevation", "septal ST elevation", "inferior Q wave"]
    np.testing.assert_array_equal(to_labels(extract("No ST elevation"), names), [0, 0, np.nan])
    assert np.isnan(to_labels(extract("ST elevation"), names)).all()


def test_an_assertion_outweighs_a_denial_and_a_doubt_outweighs_a_sweeping_denial():
    name = ["inferior ST elevation"]
    assert to_labels(extract("No ST elevation. Inferior ST elevation"), name).tolist() == [1.0]
    assert np.isnan(to_labels(extract("No ST elevation. Possible inferior ST elevation"), name)).all()


@pytest.mark.parametrize("report", ["Sinusrhythmus, kein Infarkt", "Ritmo sinusale, blocco di branca sinistra"])
def test_another_language_is_refused_rather_than_read_as_nothing(report):
    with pytest.raises(InputError, match="not in English"):
        extract(report)


def test_a_mention_keeps_the_words_and_the_clause_it_was_found_in():
    (mention,) = extract("Sinus rhythm; possible inferior infarct, age undetermined")
    assert (mention.entity, mention.wall, mention.text) == ("Q wave", "inferior", "infarct")
    assert mention.clause == "possible inferior infarct"
