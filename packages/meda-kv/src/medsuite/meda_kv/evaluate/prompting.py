"""From a benchmark's sample to a question in tokens, for a tokenizer or for a processor of pictures and text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from medsuite.core.errors import InputError
from medsuite.meda_kv.evaluate.questions import Question, TooLongError, Written, beginning, plain_turn, token_ids
from medsuite.meda_kv.evaluate.released.sample import PICTURE, Sample

SEAM = "<<<seam>>>"
"""Stands between context and question while a chat template is filled."""


@dataclass(frozen=True)
class Opened:
    """A model that is ready to be asked.

    Attributes:
        model: The model.
        processor: Its tokenizer, or its processor of pictures and text.
        name: How it was called.
    """

    model: Any
    processor: Any
    name: str = ""

    @property
    def tokenizer(self) -> Any:
        """The tokenizer, alone or inside the processor."""
        return getattr(self.processor, "tokenizer", self.processor)

    @property
    def sees(self) -> bool:
        """Whether the model takes pictures."""
        return getattr(self.model.config, "vision_config", None) is not None

    @property
    def stops(self) -> frozenset[int]:
        """Tokens that end an answer."""
        ends = self.model.generation_config.eos_token_id
        return frozenset([ends] if isinstance(ends, int) else ends or ())


def to_question(opened: Opened, sample: Sample, longest: int | None = None) -> Question:
    """Tokenise a sample.

    The last token of the prompt is held back as the answer's opening when the sample has none of its own, so that every
    token of the answer, the first one too, is decoded behind the compressed cache.

    Args:
        opened: The model.
        sample: The sample.
        longest: Most tokens of context and question together; a longer text loses its middle, as in LongBench.

    Raises:
        InputError: The sample shows pictures and the model takes none.
        TooLongError: It is too long and shows pictures.
    """
    pictures = sample.pictures()
    if pictures and not opened.sees:
        raise InputError(
            f"{sample.unit} shows pictures and {opened.name or type(opened.model).__name__} takes none",
            expected="a vision-language model",
        )
    before, after = _filled(opened, sample)
    templated = sample.turn and getattr(opened.processor, "chat_template", None) is not None
    inputs = _read(opened, before, pictures, templated)
    context, question = inputs.pop("input_ids"), token_ids(opened.tokenizer, after)
    if sample.opening:
        opening = token_ids(opened.tokenizer, sample.opening)
    else:
        question, opening = _last_token(question, sample.unit)
    context = _cut(context, question.shape[1], longest, sample.unit, bool(pictures))
    decode = opened.tokenizer.decode
    answer = Written(sample.most, sample.grade, lambda ids: decode(ids, skip_special_tokens=True), opened.stops)
    return Question(sample.unit, context, question, opening, answer, inputs, pictures)


def _filled(opened: Opened, sample: Sample) -> tuple[str, str]:
    """The text before and after the seam, inside a user's turn where that is wanted and there is a template."""
    template = getattr(opened.processor, "chat_template", None)
    if not sample.turn:
        return _with_marks(opened, sample.context), sample.question
    if not opened.sees or template is None:
        head, tail = plain_turn(opened.tokenizer)
        return head + _with_marks(opened, sample.context), sample.question + tail
    parts = [*_parts(sample.context), {"type": "text", "text": SEAM + sample.question}]
    turn = opened.processor.apply_chat_template(
        [{"role": "user", "content": parts}], tokenize=False, add_generation_prompt=True
    )
    before, _, after = turn.partition(SEAM)
    return before, after


def _parts(context: str) -> list[dict[str, str]]:
    """Text and pictures as the parts of a message."""
    parts = list[dict[str, str]]()
    for place, text in enumerate(context.split(PICTURE)):
        parts += [{"type": "image"}] if place else []
        parts += [{"type": "text", "text": text}] if text else []
    return parts


def _with_marks(opened: Opened, text: str) -> str:
    """Text with the processor's own placeholder at each picture, set apart by blanks."""
    return text.replace(PICTURE, f" {opened.processor.image_token} ") if PICTURE in text else text


def _read(opened: Opened, text: str, pictures: tuple[Any, ...], templated: bool) -> dict[str, Tensor]:
    """Token ids of the context, and what else the model takes with them; a template brings its special tokens along."""
    if not pictures:
        head = [] if templated else [beginning(opened.tokenizer)]
        return {"input_ids": torch.cat([*head, token_ids(opened.tokenizer, text)], dim=1)}
    given: Mapping[str, Tensor] = opened.processor(
        text=text, images=list(pictures), return_tensors="pt", add_special_tokens=not templated
    )
    return {name: tensor for name, tensor in given.items() if name != "attention_mask"}


def _last_token(question: Int[Tensor, "1 tokens"], unit: str) -> tuple[Tensor, Tensor]:
    if not question.shape[1]:
        raise InputError(f"{unit} has no question after its context", expected="at least one token")
    return question[:, :-1], question[:, -1:]


def _cut(context: Tensor, question: int, longest: int | None, unit: str, pictured: bool) -> Tensor:
    room = None if longest is None else longest - question
    if room is None or context.shape[1] <= room:
        return context
    if pictured or room < 2:
        raise TooLongError(
            f"{unit} is {context.shape[1] + question:,} tokens long, with pictures or a long question",
            expected=f"at most {longest:,} tokens",
            fix="raise --longest, show fewer frames, or choose data sets with fewer pictures",
        )
    half = room // 2
    return torch.cat([context[:, : room - half], context[:, context.shape[1] - half :]], dim=1)
