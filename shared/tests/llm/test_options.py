"""Option scores of servers: what they show, and what must not pass for a score."""

import json
import math
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from loopback import Server, answering, question, reply

from medsuite.core.errors import InputError
from medsuite.core.llm import OptionScores, Request
from medsuite.core.llm.states import STATES, settle
from medsuite.core.llm.wire import BrokenReplyError, first_token_scores, read_reply


def listing(**tokens: float) -> dict[str, Any]:
    """A chat reply whose first token was drawn from these probabilities."""
    top = [{"token": token.replace("_", " "), "logprob": math.log(p)} for token, p in tokens.items()]
    return reply("y", logprobs={"content": [{"token": "y", "logprob": 0.0, "top_logprobs": top}]})


def test_the_first_token_of_an_answer_scores_its_options(server: Server) -> None:
    server.otherwise = answering(listing(yes=0.4, _yes=0.1, Yes=0.2, no=0.05))
    (answer,) = server.client().ask([question("sure?", options=("yes", "no"))])
    assert (server.bodies[0]["logprobs"], server.bodies[0]["top_logprobs"], server.bodies[0]["max_tokens"]) == (
        True,
        20,
        1,
    )
    assert answer.state == "answered"
    assert answer.options is not None
    assert (answer.options.options, answer.options.tokens, answer.options.route) == (
        ("yes", "no"),
        (1, 1),
        "first_token",
    )
    assert answer.options.scores == pytest.approx((math.log(0.5), math.log(0.05)))
    assert answer.options.mass == pytest.approx(0.55)
    assert answer.options.best == "yes"


@pytest.mark.parametrize(
    ("content", "missing"),
    [
        (listing(yes=0.9), ("no",)),
        (listing(perhaps=0.9), ("yes", "no")),
        (reply("yes"), None),
        (reply("yes", logprobs=None), None),
        (reply("yes", logprobs={"content": []}), None),
    ],
)
def test_an_option_that_is_not_listed_is_unscored_and_not_zero(
    server: Server, content: dict[str, Any], missing: tuple[str, ...] | None
) -> None:
    server.otherwise = answering(content)
    (answer,) = server.client().ask([question("sure?", options=("yes", "no"))])
    assert answer.state == "unscored"
    assert (answer.options.missing if answer.options else None) == missing
    assert all(repr(option) in answer.detail for option in missing or ())
    if answer.options:
        with pytest.raises(InputError, match="no log-likelihood of"):
            answer.options.probabilities()


def test_a_token_that_two_options_begin_with_scores_neither_of_them() -> None:
    scores = first_token_scores([{"token": "1", "logprob": -0.1}, {"token": "2", "logprob": -3}], ["1", "10", "2"])
    assert scores.log_likelihoods == (None, None, pytest.approx(-3.0))


def echo(prompt: str, cut: int) -> dict[str, Any]:
    """Echo a prompt as tokens of `cut` letters and one token more; the n-th token has log-probability -n."""
    tokens = [prompt[start : start + cut] for start in range(0, len(prompt), cut)] + ["more"]
    values = [None, *(-float(place) for place in range(1, len(tokens)))]
    return {"text": "".join(tokens), "logprobs": {"tokens": tokens, "token_logprobs": values}}


async def echo_all(request: web.Request, body: dict[str, Any]) -> web.Response:
    choices = [echo(prompt, 2) | {"index": place} for place, prompt in enumerate(body["prompt"])]
    return web.json_response({"model": "m", "choices": choices[::-1]})


def test_an_echoed_prompt_scores_each_option_as_a_sequence(server: Server) -> None:
    server.otherwise = echo_all
    (answer,) = server.client().ask([Request("abcd", options=("efgh", "ef"))])
    body = server.bodies[0]
    assert (body["prompt"], body["echo"], body["logprobs"]) == (["abcdefgh", "abcdef"], True, 1)
    assert answer.options == OptionScores(("efgh", "ef"), (-5.0, -2.0), (2, 1), "echo")
    assert answer.text == ""


def test_blanks_at_the_end_of_a_prompt_belong_to_the_option(server: Server) -> None:
    server.otherwise = echo_all
    (answer,) = server.client().ask([Request("abc: ", options=("d",))])
    assert answer.options is not None
    assert answer.options.tokens == (1,), "the token ' d'"


