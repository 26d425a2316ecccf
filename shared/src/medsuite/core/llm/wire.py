"""The OpenAI-compatible protocol as pure functions: requests to JSON bodies, replies and errors to answers."""

import base64
import json
import math
import re
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from medsuite.core.llm.model import Answer, Message, OptionScores, Request

TOP_LOGPROBS = 20
"""Most probable first tokens that a chat endpoint is asked for: the protocol's maximum."""
_TOO_LONG = re.compile(
    r"context.?(length|window|size)|maximum.{0,40}tokens|too (long|many tokens)|reduce the length", re.IGNORECASE
)
_FILTERED = re.compile(r"content.?(filter|policy)|moderation|flagged", re.IGNORECASE)
_MAGIC = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}


class BrokenReplyError(Exception):
    """A reply with status 200 that is none; the message is one line on what came instead."""


def endpoint(request: Request) -> str:
    """Name the endpoint that answers a request: chat for messages, completions for a plain prompt."""
    return "chat/completions" if request.messages else "completions"


def request_body(request: Request, model: str, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Write the JSON body of a request.

    Args:
        request: What is asked.
        model: The model's name at the server.
        extra: Further fields, which replace those of the same name; None as a value removes a field.
    """
    sampling = request.sampling
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": 1 if request.options else sampling.max_tokens,
        "temperature": sampling.temperature,
    }
    if sampling.temperature > 0:
        body |= {"top_p": sampling.top_p, "seed": request.sample}
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if request.schema is not None:
        schema = {"name": "answer", "schema": dict(request.schema), "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    body |= _chat_fields(request) if request.messages else _completion_fields(request)
    return {name: value for name, value in (body | dict(extra)).items() if value is not None}


def read_reply(content: bytes, request: Request) -> Answer:
    """Read the body of a reply with status 200.

    Raises:
        BrokenReplyError: It is no reply of this protocol, such as a web page, broken JSON or one without choices.
    """
    try:
        reply = json.loads(content)
    except ValueError as error:
        raise BrokenReplyError(f"a reply that is not JSON: {snippet(content)}") from error
    if not isinstance(reply, dict):
        raise BrokenReplyError(f"a reply that is no object: {snippet(content)}")
    choices = reply.get("choices")
    if not isinstance(choices, list) or not choices or not all(isinstance(choice, dict) for choice in choices):
        raise BrokenReplyError(f"a reply without choices: {snippet(content)}")
    usage = reply.get("usage")
    known: dict[str, Any] = {
        "model": str(reply.get("model") or ""),
        "prompt_tokens": _count(usage, "prompt_tokens"),
        "answer_tokens": _count(usage, "completion_tokens"),
        "finish": str(choices[0].get("finish_reason") or ""),
    }
    if request.messages:
        return _read_message(choices[0], request, known)
    options = echoed_scores(choices, request) if request.options else None
    return Answer("answered", text="" if options else _text(choices[0].get("text")), options=options, **known)


def read_error(status: int, content: bytes) -> Answer | None:
    """Tell what an error status says about one request; None where it says nothing final about it.

    A prompt that is too long is `context`, one that the provider's filter stops `refused`, any other malformed request
    `rejected`.
    """
    if status not in (400, 403, 413, 422):
        return None
    said = snippet(content)
    detail = f"status {status}: {said}"
    if _FILTERED.search(said):
        return Answer("refused", detail=detail)
    if status == 403:
        return None
    if _TOO_LONG.search(said):
        return Answer("context", detail=detail)
    return Answer("rejected", detail=detail)


def first_token_scores(top: Sequence[Mapping[str, Any]], options: Sequence[str]) -> OptionScores:
    """Read option scores from the most probable first tokens of an answer.

    The probabilities of all spellings of an option that differ in surrounding white space are added up. An option has
    no score where none of them is listed, which is so for every option of more than one token, and where another option
    begins with it, because its token then counts for both.
    """

    def score(option: str) -> float | None:
        wanted = option.strip()
        if any(other.strip().startswith(wanted) for other in options if other != option):
            return None
        found = [math.exp(entry["logprob"]) for entry in top if str(entry["token"]).strip() == wanted]
        return math.log(total) if 0 < (total := math.fsum(found)) < math.inf else None

    scores = tuple(score(option) for option in options)
    return OptionScores(tuple(options), scores, tuple(int(s is not None) for s in scores), "first_token")


def echoed_scores(choices: Sequence[Mapping[str, Any]], request: Request) -> OptionScores:
    """Read option scores from echoed prompts with their log-probabilities, one choice an option.

    Raises:
        BrokenReplyError: There is not one choice for each option.
    """
    ordered = [choice for place in range(len(request.options)) for choice in choices if choice.get("index") == place]
    if len(ordered) != len(request.options):
        raise BrokenReplyError(
            f"choices {[choice.get('index') for choice in choices]} for {len(request.options)} prompts"
        )
    found = [_echoed_score(choice, request, option) for choice, option in zip(ordered, request.options, strict=True)]
    scores, tokens = tuple(score for score, _ in found), tuple(count for _, count in found)
    return OptionScores(request.options, scores, tokens, "echo")


def snippet(content: bytes) -> str:
    """Show the beginning of a body on one line: the message of an error object, or 200 characters."""
    text = content.decode("utf-8", "replace")
    try:
        error = json.loads(text)["error"]
        text = f"{error.get('code') or ''} {error['message']}" if isinstance(error, dict) else str(error)
    except (ValueError, TypeError, KeyError):
        pass
    line = " ".join(text.split())
    return line[:200] or "nothing"


def _chat_fields(request: Request) -> dict[str, Any]:
    fields: dict[str, Any] = {"messages": [_message(message) for message in request.messages]}
    return fields | ({"logprobs": True, "top_logprobs": TOP_LOGPROBS} if request.options else {})


def _completion_fields(request: Request) -> dict[str, Any]:
    if not request.options:
        return {"prompt": request.prompt}
    return {"prompt": [f"{request.prompt}{option}" for option in request.options], "echo": True, "logprobs": 1}


def _message(message: Message) -> dict[str, Any]:
    if not message.images:
        return {"role": message.role, "content": message.text}
    pictures = [{"type": "image_url", "image_url": {"url": data_url(image)}} for image in message.images]
    return {"role": message.role, "content": [*pictures, {"type": "text", "text": message.text}]}


def data_url(image: bytes) -> str:
    """Write a picture as a data URL with the media type that its first bytes say."""
    kind = next((name for magic, name in _MAGIC.items() if image.startswith(magic)), "application/octet-stream")
    return f"data:{kind};base64,{base64.b64encode(image).decode()}"


def _read_message(choice: Mapping[str, Any], request: Request, known: Mapping[str, Any]) -> Answer:
    message = choice.get("message")
    if not isinstance(message, dict):
        raise BrokenReplyError("a choice without a message")
    if message.get("refusal") or known["finish"] == "content_filter":
        detail = _text(message.get("refusal")) or "stopped by the provider's filter"
        return Answer("refused", text=_text(message.get("content")), detail=detail, **known)
    return Answer("answered", text=_text(message.get("content")), options=_first_token(choice, request), **known)


def _first_token(choice: Mapping[str, Any], request: Request) -> OptionScores | None:
    try:
        return first_token_scores(choice["logprobs"]["content"][0]["top_logprobs"], request.options)
    except (KeyError, IndexError, TypeError, ValueError, OverflowError):
        return None


def _echoed_score(choice: Mapping[str, Any], request: Request, option: str) -> tuple[float | None, int]:
    """Sum over the tokens that spell the option and the blanks before it; None where no tokens do.

    Offsets are counted here: those of some servers are off by the length of a token that begins every text.
    """
    whole = f"{request.prompt}{option}"
    try:
        tokens, values = choice["logprobs"]["tokens"], choice["logprobs"]["token_logprobs"]
        begin = "".join(tokens).index(whole)
        starts = [begin + len(str(request.prompt).rstrip()), begin + len(whole)]
        first, last = (list(accumulate(map(len, tokens), initial=0)).index(place) for place in starts)
        total = math.fsum(values[first:last])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None, 0
    return (total, last - first) if math.isfinite(total) and len(values) >= last else (None, 0)


def _text(value: Any) -> str:
    """Take a text; half of a surrogate pair, which a cut answer may end in, becomes U+FFFD."""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(value, str) else ""


def _count(usage: Any, name: str) -> int | None:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
