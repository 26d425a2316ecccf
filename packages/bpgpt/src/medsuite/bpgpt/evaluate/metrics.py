"""WER, BLEU-1, METEOR and BERTScore of decoded text, each from the library that the field uses, with its empty cases.

Every function scores one pair of texts, or lists of pairs for BERTScore. A window without reference words has no score
and is not to be given; an empty hypothesis scores worst and breaks nothing.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from medsuite.core.errors import InputError, require


def word_error_rate(reference: str, hypothesis: str) -> float:
    """Return substitutions, deletions and insertions per word of the reference (jiwer); lower is better, may exceed 1.

    Raises:
        InputError: The reference is empty.
    """
    import jiwer

    # jiwer splits at blanks alone, and language models write line breaks.
    reference, hypothesis = (" ".join(text.split()) for text in (_words(reference), hypothesis))
    return float(jiwer.wer(reference, hypothesis))


def bleu1(reference: str, hypothesis: str) -> float:
    """Return sentence BLEU of single words with its brevity penalty, from 0 to 1 (sacrebleu, words split at spaces).

    Raises:
        InputError: The reference is empty.
    """
    return float(_bleu().sentence_score(hypothesis, [_words(reference)]).score) / 100


def meteor(reference: str, hypothesis: str) -> float:
    """Return METEOR with NLTK's parameters (alpha 0.9, beta 3, gamma 0.5) on words split at spaces.

    Scores of other implementations are not comparable: NLTK looks synonyms up for the stems of words, and so finds none
    for "automobile". WordNet is never downloaded: NLTK finds it in `NLTK_DATA`.

    Raises:
        InputError: The reference is empty, or NLTK finds no WordNet.
        MissingDependencyError: NLTK is not installed.
    """
    scorer = require("nltk.translate.meteor_score", extra="medsuite-bpgpt[metrics]")
    heard = _words(reference).split()
    try:
        return float(scorer.meteor_score([heard], hypothesis.split()))
    except LookupError as error:
        fix = "set NLTK_DATA to a folder with corpora/wordnet, or leave meteor out"
        raise InputError("NLTK finds no WordNet, which METEOR's synonyms need", fix=fix) from error
    except OSError as error:
        fix = "copy all files of WordNet into NLTK_DATA/corpora/wordnet, not links to them"
        raise InputError(f"NLTK cannot read its WordNet ({error})", fix=fix) from error


def bert_score(
    references: Sequence[str], hypotheses: Sequence[str], *, model: Path, layers: int
) -> Float[np.ndarray, "text"]:
    """Return BERTScore recall of each pair, without rescaling or inverse document frequencies (Zhang et al. 2020).

    Values differ from model to model and are high for unrelated texts: only differences to a null say anything.

    Args:
        references: What was heard.
        hypotheses: What was decoded; an empty one scores 0.
        model: Folder of a BERT-like model and its tokenizer.
        layers: Number of its layer whose states are compared.

    Raises:
        InputError: A reference is empty, the numbers of texts differ, or the folder is none.
        MissingDependencyError: bert-score is not installed.
    """
    _paired(references, hypotheses)
    if not model.is_dir():
        raise InputError(f"{model} is no folder", expected="a folder with a model and its tokenizer")
    if layers < 0:
        raise InputError(f"layer {layers}", expected="0 for the embeddings, or the number of a layer")
    scorer = _scorer(str(model), layers)
    written = [index for index, text in enumerate(hypotheses) if text.split()]
    scores = np.zeros(len(references))
    if written:
        chosen = ([hypotheses[index] for index in written], [references[index] for index in written])
        scores[written] = scorer.score(*chosen)[1].numpy()
    return scores


def _paired(references: Sequence[str], hypotheses: Sequence[str]) -> None:
    if len(references) != len(hypotheses):
        raise InputError(f"{len(hypotheses)} hypotheses for {len(references)} references", expected="one for each")
    for reference in references:
        _words(reference)


def _words(reference: str) -> str:
    if not reference.split():
        raise InputError("an empty reference", expected="words", fix="leave windows without speech out")
    return reference


@cache
def _bleu() -> Any:
    from sacrebleu.metrics import BLEU

    return BLEU(max_ngram_order=1, effective_order=True, tokenize="none", smooth_method="none")


@cache
def _scorer(model: str, layers: int) -> Any:
    library = require("bert_score", extra="medsuite-bpgpt[metrics]")
    try:
        scorer = library.BERTScorer(model_type=model, num_layers=layers)
    except AssertionError as error:
        raise InputError(f"layer {layers} of {model} ({error})", expected="a layer that the model has") from error
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{model} holds no model that BERTScore can load ({error})") from error
    # Tokenizers that name no longest text would overflow the truncation of the tokenizers library.
    tokenizer = scorer._tokenizer
    tokenizer.model_max_length = min(tokenizer.model_max_length, scorer._model.config.max_position_embeddings)
    return scorer
