"""A question about a long context, asked of the full cache and of smaller ones under two protocols."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from jaxtyping import Bool, Int
from torch import Tensor
from torch.nn.functional import pad

from medsuite.core.errors import InputError
from medsuite.meda_kv.cache import CompressedCache, storage_bytes
from medsuite.meda_kv.prompt import Prompt, follow, read
from medsuite.meda_kv.recipe import Recipe
from medsuite.meda_kv.report import Report
from medsuite.meda_kv.session import Session

Protocol = Literal["in prompt", "after"]
"""Whether the question is compressed with the context, or asked once that has been compressed without knowing it."""
PROTOCOLS: tuple[Protocol, ...] = ("in prompt", "after")


@dataclass(frozen=True)
class Outcome:
    """What one cache answered.

    Attributes:
        value: The task's measure of the answer, 1 for a right one.
        nll: Mean negative log-likelihood of the reference in nats a token; NaN when the answer is written freely.
        text: The answer that was written; empty when the reference was given word for word.
    """

    value: float
    nll: float = float("nan")
    text: str = ""


class TooLongError(InputError):
    """An exchange does not fit into the model's positions."""


class Answer(ABC):
    """How an answer is taken from a cache and measured."""

    @property
    @abstractmethod
    def tokens(self) -> int:
        """Most tokens that are fed for it."""

    @abstractmethod
    def measure(self, session: Session, cache: CompressedCache, before: Int[Tensor, "1 before"]) -> Outcome:
        """Answer behind a cache, which takes the tokens in.

        Args:
            session: The open session.
            cache: The cache.
            before: Tokens that are read first, at least one, so that every token of the answer is decoded behind it.
        """


@dataclass(frozen=True)
class Forced(Answer):
    """A known answer, fed word for word; it is right when greedy decoding would write all tokens that count.

    Attributes:
        reference: The answer's tokens.
        counted: Which of them count; the others are words that every arm is given, such as the next key's name.
    """

    reference: Int[Tensor, "1 answer"]
    counted: Bool[Tensor, " answer"]

    @property
    def tokens(self) -> int:
        """Length of the reference."""
        return self.reference.shape[1]

    def measure(self, session: Session, cache: CompressedCache, before: Int[Tensor, "1 before"]) -> Outcome:
        """Negative log-likelihood and rightness of the tokens that count."""
        device = session.model.device
        logits = follow(session, cache, torch.cat([before, self.reference[:, :-1]], dim=1).to(device))
        scores = logits[0, before.shape[1] - 1 :].float().log_softmax(-1).cpu()[self.counted]
        wanted = self.reference[0, self.counted]
        nll = -float(scores.gather(1, wanted[:, None]).mean())
        return Outcome(float((scores.argmax(-1) == wanted).all()), nll)


@dataclass(frozen=True)
class Written(Answer):
    """An answer that the model writes greedily and a measure grades.

    Attributes:
        most: Tokens that it may write.
        grade: Measure of the text, 0 to 1.
        decode: The tokenizer's decoding, without special tokens.
        stops: Tokens that end the answer.
    """

    most: int
    grade: Callable[[str], float]
    decode: Callable[[Sequence[int]], str]
    stops: frozenset[int] = frozenset()

    @property
    def tokens(self) -> int:
        """Tokens that it may write."""
        return self.most

    def measure(self, session: Session, cache: CompressedCache, before: Int[Tensor, "1 before"]) -> Outcome:
        """Greedy decoding and its grade."""
        device, written = session.model.device, list[int]()
        logits = follow(session, cache, before.to(device))
        while len(written) < self.most:
            token = int(logits[0, -1].argmax())
            if token in self.stops:
                break
            written.append(token)
            if len(written) < self.most:
                logits = follow(session, cache, torch.tensor([[token]], device=device))
        text = self.decode(written)
        return Outcome(self.grade(text), text=text)


