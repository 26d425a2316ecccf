"""From the text of a report to findings: rules with negation and uncertainty, and labels that may be unknown."""

from medsuite.ecg_align.reports.labels import to_labels
from medsuite.ecg_align.reports.rules import Mention, extract

__all__ = ["Mention", "extract", "to_labels"]
