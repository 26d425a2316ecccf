"""What a schema cannot see: descriptions that give the answer away, contradict themselves or describe two findings."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

from medsuite.grounding.knowledge.schema import Finding, KnowledgeBase

Severity = str
BRIGHT = frozenset({"bright", "opaque", "dense", "white"})
DARK = frozenset({"dark", "lucent", "black", "air"})
REQUIRED = ("shape", "density", "location")
NEAR_DUPLICATE = 0.9
FUNCTION_WORDS = frozenset({"a", "an", "and", "at", "in", "of", "on", "or", "the", "to", "with"})


@dataclass(frozen=True)
class Issue:
    """One thing that is wrong with a description.

    Attributes:
        rule: Name of the rule.
        finding: Id of the finding.
        message: What is wrong, in a sentence.
        severity: `error` where a measurement would be wrong, otherwise `warning`.
    """

    rule: str
    finding: str
    message: str
    severity: Severity


def words(text: str) -> tuple[str, ...]:
    """Split a text into lower-case words."""
    return tuple(re.findall(r"\w+", text.lower()))


def lint(knowledge: KnowledgeBase, *, max_words: int = 40) -> tuple[Issue, ...]:
    """List what is wrong with a knowledge base, errors first.

    Rules: `missing-attribute`, `name-leak` (a content word of the name stands in its own description, so that
    "knowledge without name" is none), `contradiction` (both bright and dark, without a word that joins them),
    `near-duplicate` (two descriptions that share 90 % of their words: no reader could tell the classes apart),
    `too-long` and `not-ascii`. O(findings² x words) for the duplicates.

    Args:
        knowledge: What to check.
        max_words: Longest description that a prompt has room for.
    """
    issues = [issue for finding in knowledge.findings for rule in RULES for issue in rule(finding)]
    issues += [issue for finding in knowledge.findings for issue in _too_long(finding, max_words)]
    issues += _near_duplicates(knowledge)
    return tuple(sorted(issues, key=lambda issue: (issue.severity != "error", issue.finding, issue.rule)))


def _description(finding: Finding) -> str:
    return " ".join(finding.attributes.present().values())


def _missing(finding: Finding) -> Iterator[Issue]:
    for name in REQUIRED:
        if name not in finding.attributes.present():
            yield Issue("missing-attribute", finding.id, f"has no {name}", "warning")


def _name_leak(finding: Finding) -> Iterator[Issue]:
    leaked = (set(words(finding.name)) - FUNCTION_WORDS) & set(words(_description(finding)))
    if leaked:
        yield Issue("name-leak", finding.id, f"its description contains {', '.join(sorted(leaked))}", "warning")


def _contradiction(finding: Finding) -> Iterator[Issue]:
    density = set(words(finding.attributes.density or ""))
    if density & BRIGHT and density & DARK and not density & {"in", "inside", "around", "rim", "mixed", "line"}:
        yield Issue("contradiction", finding.id, "its density is both bright and dark", "error")


def _not_ascii(finding: Finding) -> Iterator[Issue]:
    strange = sorted({letter for letter in f"{finding.name} {_description(finding)}" if not letter.isascii()})
    if strange:
        yield Issue("not-ascii", finding.id, f"contains {' '.join(strange)}", "warning")


def _too_long(finding: Finding, limit: int) -> Iterator[Issue]:
    count = len(words(_description(finding)))
    if count > limit:
        yield Issue("too-long", finding.id, f"its description has {count} words, more than {limit}", "warning")


def _near_duplicates(knowledge: KnowledgeBase) -> Iterator[Issue]:
    bags = {finding.id: frozenset(words(_description(finding))) for finding in knowledge.findings}
    for (first, left), (second, right) in combinations(bags.items(), 2):
        if left and right and len(left & right) / len(left | right) >= NEAR_DUPLICATE:
            yield Issue("near-duplicate", second, f"is described as {first} is", "error")


RULES: tuple[Callable[[Finding], Iterator[Issue]], ...] = (_missing, _name_leak, _contradiction, _not_ascii)
