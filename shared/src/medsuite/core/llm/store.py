"""A store of answered requests in SQLite: what was answered once is not asked again, whatever killed the run."""

import json
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any

from filelock import FileLock

from medsuite.core.errors import InputError, MedsuiteError
from medsuite.core.llm.canonical import describe_request, dump_answer, load_answer, request_key
from medsuite.core.llm.model import Answer, Client, Keep, Request, forget
from medsuite.core.llm.states import ASKED_AGAIN

logger = logging.getLogger(__name__)
_APPLICATION = 0x4D45_4453
"""Marks a file as one of ours in SQLite's header."""
_TABLE = """
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
    few, since the write-ahead log is synced at checkpoints only, the last one before `get_or_ask` returns. Several
    threads and processes of one machine may use one store; a network file system is no place for it.

    Args:
        path: The file; created with its folder if it is not there. A damaged store is set aside under another name,
            what can be read of it is taken over, and one line is logged as a warning.

    Raises:
        InputError: The file is something else than a store.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_name(f".{path.name}.lock")):
                self._connection = _open(path)
        except OSError as error:
            raise InputError(f"cannot open {path}: {error.strerror}", expected="a file that can be written") from error

    def get(self, key: str) -> Answer | None:
        """Return the answer under a key (see `request_key`), final or not; None if there is none."""
        with self._lock:
            row = self._connection.execute("SELECT answer FROM answers WHERE key = ?", (key,)).fetchone()
        return None if row is None else load_answer(row[0])

    def put(self, request: Request, answer: Answer, client: Client) -> Answer:
        """Keep an answer unless the request has a final one, and return the one that stands.

        Raises:
            MedsuiteError: The disk is full or the store cannot be written; what was kept before is not harmed.
        """
        key = request_key(request, client.identity)
        who = json.dumps(client.identity, sort_keys=True)
        what = json.dumps(describe_request(request), sort_keys=True)
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        try:
            with self._lock, self._connection:
                self._connection.execute(_PUT, (key, answer.state, who, what, dump_answer(answer), now))
        except sqlite3.OperationalError as error:
            fix = "make room and run again: the answers so far are kept"
            raise MedsuiteError(f"cannot write {self.path}: {error}", fix=fix) from error
        return self.get(key) or answer

    def get_or_ask(self, client: Client, requests: Sequence[Request], keep: Keep = forget) -> list[Answer]:
        """Answer requests, asking only what has no final answer yet.

        Requests of which the model has not had its say (`rejected`, `transport`, `capped`) are asked again. A request
        that occurs twice is asked once. Two processes that ask the same at the same moment both ask, and both return
        the answer that came first.

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
        answers: dict[int, Answer] = {}

        def settle(key: str, answer: Answer) -> None:
            for index in places[key]:
                answers[index] = answer
                keep(index, answer)

        asked: list[str] = []
        for key in places:
            found = self.get(key)
            if found is None or found.state in ASKED_AGAIN:
                asked.append(key)
            else:
                settle(key, found)
        first = [requests[places[key][0]] for key in asked]
        client.ask(first, lambda index, answer: settle(asked[index], self.put(first[index], answer, client)))
        self.flush()
        return [answers[index] for index in range(len(requests))]

    def flush(self) -> None:
        """Bring everything from the write-ahead log into the file and wait for the disk."""
        with self._lock:
            self._connection.execute("PRAGMA wal_checkpoint(FULL)")

    def counts(self) -> dict[str, int]:
        """Count the answers by state."""
        with self._lock:
            return dict(self._connection.execute("SELECT state, count(*) FROM answers GROUP BY state ORDER BY state"))

    def rows(self) -> Iterator[dict[str, Any]]:
        """Iterate over everything by its time: key, client, request, answer and time, as JSON values."""
        with closing(sqlite3.connect(self.path, timeout=30)) as connection:
            query = "SELECT key, client, request, answer, at FROM answers ORDER BY at, key"
            for key, client, request, answer, at in connection.execute(query):
                parts = {"client": json.loads(client), "request": json.loads(request), "answer": json.loads(answer)}
                yield {"key": key, **parts, "at": at}

    def export(self, path: Path) -> int:
        """Write everything as JSON lines and return their number."""
        with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
            return sum(1 for row in self.rows() if file.write(json.dumps(row, ensure_ascii=False) + "\n"))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> "AnswerStore":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _open(path: Path) -> sqlite3.Connection:
    if path.exists() and path.stat().st_size and not _is_store(path):
        raise InputError(f"{path} is no store of answers", expected="one, or the name of a new file")
    connection = None
    try:
        connection = _connect(path)
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CORRUPT:
            raise InputError(f"cannot open {path}: {error}") from error
        verdict = str(error)
    if connection is not None and verdict == "ok":
        return connection
    if connection is not None:
        connection.close()
    return _recover(path, verdict)


def _is_store(path: Path) -> bool:
    """Look at SQLite's header: its magic, and the application's number at byte 68."""
    with path.open("rb") as file:
        header = file.read(72)
    return header.startswith(b"SQLite format 3\0") and header[68:] == _APPLICATION.to_bytes(4, "big")


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30, check_same_thread=False)
    # Before the log is switched on, so that the number stands in the file itself and not in the log alone.
    if connection.execute("PRAGMA application_id").fetchone() != (_APPLICATION,):
        with connection:
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    with connection:
        connection.execute(_TABLE)
    return connection


def _recover(path: Path, verdict: str) -> sqlite3.Connection:
    """Set a damaged store aside and take over what can be read from either end of it."""
    aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    for ending in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + ending).rename(aside.with_name(aside.name + ending))
    connection = _connect(path)
    with closing(sqlite3.connect(aside)) as damaged, connection:
        for order in ("ASC", "DESC"):
            with suppress(sqlite3.DatabaseError):
                rows = damaged.execute(f"SELECT * FROM answers ORDER BY key {order}")  # noqa: S608
                connection.executemany(_PUT, rows)
    (count,) = connection.execute("SELECT count(*) FROM answers").fetchone()
    reason = " ".join(verdict.split())
    logger.warning("%s was damaged (%s): it is kept as %s; %d answers were taken over", path, reason, aside.name, count)
    return connection
