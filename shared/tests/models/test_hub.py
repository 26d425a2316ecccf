"""The hub: from the local cache, from a hub that answers, and from one that does not."""

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

COMMIT = "a" * 40
FILES = {
    "config.json": b"{}",
    "model.safetensors": b"weights",
    "pytorch_model.bin": b"pickle",
    "modeling.py": b"code",
    "onnx/model.safetensors": b"copy",
    "1_Pooling/config.json": b"{}",
}
SCRIPT = """
import sys
from medsuite.core import models
from medsuite.core.models.hub import fetch
try:
    if sys.argv[2] == "fetch":
        folder = fetch(sys.argv[1])
        print(sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()), folder.name)
    else:
        models.load(sys.argv[1], "causal-lm")
except Exception as error:
    print(type(error).__name__, error)
"""


def ask(name: str, home: Path, action: str = "load", **environment: str) -> str:
    """What a fresh process prints; the limit catches a wait that would never end."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "TRANSFORMERS_"))}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, name, action],
        env=clean | {"HF_HOME": str(home), "HF_HUB_DISABLE_PROGRESS_BARS": "1"} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.strip()


class Hub(BaseHTTPRequestHandler):
    """The three requests of a download: the commit, the list of files, a file."""

    def do_GET(self) -> None:
        route = self.path.partition("?")[0]
        if route.startswith("/api/models/owner/model/tree/"):
            self.reply(json.dumps([self.entry(name) for name in FILES]).encode())
        elif route.startswith("/api/models/owner/model"):
            self.reply(json.dumps({"id": "owner/model", "sha": COMMIT, "siblings": []}).encode())
        elif route.startswith("/api/models/"):
            self.reply(b"{}", 404, {"X-Error-Code": "RepoNotFound"})
        else:
            content = FILES[route.partition(f"/resolve/{COMMIT}/")[2]]
            self.reply(content, headers={"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": COMMIT})

    do_HEAD = do_GET  # noqa: N815, the name that the base class looks for

    @staticmethod
    def entry(name: str) -> dict[str, object]:
        oid = hashlib.sha1(FILES[name]).hexdigest()
        return {"type": "file", "path": name, "size": len(FILES[name]), "oid": oid}

    def reply(self, content: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def hub() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_download_brings_data_alone_and_is_found_offline_afterwards(hub: str, tmp_path: Path) -> None:
    expected = f"['1_Pooling/config.json', 'config.json', 'model.safetensors'] {COMMIT}"
    assert ask("owner/model", tmp_path, "fetch", HF_ENDPOINT=hub) == expected
    assert ask("owner/model", tmp_path, "fetch", HF_HUB_OFFLINE="1") == expected
    assert ask(f"owner/model@{COMMIT}", tmp_path, "fetch", HF_HUB_OFFLINE="1") == expected


def test_a_model_that_the_hub_does_not_have_is_named(hub: str, tmp_path: Path) -> None:
    answer = ask("owner/other", tmp_path, HF_ENDPOINT=hub)
    assert answer.startswith("InputError the hub shows no model 'owner/other'; check the spelling")


@pytest.mark.parametrize("environment", [{"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"}])
def test_without_a_network_the_error_says_what_to_do(tmp_path: Path, environment: dict[str, str]) -> None:
    answer = ask("owner/model", tmp_path, **environment)
    assert answer.startswith("OfflineError 'owner/model' is not in the local cache and the hub does not give it")
    assert "give the folder, or point HF_HOME at a cache that has it" in answer


def test_a_hub_that_takes_the_connection_and_says_nothing_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        answer = ask("owner/model", tmp_path, HF_ENDPOINT=endpoint, HF_HUB_ETAG_TIMEOUT="1")
    assert answer.startswith("OfflineError 'owner/model' is not in the local cache")


def test_a_name_that_the_hub_cannot_have_is_refused(tmp_path: Path) -> None:
    assert ask("a--b/c..d", tmp_path).startswith("InputError 'a--b/c..d' is no model id; expected owner/model")
