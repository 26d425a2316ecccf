"""Choices, sets, short texts, dates and abstentions."""

from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.bench.finance.rules.dates import date_is_right, dates
from medsuite.bench.finance.rules.words import choice_is_right, is_abstention, set_score, text_is_right

FORMS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.{m}.{d}",
    "%Y年{m}月{d}日",
    "%Y 年 %m 月 %d 日",
    "%B {d}, %Y",
    "%b. {d} %Y",
    "{d} %B %Y",
    "{d}th %b, %Y",
)


@pytest.mark.parametrize(
    ("reply", "right"),
    [
        ("above", True),
        ("It is above the average.", True),
        ("below", False),
        ("above and below", False),
        ("not above", False),
        ("It cannot be above.", False),
        ("It isn't above", False),
        ("neither", False),
        ("aboveboard", False),
    ],
)
def test_a_choice_names_one_option_and_no_other(reply: str, right: bool) -> None:
    assert choice_is_right(reply, "above", ["above", "below"]) == right


def test_a_chinese_choice_needs_no_spaces() -> None:
    assert choice_is_right("最高价在左段。", "左段", ["左段", "中段", "右段"])
    assert not choice_is_right("左段或右段", "左段", ["左段", "中段", "右段"])


def test_an_option_inside_a_longer_option_is_not_named() -> None:
    assert choice_is_right("RSI12", "RSI12", ["RSI1", "RSI12"])


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("MA5, MA20", 1.0),
        ("MA20和MA5", 1.0),
        ("The lines are MA5 and MA20.", 1.0),
        ("MA5", 0.5),
        ("MA5, MA10, MA20", 2 / 3),
        ("MA50, MA200", 0.0),
    ],
)
def test_a_set_scores_the_share_of_named_and_expected_parts(reply: str, score: float) -> None:
    assert set_score(reply, ["MA5", "MA20"]) == pytest.approx(score)


def test_a_short_text_may_stand_in_one_sentence_but_not_in_a_list() -> None:
    assert text_is_right("The issuer is Alder Pharma", "Alder Pharma")
    assert text_is_right("远山药业。", "远山药业")
    assert not text_is_right("Alder Pharma or Delta Foods", "Alder Pharma")
    assert not text_is_right("It is not Alder Pharma", "Alder Pharma")


@pytest.mark.parametrize(
    ("reply", "abstains"),
    [
        ("Not Applicable", True),
        ("There is no RSI panel in the chart.", True),
        ("MA60 is not shown", True),
        ("不适用", True),
        ("图中没有MA60，无法回答", True),
        ("Not applicable, but if applicable 12.34", False),
        ("12.34", False),
        ("no", False),
        ("not shown; above", False),
        # Written to make it fail; it knew 26 of 38, those below among them, and was mended with the others.
        ("It is not possible to determine this from the image.", True),
        ("No data for 2021Q3.", True),
        ("The requested indicator isn't shown.", True),
        ("The year 2019 is not covered.", True),
        ("None", True),
        ("Unknown.", True),
        ("There is no such company in the table", True),
        ("Not Applicable - MA60 is not among the lines MA5, MA10 and MA20", True),
        ("The image lacks a volume pane, so it's Not Applicable", True),
        ("无法从图中得出", True),
        ("没有相关数据", True),
        ("未提及", True),
        ("无", True),
        ("该图不包含RSI指标", True),
        ("找不到", True),
        ("无法回答，图中没有2019年的数据", True),
        ("不是", False),
        ("没有", False),
        ("no, it is below", False),
        ("不适用，大约是12.5", False),
        ("图中没有MA60，但MA20为12.5", False),
        ("none of them but 12.5", False),
        ("The unknown factor is above", False),
        ("无锡药业", False),
        ("同花顺未来趋势", False),
    ],
)
def test_an_abstention_carries_no_answer(reply: str, abstains: bool) -> None:
    assert is_abstention(reply, ["above", "below"]) == abstains


@pytest.mark.parametrize(
    ("reply", "reference", "right"),
    [
        ("2024年6月27日", "2024-06-27", True),
        ("June 27, 2024", "2024-06-27", True),
        ("27 June 2024", "2024-06-27", True),
        ("06/07/2024", "2024-06-07", False),
        ("2024-06-28", "2024-06-27", False),
        ("2024-06-27 or 2024-06-28", "2024-06-27", False),
        ("Q4 2023", "2023Q4", True),
        ("2023年第四季度", "2023Q4", True),
        ("the fourth quarter of 2023", "2023Q4", True),
        ("4Q23", "2023Q4", True),
        ("Q4’23", "2023Q4", True),
        ("4Q24", "2023Q4", False),
        ("third quarter 2023", "2023Q4", False),
        ("2023Q3 and 2023Q4", "2023Q4", False),
        ("第四季度", "2023Q4", False),
    ],
)
def test_a_date_is_right_in_every_full_notation_and_alone(reply: str, reference: str, right: bool) -> None:
    assert date_is_right(reply, reference) == right


def test_a_day_that_does_not_exist_is_no_date() -> None:
    assert dates("2024-02-30") == set()


NAMES = st.sets(
    st.sampled_from(["MA5", "MA10", "MA20", "MA60", "UPPER", "MID", "LOWER", "成交量", "开盘价"]), min_size=1
)


@given(parts=NAMES, named=NAMES, joint=st.sampled_from([", ", "、", " and ", "；", "\n", "和"]), seed=st.randoms())
def test_the_score_of_a_set_is_its_jaccard_index(parts: set[str], named: set[str], joint: str, seed: Random) -> None:
    order = sorted(named)
    seed.shuffle(order)
    expected = len(parts & named) / len(parts | named)
    assert set_score(joint.join(order), sorted(parts)) == pytest.approx(expected)


@given(day=st.dates(date(1900, 1, 1), date(2099, 12, 31)), form=st.sampled_from(FORMS), other=st.integers(1, 400))
def test_a_day_is_recognised_in_every_notation_and_no_other_day(day: date, form: str, other: int) -> None:
    def write(of: date) -> str:
        return of.strftime(form).replace("{m}", str(of.month)).replace("{d}", str(of.day))

    assert dates(write(day)) == {(day.year, day.month, day.day)}
    assert date_is_right(f"It was {write(day)}.", day.isoformat())
    later = day + timedelta(days=other)
    assert not date_is_right(write(later), day.isoformat())
    assert not date_is_right(f"{write(day)}, {write(later)}", day.isoformat())
