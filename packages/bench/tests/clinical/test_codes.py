"""Spellings of codes, and their official titles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.bench.clinical.codes import OUTCOME_CODES, drug_classes, normal_icd, normal_ndc, official_titles
from medsuite.bench.clinical.simulate.vocabulary import COMORBIDITY_CODES, PRINCIPAL_CODES, event_kinds
from medsuite.core.errors import InputError


def test_icd_codes_lose_dots_blanks_and_small_letters_but_no_zeros() -> None:
    assert [normal_icd(code) for code in (" z51.5 ", "0010", "I46.9")] == ["Z515", "0010", "I469"]


@pytest.mark.parametrize(
    ("given_code", "expected"),
    [
        ("0", None),
        ("", None),
        ("00000000000", None),
        ("00338001702", "00338001702"),
        ("338001702", "00338001702"),
        ("0338-0017-02", "00338001702"),
        ("63323-262-1", "63323026201"),
        ("1234567890", "1234567890"),
    ],
)
def test_drug_codes_get_eleven_digits_by_rule(given_code: str, expected: str | None) -> None:
    assert normal_ndc(given_code) == expected


def test_what_is_no_drug_code_is_refused() -> None:
    with pytest.raises(InputError, match="'aspirin' is no National Drug Code"):
        normal_ndc("aspirin")


@given(st.integers(1, 10**11 - 1).map(str))
def test_spelling_a_drug_code_twice_changes_nothing(code: str) -> None:
    once = normal_ndc(code)
    assert once is not None
    assert normal_ndc(once) == once


def test_the_title_tables_have_the_official_counts() -> None:
    counts = {
        (kind, version): len(official_titles(kind, version))
        for kind in ("diagnosis", "procedure")
        for version in (9, 10)
    }
    assert counts == {
        ("diagnosis", 9): 14567,
        ("procedure", 9): 3882,
        ("diagnosis", 10): 74044,
        ("procedure", 10): 78603,
    }
    assert official_titles("diagnosis", 9)["0010"] == "Cholera due to vibrio cholerae"


def test_every_code_of_the_simulated_hospital_is_official() -> None:
    diagnoses = [code for codes in (*PRINCIPAL_CODES, *COMORBIDITY_CODES) for code in codes]
    diagnoses += [code.partition(":")[2] for code in OUTCOME_CODES if code.startswith("10:")]
    used = {
        kind: [event.code for event in event_kinds() if event.kind == kind]
        for kind in ("diagnosis", "procedure", "drug")
    }
    assert set(diagnoses + used["diagnosis"]) <= set(official_titles("diagnosis", 10))
    assert set(used["procedure"]) <= set(official_titles("procedure", 10))
    assert sorted(used["drug"]) == sorted(drug_classes())
