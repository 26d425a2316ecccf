"""The server client against a real server on loopback that does everything wrong."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from loopback import (
    QUICK,
    Behaviour,
    Server,
    answering,
    breaking_off,
    dripping,
    question,
    reply,
    resetting,
    silent,
)

from medsuite.core.errors import InputError
from medsuite.core.llm import AnswerStore, Limits, Message, Price, Request, Sampling, ServerClient, count_states

FAULTS: dict[str, tuple[Behaviour, str]] = {
    "busy": (answering({"error": {"message": "slow down"}}, 429), "status 429: slow down"),
    "internal error": (answering({"error": "oh"}, 500), "status 500: oh"),
    "bad gateway": (answering("<html>\nBad gateway</html>", 502), "status 502: <html> Bad gateway</html>"),
    "web page": (answering("<html>Log in</html>"), "not JSON: <html>Log in</html>"),
    "broken JSON": (answering('{"choices": ['), "not JSON"),
    "another JSON": (answering("[1]"), "no object"),
    "error with status 200": (answering({"error": {"message": "no GPU"}}), "without choices: no GPU"),
    "no choices": (answering({"model": "m", "choices": []}), "without choices"),
    "no message": (answering({"model": "m", "choices": [{"index": 0}]}), "without a message"),
    "another model": (answering(reply(model="other")), "'other' answered for 'm'"),
    "reset": (resetting, "Disconnected"),
    "half a body": (breaking_off, "Payload"),
    "drip": (dripping, "Timeout"),
    "silence": (silent, "Timeout"),
}


def limits(fault: str) -> Limits:
    """Two attempts, which wait for the slow faults alone no longer than they must."""
    if FAULTS[fault][1] != "Timeout":
        return Limits(attempts=2, first_pause=0.0)
    return Limits(attempts=2, first_pause=0.0, idle_seconds=0.5, total_seconds=1.0)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_tried_again(server: Server, fault: str) -> None:
    behaviour, _ = FAULTS[fault]
    server.script = [behaviour]
    (answer,) = server.client(limits=limits(fault)).ask([question("hi")])
    assert (answer.state, answer.text, answer.attempts) == ("answered", "hi", 2)
    assert len(server.bodies) == 2


@pytest.mark.parametrize("fault", FAULTS)
def test_a_lasting_fault_is_a_transport_failure_that_says_what_happened(server: Server, fault: str) -> None:
    behaviour, said = FAULTS[fault]
    server.otherwise = behaviour
    (answer,) = server.client(limits=limits(fault)).ask([question("hi")])
    assert (answer.state, answer.attempts, len(server.bodies)) == ("transport", 2, 2)
    assert said in answer.detail
    assert "\n" not in answer.detail


def test_an_address_where_nobody_ever_answered_ends_the_run() -> None:
    with pytest.raises(InputError, match=r"nobody answers at http://127\.0\.0\.1:9/v1 \(no connection.*start it"):
        ServerClient("http://127.0.0.1:9/v1", "m", limits=QUICK).ask([question("hi")])


def test_a_server_that_goes_away_leaves_transport_failures() -> None:
    server = Server()
    client = server.client()
    assert client.ask([question("hi")])[0].state == "answered"
    server.stop()
    (answer,) = client.ask([question("hi")])
    assert (answer.state, answer.attempts) == ("transport", 3)
    assert answer.detail.startswith("no connection")


def test_a_proxy_is_used_unless_it_is_to_be_passed_by(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url.removesuffix("/v1"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert ServerClient("http://models.invalid/v1", "m", limits=QUICK).ask([question("hi")])[0].text == "hi"
    assert server.headers[0]["Host"] == "models.invalid"
    assert server.client().ask([question("hi")])[0].text == "hi"
    assert server.headers[1]["Host"].startswith("127.0.0.1")


def test_answers_keep_the_order_of_the_requests_whatever_the_order_of_arrival(server: Server) -> None:
    async def late(request: web.Request, body: dict[str, Any]) -> web.Response:
        text = body["messages"][0]["content"]
        await asyncio.sleep(0.02 if int(text) % 4 == 0 else 0)
        return web.json_response(reply(text))

    server.otherwise = late
    server.script = [behaviour for name, (behaviour, _) in FAULTS.items() if name not in ("drip", "silence")]
    arrived: list[int] = []
    requests = [question(str(i)) for i in range(60)]
    answers = server.client(limits=Limits(concurrency=5, first_pause=0)).ask(
        requests, lambda index, answer: arrived.append(index)
    )
    assert [answer.text for answer in answers] == [str(i) for i in range(60)]
    assert sorted(arrived) == list(range(60)) != arrived
    assert len(server.bodies) == 60 + len(FAULTS) - 2
    assert server.most_under_way == 5


def pauses(server: Server, script: list[Behaviour], **limits: Any) -> tuple[str, list[float]]:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    server.script = script
    settings = {"attempts": len(script) + 1, "first_pause": 2.0} | limits
    client = server.client(limits=Limits(**settings), sleep=sleep, rng=random.Random(0))
    return client.ask([question("hi")])[0].state, slept


def test_the_pause_that_a_server_asks_for_is_kept_in_both_forms(server: Server) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    script = [answering("", 429, {"Retry-After": "7"}), answering("", 503, {"Retry-After": date})]
    state, slept = pauses(server, script)
    assert state == "answered"
    assert slept[0] == 7
    assert 35 < slept[1] <= 40


def test_without_a_wish_the_pause_is_drawn_below_a_bound_that_doubles(server: Server) -> None:
    state, slept = pauses(server, [answering("", 429)] * 5)
    expected = random.Random(0)
    assert state == "answered"
    assert slept == [expected.uniform(0, 2.0 * 2**k) for k in range(5)]


def test_a_pause_longer_than_the_bound_ends_the_attempts(server: Server) -> None:
    state, slept = pauses(server, [answering("", 429, {"Retry-After": "3600"})], longest_pause=60)
    assert (state, slept, len(server.bodies)) == ("transport", [], 1)


@pytest.mark.parametrize(
    ("content", "state"),
    [
        (reply(None), "empty"),
        (reply(" \n"), "empty"),
        (reply("half a sent", finish="length"), "truncated"),
        (reply(None, finish="length"), "truncated"),
        (reply(None, finish="content_filter"), "refused"),
        (reply(None, message={"refusal": "I cannot."}), "refused"),
        (reply("<think>so</think>\n"), "empty"),
        (reply("cut in an emoji \ud83d"), "answered"),
    ],
)
def test_what_a_model_says_is_final(server: Server, content: dict[str, Any], state: str) -> None:
    server.otherwise = answering(content)
    (answer,) = server.client().ask([question("hi")])
    assert (answer.state, len(server.bodies)) == (state, 1)
    assert (answer.prompt_tokens, answer.answer_tokens) == (10, 2)


@pytest.mark.parametrize(
    ("status", "error", "state"),
    [
        (400, {"code": "context_length_exceeded", "message": "too much"}, "context"),
        (400, {"message": "This model's maximum context length is 4096 tokens."}, "context"),
        (400, {"code": "content_filter", "message": "no"}, "refused"),
        (403, {"message": "Your input was flagged by moderation"}, "refused"),
        (400, {"message": "logprobs are not supported"}, "rejected"),
        (413, {"message": "Payload"}, "rejected"),
    ],
)
def test_a_status_that_is_about_the_request_is_not_tried_again(
    server: Server, status: int, error: dict[str, str], state: str
) -> None:
    server.otherwise = answering({"error": error}, status)
    (answer,) = server.client().ask([question("hi")])
    assert (answer.state, len(server.bodies)) == (state, 1)
    assert error["message"] in answer.detail


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (answering({"error": {"message": "bad key"}}, 401), "refuses the key"),
        (answering({"error": {"message": "not for you"}}, 403), "refuses the key"),
        (answering({"error": {"message": "Insufficient Balance"}}, 402), "has no credit left"),
        (answering({"error": {"message": "no such model"}}, 404), "has no model 'm'"),
        (answering("", 308, {"Location": "https://elsewhere"}), "has no model 'm'"),
        (answering({"error": {"code": "insufficient_quota", "message": "pay"}}, 429), "has no credit left"),
    ],
)
def test_what_no_request_can_survive_ends_the_run_in_one_line(server: Server, behaviour: Behaviour, said: str) -> None:
    server.otherwise = behaviour
    with pytest.raises(InputError, match=said):
        server.client(limits=Limits(concurrency=1)).ask([question(str(i)) for i in range(50)])
    assert len(server.bodies) == 1


def test_the_price_cap_is_never_exceeded_and_a_store_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    requests = [question(f"{i:04}", sampling=Sampling(max_tokens=4)) for i in range(20)]
    price = Price(prompt=100.0, answer=400.0, most=0.02)
    with AnswerStore(tmp_path / "answers.sqlite") as store:
        client = server.client(price=price)
        counts = count_states(store.get_or_ask(client, requests))
        # A reply is charged 10 and 2 tokens: 0.0018 dollars; its worst case is about 0.014.
        assert counts["answered"] + counts["capped"] == 20
        assert 3 <= counts["answered"] == len(server.bodies) <= 11
        assert client.spent == pytest.approx(0.0018 * counts["answered"])
        assert client.spent <= price.most
        again = count_states(store.get_or_ask(server.client(), requests))
    assert (again["answered"], len(server.bodies)) == (20, 20)


def test_a_reply_without_an_account_is_charged_at_its_worst_case(server: Server) -> None:
    server.otherwise = answering({name: value for name, value in reply().items() if name != "usage"})
    client = server.client(price=Price(0.0, 1e6))
    client.ask([question("hi", sampling=Sampling(max_tokens=7))])
    assert client.spent == 7


def test_attempts_are_spaced_evenly(server: Server) -> None:
    times: list[float] = []

    async def clocked(request: web.Request, body: dict[str, Any]) -> web.Response:
        times.append(asyncio.get_running_loop().time())
        return web.json_response(reply())

    server.otherwise = clocked
    server.client(limits=Limits(requests_per_minute=1200)).ask([question("hi")] * 5)
    assert max(times) - min(times) > 2.5 * 0.05


def test_it_works_inside_a_running_loop(server: Server) -> None:
    async def notebook() -> str:
        return server.client().ask([question("hi")])[0].text

    assert asyncio.run(notebook()) == "hi"


def test_an_error_of_the_keeper_ends_the_run_and_comes_out(server: Server) -> None:
    def keep(index: int, answer: object) -> None:
        raise ZeroDivisionError(index)

    with pytest.raises(ZeroDivisionError):
        server.client(limits=Limits(concurrency=1)).ask([question("hi")] * 9, keep)
    assert len(server.bodies) == 1


def test_the_body_is_the_protocols(server: Server) -> None:
    from PIL import Image

    buffer = BytesIO()
    Image.new("RGB", (2, 2)).save(buffer, "PNG")
    schema = {"type": "object", "required": ["score"]}
    request = Request(
        (Message("system", "Grade."), Message("user", "this", (buffer.getvalue(),))),
        schema=schema,
        sampling=Sampling(50, temperature=0.5, stop=("END",)),
        sample=3,
    )
    server.otherwise = answering(reply('{"score": 1}'))
    client = server.client(key="secret", extra={"max_completion_tokens": 50, "max_tokens": None})
    (answer,) = client.ask([request])
    body = server.bodies[0]
    picture = body["messages"][1]["content"][0]["image_url"]["url"]
    assert body["path"] == "/v1/chat/completions"
    assert body["messages"][0] == {"role": "system", "content": "Grade."}
    assert picture.startswith("data:image/png;base64,iVBOR")
    assert body["messages"][1]["content"][1] == {"type": "text", "text": "this"}
    assert body["response_format"]["json_schema"]["schema"] == schema
    assert (body["temperature"], body["seed"], body["stop"]) == (0.5, 3, ["END"])
    assert body["max_completion_tokens"] == 50
    assert "max_tokens" not in body
    assert server.headers[0]["Authorization"] == "Bearer secret"
    assert answer.value == {"score": 1}
    assert "secret" not in f"{client.identity}"


def test_a_plain_prompt_goes_to_completions(server: Server) -> None:
    server.otherwise = answering({"model": "m", "choices": [{"text": " Paris", "finish_reason": "stop"}]})
    (answer,) = server.client().ask([Request("The capital of France is")])
    assert (server.bodies[0]["path"], server.bodies[0]["prompt"]) == ("/v1/completions", "The capital of France is")
    assert answer.text == " Paris"


@pytest.mark.parametrize(
    ("asked", "given", "same"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06", True),
        ("gpt-4", "gpt-4-0613", True),
        ("gemini-1.5-pro", "Gemini-1.5-pro-002", True),
        ("Qwen/Qwen2-7B", "/models/Qwen2-7B", True),
        ("m", "", True),
        ("gpt-4", "gpt-4o", False),
        ("gpt-4", "gpt-4.1", False),
        ("gpt-4", "gpt-4-turbo", False),
        ("qwen2", "qwen2-72b", False),
    ],
)
def test_a_version_or_a_path_is_no_other_model(server: Server, asked: str, given: str, same: bool) -> None:
    server.otherwise = answering(reply(model=given))
    (answer,) = ServerClient(server.url, asked, limits=QUICK).ask([question("hi")])
    assert (answer.state == "answered") is same
    (alias,) = ServerClient(server.url, asked, limits=QUICK, answers_as=given or asked).ask([question("hi")])
    assert alias.state == "answered"


def test_an_address_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(InputError, match="expected such as http://localhost:8000/v1"):
        ServerClient("localhost:8000", "m")
