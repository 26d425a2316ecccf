"""What a language model is asked and what it answers: frozen data, the same for a server and for a local model."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from medsuite.core.errors import InputError
from medsuite.core.llm.schemas import check_schema

Role = Literal["system", "user", "assistant"]
State = Literal[
    "answered",
    "refused",
    "empty",
    "unparsable",
    "truncated",
    "unscored",
    "context",
    "rejected",
    "transport",
    "capped",
]
Route = Literal["sequence", "echo", "first_token"]


@dataclass(frozen=True)
class Message:
    """One turn of a conversation.

    Attributes:
        role: Who speaks.
        text: What is said.
        images: Encoded pictures (PNG, JPEG, WebP or GIF), which stand before the text.
    """

    role: Role
    text: str
    images: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Sampling:
    """How an answer is drawn.

    Attributes:
        max_tokens: The most tokens that an answer may have.
        temperature: 0 takes the most probable token.
        top_p: Only the most probable tokens that together reach this probability are drawn.
        stop: An answer ends before the first of these texts.
    """

    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise InputError(f"max_tokens {self.max_tokens}", expected="at least 1")
        if not 0 <= self.temperature < math.inf:
            raise InputError(f"temperature {self.temperature}", expected="0 or more")
        if not 0 < self.top_p <= 1:
            raise InputError(f"top_p {self.top_p}", expected="above 0, at most 1")


@dataclass(frozen=True)
class Request:
    """One question to a model.

    The type of `prompt` says how it reaches the model: messages go through the model's chat template (a server's chat
    endpoint); a plain text is continued as it stands, without a template (a server's completions endpoint).

    Attributes:
        prompt: A conversation, or a text to continue.
        options: Possible answers to be scored by their log-likelihood. A request with options is not answered in words
            by a local model or an echoing server.
        schema: JSON schema (draft 2020-12) that the answer must fulfil. Some providers take only objects whose
            properties are all required, without additional ones.
        sampling: How the answer is drawn.
        sample: Which repetition this is: it makes a repetition another request, and it seeds the drawing.
    """

    prompt: str | tuple[Message, ...]
    options: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = field(default=None, hash=False)
    sampling: Sampling = Sampling()
    sample: int = 0

    def __post_init__(self) -> None:
        if not self.prompt:
            raise InputError("an empty prompt", expected="a text, or at least one message")
        if len(set(self.options)) < len(self.options) or not all(self.options):
            raise InputError(f"options {self.options}", expected="distinct texts that are not empty")
        if self.options and self.schema is not None:
            raise InputError("options and a schema in one request", fix="ask twice")
        if self.schema is not None:
            check_schema(self.schema)

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation; empty for a plain prompt."""
        return () if isinstance(self.prompt, str) else self.prompt


@dataclass(frozen=True)
class OptionScores:
    r"""Log-likelihood of each option of a request.

    For an option of tokens $o_1 \dots o_n$ after a prompt $x$ it is $\sum_i \log p(o_i \mid x, o_{<i})$.

    Attributes:
        options: The options, as in the request.
        log_likelihoods: One for each option, in nats; None where the server gave none.
        tokens: Number of tokens of each option that were scored; 0 where there is no score.
        route: How they were had: `sequence` from a local model's states; `echo` from a server that echoes a prompt with
            its log-probabilities; `first_token` from the list of most probable first tokens of an answer.
    """

    options: tuple[str, ...]
    log_likelihoods: tuple[float | None, ...]
    tokens: tuple[int, ...]
    route: Route

    @property
    def missing(self) -> tuple[str, ...]:
        """The options without a score."""
        return tuple(o for o, score in zip(self.options, self.log_likelihoods, strict=True) if score is None)

    @property
    def scores(self) -> tuple[float, ...]:
        """The log-likelihoods.

        Raises:
            InputError: An option has none.
        """
        if self.missing:
            raise InputError(f"no log-likelihood of {', '.join(map(repr, self.missing))}", fix="count it as unscored")
        return tuple(score for score in self.log_likelihoods if score is not None)

    @property
    def mass(self) -> float:
        """Probability that the model gives to the options together, before any normalisation."""
        return math.fsum(math.exp(score) for score in self.scores)

    @property
    def best(self) -> str:
        """The most likely option; the earlier one where two are equal."""
        return self.options[max(range(len(self.options)), key=self.scores.__getitem__)]

    def probabilities(self) -> tuple[float, ...]:
        """Normalise over the options: softmax of the log-likelihoods.

        Raises:
            InputError: An option has no log-likelihood.
        """
        return _softmax(self.scores)

    def probabilities_per_token(self) -> tuple[float, ...]:
        """Normalise over the options after dividing each log-likelihood by its number of tokens.

        Raises:
            InputError: An option has no log-likelihood.
        """
        return _softmax([score / count for score, count in zip(self.scores, self.tokens, strict=True)])


@dataclass(frozen=True)
class Answer:
    """What came of one request. Failures are answers too, so that they are counted and never dropped.

    Attributes:
        state: `answered`, or why there is no usable answer: the model `refused` (and the server said so), the text is
            `empty`, `unparsable` by the schema, or `truncated` at max_tokens; an option is `unscored`; the prompt
            exceeds the model's `context`; the server `rejected` the request as malformed; the `transport` failed in
            every attempt; or the price cap came first (`capped`).
        text: The model's words, whatever the state.
        value: The parsed answer to a request with a schema.
        options: Scores of the request's options.
        finish: Why the model stopped, in the server's word: `stop`, `length`, `content_filter`.
        detail: One line on what went wrong.
        model: The name under which the server answered.
        prompt_tokens: Tokens of the prompt; None where the server does not say.
        answer_tokens: Tokens of the answer; None likewise.
        seconds: Time from sending to answer, in the last attempt. Of a local model: its share of the batch's time.
        attempts: How often it was sent.
    """

    state: State
    text: str = ""
    value: Any = field(default=None, hash=False)
    options: OptionScores | None = None
    finish: str = ""
    detail: str = ""
    model: str = ""
    prompt_tokens: int | None = None
    answer_tokens: int | None = None
    seconds: float = 0.0
    attempts: int = 1


Keep = Callable[[int, Answer], None]


def forget(index: int, answer: Answer) -> None:
    """Do nothing with an answer that has just arrived."""


@runtime_checkable
class Client(Protocol):
    """Anything that answers requests."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """What an answer depends on besides the request, as JSON values: model, revision, precision."""

    def ask(self, requests: Sequence[Request], keep: Keep = forget) -> list[Answer]:
        """Answer requests.

        Args:
            requests: What to ask.
            keep: Is called with the position and the answer as soon as each arrives, in any order, perhaps in another
                thread but never twice at a time.

        Returns:
            One answer for each request, in their order.

        Raises:
            InputError: No request can succeed: the key, the model or the address is wrong.
        """


def _softmax(scores: Sequence[float]) -> tuple[float, ...]:
    highest = max(scores)
    weights = [math.exp(score - highest) for score in scores]
    return tuple(weight / math.fsum(weights) for weight in weights)
