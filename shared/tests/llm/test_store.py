"""The store of answers: what was answered once is not asked again, whatever happens."""

import json
import logging
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError, MedsuiteError
from medsuite.core.llm import Answer, AnswerStore, Message, Request, Sampling
from medsuite.core.llm.canonical import describe_request, request_key
from medsuite.core.llm.model import Keep, forget
from medsuite.core.llm.states import ASKED_AGAIN, STATES

HERE = Path(__file__).parent


class Scripted:
    """A client that gives the state that the prompt names, and counts."""

    def __init__(self, **identity: Any) -> None:
        self.identity: Mapping[str, Any] = {"model": "scripted", **identity}
        self.asked: list[str] = []

    def ask(self, requests: Sequence[Request], keep: Keep = forget) -> list[Answer]:
        answers = []
        for index, request in enumerate(requests):
            self.asked.append(str(request.prompt))
            state = "answered" if request.messages else str(request.prompt).partition(" ")[0]
            answers.append(Answer(state, text=f"answer {len(self.asked)}", value={"n": 1}))  # type: ignore[arg-type]
            keep(index, answers[-1])
        return answers


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AnswerStore]:
    with AnswerStore(tmp_path / "new folder" / "answers.sqlite") as opened:
        yield opened


def test_only_new_requests_are_asked_and_twins_are_asked_once(store: AnswerStore) -> None:
    client = Scripted()
    one, two = Request("answered 1"), Request("answered 2")
    first = store.get_or_ask(client, [one, two, one])
    arrived: list[int] = []
    second = store.get_or_ask(client, [two, one, Request("answered 3")], lambda index, answer: arrived.append(index))
    assert client.asked == ["answered 1", "answered 2", "answered 3"]
    assert first[0] == first[2] == second[1]
    assert [answer.text for answer in second] == ["answer 2", "answer 1", "answer 3"]
    assert sorted(arrived) == [0, 1, 2]


@pytest.mark.parametrize(
    ("state", "times"),
    [*((state, 1) for state in STATES if state not in ASKED_AGAIN), *((state, 2) for state in ASKED_AGAIN)],
)
def test_failures_are_kept_and_those_without_the_models_word_are_asked_again(
    store: AnswerStore, state: str, times: int
) -> None:
    client = Scripted()
    for _ in range(2):
        (answer,) = store.get_or_ask(client, [Request(state)])
        assert answer.state == state
    assert len(client.asked) == times
    assert store.counts() == {state: 1}


def test_the_first_final_answer_stands(store: AnswerStore) -> None:
    request, client = Request("?"), Scripted()
    assert store.put(request, Answer("transport"), client).state == "transport"
    assert store.put(request, Answer("answered", text="first"), client).text == "first"
    assert store.put(request, Answer("answered", text="second"), client).text == "first"
    assert store.put(request, Answer("transport"), client).text == "first"


BASE = Request((Message("user", "hi", (b"picture",)),), options=("a", "b"))


@pytest.mark.parametrize(
    "other",
    [
        Request("hi", options=("a", "b")),
        replace(BASE, prompt=(Message("system", "hi", (b"picture",)),)),
        replace(BASE, prompt=(Message("user", "ho", (b"picture",)),)),
        replace(BASE, prompt=(Message("user", "hi", (b"another",)),)),
        replace(BASE, prompt=(Message("user", "hi"),)),
        replace(BASE, options=("b", "a")),
        replace(BASE, options=(), schema={"type": "object"}),
        replace(BASE, sampling=Sampling(max_tokens=1)),
        replace(BASE, sampling=Sampling(stop=(".",))),
        replace(BASE, sample=1),
    ],
)
def test_whatever_an_answer_depends_on_changes_its_key(other: Request) -> None:
    client = {"model": "m", "revision": 1}
    assert request_key(BASE, client) == request_key(replace(BASE), {"revision": 1, "model": "m"})
    assert request_key(other, client) != request_key(BASE, client)
    assert request_key(BASE, client | {"revision": 2}) != request_key(BASE, client)


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_prompts_have_one_key_only_if_they_are_equal(one: str, two: str) -> None:
    keys = {request_key(Request(text), {}) for text in (one, two)}
    assert len(keys) == len({one, two})


def test_everything_is_exported_as_json_lines(store: AnswerStore, tmp_path: Path) -> None:
    store.get_or_ask(Scripted(revision="abc"), [BASE, Request("refused – nein")])
    assert store.export(tmp_path / "out.jsonl") == 2
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["answer"]["state"] for row in rows][1] == "refused"
    assert rows[0]["client"] == {"model": "scripted", "revision": "abc"}
    assert rows[0]["request"] == json.loads(json.dumps(describe_request(BASE)))
    assert rows[0]["key"] == request_key(BASE, rows[0]["client"])


def test_broken_characters_are_kept_and_exported(store: AnswerStore, tmp_path: Path) -> None:
    request, answer = Request("half \ud83d"), Answer("answered", text="病", value={"a": "\udc00"})
    assert store.put(request, answer, Scripted()) == answer
    store.export(tmp_path / "out.jsonl")
    (line,) = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert "病" in line
    assert json.loads(line)["answer"]["value"] == {"a": "\udc00"}
    assert json.loads(line)["request"]["prompt"] == "half \ud83d"


