"""A real server on the loopback address that answers completions with a probability it is told for each prompt."""

import json
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def serving(probability: Callable[[str], float]) -> Iterator[tuple[str, list[str]]]:
    """Serve `/v1/completions` with echoed log-probabilities; yield the address and the prompts that arrived."""
    arrived: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            choices = []
            for index, text in enumerate(body["prompt"]):
                prompt, option = text[:-2], text[-1]
                arrived.append(prompt)
                yes = probability(prompt)
                score = math.log(yes if option == "1" else 1 - yes)
                tokens = [prompt, f" {option}", "."]
                scored = {
                    "tokens": tokens,
                    "text_offset": [0, len(prompt), len(text)],
                    "token_logprobs": [None, score, -1.0],
                }
                choices.append({"index": index, "text": text + ".", "logprobs": scored, "finish_reason": "length"})
            content = json.dumps({"model": body["model"], "choices": choices}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", arrived
    finally:
        server.shutdown()
        server.server_close()
