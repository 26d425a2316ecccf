"""A retrieval model with hand-set weights, whose attention, entropies and answers are known exactly.

A `LlamaForCausalLM` in which one layer looks up: tokens carry a key code and a value; a question carries the code of
the key that it asks for, and the answer is that key's value. All other layers have zero weights and attend
uniformly. Nothing is trained.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

CODE = 16
"""Width of a key code, and number of values."""
KEYS = 256
"""Number of distinct keys."""
SHARPNESS = 12.0
"""Factor on the codes in the query and key projections, which makes the lookup as good as one-hot."""


@dataclass(frozen=True)
class Retrieval:
    """A batch of lookups.

    Attributes:
        embeddings: Items, then neutral text, then the question, as input embeddings.
        vision: Which tokens are items.
        answers: Value of the key that is asked for.
        needle: Column of its item.
    """

    embeddings: Float[Tensor, "batch tokens hidden"]
    vision: Bool[Tensor, "batch tokens"]
    answers: Int[Tensor, " batch"]
    needle: Int[Tensor, " batch"]


def retrieval_model(layers: int = 4, lookup: int = 2) -> LlamaForCausalLM:
    """Build the model; hidden width 64 = key code | query code | value one-hot | output, in blocks of 16.

    Args:
        layers: Number of layers.
        lookup: The layer that retrieves.
    """
    model = LlamaForCausalLM(LlamaConfig(**retrieval_config(layers))).eval().requires_grad_(False)
    hand_set(model, (lookup,))
    model.lm_head.weight[:, 3 * CODE :] = torch.eye(CODE)
    return model


def retrieval_config(layers: int) -> dict[str, Any]:
    """Settings of the language model: one head, rotary positions that hardly turn, no special tokens."""
    return {
        "vocab_size": CODE,
        "hidden_size": 4 * CODE,
        "intermediate_size": CODE,
        "num_hidden_layers": layers,
        "num_attention_heads": 1,
        "num_key_value_heads": 1,
        "head_dim": 4 * CODE,
        "max_position_embeddings": 1 << 20,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e10},
        "tie_word_embeddings": False,
        "bos_token_id": None,
        "eos_token_id": None,
        "pad_token_id": None,
    }


def hand_set(model: PreTrainedModel, lookups: Sequence[int]) -> None:
    """Set all weights to 0 and norms to 1, and let layers look keys up; embeddings and output stay 0.

    Args:
        model: A Llama of `retrieval_config`, or a larger model around one.
        lookups: The layers that retrieve; they share the writing.
    """
    for name, weight in model.named_parameters():
        weight.fill_(1.0 if name.endswith("norm.weight") else 0.0)
    for lookup in lookups:
        attention = model.get_decoder().layers[lookup].self_attn
        # Rotary dimensions 16 to 31 and their partners 48 to 63 turn by almost nothing at this base.
        code = slice(CODE, 2 * CODE)
        attention.q_proj.weight[code, CODE : 2 * CODE] = SHARPNESS * torch.eye(CODE)
        attention.k_proj.weight[code, :CODE] = SHARPNESS * torch.eye(CODE)
        copy_values(attention, 3 * CODE, 1 / len(lookups))


def copy_values(attention: Any, start: int, share: float) -> None:
    """Let an attention layer write the mean of the values that it attends to into a block of the hidden state.

    Args:
        attention: The attention module.
        start: First column of the block.
        share: Factor on what is written.
    """
    attention.v_proj.weight[:CODE, 2 * CODE : 3 * CODE] = torch.eye(CODE)
    attention.o_proj.weight[start : start + CODE, :CODE] = share * torch.eye(CODE)


def codes(rng: np.random.Generator) -> Float[np.ndarray, "keys code"]:
    """Distinct random codes of plus and minus one."""
    numbers = rng.choice(1 << CODE, size=KEYS, replace=False)
    bits = (numbers[:, None] >> np.arange(CODE)) & 1
    return np.where(bits == 1, 1.0, -1.0)


def retrieval_batch(items: int, rng: np.random.Generator, batch: int = 1, text: int = 4) -> Retrieval:
    """Draw lookups: the asked key stands once among the items, the other items carry other keys and random values.

    Args:
        items: Number of key-value items, which play the vision tokens.
        rng: Random numbers.
        batch: Number of lookups.
        text: Neutral tokens between the items and the question.
    """
    table = codes(rng)
    embeddings = np.zeros((batch, items + text + 1, 4 * CODE), dtype=np.float32)
    needle, asked = rng.integers(items, size=batch), rng.integers(KEYS, size=batch)
    keys = rng.integers(KEYS - 1, size=(batch, items))
    keys += keys >= asked[:, None]
    keys[np.arange(batch), needle] = asked
    values = rng.integers(CODE, size=(batch, items))
    embeddings[:, :items, :CODE] = table[keys]
    embeddings[:, :items, 2 * CODE : 3 * CODE] = np.eye(CODE)[values]
    embeddings[:, -1, CODE : 2 * CODE] = table[asked]
    vision = np.zeros(embeddings.shape[:2], dtype=bool)
    vision[:, :items] = True
    return Retrieval(
        torch.from_numpy(embeddings),
        torch.from_numpy(vision),
        torch.from_numpy(values[np.arange(batch), needle]),
        torch.from_numpy(needle),
    )


def idle_entropy(items: int) -> float:
    """`ln items`: cross-modal entropy of a uniform layer whose text comes after all items."""
    return math.log(items)


def lookup_entropy(items: int, text: int = 4) -> float:
    """`text / (text + 1) * ln items`: the neutral rows are uniform, the question's row is one-hot."""
    return text / (text + 1) * math.log(items)