def test_a_damaged_store_is_set_aside_and_most_of_it_is_taken_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, requests = tmp_path / "answers.sqlite", [Request(f"answered {n}") for n in range(300)]
    with AnswerStore(path) as store:
        before = store.get_or_ask(Scripted(), requests)
    content = bytearray(path.read_bytes())
    # Where the first row stands: from the other end, all others can still be read.
    page = content.index(min(request_key(request, Scripted().identity) for request in requests).encode()) // 4096 * 4096
    content[page : page + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING), AnswerStore(path) as store:
        kept = store.counts()["answered"]
        client = Scripted()
        after = store.get_or_ask(client, requests)
    assert 250 < kept < 300
    assert len(client.asked) == 300 - kept
    assert sum(one == two for one, two in zip(before, after, strict=True)) == kept
    (line,) = caplog.messages
    (aside,) = tmp_path.glob("answers.sqlite.damaged-*")
    assert "\n" not in line
    assert aside.name in line
    assert aside.read_bytes() == content
    with AnswerStore(path) as again:
        assert again.counts() == {"answered": 300}


@pytest.mark.parametrize("content", [b"index,reply\n1,2\n", b"SQLite format 3\0" + b"\0" * 200])
def test_a_file_that_is_no_store_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "results.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is no store of answers"):
        AnswerStore(path)
    assert path.read_bytes() == content


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Is a directory; expected a file that can be written"):
        AnswerStore(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot open"):
        AnswerStore(tmp_path / "file" / "answers.sqlite")


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "theirs.db") as connection:
        connection.execute("CREATE TABLE patients (id)")
    with pytest.raises(InputError, match="is no store of answers"):
        AnswerStore(tmp_path / "theirs.db")


def test_a_full_disk_is_one_line_and_what_was_kept_stays(store: AnswerStore) -> None:
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count = {pages + 3}")
    with pytest.raises(MedsuiteError, match=r"cannot write .*full; make room and run again"):
        store.get_or_ask(Scripted(), [Request(f"answered {n}" * 30) for n in range(200)])
    kept = store.counts()["answered"]
    with AnswerStore(store.path) as again:
        assert again.counts() == {"answered": kept}
        client = Scripted()
        again.get_or_ask(client, [Request(f"answered {n}" * 30) for n in range(200)])
    assert len(client.asked) == 200 - kept < 200


@pytest.fixture
def counting_server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    log = tmp_path / "server.log"
    process = subprocess.Popen(
        [sys.executable, str(HERE / "counting_server.py"), str(log)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip(), log
    process.kill()
    process.communicate()


def times(path: Path) -> list[tuple[str, float]]:
    lines = path.read_text().splitlines() if path.exists() else []
    return [(name, float(at)) for name, at in map(str.split, lines)]


def start(url: str, tmp_path: Path, count: int) -> subprocess.Popen[bytes]:
    names = [url, str(tmp_path / "answers.sqlite"), str(tmp_path / "notes.txt"), str(count)]
    return subprocess.Popen([sys.executable, str(HERE / "asking_run.py"), *names])


def test_a_run_killed_at_random_moments_never_asks_again_what_it_has_returned(
    counting_server: tuple[str, Path], tmp_path: Path
) -> None:
    url, log = counting_server
    rng, kills, count = random.Random(0), 5, 1200
    for kill in range(kills):
        process = start(url, tmp_path, count)
        asked = len(times(log))
        while len(times(log)) < asked + rng.randint(20, 100) and process.poll() is None:
            time.sleep(0.002)
        assert process.poll() is None, f"the run ended before kill {kill}"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert start(url, tmp_path, count).wait() == 0
    returned: dict[str, float] = {}
    for name, at in times(tmp_path / "notes.txt"):
        returned.setdefault(name, at)
    asked_again = [name for name, at in times(log) if name in returned and at > returned[name]]
    assert len(returned) == count
    assert asked_again == []
    assert len(times(log)) <= count + kills * 6, "more than what was under way was asked twice"
    with AnswerStore(tmp_path / "answers.sqlite") as store:
        assert store.counts() == {"answered": count}
        assert {row["answer"]["text"] for row in store.rows()} == {f"re: q{n}" for n in range(count)}


def test_an_interrupt_ends_a_run_at_once_and_keeps_its_answers(
    counting_server: tuple[str, Path], tmp_path: Path
) -> None:
    url, log = counting_server
    process = start(url, tmp_path, 5000)
    while len(times(log)) < 50:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=10)
    assert process.returncode != 0
    with AnswerStore(tmp_path / "answers.sqlite") as store:
        assert 30 < store.counts()["answered"] < 4000


def test_two_processes_share_a_store(counting_server: tuple[str, Path], tmp_path: Path) -> None:
    url, _ = counting_server
    processes = [start(url, tmp_path, 120) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    with AnswerStore(tmp_path / "answers.sqlite") as store:
        assert store.counts() == {"answered": 120}
