"""How well the text goes on behind a compressed cache: perplexity, without any question."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from medsuite.core.errors import InputError
from medsuite.meda_kv.cache import CompressedCache
from medsuite.meda_kv.evaluate.haystack import passage
from medsuite.meda_kv.evaluate.questions import Answer, Outcome, Question, beginning
from medsuite.meda_kv.prompt import follow
from medsuite.meda_kv.session import Session

CONTINUED = 64
"""Tokens of the continuation."""


@dataclass(frozen=True)
class Continued(Answer):
    """The text's own continuation; the value is the share of its tokens that greedy decoding would write.

    Attributes:
        reference: The continuation.
    """

    reference: Int[Tensor, "1 answer"]

    @property
    def tokens(self) -> int:
        """Length of the continuation."""
        return self.reference.shape[1]

    def measure(self, session: Session, cache: CompressedCache, before: Int[Tensor, "1 before"]) -> Outcome:
        """Mean negative log-likelihood; its exponential is the perplexity."""
        fed = torch.cat([before, self.reference[:, :-1]], dim=1).to(session.model.device)
        scores = follow(session, cache, fed)[0, before.shape[1] - 1 :].float().log_softmax(-1).cpu()
        nll = -float(scores.gather(1, self.reference[0, :, None]).mean())
        return Outcome(float((scores.argmax(-1) == self.reference[0]).float().mean()), nll)


def continuation(
    tokenizer: Any, tokens: int, rng: np.random.Generator, unit: str = "", continued: int = CONTINUED
) -> Question:
    """Cut a passage and its continuation out of the documentation.

    Args:
        tokenizer: The model's tokenizer.
        tokens: Length of the compressed text; its last token is read after compression.
        rng: Random numbers for the place.
        unit: Name of the passage.
        continued: Tokens of the continuation.

    Raises:
        InputError: The passage has no token before its last.
    """
    if tokens < 2 or continued < 1:
        raise InputError(f"a context of {tokens} tokens and a continuation of {continued}", expected="2 and 1 at least")
    head = beginning(tokenizer)
    ids = torch.cat([head, passage(tokenizer, tokens + continued - head.shape[1], rng)[None]], dim=1)
    nothing = ids[:, :0]
    return Question(unit, ids[:, : tokens - 1], nothing, ids[:, tokens - 1 : tokens], Continued(ids[:, tokens:]))
