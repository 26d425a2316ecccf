"""Requests and answers as JSON, and the key under which an answer is found again."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from medsuite.core.llm.model import Answer, OptionScores, Request


def describe_request(request: Request) -> dict[str, Any]:
    """Describe a request by JSON values; a picture by the SHA-256 of its bytes."""
    description = asdict(request)
    if request.messages:
        description["prompt"] = [
            {"role": message.role, "text": message.text, "images": [_digest(image) for image in message.images]}
            for message in request.messages
        ]
    return description


def request_key(request: Request, identity: Mapping[str, Any]) -> str:
    """Hash everything that an answer depends on: SHA-256 of canonical JSON (sorted keys, no spaces, ASCII).

    Args:
        request: What is asked, with its sampling and its repetition.
        identity: Who is asked; see `Client.identity`.
    """
    content = {"request": describe_request(request), "client": identity}
    return _digest(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())


def dump_answer(answer: Answer) -> str:
    """Write an answer as JSON."""
    return json.dumps(asdict(answer), separators=(",", ":"))


def load_answer(text: str) -> Answer:
    """Read an answer from JSON."""
    fields = json.loads(text)
    if (options := fields["options"]) is not None:
        fields["options"] = OptionScores(
            tuple(options["options"]), tuple(options["log_likelihoods"]), tuple(options["tokens"]), options["route"]
        )
    return Answer(**fields)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
