"""Scoring a decoded story that lies in a file, beside the null of its own windows exchanged."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from medsuite.bpgpt.data.textgrid import Word, read_words
from medsuite.bpgpt.evaluate.nulls import exchange
from medsuite.bpgpt.evaluate.scoring import WINDOW, score_windows, window_texts
from medsuite.core.errors import InputError

EXCHANGES = 200


def read_decoded(path: Path) -> list[Word]:
    """Read a decoded story: a line for each word with its onset in seconds, a tab, and the word.

    Args:
        path: A text file in UTF-8. Empty lines are read over.

    Raises:
        InputError: There is no such file, no line in it, or a line is no onset and word.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path} as text", expected="lines of onset in s, tab, word") from error
    words = [_word(line, number, path) for number, line in enumerate(lines, start=1) if line.strip()]
    if not words:
        raise InputError(f"{path} holds no word", expected="lines of onset in s, tab, word")
    return words


def score_table(reference: Path, decoded: Path, metrics: Sequence[str], seed: int = 0) -> str:
    """Score a decoded story in disjoint windows of 20 s, and the same windows in the wrong order.

    The null keeps the decoder's words and style and loses their time. p is the share of `EXCHANGES` exchanges, and the
    story itself, whose mean is at least as good.

    Args:
        reference: TextGrid of what was heard.
        decoded: As in `read_decoded`.
        metrics: Names from `medsuite.bpgpt.evaluate.scoring.METRICS`.
        seed: Seed of the exchanges.

    Raises:
        InputError: A file is not what it should be, or fewer than two windows have words.
    """
    heard, said = read_words(reference), read_decoded(decoded)
    if not heard:
        raise InputError(f"{reference} holds no word", expected="a transcript")
    duration = max(word.offset for word in heard)
    references, hypotheses = window_texts(heard, duration), window_texts(said, duration)
    scores = score_windows(references, hypotheses, metrics)
    if len(scores.windows) < 2:
        raise InputError(f"{len(scores.windows)} window of {WINDOW:g} s with words", expected="at least 2 for a null")
    spoken = [references[index] for index in scores.windows]
    written = [hypotheses[index] for index in scores.windows]
    rng = np.random.default_rng(seed)
    orders = [exchange(len(spoken), rng) for _ in range(EXCHANGES)]
    nulls = [score_windows(spoken, [written[place] for place in order], metrics).means for order in orders]
    lines = [f"{len(spoken)} windows of {WINDOW:g} s, {scores.silent} silent; length ratio {scores.length_ratio:.2f}"]
    lines.append(f"{'metric':8}{'score':>8}{'exchanged':>11}{'p':>8}")
    for name, score in scores.means.items():
        null = np.array([means[name] for means in nulls])
        better = null <= score if name == "wer" else null >= score
        lines.append(f"{name:8}{score:8.4f}{null.mean():11.4f}{(1 + better.sum()) / (1 + len(null)):8.3f}")
    return "\n".join(lines)


def _word(line: str, number: int, path: Path) -> Word:
    onset, _, text = line.partition("\t")
    try:
        time = float(onset)
    except ValueError:
        time = float("nan")
    if not np.isfinite(time) or not text.strip():
        raise InputError(f"line {number} of {path} is {line[:40]!r}", expected="an onset in seconds, a tab and a word")
    return Word(text.strip().lower(), time, time)
