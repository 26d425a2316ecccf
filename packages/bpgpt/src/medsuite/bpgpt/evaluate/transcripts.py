"""Scoring a decoded story that lies in a file, beside the null of its own windows exchanged."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from medsuite.bpgpt.data.textgrid import Word, read_words
from medsuite.bpgpt.evaluate.nulls import exchanges
from medsuite.bpgpt.evaluate.scoring import WINDOW, BertModel, Metric, find_metrics, score_windows, window_texts
from medsuite.core.errors import InputError

EXCHANGES = 200


def read_decoded(path: Path) -> list[Word]:
    """Read a decoded story: a line for each word with its onset in seconds, a tab, and the word.

    Args:
        path: A text file in UTF-8, with or without byte-order mark. Empty lines are read over.

    Raises:
        InputError: There is no such file, no line in it, or a line is no onset and word.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path} as text", expected="lines of onset in s, tab, word") from error
    words = [_word(line, number, path) for number, line in enumerate(lines, start=1) if line.strip()]
    if not words:
        raise InputError(f"{path} holds no word", expected="lines of onset in s, tab, word")
    return words


def score_table(
    reference: Path, decoded: Path, metrics: Sequence[str], *, bert: BertModel | None = None, seed: int = 0
) -> str:
    """Score a decoded story in disjoint windows of 20 s, and the same windows in the wrong order.

    The null keeps the decoder's words and style and loses their time. p is the share of the exchanges, and the story
    itself, whose mean is at least as good; see `medsuite.bpgpt.evaluate.nulls.exchanges` for how many there are.

    Args:
        reference: TextGrid of what was heard.
        decoded: As in `read_decoded`.
        metrics: Names from `medsuite.bpgpt.evaluate.scoring.METRICS`, or `"bertscore"`.
        bert: The model of `"bertscore"`.
        seed: Seed of the exchanges.

    Raises:
        InputError: A file is not what it should be, no decoded word lies in the story, or fewer than two windows have
            words.
    """
    found = find_metrics(metrics, bert)
    heard, said = read_words(reference), read_decoded(decoded)
    if not heard:
        raise InputError(f"{reference} holds no word", expected="a transcript")
    duration = max(word.offset for word in heard)
    outside = sum(not 0 <= word.onset < duration for word in said)
    if outside == len(said):
        given = f"no word of {decoded} lies in the {duration:.0f} s of {reference}"
        raise InputError(given, expected="onsets in seconds from the beginning of the sound")
    references, hypotheses = window_texts(heard, duration), window_texts(said, duration)
    scores = score_windows(references, hypotheses, metrics, bert=bert)
    if len(scores.windows) < 2:
        raise InputError(f"{len(scores.windows)} window of {WINDOW:g} s with words", expected="at least 2 for a null")
    spoken = [references[index] for index in scores.windows]
    written = [hypotheses[index] for index in scores.windows]
    orders = exchanges(len(spoken), EXCHANGES, np.random.default_rng(seed))
    lines = [f"{len(spoken)} windows of {WINDOW:g} s, {scores.silent} silent; length ratio {scores.length_ratio:.2f}"]
    if outside:
        lines[0] += f"; {outside} of {len(said)} decoded words lie outside of the story"
    lines.append(f"{'metric':9}{'score':>8}{'exchanged':>11}{'p':>8}")
    for name, metric in found.items():
        score, null = scores.means[name], exchanged_means(metric, spoken, written, orders)
        better = null <= score if name == "wer" else null >= score
        lines.append(f"{name:9}{score:8.4f}{null.mean():11.4f}{(1 + better.sum()) / (1 + len(null)):8.3f}")
    lines.append(f"{len(orders)} exchanges; no p can be below {1 / (1 + len(orders)):.3f}")
    return "\n".join(lines)


def exchanged_means(
    metric: Metric, heard: Sequence[str], written: Sequence[str], orders: Sequence[Int[np.ndarray, "window"]]
) -> Float[np.ndarray, "order"]:
    """Return the mean score of windows under each order, every pair of windows being scored once.

    Args:
        metric: A metric of lists of texts.
        heard: What was heard in each window.
        written: What was decoded in each window.
        orders: Which decoded window stands beside each heard one.
    """
    places = np.arange(len(heard))
    pairs = np.unique(np.concatenate([np.stack([places, order], axis=1) for order in orders]), axis=0)
    table = np.full((len(heard), len(heard)), np.nan)
    table[pairs[:, 0], pairs[:, 1]] = metric([heard[i] for i in pairs[:, 0]], [written[j] for j in pairs[:, 1]])
    return np.array([table[places, order].mean() for order in orders])


def _word(line: str, number: int, path: Path) -> Word:
    onset, _, text = line.partition("\t")
    try:
        time = float(onset)
    except ValueError:
        time = float("nan")
    if not np.isfinite(time) or not text.strip():
        raise InputError(f"line {number} of {path} is {line[:40]!r}", expected="an onset in seconds, a tab and a word")
    return Word(text.strip().lower(), time, time)
