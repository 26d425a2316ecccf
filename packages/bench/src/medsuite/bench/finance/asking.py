"""Asking a language model: which one, with or without the picture, a few questions at a time."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from medsuite.bench.finance.prompts import answer_prompt
from medsuite.bench.finance.schema import Question
from medsuite.core.errors import InputError
from medsuite.core.llm import Answer, AnswerStore, Client, Limits, Message, Price, Request, Sampling, count_states
from medsuite.core.llm.states import ASKED_AGAIN, without_thinking

Picture = Callable[[int], bytes]
"""Gives the bytes of a question's picture by the question's place."""
AT_A_TIME = 128
"""Questions whose pictures are held in memory together."""
_SPOKEN = frozenset({"answered", "truncated", "empty"})


def open_client(
    model: str,
    server: str | None = None,
    key: str | None = None,
    *,
    blind: bool = False,
    concurrency: int = 16,
    price: Price | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Client:
    """Make the client that answers or judges.

    Args:
        model: The model's name at the server; without a server, what `medsuite.core.models.load` takes.
        server: Address of an OpenAI-compatible server, up to and with `/v1`.
        key: The server's key.
        blind: Whether the model reads text alone, which decides how a local model is loaded.
        concurrency: The most requests under way at a server.
        price: What a server charges, and the most that may be spent.
        extra: More fields of each request to a server.

    Raises:
        InputError: There is no such model, or a price or fields for a local one.
        MissingDependencyError: A library is not installed.
    """
    if server is not None:
        from medsuite.core.llm import ServerClient

        return ServerClient(server, model, key=key, limits=Limits(concurrency=concurrency), price=price, extra=extra)
    if price is not None or extra:
        raise InputError("a price or more fields without a server", expected="neither, for a model on this machine")
    from medsuite.core.llm import LocalClient

    return LocalClient.load(model, "causal-lm" if blind else "image-text")


def ask_questions(
    client: Client,
    store: AnswerStore,
    questions: Sequence[Question],
    picture: Picture | None,
    sampling: Sampling | None = None,
) -> Iterator[Answer]:
    """Ask every question with its picture, and give the answers in their order.

    Args:
        client: The model.
        store: Keeps the answers; what it has is not asked again.
        questions: What to ask.
        picture: Gives a question's picture; None asks without it, which shows what language alone knows.
        sampling: How answers are drawn; greedily, up to 512 tokens, when None.
    """
    for places in parts(len(questions)):
        yield from store.get_or_ask(client, [_ask(questions[p], picture, p, sampling) for p in places])


def price_of(prices: tuple[float, float] | None, most: float | None) -> Price | None:
    """Read a price from its parts.

    Raises:
        InputError: A cap without prices.
    """
    if prices is None:
        if most is not None:
            raise InputError(f"a cap of {most} dollars without prices", fix="give them with --price")
        return None
    return Price(*prices) if most is None else Price(*prices, most)


def fields_of(text: str | None) -> dict[str, Any]:
    """Read more fields of a request from JSON.

    Raises:
        InputError: It is no JSON object.
    """
    try:
        fields = json.loads(text or "{}")
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise InputError(f"more fields {text!r}", expected='a JSON object such as {"max_completion_tokens": 512}')
    return fields


def reply_rows(questions: Sequence[Question], answers: Sequence[Answer]) -> Iterator[dict[str, Any]]:
    """Describe answers by JSON values, as `sets.read_replies` reads them."""
    for question, answer in zip(questions, answers, strict=True):
        cost = {"prompt_tokens": answer.prompt_tokens, "answer_tokens": answer.answer_tokens}
        yield {"index": question.index, "reply": reply_text(answer), "state": answer.state, **cost}


def summary(answers: Sequence[Answer], price: Price | None = None) -> str:
    """Count the answers by state in a few words, and say what they cost and what to do where some are still open."""
    counts = {state: count for state, count in count_states(answers).items() if count}
    words = ", ".join(f"{count} {state}" for state, count in counts.items())
    if price is not None:
        cost = sum(price.of(answer.prompt_tokens or 0, answer.answer_tokens or 0) for answer in answers)
        words += f"; {cost:.4f} dollars by their tokens"
    return words + ("; run again to ask what is open" if ASKED_AGAIN & counts.keys() else "")


def reply_text(answer: Answer) -> str:
    """Return the model's words after its thinking, or, where it had no say, the failure message of evaluation kits."""
    if answer.state in _SPOKEN:
        return without_thinking(answer.text)
    return f"Failed to obtain answer: {answer.state}, {answer.detail}"


def parts(count: int) -> Iterator[range]:
    """Cut places into parts whose pictures fit in memory."""
    for start in range(0, count, AT_A_TIME):
        yield range(start, min(start + AT_A_TIME, count))


def _ask(question: Question, picture: Picture | None, place: int, sampling: Sampling | None) -> Request:
    images = () if picture is None else (picture(place),)
    message = Message("user", answer_prompt(question), images)
    return Request((message,), sampling=sampling or Sampling(max_tokens=512))
