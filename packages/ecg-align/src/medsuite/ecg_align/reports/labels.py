"""From mentions to labels: present, absent, or not known."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from medsuite.ecg_align.reports.rules import Mention
from medsuite.ecg_align.simulate.findings import finding

_VALUES = {"definite": 1.0, "probable": 1.0, "possible": float("nan"), "excluded": 0.0}


def to_labels(mentions: Sequence[Mention], findings: Sequence[str]) -> Float[np.ndarray, "finding"]:
    """Return one label per finding: 1 if asserted or probable, 0 if denied, NaN if doubted or not mentioned.

    What a report does not mention is not known to be absent. A denial without a wall ("no ST elevation") denies
    every wall's; an assertion without one says nothing about a single wall. Where a report both asserts and denies
    a finding, the assertion counts. An empty report gives NaN everywhere.

    Args:
        mentions: Mentions from one report.
        findings: Names of the label columns, such as `"inferior ST elevation"` or `"LBBB"`.

    Raises:
        InputError: A column is none of the simulator's findings: it would be unknown for every report.
    """
    for name in findings:
        finding(name)
    return np.array([_label(mentions, name) for name in findings])


def _label(mentions: Sequence[Mention], name: str) -> float:
    exact = [_VALUES[mention.certainty] for mention in mentions if mention.finding == name]
    wide = [
        0.0
        for mention in mentions
        if not mention.wall and mention.certainty == "excluded" and name.endswith(f" {mention.entity}")
    ]
    known = [value for value in exact + wide if not np.isnan(value)]
    # A doubt about this very wall outweighs a sweeping denial.
    if exact and not [value for value in exact if not np.isnan(value)]:
        return float("nan")
    return max(known) if known else float("nan")
