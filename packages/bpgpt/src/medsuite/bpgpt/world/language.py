"""The language model and the frozen sentence vectors of the micro-world."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from medsuite.bpgpt.world.grammar import TEMPLATE, WORDS

PAD, START, END = "<pad>", "<start>", "<end>"


def micro_tokenizer() -> Any:
    """A tokenizer of whole words: the grammar's 52, `the` and `.`, and three special tokens."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    functions = [part for part in dict.fromkeys(TEMPLATE) if isinstance(part, str)]
    words = [PAD, START, END, *functions, *(word for slot in WORDS for word in slot)]
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


def sentence_vectors(texts: Sequence[str], features: int = 256) -> Float[Tensor, "text feature"]:
    """Frozen sentence vectors, which stand in for the pooled BERT states of the paper.

    A vector is the mean over tokens of a fixed random vector for each (position, word), scaled to unit variance: it
    holds the words and their order, and nothing is trained in it.

    Args:
        texts: Texts of the micro-world.
        features: Width of the vectors.
    """
    tokenizer = micro_tokenizer()
    longest = max(len(text.split()) for text in texts)
    table = np.random.default_rng(0).standard_normal((longest, len(tokenizer), features)).astype(np.float32)
    rows = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    vectors = [table[np.arange(len(row)), row].sum(axis=0) * np.float32(len(row) ** -0.5) for row in rows]
    return torch.from_numpy(np.stack(vectors))