@pytest.mark.parametrize(
    ("tokens", "scores", "counts"),
    [
        (["ab", "c", "d", "more"], (-3.0,), (2,)),
        (["<s>", "ab", "c", "d", "more"], (-5.0,), (2,)),
        (["ab", "c", "", "d"], (-6.0,), (3,)),
        (["a", "bc", "d", "more"], (None,), (0,)),
        (["ab", "\ufffd", "\ufffd", "more"], (None,), (0,)),
    ],
)
def test_the_tokens_that_spell_an_option_are_its_own(
    server: Server, tokens: list[str], scores: tuple[float | None, ...], counts: tuple[int, ...]
) -> None:
    logprobs = {"tokens": tokens, "token_logprobs": [None, *(-float(place) for place in range(1, len(tokens)))]}
    server.otherwise = answering({"model": "m", "choices": [{"index": 0, "logprobs": logprobs}]})
    (answer,) = server.client().ask([Request("ab", options=("cd",))])
    assert answer.options == OptionScores(("cd",), scores, counts, "echo")


def test_a_token_across_the_border_leaves_the_option_unscored(server: Server) -> None:
    server.otherwise = echo_all
    (answer,) = server.client().ask([Request("abc", options=("d",))])
    assert answer.state == "unscored"


def test_a_server_that_does_not_echo_leaves_the_options_unscored(server: Server) -> None:
    server.otherwise = answering({"model": "m", "choices": [{"text": " 1", "index": i} for i in range(2)]})
    (answer,) = server.client().ask([Request("Answer:", options=(" 0", " 1"))])
    assert (answer.state, answer.detail) == ("unscored", "no log-probability of ' 0', ' 1'")


def test_a_server_that_answers_one_of_several_prompts_is_a_fault(server: Server) -> None:
    server.otherwise = answering({"model": "m", "choices": [{"text": " 1"}]})
    (answer,) = server.client().ask([Request("Answer:", options=(" 0", " 1"))])
    assert (answer.state, answer.detail) == ("transport", "choices [None] for 2 prompts")


@given(st.lists(st.floats(-50, 0), min_size=1, max_size=6), st.floats(-700, 0))
def test_probabilities_are_a_softmax_that_knows_no_offset(scores: list[float], offset: float) -> None:
    options = tuple(map(str, range(len(scores))))
    plain = OptionScores(options, tuple(scores), (1,) * len(scores), "echo").probabilities()
    moved = OptionScores(options, tuple(s + offset for s in scores), (1,) * len(scores), "echo").probabilities()
    total = math.fsum(map(math.exp, scores))
    assert plain == pytest.approx([math.exp(score) / total for score in scores])
    assert moved == pytest.approx(plain, abs=1e-9)


def test_scores_per_token_divide_by_the_length() -> None:
    scores = OptionScores(("a", "b c"), (-1.0, -4.0), (1, 4), "sequence")
    assert scores.probabilities_per_token() == (0.5, 0.5)
    assert scores.probabilities()[0] > 0.95


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All paths into a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for name, part in inner for deeper in places(part, (*path, name)))]


def with_part(value: Any, path: tuple[Any, ...], part: Any) -> Any:
    if not path:
        return part
    copy = value.copy()
    copy[path[0]] = with_part(value[path[0]], path[1:], part)
    return copy


CHAT = listing(a=0.5, b=0.25)
ECHO = {"model": "m", "choices": [echo("??a", 1) | {"index": 0}, echo("??b", 1) | {"index": 1}]}
PART = st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=2), st.lists, max_leaves=3) | st.just({})


@settings(max_examples=300)
@given(st.data())
@pytest.mark.parametrize("request_", [question("?", options=("a", "b")), Request("??", options=("a", "b"))])
def test_a_reply_with_any_part_of_another_form_is_an_answer_or_a_fault_and_no_crash(
    request_: Request, data: st.DataObject
) -> None:
    whole = CHAT if request_.messages else ECHO
    content = with_part(whole, data.draw(st.sampled_from(places(whole))), data.draw(PART))
    with suppress(BrokenReplyError):
        answer = settle(read_reply(json.dumps(content).encode(), request_), request_)
        assert answer.state in STATES
        assert answer.state != "answered" or all(map(math.isfinite, answer.options.scores))  # type: ignore[union-attr]


def test_scores_survive_json() -> None:
    from medsuite.core.llm.canonical import dump_answer, load_answer
    from medsuite.core.llm.model import Answer

    answer = Answer("unscored", options=OptionScores(("a", "b"), (None, -1.5), (0, 1), "first_token"), seconds=0.1)
    assert load_answer(dump_answer(answer)) == answer
    assert json.loads(dump_answer(answer))["options"]["log_likelihoods"] == [None, -1.5]
