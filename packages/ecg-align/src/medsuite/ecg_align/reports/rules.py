"""Findings in English reports by rules: entity, wall, and how certain the writer was."""

import re
from dataclasses import dataclass
from typing import Literal

from medsuite.core.errors import InputError
from medsuite.ecg_align.reports.vocabulary import (
    CERTAINTY_WORDS,
    CHANGE_WORDS,
    ENGLISH,
    FOREIGN,
    OTHER_WORDS,
    SENTENCES,
    WALL_WORDS,
)

Certainty = Literal["definite", "probable", "possible", "excluded"]
_CHANGES = {name: re.compile(words) for name, words in CHANGE_WORDS.items()}
_OTHERS = {name: re.compile(words) for name, words in OTHER_WORDS.items()}
_WALLS = {name: re.compile(words) for name, words in WALL_WORDS.items()}
_CERTAINTIES: dict[Certainty, re.Pattern[str]] = {
    "possible": re.compile(CERTAINTY_WORDS["possible"]),
    "excluded": re.compile(CERTAINTY_WORDS["excluded"]),
    "probable": re.compile(CERTAINTY_WORDS["probable"]),
}
_OR = re.compile(r"\bn?or\b")
_AND = re.compile(r"\band\b")
_ALTERNATIVE = re.compile(
    r"atrial fibrillation\s*(?:/|or)\s*(?:atrial )?flutter|flutter\s*(?:/|or)\s*(?:atrial )?fibrillation"
)


@dataclass(frozen=True)
class Mention:
    """A finding that a report speaks of.

    Attributes:
        entity: The finding without its wall, such as `"ST elevation"` or `"LBBB"`.
        wall: The wall, or empty where none is named.
        certainty: How certain the writer was.
        text: The words that were matched.
        clause: The clause that they stand in.
    """

    entity: str
    wall: str
    certainty: Certainty
    text: str
    clause: str

    @property
    def finding(self) -> str:
        """Name of the simulator's finding: wall and change, or the entity alone."""
        return f"{self.wall} {self.entity}" if self.wall else self.entity


def extract(report: str) -> list[Mention]:
    """Find what an English report asserts, doubts and denies.

    A clause ends at a comma, semicolon, full stop (not one inside a number), "but", "with", and at an "and" between
    two findings. Within it a word of doubt or a negation counts for the findings after it, and for those before it
    where the verb comes last ("infarction cannot be ruled out", "ST elevation has resolved"). "Cannot be ruled out"
    is doubt, not denial; "atrial fibrillation or flutter" is doubt about which. A list that ends in "or", such as "no
    ST elevation, T inversion or Q waves", is denied as a whole; "no infarction, sinus tachycardia" is not.
    O(length).

    Args:
        report: Text in any case.

    Returns:
        Mentions in order of appearance, one for each wall that is named.

    Raises:
        InputError: The report is in another language; an empty result would read as "nothing found".
    """
    text = report.lower()
    _refuse_other_languages(text)
    return [mention for sentence in SENTENCES.split(text) for mention in _in_sentence(sentence)]


def _in_sentence(sentence: str) -> list[Mention]:
    parts = sentence.split(",")
    last_or = max((index for index, part in enumerate(parts) if _OR.search(part)), default=0)
    negated = _CERTAINTIES["excluded"].match(parts[0].strip()) is not None
    mentions = []
    for index, part in enumerate(parts):
        walls: list[str] = []
        for clause in _split_at_and(part):
            walls = _named_walls(clause) or walls
            mentions += _in_clause(clause, walls or [""], negated and 0 < index <= last_or)
    return mentions


def _split_at_and(part: str) -> list[str]:
    """Split at each "and" that has a finding on both sides; "anterior and lateral ST elevation" stays one clause."""
    for conjunction in _AND.finditer(part):
        left, right = part[: conjunction.start()], part[conjunction.end() :]
        if _has_entity(left) and _has_entity(right):
            return [*_split_at_and(left), *_split_at_and(right)]
    return [part]


def _has_entity(clause: str) -> bool:
    return any(pattern.search(clause) for pattern in (_CHANGES | _OTHERS).values())


def _in_clause(clause: str, walls: list[str], denied: bool) -> list[Mention]:
    found = []
    for name, pattern in (_CHANGES | _OTHERS).items():
        for match in pattern.finditer(clause):
            certainty = _certainty(clause, match, denied)
            of_entity = walls if name in _CHANGES else [""]
            found += [(match.start(), Mention(name, wall, certainty, match[0], clause.strip())) for wall in of_entity]
    return [mention for _, mention in sorted(found, key=lambda entry: entry[0])]


def _named_walls(clause: str) -> list[str]:
    return [name for name, pattern in _WALLS.items() if pattern.search(clause)]


def _certainty(clause: str, match: re.Match[str], denied: bool) -> Certainty:
    """Judge by the nearest cue before the entity, else by one after it."""
    if any(match.start() >= either.start() and match.end() <= either.end() for either in _ALTERNATIVE.finditer(clause)):
        return "possible"
    before = _cues(clause, 0, match.start())
    if before:
        return max(before, key=lambda cue: cue[0])[1]
    after = _cues(clause, match.end(), len(clause))
    if after:
        return min(after, key=lambda cue: cue[0])[1]
    return "excluded" if denied else "definite"


def _cues(clause: str, start: int, stop: int) -> list[tuple[int, Certainty]]:
    """Return position and meaning of the words of doubt and denial between two places, longest meaning first."""
    taken: list[tuple[int, int]] = []
    cues: list[tuple[int, Certainty]] = []
    for certainty, pattern in _CERTAINTIES.items():
        for cue in pattern.finditer(clause, start, stop):
            if all(cue.end() <= first or cue.start() >= last for first, last in taken):
                taken.append(cue.span())
                cues.append((cue.start(), certainty))
    return cues


def _refuse_other_languages(text: str) -> None:
    foreign, english = len(FOREIGN.findall(text)), len(ENGLISH.findall(text))
    if foreign > english:
        raise InputError(
            f"the report {text.strip()[:50]!r} is not in English", expected="English", fix="translate it before"
        )
