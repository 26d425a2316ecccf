"""The wording of generated questions as data: one template a question, in English and Chinese."""

import re
from dataclasses import dataclass
from functools import cached_property

from medsuite.bench.finance.schema import Language
from medsuite.core.errors import unknown_name


@dataclass(frozen=True)
class Template:
    """The wording of one question; slots stand in braces."""

    name: str
    en: str
    cn: str

    def ask(self, language: Language, **slots: str) -> str:
        """Fill the slots."""
        return self._wording(language).format(**slots)

    def match(self, text: str, language: Language) -> dict[str, str] | None:
        """Return the slots of a question that has this wording, else None."""
        found = self._patterns[language].fullmatch(text)
        return found.groupdict() if found else None

    def _wording(self, language: Language) -> str:
        return self.en if language == "en" else self.cn

    @cached_property
    def _patterns(self) -> dict[Language, re.Pattern[str]]:
        return {"en": _compile(self.en), "cn": _compile(self.cn)}


def _compile(wording: str) -> re.Pattern[str]:
    """Turn a wording into a pattern: a slot matches any text, and the same text where it stands again."""
    seen: set[str] = set()

    def slot(found: re.Match[str]) -> str:
        name = found[1]
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        return f"(?P<{name}>.+?)"

    return re.compile(re.sub(r"\\\{(\w+)\\\}", slot, re.escape(wording)))


_ALL = (
    # Price charts.
    Template("line_value", "What is the value of {line} on the last day?", "最后一天{line}的数值是多少？"),
    Template("stock_code", "What is the code of the instrument?", "图中证券的代码是多少？"),
    Template(
        "top_label",
        "What is the largest number printed on the price axis?",
        "价格坐标轴上印出的最大数字是多少？",
    ),
    Template("overlay_names", "Which lines are drawn over the candles?", "K线上画了哪些线？"),
    Template("lowest_pane", "Which indicator is in the lowest pane?", "最下方的副图是什么指标？"),
    Template(
        "high_place",
        "Is the highest price in the left, middle or right third of the chart?",
        "最高价在图的左段、中段还是右段？",
    ),
    Template(
        "line_order",
        "Is {first} above or below {second} on the last day?",
        "最后一天{first}高于还是低于{second}？",
    ),
    Template(
        "day_range",
        "What is the high minus the low of the last day?",
        "最后一天的最高价减去最低价等于多少？",
    ),
    Template(
        "line_difference",
        "What is {first} minus {second} on the last day?",
        "最后一天{first}减去{second}等于多少？",
    ),
    Template(
        "label_range",
        "What is the largest minus the smallest number printed on the price axis?",
        "价格坐标轴上印出的最大数字减去最小数字等于多少？",
    ),
    Template("highest_price", "About how much is the highest price in the chart?", "图中的最高价大约是多少？"),
    Template("lowest_price", "About how much is the lowest price in the chart?", "图中的最低价大约是多少？"),
    Template(
        "line_maximum",
        "About how much is the maximum of {line} in the chart?",
        "图中{line}的最大值大约是多少？",
    ),
    # Statistical charts.
    Template("bar_value", "What is {series} in {period}?", "图中{period}的{series}是多少？"),
    Template("series_names", "Which series are in the legend?", "图例中有哪些数据系列？"),
    Template("highest_period", "In which period is {series} highest?", "{series}在哪个时期最高？"),
    Template(
        "period_change",
        "What is {series} in {second} minus {series} in {first}?",
        "从{first}到{second}，{series}的增加量是多少？",
    ),
    Template(
        "bar_estimate",
        "About how much is {series} in {period}, where no number is printed?",
        "{period}没有印出数字，{series}大约是多少？",
    ),
    # Tables.
    Template("cell_value", "What is the {column} of {row}?", "{row}的{column}是多少？"),
    Template("column_names", "Which columns of numbers does the table have?", "表格中有哪些数字列？"),
    Template("highest_row", "Which company has the highest {column}?", "哪家公司的{column}最高？"),
    Template(
        "cell_difference",
        "What is the {column} of {first} minus that of {second}?",
        "{first}的{column}减去{second}的{column}等于多少？",
    ),
    # Report pages.
    Template("amount", "How much was the {item} in {year}?", "{year}年的{item}为多少？"),
    Template("issuer", "Which company issued the report?", "这份报告是哪家公司发布的？"),
    Template("next_section", "Which section comes right after {section}?", "“{section}”之后的一节是什么？"),
    Template(
        "growth",
        "By how many percent did the {item} change from {first} to {second}?",
        "{item}从{first}年到{second}年变化了百分之几？",
    ),
)

TEMPLATES: dict[str, Template] = {template.name: template for template in _ALL}

CHOICES: dict[Language, dict[str, str]] = {
    "en": {"above": "above", "below": "below", "left": "left", "middle": "middle", "right": "right"},
    "cn": {"above": "高于", "below": "低于", "left": "左段", "middle": "中段", "right": "右段"},
}
NOT_APPLICABLE: dict[Language, str] = {"en": "Not Applicable", "cn": "不适用"}
"""The reference answer of a question that the picture cannot answer."""


def template(name: str) -> Template:
    """Look a template up.

    Raises:
        InputError: There is none of that name.
    """
    if name not in TEMPLATES:
        raise unknown_name("template", name, TEMPLATES)
    return TEMPLATES[name]


def recognise(text: str, language: Language) -> tuple[str, dict[str, str]] | None:
    """Find the template and the slots of a question by its wording alone, or None.

    Where two wordings match, the one whose slots are shortest has explained more of the text.
    """
    matches = [(candidate.name, candidate.match(text, language)) for candidate in _ALL]
    found = [(name, slots) for name, slots in matches if slots is not None]
    return min(found, key=lambda match: sum(map(len, match[1].values())), default=None)
