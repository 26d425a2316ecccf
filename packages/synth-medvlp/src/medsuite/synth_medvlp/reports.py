"""Reports from what is asked for: a grammar that writes FINDINGS and IMPRESSION, and the test of what it wrote."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from medsuite.core.errors import InputError, unknown_name
from medsuite.synth_medvlp.entities import extract
from medsuite.synth_medvlp.vocabulary import CONCEPTS

AFFIRMATIONS = (
    "There is {name}.",
    "{name} {side}.",
    "The film shows {name} {zone}.",
    "{name} of {size} size is seen.",
)
"""The four forms of a sentence that affirms; each tells one attribute at most."""

DENIALS = ("No {name}.", "There is no {name}.", "No evidence of {name}.", "The chest is free of {name}.")
NORMAL = "The lungs are clear."
NORMAL_IMPRESSION = "Normal study."
SIZES = ("small", "moderate", "large")
_SIDES = {
    "right": "on the right",
    "left": "on the left",
    "both": "on both sides",
    "midline": "in the midline",
}
_ZONES = {
    "upper": "in the upper zone",
    "middle": "in the middle zone",
    "lower": "in the lower zone",
    "all": "throughout",
}


@dataclass(frozen=True)
class Statement:
    """One finding as a report tells it.

    Attributes:
        concept: A key of `CONCEPTS`.
        side: right, left, both or midline.
        zone: upper, middle, lower or all.
        size: small, moderate or large.
    """

    concept: str
    side: str = "midline"
    zone: str = "all"
    size: str = "moderate"

    def __post_init__(self) -> None:
        if self.concept not in CONCEPTS:
            raise unknown_name("finding", self.concept, CONCEPTS)


@dataclass(frozen=True)
class Report:
    """A report as the sentences of its two sections."""

    findings: tuple[str, ...]
    impression: tuple[str, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """All sentences, findings first."""
        return self.findings + self.impression

    @property
    def text(self) -> str:
        """The report with its headings, as it is stored."""
        return f"FINDINGS: {' '.join(self.findings)}\nIMPRESSION: {' '.join(self.impression)}\n"

    @classmethod
    def parse(cls, text: str) -> "Report":
        """Read a report with both headings back.

        Raises:
            InputError: A heading is missing, or a section is empty.
        """
        head, _, impression = text.partition("IMPRESSION:")
        lead, _, findings = head.partition("FINDINGS:")
        sections = [_sentences(section) for section in (findings, impression)]
        if lead.strip() or not all(sections):
            raise InputError(f"report {text[:60]!r}", expected="FINDINGS: and IMPRESSION:, each with a sentence")
        return cls(*sections)


@dataclass(frozen=True)
class Verification:
    """What a report says beside what was asked (the second parse of SynCXR's step 4).

    Attributes:
        missing: Asked for and not named.
        denied: Asked for and denied or doubted.
        invented: Affirmed and not asked for.
    """

    missing: tuple[str, ...]
    denied: tuple[str, ...]
    invented: tuple[str, ...]

    @property
    def accepted(self) -> bool:
        """Whether all that was asked is affirmed and nothing else."""
        return not (self.missing or self.denied or self.invented)

    def __str__(self) -> str:
        faults = {"missing": self.missing, "denied": self.denied, "invented": self.invented}
        return "; ".join(f"{kind} {', '.join(names)}" for kind, names in faults.items() if names) or "accepted"


def verify(report: Report, asked: Sequence[str]) -> Verification:
    """Parse a report again and compare it with the concepts that were asked for.

    Args:
        report: The report.
        asked: Names of concepts that it has to affirm; all others may only be denied.
    """
    entities = extract(report.text)
    named = {entity.concept for entity in entities}
    affirmed = {entity.concept for entity in entities if entity.status == "present"}
    refused = {entity.concept for entity in entities if entity.status != "present"}
    return Verification(
        missing=tuple(sorted(set(asked) - named)),
        denied=tuple(sorted(set(asked) & refused)),
        invented=tuple(sorted(affirmed - set(asked))),
    )


def write(statements: Sequence[Statement], denied: Sequence[str], rng: np.random.Generator) -> Report:
    """Write a report by grammar: a sentence for each finding and each denial, then the findings' names.

    Args:
        statements: What is to be affirmed, in this order.
        denied: Concepts to deny.
        rng: Chooses forms and names.

    Raises:
        InputError: A concept is both affirmed and denied, or unknown.
    """
    affirmed = [statement.concept for statement in statements]
    if both := set(affirmed) & set(denied):
        raise InputError(f"{sorted(both)[0]} is both affirmed and denied", expected="one of the two")
    findings = [_affirm(statement, rng) for statement in statements] or [NORMAL]
    findings += [_capital(_pick(DENIALS, rng).format(name=_name(concept, rng))) for concept in denied]
    impression = [_capital(f"{_name(concept, rng)}.") for concept in affirmed] or [NORMAL_IMPRESSION]
    return Report(tuple(findings), tuple(impression))


def grammar_sentences() -> tuple[str, ...]:
    """List every sentence that `write` can write, each once."""
    names = [name for concept in CONCEPTS.values() for name in concept.names]
    attributes = product(_SIDES.values(), _ZONES.values(), SIZES)
    sentences = {NORMAL, NORMAL_IMPRESSION} | {_capital(f"{name}.") for name in names}
    for side, zone, size in attributes:
        for template in (*AFFIRMATIONS, *DENIALS):
            sentences |= {_capital(template.format(name=name, side=side, zone=zone, size=size)) for name in names}
    return tuple(sorted(sentences))


def write_verified(
    statements: Sequence[Statement], denied: Sequence[str], rng: np.random.Generator, *, budget: int = 3
) -> Report:
    """Write reports until one is accepted by `verify`.

    Args:
        statements: What is to be affirmed.
        denied: Concepts to deny.
        rng: Chooses forms and names.
        budget: Most reports to write.

    Raises:
        InputError: None was accepted; the message holds the last one's faults.
    """
    asked = [statement.concept for statement in statements]
    for _ in range(budget):
        report = write(statements, denied, rng)
        found = verify(report, asked)
        if found.accepted:
            return report
    raise InputError(f"{budget} reports on {asked} were not accepted ({found})", fix="check the vocabulary's spellings")


def _affirm(statement: Statement, rng: np.random.Generator) -> str:
    return _capital(
        _pick(AFFIRMATIONS, rng).format(
            name=_name(statement.concept, rng),
            side=_SIDES[statement.side],
            zone=_ZONES[statement.zone],
            size=statement.size,
        )
    )


def _name(concept: str, rng: np.random.Generator) -> str:
    if concept not in CONCEPTS:
        raise unknown_name("finding", concept, CONCEPTS)
    return _pick(CONCEPTS[concept].names, rng)


def _pick(options: Sequence[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


def _capital(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def _sentences(section: str) -> tuple[str, ...]:
    return tuple(f"{part.strip()}." for part in section.split(".") if part.strip())