@dataclass(frozen=True)
class Question:
    """One question, in tokens.

    Attributes:
        unit: Name, unique in its task.
        context: What is compressed under either protocol.
        question: The question; no tokens for a task without one, which has one protocol only.
        opening: First words of the answer, which are given to every arm after compression; at least one token.
        answer: How the answer is taken and measured.
        inputs: What else the model reads the context with, such as `pixel_values`.
        pictures: The context's pictures as they are read, for drawings.
        depth: Where the needle stands, 0 at the start and 1 at the end; NaN without one.
        marks: Columns of the context that hold the needles, for drawings.
    """

    unit: str
    context: Int[Tensor, "1 context"]
    question: Int[Tensor, "1 question"]
    opening: Int[Tensor, "1 opening"]
    answer: Answer
    inputs: Mapping[str, Tensor] = field(default_factory=dict)
    pictures: tuple[Any, ...] = ()
    depth: float = float("nan")
    marks: tuple[int, ...] = ()

    @property
    def tokens(self) -> int:
        """Length of the whole exchange."""
        return sum(part.shape[1] for part in (self.context, self.question, self.opening)) + self.answer.tokens

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """Protocols under which it can be asked."""
        return PROTOCOLS if self.question.shape[1] else ("after",)


@dataclass(frozen=True)
class Score:
    """How one arm answered one question under one protocol.

    Attributes:
        arm: Name of the recipe, `"full"` for the whole cache.
        protocol: When the question was asked.
        value: The task's measure, 1 for a right answer.
        nll: Mean negative log-likelihood of the reference's tokens in nats; NaN for answers that are written freely.
        kept_share: Slots kept of all slots of the compressed part.
        kv_bytes: Bytes of keys and values of that part, as its storages hold them.
        kv_bytes_full: The same without compression.
        text: The answer that was written.
    """

    arm: str
    protocol: Protocol
    value: float
    nll: float
    kept_share: float
    kv_bytes: int
    kv_bytes_full: int
    text: str = ""

    @property
    def correct(self) -> bool:
        """Whether the answer is right altogether."""
        return self.value >= 1.0


@dataclass(frozen=True)
class Smaller:
    """A prompt's cache in the hands of one arm.

    Attributes:
        cache: The cache.
        kept_share: Slots kept of all slots.
        report: What was done; None for the whole cache and for other people's caches.
    """

    cache: CompressedCache
    kept_share: float = 1.0
    report: Report | None = None


Arm = Callable[[Prompt, Int[Tensor, "1 tokens"]], Smaller]
"""How an arm makes its cache of a prompt that has been read, and of its tokens; the prompt stays whole."""
Watch = Callable[[str, Protocol, Prompt, Smaller], None]
"""What looks on at every cache before it is asked."""


def whole(prompt: Prompt, _: Int[Tensor, "1 tokens"]) -> Smaller:
    """The arm that keeps everything."""
    return Smaller(prompt.cache.fork())


def compressing(recipe: Recipe) -> Arm:
    """Make the arm of a recipe."""

    def arm(prompt: Prompt, _: Int[Tensor, "1 tokens"]) -> Smaller:
        cache, report = prompt.compress(recipe)
        return Smaller(cache, report.kept_share, report)

    return arm


def ask(
    session: Session, question: Question, arms: Mapping[str, Recipe | Arm], watch: Watch | None = None
) -> list[Score]:
    """Ask one question of the full cache and of every arm's, under both protocols; a text is read once.

    Args:
        session: An open session from `observing` whose plan serves all recipes.
        question: The question.
        arms: Recipes or other arms by name.
        watch: Sees each cache before it is asked.

    Raises:
        TooLongError: The exchange is longer than the model's positions.
    """
    _check_length(session, question)
    device = session.model.device
    context = read(session, question.context.to(device), inputs=_placed(session, question.inputs))
    parts = question.context, question.question, question.opening
    readings = [_Reading("after", context, parts[0], torch.cat(parts[1:], dim=1))]
    if question.question.shape[1]:
        asked = _read_asked(session, question, context)
        readings.insert(0, _Reading("in prompt", asked, torch.cat(parts[:2], dim=1), question.opening))
    named: dict[str, Recipe | Arm] = {"full": whole, **arms}
    return [
        _score(session, reading, (name, arm), question.answer, watch)
        for reading in readings
        for name, arm in named.items()
    ]


