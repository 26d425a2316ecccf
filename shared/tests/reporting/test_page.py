import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.reporting import Page, number, render
from medsuite.core.reporting.page import duration


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (0.72, "0.72"), (2.82, "2.82"), (1234.5, "1234"), (99.96, "100"), (100.0, "100"),
        (-0.125, "-0.125"), (3.2e-7, "3.20e-07"), (5e9, "5.00e+09"), (math.nan, "–"), (math.inf, "–"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_people_write_them(value, text):
    assert number(value) == text


@given(st.floats(-1e300, 1e300))
def test_a_written_number_is_within_its_digits_of_the_number(value):
    assert float(number(value)) == pytest.approx(value, rel=6e-3, abs=1e-300)


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (89, "89 s"), (90, "1.5 min"), (5400, "1.5 h")])
def test_durations_are_written_in_a_fitting_unit(seconds, text):
    assert duration(seconds) == text


def test_titles_are_escaped():
    text = render("page.html.jinja", Page("<script>alert(1)</script>", "a & b"))
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "a &amp; b" in text


def test_a_page_refers_to_nothing_outside_itself():
    text = render("page.html.jinja", Page("title", "subtitle"))
    assert "http" not in text.replace("http-equiv", "")
    assert "default-src 'none'" in text
