"""A server that speaks the OpenAI-compatible protocol as a client: vLLM, llama.cpp, Ollama, or a provider."""

import asyncio
import json
import random
import re
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from medsuite.core.errors import InputError, require
from medsuite.core.llm.model import Answer, Keep, Request, forget
from medsuite.core.llm.pacing import Budget, Limits, Pacer, Price, asked_pause, drawn_pause
from medsuite.core.llm.states import settle
from medsuite.core.llm.wire import BrokenReplyError, endpoint, read_error, read_reply, request_body, snippet

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = require("aiohttp", extra="medsuite-core[llm]")


@dataclass(frozen=True)
class _Failure:
    """An attempt that may go better next time.

    Attributes:
        detail: One line on what happened.
        pause: Seconds that the server asks for.
        charged: Whether the provider may have charged for it.
    """

    detail: str
    pause: float | None = None
    charged: bool = True


class ServerClient:
    """Answers requests by an OpenAI-compatible server, many at a time.

    Statuses 408, 409, 425, 429 and 5xx, replies that are none (web pages, broken or cut JSON, no choices, another
    model's name), resets and timeouts are tried again after a pause that the server asks for (Retry-After) or that is
    drawn with full jitter; after the last attempt the answer is `transport`. An answer without words is an answer and
    is not asked again. Options of messages are scored by `top_logprobs` of the answer's first token; options of a plain
    prompt by echoing it with its log-probabilities, which not every server does: its answers are `unscored`.

    Args:
        url: The address up to and with `/v1`.
        model: The model's name at the server.
        key: Sent as a bearer token.
        limits: Concurrency, rate, attempts and waits.
        price: What tokens cost and the most that may be spent by this client. A request whose worst case (one token a
            byte of the body, `max_tokens` for the answer) does not fit any more is `capped` and not sent.
        extra: Further fields of each request's body; None as a value removes a field.
        answers_as: The model's name in replies, where it is not `model` with or without a version behind it.
        rng: Source of the jitter.
        sleep: Waits between attempts.

    Raises:
        InputError: The address is none.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        key: str | None = None,
        limits: Limits | None = None,
        price: Price | None = None,
        extra: Mapping[str, Any] | None = None,
        answers_as: str | None = None,
        rng: random.Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise InputError(f"server address {url!r}", expected="such as http://localhost:8000/v1")
        self._url, self._model, self._extra = url.rstrip("/"), model, dict(extra or {})
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._limits, self._answers_as = limits or Limits(), answers_as or model
        self._rng, self._sleep = rng or random.Random(), sleep  # noqa: S311  (jitter is no secret)
        self._pacer, self._budget = Pacer(self._limits.requests_per_minute), Budget(price)
        self._reached = False

    @property
    def identity(self) -> Mapping[str, Any]:
        """Address, model and further fields of the requests."""
        return {"url": self._url, "model": self._model, "extra": self._extra}

    @property
    def spent(self) -> float:
        """US dollars spent by this client by its price; an attempt whose use is unknown counts at its worst case."""
        return self._budget.spent

    def ask(self, requests: Sequence[Request], keep: Keep = forget) -> list[Answer]:
        """Answer requests; see `Client.ask`. The requests are begun in order.

        Raises:
            InputError: Nobody answers at the address, or the server refuses the key, does not know the model, or has
                no credit left.
        """
        answers: dict[int, Answer] = {}

        def arrived(index: int, answer: Answer) -> None:
            answers[index] = answer
            keep(index, answer)

        _run_in_thread(self._ask_all(requests, arrived))
        return [answers[index] for index in range(len(requests))]

    def _session(self) -> "aiohttp.ClientSession":
        limits = self._limits
        timeout = aiohttp.ClientTimeout(
            total=limits.total_seconds, sock_connect=limits.connect_seconds, sock_read=limits.idle_seconds
        )
        connector = aiohttp.TCPConnector(limit=limits.concurrency)
        # Looked up once: aiohttp's own trust_env asks two threads for it before every request.
        proxy = None if proxy_bypass(urlsplit(self._url).netloc) else getproxies().get(urlsplit(self._url).scheme)
        return aiohttp.ClientSession(connector=connector, timeout=timeout, headers=self._headers, proxy=proxy)

    async def _ask_all(self, requests: Sequence[Request], arrived: Keep) -> None:
        # All workers take from one iterator: the requests are begun in order, and no more than a worker's at a time.
        pending = iter(enumerate(requests))
        try:
            async with self._session() as session, asyncio.TaskGroup() as group:
                for _ in range(min(self._limits.concurrency, len(requests))):
                    group.create_task(self._work(session, pending, arrived))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _work(
        self, session: "aiohttp.ClientSession", pending: Iterator[tuple[int, Request]], arrived: Keep
    ) -> None:
        for index, request in pending:
            arrived(index, settle(await self._answer(session, request), request))

    async def _answer(self, session: "aiohttp.ClientSession", request: Request) -> Answer:
        body = json.dumps(request_body(request, self._model, self._extra)).encode()
        failure = _Failure("never sent")
        for attempt in range(1, self._limits.attempts + 1):
            reserved = await self._budget.reserve(len(body), request.sampling.max_tokens)
            if reserved is None:
                return Answer("capped", detail="the price cap does not cover its worst case", attempts=attempt - 1)
            await self._pacer.turn()
            outcome = await self._attempt(session, request, body)
            self._budget.settle(reserved, _usage(outcome))
            if isinstance(outcome, Answer):
                return replace(outcome, attempts=attempt)
            failure = outcome
            pause = drawn_pause(attempt, self._limits, self._rng) if failure.pause is None else failure.pause
            if attempt == self._limits.attempts or pause > self._limits.longest_pause:
                break
            await self._sleep(pause)
        if not (self._reached or failure.charged):
            raise InputError(f"nobody answers at {self._url} ({failure.detail})", fix="start it and run again")
        return Answer("transport", detail=failure.detail, attempts=attempt)

    async def _attempt(self, session: "aiohttp.ClientSession", request: Request, body: bytes) -> Answer | _Failure:
        start = time.perf_counter()
        try:
            post = session.post(f"{self._url}/{endpoint(request)}", data=body, allow_redirects=False)
            async with post as response:
                content = await response.read()
                self._reached = True
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return _Failure(f"no connection: {error}", charged=False)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return _Failure(f"{type(error).__name__}: {error}".rstrip(": "))
        if response.status != 200:
            return self._read_status(response.status, content, response.headers)
        try:
            answer = replace(read_reply(content, request), seconds=time.perf_counter() - start)
        except BrokenReplyError as error:
            return _Failure(str(error))
        if not _is_same_model(self._answers_as, answer.model):
            return _Failure(f"{answer.model!r} answered for {self._answers_as!r}")
        return answer

    def _read_status(self, status: int, content: bytes, headers: Mapping[str, str]) -> Answer | _Failure:
        said = f"status {status}: {snippet(content)}"
        if (final := read_error(status, content)) is not None:
            return final
        if status in (401, 403):
            raise InputError(f"{self._url} refuses the key ({said})", fix="give another key")
        if status in (404, 405) or 300 <= status < 400:
            raise InputError(f"{self._url} has no model {self._model!r} or no such endpoint ({said})")
        if status == 402 or "insufficient_quota" in said:
            raise InputError(f"{self._url} has no credit left ({said})", fix="run again when it has: answers are kept")
        return _Failure(said, asked_pause(headers.get("Retry-After")), charged=False)


def _usage(outcome: Answer | _Failure) -> tuple[int, int] | None:
    """Tokens to be charged for; None where that is unknown."""
    if isinstance(outcome, _Failure):
        return None if outcome.charged else (0, 0)
    if outcome.state in ("context", "rejected") and not outcome.model:
        return 0, 0
    if outcome.prompt_tokens is None or outcome.answer_tokens is None:
        return None
    return outcome.prompt_tokens, outcome.answer_tokens


def _is_same_model(expected: str, given: str) -> bool:
    """Compare names: a version behind it (`gpt-x-2026-01-01`) and a path before it leave a model what it is."""
    version = r"([-@:][0-9]{3,}[-0-9]*)?"
    return not given or re.fullmatch(re.escape(_last(expected)) + version, _last(given)) is not None


def _last(name: str) -> str:
    return name.lower().rsplit("/", 1)[-1]


def _run_in_thread(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end in a loop of its own, also where this thread has one, as in a notebook.

    An interrupt cancels it and waits until its connections are closed.
    """
    loop = asyncio.new_event_loop()
    task = loop.create_task(work)
    with closing(loop), ThreadPoolExecutor(1) as pool:
        try:
            pool.submit(loop.run_until_complete, task).result()
        except BaseException:
            loop.call_soon_threadsafe(task.cancel)
            raise
