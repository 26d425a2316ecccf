"""Tokenizers trained on the spot, so that no test has to download one."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from medsuite.core.errors import InputError, require

BYTES = 256


@dataclass(frozen=True)
class Vocabulary:
    """What a tiny tokenizer is trained on.

    Attributes:
        corpus: Sentences to learn the merges from; none stands for the thirty-odd sentences of this package.
        entries: Upper bound on the number of learnt entries: special tokens, the 256 bytes and the merges. A corpus
            too small to fill it gives fewer.
        extra_tokens: Whole tokens on top of the learnt ones, such as `<think>`; text is never split inside them.
    """

    corpus: Sequence[str] = ()
    entries: int = 600
    extra_tokens: Sequence[str] = ()


VOCABULARY = Vocabulary()


@dataclass(frozen=True)
class SpecialTokens:
    """The special tokens of a family, in the order of their ids.

    Attributes:
        leading: Tokens with the first ids, 0, 1, 2, ...
        roles: What each is for, in transformers' words: `{"eos_token": "</s>"}`.
        markers: Names of further tokens as attributes of the tokenizer: `{"image_token": "<image>"}`.
    """

    leading: tuple[str, ...]
    roles: dict[str, str]
    markers: dict[str, str]


def train_tokenizer(vocabulary: Vocabulary, special: SpecialTokens, *, padding_side: str = "right") -> Any:
    """Train a byte-level BPE tokenizer (Radford et al. 2019), which can write any text.

    Args:
        vocabulary: Corpus, size and extra tokens.
        special: The family's special tokens.
        padding_side: `"left"` for a model that generates, `"right"` otherwise.

    Returns:
        A `transformers.PreTrainedTokenizerFast`.

    Raises:
        InputError: There is no room for the bytes and the special tokens.
    """
    smallest = BYTES + len(special.leading)
    if vocabulary.entries < smallest:
        raise InputError(f"a vocabulary of {vocabulary.entries} entries", expected=f"at least {smallest}")
    transformers = require("transformers", extra="medsuite-core[models]")
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=_byte_level_bpe(vocabulary, special),
        extra_special_tokens=special.markers,
        padding_side=padding_side,
        clean_up_tokenization_spaces=False,
        **special.roles,
    )
    tokenizer.add_tokens(list(vocabulary.extra_tokens))
    return tokenizer


def packaged_sentences() -> list[str]:
    """The sentences that stand in where no corpus is given."""
    return resources.files(__package__).joinpath("sentences.txt").read_text(encoding="utf-8").splitlines()


def _byte_level_bpe(vocabulary: Vocabulary, special: SpecialTokens) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary.entries,
        special_tokens=list(special.leading),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(vocabulary.corpus or packaged_sentences(), trainer)
    return tokenizer
