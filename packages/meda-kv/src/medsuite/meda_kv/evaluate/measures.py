"""How written answers are graded: the measures of LongBench, RULER, MileBench and Video-MME, from 0 to 1.

Each follows its benchmark's published evaluation script; where a library takes a part, or a script's slip was not
followed, the function says so.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from medsuite.core.errors import require

EXTRA = "medsuite-meda-kv[benchmarks]"
CHINESE_MARKS = "！？｡。＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～《》「」『』【】〔〕〖〗–—‘’“”„…‧"


def english_words(text: str) -> list[str]:
    """Lower-case words without punctuation and articles, as SQuAD normalises them."""
    plain = "".join(letter for letter in text.lower() if letter not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", plain).split()


def chinese_words(text: str) -> list[str]:
    """Words that jieba finds, lower-case and without punctuation."""
    unwanted = str.maketrans("", "", string.punctuation + CHINESE_MARKS)
    words = ("".join(word.lower().translate(unwanted).split()) for word in _jieba().cut(text, cut_all=False))
    return [word for word in words if word]


def word_f1(answer: Sequence[str], reference: Sequence[str]) -> float:
    """Harmonic mean of the precision and the recall of words, each counted as often as it occurs."""
    common = sum((Counter(answer) & Counter(reference)).values())
    return 2 * common / (len(answer) + len(reference)) if common else 0.0


def qa_f1(answer: str, reference: str) -> float:
    """F1 of English words (SQuAD, LongBench)."""
    return word_f1(english_words(answer), english_words(reference))


def qa_f1_chinese(answer: str, reference: str) -> float:
    """F1 of Chinese words (LongBench); needs jieba."""
    return word_f1(chinese_words(answer), chinese_words(reference))


def rouge_l(answer: str, reference: str) -> float:
    """ROUGE-L F1 of the library rouge-score, without stemming.

    The benchmarks' scripts use the library `rouge`, which splits at blanks only: texts that differ in punctuation get
    slightly different numbers.
    """
    return float(_rouge(None).score(reference, answer)["rougeL"].fmeasure)


def rouge_l_chinese(answer: str, reference: str) -> float:
    """ROUGE-L F1 over the words that jieba finds (LongBench)."""
    return float(_rouge(_Jieba()).score(reference, answer)["rougeL"].fmeasure)


def classification(answer: str, reference: str, classes: Sequence[str]) -> float:
    """One over the number of class names in the answer, if the right one is among them, else 0 (LongBench).

    Names that are part of the right one's do not count. The published script removes them from the list that it walks
    through and so can miss the second of two neighbours; here all go.

    Args:
        answer: The answer.
        reference: The right class.
        classes: All classes.
    """
    named = [name for name in classes if name in answer]
    named = [name for name in named if name == reference or name not in reference]
    return 1 / len(named) if reference in named else 0.0


def matching_numbers(answer: str, reference: str) -> float:
    """Share of the answer's numbers that are the reference's last: counts and paragraph retrieval (LongBench)."""
    wanted, numbers = re.findall(r"\d+", reference), re.findall(r"\d+", answer)
    return numbers.count(wanted[-1]) / len(numbers) if numbers and wanted else 0.0


def code_similarity(answer: str, reference: str) -> float:
    """Edit similarity of the answer's first line of code, in whole percent (LongBench); needs rapidfuzz."""
    lines = answer.lstrip("\n").split("\n")
    first = next((line for line in lines if not any(mark in line for mark in ("`", "#", "//"))), "")
    return round(require("rapidfuzz", extra=EXTRA).fuzz.ratio(first, reference)) / 100


def all_contained(answer: str, references: Sequence[str]) -> float:
    """Share of the references that the answer contains, whatever the case (RULER)."""
    text = _printable(answer)
    return sum(reference.lower() in text for reference in references) / len(references)


def any_contained(answer: str, references: Sequence[str]) -> float:
    """Whether the answer contains a reference, whatever the case (RULER's question answering)."""
    text = _printable(answer)
    return float(any(reference.lower() in text for reference in references))


def _printable(answer: str) -> str:
    return re.sub(r"[\x00-\x1f]", "\n", answer.strip()).strip().lower()


