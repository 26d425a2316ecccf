"""Findings in English reports by rules: entity, wall, and how certain the writer was."""

import re
from dataclasses import dataclass
from typing import Literal

from medsuite.core.errors import InputError
from medsuite.ecg_align.reports.vocabulary import (
    CERTAINTY_WORDS,
    CHANGE_WORDS,
    CHEST_RANGE,
    ENGLISH,
    FOREIGN,
    FORWARD_ONLY,
    LEAD_LIST,
    OTHER_WORDS,
    SENTENCES,
    WALL_LEADS,
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
LAST_LATIN = "\u024f"
"""End of the Latin letters in Unicode (Latin Extended-B)."""
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
        clause: The clause that they stand in, a list of leads read as the walls that it looks at.
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
    two findings. Within it a word of doubt or a negation counts for the findings after it, and for the last one before
    it where the verb comes last ("infarction cannot be ruled out", "ST elevation has resolved"). "Cannot be ruled out"
    and "unlikely" are doubt, not denial; "atrial fibrillation or flutter" is doubt about which. A list that ends in
    "or", such as "no ST elevation, T inversion or Q waves", is denied as a whole; "no infarction, sinus tachycardia" is
    not. Two leads that look at a wall name it: "ST elevation in V1 to V4" is septal and anterior.
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
    return [mention for sentence in SENTENCES.split(text) for mention in _in_sentence(_with_walls(sentence))]


def _with_walls(sentence: str) -> str:
    """Name the walls that a list of leads looks at: "in leads II, III and aVF" reads "in inferior"."""
    return LEAD_LIST.sub(lambda listed: _walls_of(listed[1]) or listed[0], sentence)


def _walls_of(listed: str) -> str:
    leads = set(re.findall(r"\w+", listed))
    for first, last in CHEST_RANGE.findall(listed):
        leads |= {f"v{number}" for number in range(int(first), int(last) + 1)}
    walls = [wall for wall, looking in WALL_LEADS.items() if len(leads.intersection(looking)) > 1]
    return f"in {'/'.join(walls)}" if walls else ""


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
    return _last_entity(clause) >= 0


def _last_entity(clause: str) -> int:
    """Return where the last finding of a clause begins, or -1."""
    patterns = (_CHANGES | _OTHERS).values()
    return max((match.start() for pattern in patterns for match in pattern.finditer(clause)), default=-1)


def _in_clause(clause: str, walls: list[str], denied: bool) -> list[Mention]:
    found = []
    for name, pattern in (_CHANGES | _OTHERS).items():
        for match in pattern.finditer(clause):
            certainty = _certainty(clause, match, denied)
            of_entity = walls if name in _CHANGES else [""]
            found += [(match.start(), Mention(name, wall, certainty, match[0], clause.strip())) for wall in of_entity]
    return [mention for _, mention in sorted(found, key=lambda entry: entry[0])]


def _named_walls(clause: str) -> list[str]:
    """Return the walls of a clause; "left anterior fascicular block" names none."""
    for pattern in _OTHERS.values():
        clause = pattern.sub(" ", clause)
    return [name for name, pattern in _WALLS.items() if pattern.search(clause)]


def _certainty(clause: str, match: re.Match[str], denied: bool) -> Certainty:
    """Judge by the nearest cue before the entity, else by one after it."""
    if any(match.start() >= either.start() and match.end() <= either.end() for either in _ALTERNATIVE.finditer(clause)):
        return "possible"
    before = _cues(clause, 0, match.start())
    if before:
        return max(before, key=lambda cue: cue[0].start())[1]
    after = [cue for cue in _cues(clause, match.end(), len(clause)) if not FORWARD_ONLY.fullmatch(cue[0][0])]
    if after and match.start() == _last_entity(clause):
        return min(after, key=lambda cue: cue[0].start())[1]
    return "excluded" if denied else "definite"


def _cues(clause: str, start: int, stop: int) -> list[tuple[re.Match[str], Certainty]]:
    """Return the words of doubt and denial between two places and what they mean, longest meaning first."""
    cues: list[tuple[re.Match[str], Certainty]] = []
    for certainty, pattern in _CERTAINTIES.items():
        for cue in pattern.finditer(clause, start, stop):
            if all(cue.end() <= other.start() or cue.start() >= other.end() for other, _ in cues):
                cues.append((cue, certainty))
    return cues


def _refuse_other_languages(text: str) -> None:
    foreign, english = len(FOREIGN.findall(text)), len(ENGLISH.findall(text))
    letters = [letter for letter in text if letter.isalpha()]
    other_script = sum(letter > LAST_LATIN for letter in letters) > len(letters) / 2
    if foreign > english or other_script:
        raise InputError(
            f"the report {text.strip()[:50]!r} is not in English", expected="English", fix="translate it before"
        )
