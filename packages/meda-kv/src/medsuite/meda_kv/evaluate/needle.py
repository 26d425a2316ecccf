"""A number hidden in a long text, and a question for it: the passkey task, under two protocols."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from medsuite.core.errors import InputError
from medsuite.meda_kv.cache import CompressedCache, storage_bytes
from medsuite.meda_kv.evaluate.haystack import passage
from medsuite.meda_kv.prompt import Prompt, follow, read
from medsuite.meda_kv.recipe import Recipe
from medsuite.meda_kv.session import Session

Protocol = Literal["in prompt", "after"]
"""Whether the question is compressed with the text, or asked once the text has been compressed without knowing it."""
PROTOCOLS: tuple[Protocol, ...] = ("in prompt", "after")
DIGITS = 5
NEEDLE = "\n\nThe pass key is {key}. Remember it. {key} is the pass key.\n\n"
QUESTION = "\n\nWhat is the pass key in the text above?"
ANSWER = "The pass key is "


@dataclass(frozen=True)
class Needle:
    """One question, in tokens.

    Attributes:
        context: The text with the needle in it.
        question: The question and what opens the answer's turn.
        opening: Words of the answer before the number, which are given to every arm.
        answer: The number's digits.
        depth: Where the needle stands, 0 at the start of the text and 1 at its end.
    """

    context: Int[Tensor, "1 context"]
    question: Int[Tensor, "1 question"]
    opening: Int[Tensor, "1 opening"]
    answer: Int[Tensor, "1 digits"]
    depth: float


@dataclass(frozen=True)
class Score:
    """How one arm answered one question under one protocol.

    Attributes:
        arm: Name of the recipe, `"full"` for the whole cache.
        protocol: When the question was asked.
        nll: Mean negative log-likelihood of the answer's digits in nats; guessing among ten digits gives 2.30.
        correct: Whether greedy decoding writes the number.
        kept_share: Slots kept of all slots of the compressed part.
        kv_bytes: Bytes of keys and values of that part, as its storages hold them.
        kv_bytes_full: The same without compression.
    """

    arm: str
    protocol: Protocol
    nll: float
    correct: bool
    kept_share: float
    kv_bytes: int
    kv_bytes_full: int


def passkey(tokenizer: Any, tokens: int, rng: np.random.Generator) -> Needle:
    """Hide a random five-digit number at a random depth of a real text.

    Args:
        tokenizer: The model's tokenizer; its chat template is used where it has one.
        tokens: Length of the whole context.
        rng: Random numbers for the text, the key and the depth.

    Raises:
        InputError: The context is too short for needle and template.
    """
    key = "".join(map(str, rng.integers(10, size=DIGITS)))
    opening, closing = _turn(tokenizer)
    head, hidden = _ids(tokenizer, opening), _ids(tokenizer, NEEDLE.format(key=key))
    room = tokens - len(head) - len(hidden)
    if room < 16:
        raise InputError(f"a context of {tokens} tokens", expected=f"at least {tokens - room + 16}")
    text, depth = passage(tokenizer, room, rng), float(rng.random())
    place = int(depth * room)
    return Needle(
        torch.cat([head, text[:place], hidden, text[place:]])[None],
        _ids(tokenizer, QUESTION + closing)[None],
        _ids(tokenizer, ANSWER)[None],
        _ids(tokenizer, key)[None],
        depth,
    )


def ask(session: Session, needle: Needle, recipes: Mapping[str, Recipe]) -> list[Score]:
    """Ask one question of the full cache and of every recipe's, under both protocols; the text is read once.

    Args:
        session: An open session from `observe` whose plan serves all recipes.
        needle: The question.
        recipes: Arms by name.
    """
    device = session.model.device
    text = read(session, needle.context.to(device))
    whole = read(session, needle.question.to(device), after=text)
    rest = {"in prompt": needle.opening, "after": torch.cat([needle.question, needle.opening], dim=1)}
    scores = []
    for protocol, prompt in zip(PROTOCOLS, (whole, text), strict=True):
        scores.append(_score(session, "full", protocol, prompt, None, rest[protocol], needle.answer))
        for arm, recipe in recipes.items():
            scores.append(_score(session, arm, protocol, prompt, recipe, rest[protocol], needle.answer))
    return scores


def _score(
    session: Session,
    arm: str,
    protocol: Protocol,
    prompt: Prompt,
    recipe: Recipe | None,
    before: Tensor,
    answer: Tensor,
) -> Score:
    cache, share = _smaller(prompt, recipe)
    held, device = storage_bytes(cache), session.model.device
    logits = follow(session, cache, torch.cat([before, answer[:, :-1]], dim=1).to(device))
    digits = logits[0, before.shape[1] - 1 :].float().log_softmax(-1).cpu()
    picked = digits.gather(1, answer[0, :, None])
    right = bool((digits.argmax(-1) == answer[0]).all())
    return Score(arm, protocol, -float(picked.mean()), right, share, held, storage_bytes(prompt.cache))


def _smaller(prompt: Prompt, recipe: Recipe | None) -> tuple[CompressedCache, float]:
    if recipe is None:
        return prompt.cache.fork(), 1.0
    cache, report = prompt.compress(recipe)
    return cache, report.kept_share


def _turn(tokenizer: Any) -> tuple[str, str]:
    """What a chat template puts before a user's words and between them and the answer."""
    if getattr(tokenizer, "chat_template", None) is None:
        return "", "\n"
    mark = "<<<text>>>"
    turn = tokenizer.apply_chat_template(
        [{"role": "user", "content": mark}], tokenize=False, add_generation_prompt=True
    )
    before, _, after = turn.partition(mark)
    return before, after


def _ids(tokenizer: Any, text: str) -> Int[Tensor, " tokens"]:
    ids = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
    return ids[0].to(torch.int64)