def milebench_plain(text: str) -> str:
    """MileBench's normal form: lower case, without punctuation, one line."""
    line = text.replace("\n", " ").replace("\t", " ").strip()
    plain = line
    for mark in ';/[]"{}()=+\\_-><@`,?!':
        touches_blank = f"{mark} " in line or f" {mark}" in line or re.search(r"\d,\d", line)
        plain = plain.replace(mark, "" if touches_blank else " ")
    return re.sub(r"\.(?!\d)", "", plain).strip("'").strip('"').strip().lower()


def milebench_rouge(answer: str, reference: str) -> float:
    """ROUGE-L F1 of the normal forms (MileBench, open-ended)."""
    return rouge_l(milebench_plain(answer), milebench_plain(reference))


def milebench_needle(answer: str, reference: str) -> float:
    """Whether the reference is a word of the answer (MileBench, needle in a haystack)."""
    return float(milebench_plain(reference) in milebench_plain(answer).split())


def milebench_contained(answer: str, reference: str) -> float:
    """Whether the answer contains the reference (MileBench, MMCoQA)."""
    return float(milebench_plain(reference) in milebench_plain(answer))


def milebench_choice(answer: str, reference: str, choices: Sequence[str]) -> float:
    """Whether the answer names the right choice (MileBench, multiple choice).

    The first of these that occurs decides: a letter with its choice (`a. blastomycosis`), a choice, a single letter. An
    empty answer counts as C, as the published script has it.

    Args:
        answer: The answer.
        reference: The right choice's text.
        choices: All choices.
    """
    plain, options = milebench_plain(answer), [milebench_plain(choice) for choice in choices]
    return float(_chosen(plain, options) == options.index(milebench_plain(reference)))


def _chosen(answer: str, options: Sequence[str]) -> int | None:
    """Which option an answer names, None for none."""
    if not answer:
        return 2
    lettered = [f"{_letter(place)} {option}" for place, option in enumerate(options)]
    squeezed = [option.replace(" ", "") for option in options]
    for text, names in ((answer, lettered), (answer.replace(" ", ""), squeezed)):
        found = re.search("|".join(map(re.escape, names)), text)
        if found:
            return names.index(found.group(0))
    letters = [_letter(place) for place in range(len(options))]
    return letters.index(answer) if answer in letters else None


def _letter(place: int) -> str:
    return chr(ord("a") + place)


ANSWER_WORDS = ("The best answer is", "The correct answer is", "The answer is", "The answer", "The best option is")


def option_letter(answer: str, reference: str) -> float:
    """Whether the first of the letters A to D in the answer is the right one (Video-MME).

    The published script leaves questions without any letter out of the mean; here they count as wrong.
    """
    for words in ANSWER_WORDS:
        answer = answer.replace(words, "")
    found = re.search("[ABCD]", answer)
    return float(found is not None and found.group(0) == reference.strip().upper()[:1])


def best_of(measure: Callable[[str, str], float], references: Sequence[str], answer: str) -> float:
    """The best grade over several references."""
    return max((measure(answer, reference) for reference in references), default=0.0)


def against(measure: Callable[[str, str], float], references: Sequence[str]) -> Callable[[str], float]:
    """Grade answers by the best of several references."""
    return partial(best_of, measure, references)


def first_line(grade: Callable[[str], float]) -> Callable[[str], float]:
    """Grade the answer's first line only, as LongBench does after examples."""
    return lambda answer: grade(answer.lstrip("\n").split("\n")[0])


class _Jieba:
    """A tokenizer for rouge-score."""

    def tokenize(self, text: str) -> list[str]:
        return list(_jieba().cut(text, cut_all=False))


def _jieba() -> Any:
    import logging

    module = require("jieba", extra=EXTRA)
    module.setLogLevel(logging.WARNING)
    return module


def _rouge(tokenizer: Any) -> Any:
    return _rouge_scorer() if tokenizer is None else _scorer_class()(["rougeL"], tokenizer=tokenizer)


@cache
def _rouge_scorer() -> Any:
    return _scorer_class()(["rougeL"], use_stemmer=False)


def _scorer_class() -> Any:
    return require("rouge_score.rouge_scorer", extra=EXTRA).RougeScorer
