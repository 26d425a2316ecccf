"""Numbers hidden in a long text, and a question for them: the pass key, alone or among several."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from medsuite.core.errors import InputError
from medsuite.meda_kv.evaluate.haystack import passage
from medsuite.meda_kv.evaluate.questions import Forced, Question, beginning, plain_turn, token_ids

DIGITS = 5
NEEDLE = "\n\nThe pass key is {key}. Remember it. {key} is the pass key.\n\n"
QUESTION = "\n\nWhat is the pass key in the text above?"
ANSWER = "The pass key is "
NAMES = ("Lisbon", "Cairo", "Oslo", "Lima", "Quebec", "Delhi", "Perth", "Kyoto")
NAMED_NEEDLE = "\n\nThe pass key of {name} is {key}. Remember it. {key} is the pass key of {name}.\n\n"
NAMED_QUESTION = "\n\nWhat are the pass keys of {names} in the text above?"
NAMED_ANSWER = "The pass key of {name} is "


def passkey(tokenizer: Any, tokens: int, rng: np.random.Generator, unit: str = "") -> Question:
    """Hide a random five-digit number at a random depth of a real text.

    Args:
        tokenizer: The model's tokenizer; its chat template is used where it has one.
        tokens: Length of the whole context.
        rng: Random numbers for the text, the key and the depth.
        unit: Name of the question.

    Raises:
        InputError: The context is too short for needle and template.
    """
    key = _draw_key(rng)
    context, (depth,), marks = _hide(tokenizer, [NEEDLE.format(key=key)], tokens, rng)
    answer = token_ids(tokenizer, key)
    return Question(
        unit,
        context,
        token_ids(tokenizer, QUESTION + plain_turn(tokenizer)[1]),
        token_ids(tokenizer, ANSWER),
        Forced(answer, torch.ones(answer.shape[1], dtype=torch.bool)),
        depth=depth,
        marks=marks,
    )


def passkeys(tokenizer: Any, tokens: int, rng: np.random.Generator, needles: int = 3, unit: str = "") -> Question:
    """Hide several five-digit numbers, each under a city's name, and ask for all of them.

    Each key is asked for in turn with the ones before it answered, and all of them must be right.

    Args:
        tokenizer: The model's tokenizer.
        tokens: Length of the whole context.
        rng: Random numbers for the text, the keys, the names and the depths.
        needles: How many.
        unit: Name of the question.

    Raises:
        InputError: The context is too short, or there are more needles than names.
    """
    if not 1 <= needles <= len(NAMES):
        raise InputError(f"{needles} needles", expected=f"1 to {len(NAMES)}")
    names = [str(name) for name in rng.permutation(NAMES)[:needles]]
    keys = [_draw_key(rng) for _ in names]
    hidden = [NAMED_NEEDLE.format(name=name, key=key) for name, key in zip(names, keys, strict=True)]
    context, depths, marks = _hide(tokenizer, hidden, tokens, rng)
    parts, counted = list[Tensor](), list[bool]()
    for place, (name, key) in enumerate(zip(names, keys, strict=True)):
        words = token_ids(tokenizer, ".\n" + NAMED_ANSWER.format(name=name)) if place else None
        digits = token_ids(tokenizer, key)
        parts += [digits] if words is None else [words, digits]
        counted += [False] * (0 if words is None else words.shape[1]) + [True] * digits.shape[1]
    listing = ", ".join(names)
    return Question(
        unit,
        context,
        token_ids(tokenizer, NAMED_QUESTION.format(names=listing) + plain_turn(tokenizer)[1]),
        token_ids(tokenizer, NAMED_ANSWER.format(name=names[0])),
        Forced(torch.cat(parts, dim=1), torch.tensor(counted)),
        depth=float(np.mean(depths)),
        marks=marks,
    )


def _draw_key(rng: np.random.Generator) -> str:
    return "".join(map(str, rng.integers(10, size=DIGITS)))


def _hide(
    tokenizer: Any, needles: Sequence[str], tokens: int, rng: np.random.Generator
) -> tuple[Int[Tensor, "1 tokens"], list[float], tuple[int, ...]]:
    """Put needles at random depths of a passage, in their own order; the whole is `tokens` long."""
    opening, _ = plain_turn(tokenizer)
    head = token_ids(tokenizer, opening) if opening else beginning(tokenizer)
    hidden = [token_ids(tokenizer, needle) for needle in needles]
    room = tokens - head.shape[1] - sum(needle.shape[1] for needle in hidden)
    if room < 16:
        raise InputError(f"a context of {tokens} tokens", expected=f"at least {tokens - room + 16}")
    text, depths = passage(tokenizer, room, rng)[None], sorted(map(float, rng.random(len(needles))))
    parts, marks, start, written = [head], list[int](), 0, head.shape[1]
    for needle, depth in zip(hidden, depths, strict=True):
        place = int(depth * room)
        parts += [text[:, start:place], needle]
        written += place - start
        marks += range(written, written + needle.shape[1])
        start, written = place, written + needle.shape[1]
    return torch.cat([*parts, text[:, start:]], dim=1), depths, tuple(marks)
