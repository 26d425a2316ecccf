"""A store of answered requests in SQLite: what was answered once is not asked again, whatever killed the run."""

import json
import logging
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any

from medsuite.core.errors import InputError
from medsuite.core.llm.canonical import describe_request, dump_answer, load_answer, request_key
from medsuite.core.llm.model import Answer, Client, Keep, Request, forget
from medsuite.core.llm.states import ASKED_AGAIN

logger = logging.getLogger(__name__)
_APPLICATION = 0x4D45_4453
"""Marks the file as one of ours in SQLite's header."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, state TEXT NOT NULL, client TEXT NOT NULL, request TEXT NOT NULL, answer TEXT NOT NULL,
    at TEXT NOT NULL
) WITHOUT ROWID
"""
# A final answer stays: a second process that asked the same at the same time changes nothing.
_PUT = f"""
INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE
SET state = excluded.state, answer = excluded.answer, at = excluded.at
WHERE answers.state IN ({", ".join(f"'{state}'" for state in sorted(ASKED_AGAIN))})
"""  # noqa: S608  (constants of this package)


class AnswerStore:
    """Answers on disk, found by everything they depend on.

    An answer is on disk when `put` has returned: a killed process loses none of them. A power cut may lose the last
    few, since the write-ahead log is synced at checkpoints only (at the latest when `get_or_ask` returns). Several
    processes and threads may use one store.

    Args:
        path: The file; created with its folder if it is not there. A damaged store is set aside under another name and
            what is readable is taken over.

    Raises:
        InputError: The file is something else than a store.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = Lock()
        self._connection = _open(path)

    def get(self, key: str) -> Answer | None:
        """Return the answer under a key, final or not; None if there is none."""
        with self._lock:
            row = self._connection.execute("SELECT answer FROM answers WHERE key = ?", (key,)).fetchone()
        return None if row is None else load_answer(row[0])

    def put(self, request: Request, answer: Answer, client: Client) -> None:
        """Keep an answer, unless the same request has a final one already."""
        identity = json.dumps(client.identity, sort_keys=True)
        described = json.dumps(describe_request(request), ensure_ascii=False, sort_keys=True)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        key = request_key(request, client.identity)
        with self._lock, self._connection:
            self._connection.execute(_PUT, (key, answer.state, identity, described, dump_answer(answer), now))

    def get_or_ask(self, client: Client, requests: Sequence[Request], keep: Keep = forget) -> list[Answer]:
        """Answer requests, asking only what has no final answer yet.

        Failures in which the model had no say (`rejected`, `transport`, `capped`) are asked again, once in each call.
        A request that occurs twice is asked once.

        Args:
            client: Who is asked.
            requests: What is asked.
            keep: Is called with position and answer for each request, in any order, after the answer is stored.

        Returns:
            One answer for each request, in their order.
        """
        places: dict[str, list[int]] = {}
        for index, request in enumerate(requests):
            places.setdefault(request_key(request, client.identity), []).append(index)
        answers: dict[str, Answer] = {}

        def settle(key: str, answer: Answer) -> None:
            answers[key] = answer
            for index in places[key]:
                keep(index, answer)

        for key in places:
            found = self.get(key)
            if found is not None and found.state not in ASKED_AGAIN:
                settle(key, found)
        open_keys = [key for key in places if key not in answers]

        def arrived(index: int, answer: Answer) -> None:
            key = open_keys[index]
            if answer.state != "capped":
                self.put(requests[places[key][0]], answer, client)
                answer = self.get(key) or answer
            settle(key, answer)

        client.ask([requests[places[key][0]] for key in open_keys], arrived)
        self.flush()
        found_by_place = {index: answers[key] for key, indices in places.items() for index in indices}
        return [found_by_place[index] for index in range(len(requests))]

    def flush(self) -> None:
        """Bring everything from the write-ahead log into the file and wait for the disk."""
        with self._lock:
            self._connection.execute("PRAGMA wal_checkpoint(FULL)")

    def rows(self) -> Iterator[dict[str, Any]]:
        """Iterate over everything in the store: key, client, request, answer and time, as JSON values."""
        with closing(sqlite3.connect(self.path, timeout=30)) as connection:
            query = "SELECT key, client, request, answer, at FROM answers ORDER BY at, key"
            for key, client, request, answer, at in connection.execute(query):
                parts = {"client": json.loads(client), "request": json.loads(request), "answer": json.loads(answer)}
                yield {"key": key, **parts, "at": at}

    def counts(self) -> dict[str, int]:
        """Count the answers by state."""
        with self._lock:
            return Counter(dict(self._connection.execute("SELECT state, count(*) FROM answers GROUP BY state")))

    def export(self, path: Path) -> int:
        """Write everything as JSON lines and return their number."""
        with path.open("w", encoding="utf-8") as file:
            return sum(1 for row in self.rows() if file.write(json.dumps(row, ensure_ascii=False) + "\n"))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> "AnswerStore":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _open(path: Path) -> sqlite3.Connection:
    if not path.exists() or path.stat().st_size == 0:
        return _connect(path)
    try:
        connection = _connect(path)
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        verdict = str(error)
    if verdict == "ok":
        return connection
    raise InputError(f"{path} is damaged: {verdict}")


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    with connection:
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(_SCHEMA)
    return connection