@dataclass(frozen=True)
class _Reading:
    """What is compressed under one protocol, and what is read behind it before the answer."""

    protocol: Protocol
    prompt: Prompt
    tokens: Int[Tensor, "1 tokens"]
    before: Int[Tensor, "1 before"]


def _score(
    session: Session, reading: _Reading, named: tuple[str, Recipe | Arm], answer: Answer, watch: Watch | None
) -> Score:
    name, arm = named
    try:
        smaller = (compressing(arm) if isinstance(arm, Recipe) else arm)(reading.prompt, reading.tokens)
    except InputError as error:
        raise InputError(f"{name}: {error.what}", expected=error.expected, fix=error.fix) from error
    held, full = storage_bytes(smaller.cache), storage_bytes(reading.prompt.cache)
    if watch is not None:
        watch(name, reading.protocol, reading.prompt, smaller)
    outcome = answer.measure(session, smaller.cache, reading.before)
    return Score(name, reading.protocol, outcome.value, outcome.nll, smaller.kept_share, held, full, text=outcome.text)


def _read_asked(session: Session, question: Question, context: Prompt) -> Prompt:
    """Read the prompt with the question in it.

    Behind a text the question is enough. Pictures are read again with it, in one pass: cross-modal attention exists
    only once both modalities are there, so that statistics of pictures alone would count for what they are not.
    """
    device = session.model.device
    if not question.inputs:
        return read(session, question.question.to(device), after=context)
    tokens = torch.cat([question.context, question.question], dim=1)
    inputs = {
        name: pad(tensor, (0, question.question.shape[1])) if tensor.shape == question.context.shape else tensor
        for name, tensor in question.inputs.items()
    }
    return read(session, tokens.to(device), inputs=_placed(session, inputs))


def _placed(session: Session, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Move what goes with the context to the model's device, pictures in its precision."""
    model = session.model
    return {
        name: tensor.to(model.device, model.dtype) if tensor.is_floating_point() else tensor.to(model.device)
        for name, tensor in inputs.items()
    }


def _check_length(session: Session, question: Question) -> None:
    positions = getattr(session.model.get_decoder().config, "max_position_embeddings", None)
    if positions is not None and question.tokens > positions:
        raise TooLongError(
            f"{question.unit} is {question.tokens:,} tokens long",
            expected=f"at most {positions:,}, the model's positions",
            fix="give a shorter context, or --longest to cut texts in the middle",
        )


def token_ids(tokenizer: Any, text: str) -> Int[Tensor, "1 tokens"]:
    """Tokenise without special tokens, as one sequence."""
    ids = tokenizer(text, add_special_tokens=False, return_tensors="pt", verbose=False)["input_ids"]
    return ids.to(torch.int64)


def beginning(tokenizer: Any) -> Int[Tensor, "1 tokens"]:
    """Tokens that a tokenizer puts before every text, such as the one that marks its beginning; often none."""
    return torch.tensor([tokenizer("")["input_ids"]], dtype=torch.int64)


def plain_turn(tokenizer: Any) -> tuple[str, str]:
    """What a chat template puts before a user's words and between them and the answer."""
    if getattr(tokenizer, "chat_template", None) is None:
        return "", "\n"
    mark = "<<<text>>>"
    turn = tokenizer.apply_chat_template(
        [{"role": "user", "content": mark}], tokenize=False, add_generation_prompt=True
    )
    before, _, after = turn.partition(mark)
    return before, after
