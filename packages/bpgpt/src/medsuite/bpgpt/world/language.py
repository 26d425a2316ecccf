"""The language model and the frozen sentence vectors of the micro-world."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from medsuite.bpgpt.world.cortex import WINDOW_SLOTS
from medsuite.bpgpt.world.grammar import WORDS
from medsuite.core.errors import InputError

PAD, START, END = "<pad>", "<start>", "<end>"


def micro_tokenizer() -> Any:
    """A tokenizer of whole words: the grammar's 52 and three special tokens."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = [PAD, START, END, *(word for slot in WORDS for word in slot)]
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token=PAD))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=PAD, bos_token=START, eos_token=END)


def micro_gpt2(width: int, layers: int, seed: int) -> Any:
    """A GPT-2 for the micro-world's vocabulary, with random weights.

    Args:
        width: Width of the embeddings, a multiple of 16.
        layers: Layers.
        seed: Seed of the weights.
    """
    from transformers import GPT2Config, GPT2LMHeadModel

    tokenizer = micro_tokenizer()
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=64,
        n_embd=width,
        n_layer=layers,
        n_head=width // 16,
        # GPT-2's 0.02 is made for a width of 768; a narrow model learns from wider weights.
        initializer_range=width**-0.5,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return GPT2LMHeadModel(config).eval()


def sentence_vectors(texts: Sequence[str]) -> Float[Tensor, "text feature"]:
    """Frozen sentence vectors, which stand in for the pooled BERT states of the paper: the ideal text encoder.

    A vector says which word stands at which place, v[place, word] = sqrt(52) where it does and 0
    elsewhere, so that nothing is lost before the text mapper and nothing is trained in it.

    Args:
        texts: Windows of the micro-world.

    Raises:
        InputError: A text is no window of the micro-world.
    """
    vectors = np.zeros((len(texts), WINDOW_SLOTS, sum(map(len, WORDS))), dtype=np.float32)
    number = {word: index for index, word in enumerate(word for words in WORDS for word in words)}
    for row, text in zip(vectors, texts, strict=True):
        words = text.split()
        if len(words) != WINDOW_SLOTS or not set(words) <= number.keys():
            raise InputError(f"the text {text!r}", expected=f"{WINDOW_SLOTS} words of the micro-world")
        row[np.arange(WINDOW_SLOTS), [number[word] for word in words]] = vectors.shape[2] ** 0.5
    return torch.from_numpy(vectors.reshape(len(texts), -1))
