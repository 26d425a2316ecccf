"""The invented names that appear on pictures, in English and in Chinese."""

from collections.abc import Mapping
from dataclasses import dataclass

from medsuite.bench.finance.schema import Language


@dataclass(frozen=True)
class Vocabulary:
    """Words of one language.

    Attributes:
        companies: Names of invented companies.
        series: What a statistical chart may show, each with its unit.
        columns: Columns of a quote table with the range of their values.
        items: Items of a report whose amounts are stated.
        sections: Titles of sections of a report.
        sentences: A sentence that states an amount, with the slots item, year, amount.
        filler: Sentences without numbers.
        report: Title of a report, with the slot company.
        name_column: Head of the column of names.
        quarter: A quarter of a year, with the slots year, quarter.
        amount: An amount, with the slot value.
    """

    companies: tuple[str, ...]
    series: tuple[str, ...]
    columns: Mapping[str, tuple[float, float]]
    items: tuple[str, ...]
    sections: tuple[str, ...]
    sentences: tuple[str, ...]
    filler: tuple[str, ...]
    report: str
    name_column: str
    quarter: str
    amount: str


VOCABULARIES: dict[Language, Vocabulary] = {
    "en": Vocabulary(
        companies=(
            "Harbor Steel", "Northfield Energy", "Alder Pharma", "Brightline Media", "Cobalt Mining", "Delta Foods",
            "Everest Cement", "Falcon Airlines", "Granite Bank", "Juniper Motors",
        ),
        series=("Revenue", "Net profit", "Orders", "Exports", "Deposits", "Output"),
        columns={
            "Price": (5.0, 300.0), "Change": (-9.9, 9.9), "P/E": (6.0, 80.0), "Amplitude": (1.0, 12.0),
            "Dividend": (0.2, 6.0), "Beta": (0.3, 2.0), "Turnover": (0.1, 15.0),
        },
        items=("revenue", "net profit", "operating cost", "cash flow", "research spending", "total debt"),
        sections=("Overview", "Results", "Market", "Risks", "Outlook", "Governance"),
        sentences=(
            "In {year}, {item} was {amount}.",
            "The company reports {item} of {amount} for {year}.",
            "For the year {year}, {item} came to {amount}.",
        ),
        filler=(
            "Management expects steady demand in its main markets.",
            "Raw material prices remain a source of uncertainty.",
            "The new plant started production as planned.",
            "No material litigation was pending at the balance sheet date.",
            "Deliveries to customers abroad went on without interruption.",
            "The board of directors met regularly and discussed the strategy of the group.",
        ),
        report="{company}: annual report",
        name_column="Company",
        quarter="{year}Q{quarter}",
        amount="{value} million",
    ),
    "cn": Vocabulary(
        companies=(
            "海港钢铁", "北原能源", "远山药业", "明线传媒", "长河矿业",
            "江南食品", "高原水泥", "飞鹰航空", "磐石银行", "松柏汽车",
        ),
        series=("营业收入", "净利润", "订单金额", "出口金额", "存款余额", "产品产量"),
        columns={
            "最新价": (5.0, 300.0), "涨跌幅": (-9.9, 9.9), "市盈率": (6.0, 80.0), "振幅": (1.0, 12.0),
            "股息率": (0.2, 6.0), "贝塔系数": (0.3, 2.0), "换手率": (0.1, 15.0),
        },
        items=("营业收入", "净利润", "营业成本", "现金流量", "研发支出", "负债总额"),
        sections=("公司概况", "经营业绩", "市场环境", "风险提示", "未来展望", "公司治理"),
        sentences=(
            "{year}年{item}为{amount}。",
            "公司{year}年实现{item}{amount}。",
            "报告期内，{year}年的{item}达到{amount}。",
        ),
        filler=(
            "管理层预计主要市场的需求保持平稳。",
            "原材料价格仍然存在不确定性。",
            "新工厂已经按照计划投入生产。",
            "截至资产负债表日没有重大诉讼。",
            "公司对境外客户的交付没有中断。",
            "董事会定期召开会议，讨论公司的发展战略。",
        ),
        report="{company}年度报告",
        name_column="名称",
        quarter="{year}Q{quarter}",
        amount="{value}万元",
    ),
}  # fmt: skip
