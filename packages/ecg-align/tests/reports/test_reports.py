import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.ecg_align import FINDINGS, LEADS12, extract, to_labels
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
    # A denial that is more than its "not", and words that hold another one.
    "Findings not consistent with acute MI": {"Q wave": "excluded"},
    "ST elevation consistent with inferior infarct": {
        "inferior ST elevation": "definite",
        "inferior Q wave": "probable",
    },
    "Acute inferior infarct is unlikely": {"inferior Q wave": "possible"},
    "NSTEMI": {},
    "Non-ST elevation infarction": {"Q wave": "definite"},
    "Incomplete right bundle branch block": {},
    "Elevated stress level, most depressions at rest": {},
    "Bilateral ST depression": {"ST depression": "definite"},
    "Not only LBBB but LVH": {"LBBB": "definite", "LVH": "definite"},
    "No significant change in left bundle branch block": {"LBBB": "definite"},
    "LBBB no longer present": {"LBBB": "excluded"},
    "LVH likely": {"LVH": "probable"},
    "Inferior infarct cannot be definitively excluded": {"inferior Q wave": "possible"},
    # What follows a finding says nothing of it if it speaks of the next.
    "Left bundle branch block without ST elevation": {"LBBB": "definite", "ST elevation": "excluded"},
    "Sinus tachycardia possible LVH": {"tachycardia": "definite", "LVH": "possible"},
    "ST elevation may be due to LVH": {"ST elevation": "definite", "LVH": "possible"},
    "Tall T waves suggest infarction": {"tall T": "definite", "Q wave": "possible"},
    # "Anterior" is part of the block's name and no wall.
    "Left anterior fascicular block and ST depression": {"LAFB": "definite", "ST depression": "definite"},
    # Spellings.
    "Antero-septal infarct": {"anterior Q wave": "definite", "septal Q wave": "definite"},
    "T waves are inverted in the infero-lateral leads": {
        "inferior T inversion": "definite",
        "lateral T inversion": "definite",
    },
    "T-inversion": {"T inversion": "definite"},
    "ST segments are elevated": {"ST elevation": "definite"},
    # Leads instead of walls.
    "ST elevation in leads II, III, aVF with reciprocal ST depression in I and aVL": {
        "inferior ST elevation": "definite",
        "high lateral ST depression": "definite",
    },
    "Q waves in V1 to V4, T inversion in V5-6": {
        "anterior Q wave": "definite",
        "septal Q wave": "definite",
        "lateral T inversion": "definite",
    },
    "T inversion in III": {"T inversion": "definite"},
    "First degree AV block in II": {"AV block I": "definite"},
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


NAMES = [entry.name for entry in FINDINGS]
LOOKING = {  # Which leads look at which wall, as in any textbook.
    "inferior": {"II", "III", "aVF"},
    "septal": {"V1", "V2"},
    "anterior": {"V3", "V4"},
    "lateral": {"V5", "V6"},
    "high lateral": {"I", "aVL"},
}


@given(st.lists(st.sampled_from(LEADS12), min_size=1, max_size=12, unique=True))
def test_a_list_of_leads_names_the_walls_that_two_of_them_look_at(leads):
    *front, last = leads
    listed = f"{', '.join(front)} and {last}" if front else last
    found = {mention.wall for mention in extract(f"ST elevation in leads {listed}.")}
    assert found == ({wall for wall, looking in LOOKING.items() if len(looking & set(leads)) > 1} or {""})


@given(st.tuples(st.integers(1, 6), st.integers(1, 6)).map(sorted), st.sampled_from(["-", " to ", " through "]))
def test_a_range_of_chest_leads_is_all_leads_between(ends, between):
    first, last = ends
    leads = {f"V{number}" for number in range(first, last + 1)}
    found = {mention.wall for mention in extract(f"Q waves in V{first}{between}V{last}")}
    assert found == ({wall for wall, looking in LOOKING.items() if len(looking & leads) > 1} or {""})


@pytest.mark.parametrize("name", NAMES)
def test_what_is_said_of_one_finding_leaves_another_sentence_alone(name):
    """Each finding between a denial and a doubt of two others, in sentences of their own."""
    text = clinical_name(name) if name in NAMED else name
    denied, doubted = [other for other in ("RBBB", "PVC", "WPW") if other != name][:2]
    labels = to_labels(extract(f"No {denied}. {text}.\r\nPossible {doubted}."), [denied, name, doubted])
    np.testing.assert_array_equal(labels, [0, 1, np.nan])


@given(st.sampled_from(NAMES), st.sampled_from([str.upper, str.lower, str.title]))
def test_capitals_do_not_matter(name, spelling):
    assert [mention.finding for mention in extract(spelling(name))] == [mention.finding for mention in extract(name)]


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_as_foreign(text):
    with contextlib.suppress(InputError):
        mentions = extract(text)
        labels = to_labels(mentions, NAMES)
        assert (np.isnan(labels) | np.isin(labels, [0, 1])).all()
        assert all(mention.text in text.lower() for mention in mentions)


def test_a_label_column_that_no_report_can_fill_is_refused():
    with pytest.raises(InputError, match=r"unknown finding 'LBB'.*did you mean 'LBBB'"):
        to_labels(extract("LBBB"), ["LBB"])


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


@pytest.mark.parametrize(
    "report", ["Sinusrhythmus, kein Infarkt", "Ritmo sinusale, blocco di branca sinistra", "窦性心律", "Синусовый ритм"]
)
def test_another_language_is_refused_rather_than_read_as_nothing(report):
    with pytest.raises(InputError, match="not in English"):
        extract(report)


def test_a_mention_keeps_the_words_and_the_clause_it_was_found_in():
    (mention,) = extract("Sinus rhythm; possible inferior infarct, age undetermined")
    assert (mention.entity, mention.wall, mention.text) == ("Q wave", "inferior", "infarct")
    assert mention.clause == "possible inferior infarct"
