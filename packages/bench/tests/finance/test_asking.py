"""A model answers a set and another judges the answers, over a real server on loopback."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from loopback import Server, answering, reply
from PIL import Image
from typer.testing import CliRunner

from medsuite.bench.cli import app
from medsuite.bench.finance.asking import fields_of, open_client, price_of, reply_text
from medsuite.bench.finance.schema import Question, Task
from medsuite.bench.finance.sets import read_judgements
from medsuite.bench.finance.tsv import write_tsv
from medsuite.core import tiny
from medsuite.core.errors import InputError
from medsuite.core.llm import Answer

QUESTIONS = [
    Question(f"q{n}", "a.png", "table", "computer", task, text, answer, "en")
    for n, (task, text, answer) in enumerate(
        [
            (Task.OCR, "What is the price?", "37.25"),
            (Task.ACCURATE_CALCULATION, "What is the sum?", "12"),
            (Task.RISK_WARNING, "Which risk is there?", "A falling price."),
            (Task.FINANCIAL_QUESTION, "What is MACD?", "An indicator."),
        ]
    )
]


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    Image.new("RGB", (80, 56), "red").save(tmp_path / "a.png")
    write_tsv(tmp_path / "set.tsv", QUESTIONS)
    return tmp_path / "set.tsv"


def run(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["finance", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.stdout


async def knowing(request: web.Request, body: dict[str, Any]) -> web.Response:
    """Answer the numbers rightly, and judge what is a paragraph with 4 of 5."""
    parts = body["messages"][-1]["content"]
    text = parts if isinstance(parts, str) else parts[-1]["text"]
    if "Reference:" in text:
        return web.json_response(reply('{"reason": "nearly", "score": 4}'))
    answers = [q.answer for q in QUESTIONS if q.text in text]
    return web.json_response(reply(answers[0]))


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def scores(output: str) -> dict[str, float]:
    found = re.findall(r"│ (.+?) +│ +\d+ │ +(\d+) │ +([\d.]+) │", output)
    return {name: float(score) for name, _, score in found}


def test_a_model_answers_and_a_judge_scores_what_rules_cannot(server: Server, table: Path, tmp_path: Path) -> None:
    server.otherwise = knowing
    at = ("--server", server.url, "--model", "m")
    replies, judgements = tmp_path / "replies.jsonl", tmp_path / "judged.jsonl"
    assert "4 replies" in run("ask", table, replies, *at)
    assert [row["reply"] for row in rows(replies)] == [q.answer for q in QUESTIONS]
    picture = server.bodies[0]["messages"][0]["content"][0]["image_url"]["url"]
    assert picture.startswith("data:image/png;base64,iVBOR")
    assert scores(run("evaluate", table, replies))["all questions"] == 100
    assert "2 answers judged" in run("judge", table, replies, judgements, *at)
    assert [(row["index"], row["score"]) for row in rows(judgements)] == [("q2", 4), ("q3", 4)]
    assert scores(run("evaluate", table, replies, "--judgements", judgements))["all questions"] == 90
    assert len(server.bodies) == 4 + 2


def test_the_released_protocol_judges_every_answer(server: Server, table: Path, tmp_path: Path) -> None:
    server.otherwise = knowing
    at = ("--server", server.url, "--model", "m")
    replies, judgements = tmp_path / "replies.jsonl", tmp_path / "judged.jsonl"
    run("ask", table, replies, *at)
    card = run("judge", table, replies, judgements, *at, "--every", "--repeats", "2")
    assert "100.0%" in card
    assert len(rows(judgements)) == 8
    judged = ("--judgements", judgements, "--prefer")
    assert scores(run("evaluate", table, replies, *judged, "judge"))["all questions"] == 80
    assert scores(run("evaluate", table, replies, *judged, "rules"))["all questions"] == 90


def test_what_is_open_is_asked_again_by_the_same_command(server: Server, table: Path, tmp_path: Path) -> None:
    server.otherwise = answering({"error": {"message": "no pictures please"}}, 400)
    at = ("--server", server.url, "--model", "m")
    replies = tmp_path / "replies.jsonl"
    assert "4 rejected; run again" in run("ask", table, replies, *at)
    assert rows(replies)[0]["reply"].startswith("Failed to obtain answer: rejected, status 400")
    table_of_scores = run("evaluate", table, replies)
    assert scores(table_of_scores)["all questions"] == 0
    server.otherwise = knowing
    server.script = []
    assert "4 answered" in run("ask", table, replies, *at)
    run("ask", table, replies, *at)
    assert len(server.bodies) == 4 + 4


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer("answered", text="<think>12 or 13</think> 12"), "12"),
        (Answer("truncated", text="<think>12 or"), ""),
        (Answer("refused", detail="no advice"), "Failed to obtain answer: refused, no advice"),
        (Answer("transport", detail="reset"), "Failed to obtain answer: transport, reset"),
    ],
)
def test_a_reply_is_what_was_said_and_a_failure_is_called_one(answer: Answer, words: str) -> None:
    assert reply_text(answer) == words


def test_a_cap_stops_before_it_is_exceeded(server: Server, table: Path, tmp_path: Path) -> None:
    server.otherwise = knowing
    call = ("ask", table, tmp_path / "replies.jsonl", "--server", server.url, "--model", "m")
    assert "4 capped; 0.0000 dollars by their tokens; run again" in run(*call, "--price", "10", "10", "--most", "0.001")
    assert server.bodies == []
    # Four times ten tokens asked and two answered, at a hundred dollars a million.
    assert "4 answered; 0.0048 dollars" in run(*call, "--price", "100", "100", "--most", "1")


def test_a_blind_model_gets_no_picture(server: Server, table: Path, tmp_path: Path) -> None:
    server.otherwise = knowing
    run("ask", table, tmp_path / "replies.jsonl", "--server", server.url, "--model", "m", "--blind")
    assert all(isinstance(body["messages"][0]["content"], str) for body in server.bodies)


def test_more_fields_reach_the_server(server: Server, table: Path, tmp_path: Path) -> None:
    server.otherwise = knowing
    more = '{"max_tokens": null, "max_completion_tokens": 9}'
    run("ask", table, tmp_path / "replies.jsonl", "--server", server.url, "--model", "m", "--extra", more)
    assert all("max_tokens" not in body and body["max_completion_tokens"] == 9 for body in server.bodies)


def test_a_judge_that_never_gives_a_score_is_counted(server: Server, table: Path, tmp_path: Path) -> None:
    replies, judgements = tmp_path / "replies.jsonl", tmp_path / "judged.jsonl"
    replies.write_text("".join(f'{{"index": "{q.index}", "reply": "words"}}\n' for q in QUESTIONS))
    server.otherwise = answering(reply("I cannot help with that."))
    card = run("judge", table, replies, judgements, "--server", server.url, "--model", "m")
    assert len(server.bodies) == 2 * 3
    assert "100.0%" in card
    output = run("evaluate", table, replies, "--judgements", judgements)
    assert re.search(r"task RW +│ +1 │ +1 │ +0\.0", output)
    assert all(row.score is None for judged in read_judgements(judgements).values() for row in judged)


def test_a_local_model_that_sees_answers_the_set(table: Path, tmp_path: Path) -> None:
    model = tiny.qwen2_vl().save(tmp_path / "model")
    output = run("ask", table, tmp_path / "replies.jsonl", "--model", model, "--max-tokens", "2")
    assert "truncated" in output
    assert all(row["prompt_tokens"] > 20 for row in rows(tmp_path / "replies.jsonl"))


def test_mistakes_are_named(tmp_path: Path, table: Path) -> None:
    with pytest.raises(InputError, match="a price or more fields without a server"):
        open_client("smollm2-135m", price=price_of((1.0, 2.0), None))
    with pytest.raises(InputError, match=r"a cap of 3\.0 dollars without prices"):
        price_of(None, 3.0)
    with pytest.raises(InputError, match="a JSON object such as"):
        fields_of("[1]")
    with pytest.raises(InputError, match="does not exist"):
        read_judgements(tmp_path / "none.jsonl")
    (tmp_path / "bad.jsonl").write_text('{"index": "1", "score": "four"}\n')
    with pytest.raises(InputError, match="line 1 is no judgement"):
        read_judgements(tmp_path / "bad.jsonl")
    replies = tmp_path / "replies.jsonl"
    replies.write_text("".join(f'{{"index": "{q.index}", "reply": ""}}\n' for q in QUESTIONS))
    with pytest.raises(InputError, match="no answer needs a judge"):
        run("judge", table, replies, tmp_path / "judged.jsonl", "--server", "http://localhost/v1", "--model", "m")
