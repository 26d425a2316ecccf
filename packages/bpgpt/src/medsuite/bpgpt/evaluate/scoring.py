"""Scores in windows of 20 s: of a transcript with times, and of windows that were decoded one by one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float

from medsuite.bpgpt.data.textgrid import Word
from medsuite.bpgpt.evaluate.metrics import bert_score, bleu1, meteor, word_error_rate
from medsuite.core.errors import InputError, unknown_name

WINDOW = 20.0
"""Length of a window in seconds."""

Metric = Callable[[Sequence[str], Sequence[str]], Float[np.ndarray, "text"]]
"""Scores hypotheses (second) against references (first), one by one."""

METRICS: Mapping[str, Callable[[str, str], float]] = {"wer": word_error_rate, "bleu1": bleu1, "meteor": meteor}
"""Metrics of one pair of texts by name. `"bertscore"` is the one beside them that needs a model."""


@dataclass(frozen=True)
class BertModel:
    """The model of BERTScore.

    Attributes:
        folder: Folder of a BERT-like model and its tokenizer.
        layers: Number of the layer whose states are compared.
    """

    folder: Path
    layers: int


@dataclass(frozen=True)
class WindowScores:
    """Scores of every window that has reference words.

    Attributes:
        windows: Numbers of the windows that were scored.
        scores: One array per metric.
        silent: How many windows had no reference words and were left out.
        length_ratio: Decoded words over heard words, which BLEU's brevity penalty and WER depend on.
    """

    windows: tuple[int, ...]
    scores: Mapping[str, Float[np.ndarray, "window"]]
    silent: int
    length_ratio: float

    @property
    def means(self) -> dict[str, float]:
        """Mean of each metric over windows."""
        return {name: float(values.mean()) for name, values in self.scores.items()}


def window_texts(words: Sequence[Word], duration: float, *, window: float = WINDOW) -> list[str]:
    """Cut a transcript into texts of disjoint windows by the words' onsets; the last window may be shorter.

    Args:
        words: Words with times, in any order.
        duration: Length of the story in seconds.
        window: Length of a window in seconds.

    Raises:
        InputError: A length is not positive.
    """
    if not (duration > 0 and window > 0):
        raise InputError(f"{duration:g} s in windows of {window:g} s", expected="positive lengths")
    texts: list[list[str]] = [[] for _ in range(int(np.ceil(duration / window)))]
    for word in sorted(words, key=lambda word: word.onset):
        if 0 <= word.onset < duration:
            texts[int(word.onset // window)].append(word.text)
    return [" ".join(text) for text in texts]


def find_metrics(names: Sequence[str], bert: BertModel | None = None) -> dict[str, Metric]:
    """Look metrics up, each as a function of lists of texts.

    Args:
        names: Keys of `METRICS`, or `"bertscore"`.
        bert: What BERTScore compares with.

    Raises:
        InputError: No name is given, one is unknown, or `"bertscore"` has no model.
    """
    known = (*METRICS, "bertscore")
    if not names:
        raise InputError("no metric", expected=f"some of {', '.join(known)}")
    found: dict[str, Metric] = {}
    for name in names:
        if name not in known:
            raise unknown_name("metric", name, known)
        if name in METRICS:
            found[name] = partial(_one_by_one, METRICS[name])
        elif bert is None:
            raise InputError("bertscore without a model", fix="give the folder of a BERT-like model, and a layer")
        else:
            found[name] = partial(bert_score, model=bert.folder, layers=bert.layers)
    return found


def score_windows(
    references: Sequence[str],
    hypotheses: Sequence[str],
    metrics: Sequence[str] = ("wer", "bleu1"),
    *,
    bert: BertModel | None = None,
) -> WindowScores:
    """Score decoded windows against what was heard in them.

    Args:
        references: What was heard in each window; windows without words are left out and counted.
        hypotheses: What was decoded in each window; an empty text is a decoder's failure and scores so.
        metrics: Names from `METRICS`, or `"bertscore"`.
        bert: The model of `"bertscore"`.

    Raises:
        InputError: The numbers of windows differ, no window has words, or a metric is unknown or lacks its model.
    """
    if len(references) != len(hypotheses):
        raise InputError(f"{len(hypotheses)} decoded and {len(references)} heard windows", expected="one for each")
    found = find_metrics(metrics, bert)
    spoken = [index for index, text in enumerate(references) if text.split()]
    if not spoken:
        raise InputError(f"none of {len(references)} windows has words", expected="at least one window with speech")
    heard, decoded = ([texts[index] for index in spoken] for texts in (references, hypotheses))
    scores = {name: metric(heard, decoded) for name, metric in found.items()}
    words, written = (sum(len(text.split()) for text in texts) for texts in (heard, decoded))
    return WindowScores(tuple(spoken), scores, len(references) - len(spoken), written / words)


def _one_by_one(
    metric: Callable[[str, str], float], references: Sequence[str], hypotheses: Sequence[str]
) -> Float[np.ndarray, "text"]:
    return np.array([metric(*pair) for pair in zip(references, hypotheses, strict=True)])
