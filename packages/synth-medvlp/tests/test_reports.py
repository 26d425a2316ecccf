import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.synth_medvlp import FINDINGS, Report, Statement, verify, write
from medsuite.synth_medvlp.reports import NORMAL, grammar_sentences, write_verified

SENTENCES = frozenset(grammar_sentences())

statements = st.builds(
    Statement,
    st.sampled_from(FINDINGS),
    st.sampled_from(["right", "left", "both", "midline"]),
    st.sampled_from(["upper", "middle", "lower", "all"]),
    st.sampled_from(["small", "moderate", "large"]),
)


@given(st.lists(statements, max_size=5, unique_by=lambda entry: entry.concept), st.integers(0, 9999))
def test_what_the_grammar_writes_says_what_was_asked_and_nothing_else(asked, seed):
    told = {statement.concept for statement in asked}
    denied = [name for name in FINDINGS if name not in told][:2]
    report = write(asked, denied, np.random.default_rng(seed))
    assert verify(report, sorted(told)).accepted
    assert set(report.sentences) <= SENTENCES
    assert Report.parse(report.text) == report


def test_a_normal_film_gets_a_normal_report(rng):
    report = write([], ["nodule"], rng)
    assert report.findings[0] == NORMAL
    assert report.impression == ("Normal study.",)
    assert verify(report, []).accepted


@pytest.mark.parametrize(
    ("findings", "asked", "expected"),
    [
        ("There is a mass.", ["mass", "nodule"], "missing nodule"),
        ("No mass.", ["mass"], "denied mass"),
        ("Possible mass.", ["mass"], "denied mass"),
        ("There is a mass. Cavity.", ["mass"], "invented cavity"),
        ("Mass. No nodule.", ["mass"], "accepted"),
    ],
)
def test_verification_tells_missing_denied_and_invented_apart(findings, asked, expected):
    assert str(verify(Report((findings,), ("Study.",)), asked)) == expected


def test_a_finding_that_only_one_section_denies_is_not_accepted():
    assert verify(Report(("There is a mass.",), ("No mass.",)), ["mass"]).denied == ("mass",)


def test_what_is_affirmed_cannot_be_denied_too(rng):
    with pytest.raises(InputError, match="both affirmed and denied"):
        write([Statement("mass")], ["mass"], rng)


def test_an_unknown_finding_is_named_with_the_nearest_one(rng):
    with pytest.raises(InputError, match="did you mean 'nodule'"):
        Statement("nodul")
    with pytest.raises(InputError, match="did you mean 'cavity'"):
        write([], ["cavety"], rng)


def test_a_writer_that_never_says_what_it_was_asked_is_given_up(monkeypatch, rng):
    monkeypatch.setattr("medsuite.synth_medvlp.reports.write", lambda *_: Report(("No mass.",), ("Clear lungs.",)))
    with pytest.raises(InputError, match=r"2 reports on \['mass'\] were not accepted \(denied mass\)"):
        write_verified([Statement("mass")], [], rng, budget=2)


@pytest.mark.parametrize("text", ["A mass.", "FINDINGS: A mass.", "FINDINGS:\nIMPRESSION: A mass.", "IMPRESSION: A."])
def test_a_report_without_both_sections_is_refused(text):
    with pytest.raises(InputError, match="FINDINGS: and IMPRESSION:"):
        Report.parse(text)
