"""Long real text that is on every machine: the language reference that Python ships."""

from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from medsuite.core.errors import InputError


@cache
def documentation() -> str:
    """Return the topics of Python's own help system, in alphabetical order: some 700 kB of English and code.

    The text is fixed by the version of Python.
    """
    topics: dict[str, str] = import_module("pydoc_data.topics").topics
    return "\n\n".join(topics[name] for name in sorted(topics))


def passage(tokenizer: Any, tokens: int, rng: np.random.Generator) -> Int[Tensor, " tokens"]:
    """Cut a passage of exactly `tokens` tokens out of the documentation, at a random place.

    Args:
        tokenizer: The model's tokenizer.
        tokens: Length.
        rng: Random numbers for the place.

    Raises:
        InputError: The documentation is shorter.
    """
    text = documentation()
    # Some 16 characters a token are more than any tokenizer of text needs; only the cut is tokenised.
    span = min(16 * tokens, len(text))
    start = int(rng.integers(len(text) - span + 1))
    ids = tokenizer(text[start : start + span], add_special_tokens=False, return_tensors="pt", verbose=False)[
        "input_ids"
    ][0]
    if len(ids) < tokens:
        raise InputError(f"a passage of {tokens} tokens", expected=f"at most {len(ids)}, the documentation's length")
    return ids[:tokens].to(torch.int64)
