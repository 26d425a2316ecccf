"""The number scorer against a table written with it, a table written after it, and invariants of notation."""

import csv
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.bench.finance.rules.number import LONGEST_REPLY, Tolerance, final_quantity, number_is_right
from medsuite.bench.finance.rules.quantity import quantities

AMOUNTS = st.decimals(min_value="0.01", max_value="99999999", places=2)
KNOWN_MISSES = {"three million"}
"""Cases of the later table that the scorer does not know: English number words."""


def cases(name: str) -> list[dict[str, str]]:
    with (Path(__file__).parent / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.parametrize("case", cases("number_cases_development.tsv"), ids=lambda case: case["reply"])
def test_the_table_written_with_the_scorer_is_scored_as_stated(case: dict[str, str]) -> None:
    assert number_is_right(case["reply"], case["reference"]) == (case["right"] == "1")


@pytest.mark.parametrize("case", cases("number_cases_after.tsv"), ids=lambda case: case["reply"])
def test_the_table_written_after_the_scorer_is_scored_as_stated(case: dict[str, str]) -> None:
    agrees = number_is_right(case["reply"], case["reference"]) == (case["right"] == "1")
    assert agrees != (case["reply"] in KNOWN_MISSES)


NOTATIONS = (
    "{0}",
    "{0:,}",
    "The answer is {0}.",
    "答案：{0}元",
    "1 + 1 = {0}",
    "In 2023Q4 it was {0:,}",
    "MA10: {0}",
    "about {0}",
)


@given(value=AMOUNTS, notation=st.sampled_from(NOTATIONS))
def test_every_notation_of_a_value_is_right_for_it(value: Decimal, notation: str) -> None:
    assert number_is_right(notation.format(value), str(value))


@given(value=AMOUNTS, notation=st.sampled_from(NOTATIONS), change=st.sampled_from(["0.01", "-0.01", "1", "1000"]))
def test_a_value_that_differs_by_a_printed_digit_is_wrong(value: Decimal, notation: str, change: str) -> None:
    assert not number_is_right(notation.format(value + Decimal(change)), str(value))


@given(value=AMOUNTS, other=AMOUNTS)
def test_two_values_are_wrong_even_if_one_of_them_is_right(value: Decimal, other: Decimal) -> None:
    if abs(value - other) > Decimal("0.005"):
        assert not number_is_right(f"{value} or {other}", str(value))


@given(value=AMOUNTS)
def test_magnitudes_say_the_same_in_both_languages(value: Decimal) -> None:
    assert number_is_right(f"{value}亿", f"{value * 100} million")
    assert number_is_right(f"{value * 100} million", f"{value}亿")


def test_the_tolerance_is_the_widest_of_its_bounds() -> None:
    assert number_is_right("109", "100", Tolerance(relative=0.1))
    assert not number_is_right("111", "100", Tolerance(relative=0.1))
    assert number_is_right("107", "100", Tolerance(absolute=7))


@pytest.mark.parametrize("piece", ["1,", "(", "9", "一", "亿", "1.", " 1", "百分之", "-", "=1", "千"])
def test_a_long_reply_of_one_repeated_piece_names_no_value_or_one(piece: str) -> None:
    assert final_quantity(piece * 50_000) is None
    assert len(quantities(piece * (LONGEST_REPLY // len(piece)))) <= LONGEST_REPLY


def test_a_quantity_knows_its_unit_kind_and_currency() -> None:
    (found,) = quantities("净利润为12.5亿港元")
    assert (found.value, found.place, found.kind, found.currency) == (
        Decimal("1.25e9"),
        Decimal("1e7"),
        "number",
        "HKD",
    )
    assert quantities("150 bps")[0].kind == "points"
