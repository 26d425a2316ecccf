"""A run in a process of its own: asks a server through a store, and notes when each answer was returned."""

import sys
import time
from pathlib import Path

from medsuite.core.llm import Answer, AnswerStore, Limits, Message, Request, ServerClient


def main(url: str, store: str, notes: str, count: int) -> None:
    requests = [Request((Message("user", f"q{number}"),)) for number in range(count)]
    client = ServerClient(url, "m", limits=Limits(concurrency=6))
    with Path(notes).open("a", buffering=1) as file, AnswerStore(Path(store)) as answers:

        def keep(index: int, answer: Answer) -> None:
            file.write(f"q{index} {time.time()}\n")

        answers.get_or_ask(client, requests, keep)


main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
