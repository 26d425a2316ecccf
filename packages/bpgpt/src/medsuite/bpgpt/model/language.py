"""A causal language model behind a prompt of vectors: the loss of a text, and writing one (`inputs_embeds`)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from medsuite.core.errors import InputError

IGNORED = -100
"""Label of a position without a loss, in transformers and PyTorch."""


@dataclass(frozen=True)
class Tokens:
    """Texts as token ids, padded on the right.

    Attributes:
        ids: Token ids; the end-of-text token closes every text, and whatever stands where `mask` is 0 is not read.
        mask: 1 for a token and 0 for padding.
    """

    ids: Int[Tensor, "text token"]
    mask: Int[Tensor, "text token"]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: Int[Tensor, "chosen"]) -> "Tokens":
        """Choose texts."""
        return Tokens(self.ids[index], self.mask[index])


def tokenize(tokenizer: Any, texts: Sequence[str]) -> Tokens:
    """Tokenize texts and close each with the end-of-text token, so that the model learns where to stop.

    Args:
        tokenizer: A tokenizer of transformers.
        texts: The texts.

    Raises:
        InputError: There is no text, or the tokenizer has no end-of-text token.
    """
    if isinstance(texts, str) or not texts:
        raise InputError(f"tokenize() was given {texts!r}", expected="a sequence of at least one text")
    if tokenizer.eos_token_id is None:
        raise InputError("a tokenizer without an end-of-text token", expected="one with eos_token")
    rows = [[*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id] for text in texts]
    longest = max(len(row) for row in rows)
    ids = torch.tensor([row + [tokenizer.eos_token_id] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return Tokens(ids, mask)


def start_prompt(lm: Any, count: int) -> Float[Tensor, "text one width"]:
    """The embedding of the begin-of-text token: the prompt of the language model alone.

    Raises:
        InputError: The model has no such token.
    """
    if lm.config.bos_token_id is None:
        raise InputError("a language model without a begin-of-text token", fix="set bos_token_id in its config")
    start = torch.tensor([[lm.config.bos_token_id]], device=lm.device)
    return lm.get_input_embeddings()(start).expand(count, -1, -1)


def text_losses(lm: Any, prompt: Float[Tensor, "text prompt width"], tokens: Tokens) -> Float[Tensor, "text"]:
    """Return each text's mean cross-entropy after its prompt, -1/L sum_t log p(w_t | P, w_<t), in nats per token.

    Args:
        lm: A causal language model of transformers.
        prompt: Prompt vectors.
        tokens: The texts.

    Raises:
        InputError: Prompt and text do not fit into the model's positions.
    """
    _check_room(lm, prompt, tokens.ids.shape[1])
    embeddings = torch.cat([prompt, lm.get_input_embeddings()(tokens.ids)], dim=1)
    attention = torch.cat([tokens.mask.new_ones(prompt.shape[:2]), tokens.mask], dim=1)
    logits = lm(inputs_embeds=embeddings, attention_mask=attention, use_cache=False).logits
    predicted = logits[:, prompt.shape[1] - 1 : -1]
    labels = tokens.ids.masked_fill(tokens.mask == 0, IGNORED)
    losses = nn.functional.cross_entropy(predicted.transpose(1, 2), labels, ignore_index=IGNORED, reduction="none")
    return losses.sum(dim=1) / tokens.mask.sum(dim=1)


@torch.no_grad()
def write(
    lm: Any, tokenizer: Any, prompt: Float[Tensor, "text prompt width"], *, max_new_tokens: int, num_beams: int = 1
) -> list[str]:
    """Write a text after each prompt, by greedy search or by beams, until the end-of-text token.

    Args:
        lm: A causal language model of transformers.
        tokenizer: Its tokenizer.
        prompt: Prompt vectors.
        max_new_tokens: The most tokens of a text. The true length is nothing that a decoder may know.
        num_beams: Width of the search; 1 is greedy.

    Raises:
        InputError: Prompt and text do not fit into the model's positions, or a number is not positive.
    """
    if max_new_tokens < 1 or num_beams < 1:
        raise InputError(f"{max_new_tokens} tokens and {num_beams} beams", expected="at least 1 of each")
    _check_room(lm, prompt, max_new_tokens)
    with _evaluating(lm):
        written = lm.generate(
            inputs_embeds=prompt,
            attention_mask=torch.ones(prompt.shape[:2], dtype=torch.long, device=prompt.device),
            max_new_tokens=max_new_tokens,
            num_beams=num_beams,
            do_sample=False,
            pad_token_id=tokenizer.eos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    return [text.strip() for text in tokenizer.batch_decode(written, skip_special_tokens=True)]


@contextmanager
def _evaluating(lm: Any) -> Iterator[None]:
    """Leave dropout out: a model that was just trained would else write something else each time."""
    training = lm.training
    lm.eval()
    try:
        yield
    finally:
        lm.train(training)


def _check_room(lm: Any, prompt: Float[Tensor, "text prompt width"], text: int) -> None:
    width = lm.get_input_embeddings().weight.shape[1]
    if prompt.shape[2] != width:
        raise InputError(f"prompt vectors of width {prompt.shape[2]}", expected=f"the language model's {width}")
    # Models without learned positions, such as Bloom, name no limit.
    room = getattr(lm.config, "max_position_embeddings", None)
    needed = prompt.shape[1] + text
    if room is not None and needed > room:
        given = f"{prompt.shape[1]} prompt vectors and {text} tokens of text need {needed} positions"
        raise InputError(given, expected=f"at most the language model's {room}", fix="take a shorter prompt or text")
