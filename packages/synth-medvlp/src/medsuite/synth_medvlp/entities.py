"""Entities of a report by lexicon and rules: longest match, scopes of negation and doubt, offsets kept."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from medsuite.core.errors import InputError
from medsuite.synth_medvlp.vocabulary import CONCEPTS, Concept, Kind

Status = Literal["present", "absent", "uncertain"]

DENIALS = (
    "no", "not", "without", "absence of", "lack of", "free of", "clear of", "negative for", "rather than", "never",
    "neither", "nor",
)  # fmt: skip
"""Words after which a finding is denied, to the end of the clause."""

LATE_DENIALS = (
    "is absent",
    "are absent",
    "not seen",
    "not visualized",
    "not identified",
    "not present",
    "ruled out",
    "is excluded",
)
"""Words that deny the findings before them in the clause."""

DOUBTS = (
    "possible", "possibly", "probable", "probably", "likely", "may", "might", "suspected", "suspicious for",
    "could", "suggesting", "suggestive of", "suspicion for", "evaluation for", "questionable", "question",
    "cannot exclude", "cannot rule out", "cannot be excluded", "not excluded", "no change in",
    "no significant change in", "no interval change in", "versus", "resolved", "resolution of",
)  # fmt: skip
"""Words that make a finding of the same clause uncertain; "no change in" and "resolved" speak of a change, which is
neither presence nor absence."""

DECOYS = ("pericardial effusion", "pericardial effusions", "joint effusion", "mass effect")
"""Longer names that hold the name of a concept and are none."""

_CLAUSES = re.compile(r"[^.;:\n]+")
_TURNS = re.compile(r"\b(?:but|however|although|except|with the exception of)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Entity:
    """One mention of a concept.

    Attributes:
        text: The words, as written.
        concept: Name of the concept.
        kind: Class of the concept.
        start: Offset of the first character in the report.
        end: Offset behind the last one.
        status: Whether the report affirms it, denies it or leaves it open.
    """

    text: str
    concept: str
    kind: Kind
    start: int
    end: int
    status: Status


def extract(report: str, concepts: Mapping[str, Concept] = CONCEPTS) -> list[Entity]:
    """Find the concepts that a report names, in the order of the text; O(characters).

    A denial or a doubt holds within its clause, which ends at a full stop, colon, semicolon or line break, or at
    "but" and the like. Of overlapping names the longest counts, so that a calcified nodule is no nodule.

    Args:
        report: English text.
        concepts: The vocabulary.

    Raises:
        InputError: The report holds no word: it is empty, or everything in it was removed ("XXXX", "___").
    """
    if not re.search(r"[A-Za-z]{2,}", re.sub(r"\b[Xx]{2,}\b", "", report)):
        raise InputError(f"report {report[:40]!r} holds no word", expected="an English radiology report")
    pattern, owner = _matcher(tuple(concepts.values()))
    found = []
    for start, end in _clauses(report):
        for match in pattern.finditer(report, start, end):
            concept = owner.get(match.group().lower())
            if concept is None:
                continue
            status = _status(report[start : match.start()], report[match.end() : end])
            found.append(Entity(match.group(), concept.name, concept.kind, match.start(), match.end(), status))
    return found


def _clauses(report: str) -> list[tuple[int, int]]:
    spans = []
    for clause in _CLAUSES.finditer(report):
        cuts = [clause.start(), *(turn.start() for turn in _TURNS.finditer(clause.group())), clause.end()]
        cuts[1:-1] = [clause.start() + cut for cut in cuts[1:-1]]
        spans += list(pairwise(cuts))
    return spans


def _status(before: str, after: str) -> Status:
    if _has(DOUBTS, before) or _has(DOUBTS, after):
        return "uncertain"
    return "absent" if _has(DENIALS, before) or _has(LATE_DENIALS, after) else "present"


def _has(cues: tuple[str, ...], text: str) -> bool:
    return _alternatives(cues).search(text) is not None


@lru_cache(maxsize=16)
def _alternatives(words: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b", re.IGNORECASE)


@lru_cache(maxsize=16)
def _matcher(concepts: tuple[Concept, ...]) -> tuple[re.Pattern[str], dict[str, Concept]]:
    owner = {spelling.lower(): concept for concept in concepts for spelling in concept.spellings}
    return _alternatives((*owner, *DECOYS)), owner
