"""What asking a server costs this side: `uv run --with openai --with httpx python shared/benchmarks/llm.py`.

CPU time of the client's process for each request at concurrency 64, against openai's client, httpx and bare aiohttp
(those that are installed), all against one server in a process of its own that answers at once; then what the store
adds, and what sharing the beginnings of prompts saves a local model.
"""

import asyncio
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles

from medsuite.core.llm import Answer, AnswerStore, Limits, Message, Request, ServerClient

REQUESTS, CONCURRENCY, ROUNDS = 2000, 64, 3
PROMPT = "Patient information: " + "sepsis, heart failure, " * 65
SERVER = """
import asyncio
from aiohttp import web

REPLY = web.json_response
async def chat(request):
    await request.read()
    message = {"role": "assistant", "content": "1"}
    return REPLY({"id": "1", "object": "chat.completion", "created": 1, "model": "m",
                  "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                  "usage": {"prompt_tokens": 500, "completion_tokens": 1, "total_tokens": 501}})

async def main():
    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def texts() -> list[str]:
    return [f"{PROMPT}{number}" for number in range(REQUESTS)]


def body(text: str) -> dict[str, object]:
    return {"model": "m", "messages": [{"role": "user", "content": text}], "max_tokens": 1, "temperature": 0}


async def at_once(ask: Callable[[str], object]) -> None:
    """Run one coroutine a text, as many at a time as the others do."""
    gate = asyncio.Semaphore(CONCURRENCY)

    async def one(text: str) -> None:
        async with gate:
            await ask(text)

    await asyncio.gather(*(one(text) for text in texts()))


def with_medsuite(url: str) -> list[Answer]:
    requests = [Request((Message("user", text),)) for text in texts()]
    return ServerClient(url, "m", limits=Limits(concurrency=CONCURRENCY)).ask(requests)


def with_medsuite_and_store(url: str) -> list[Answer]:
    requests = [Request((Message("user", text),)) for text in texts()]
    client = ServerClient(url, "m", limits=Limits(concurrency=CONCURRENCY))
    with tempfile.TemporaryDirectory() as folder, AnswerStore(Path(folder) / "answers.sqlite") as store:
        return store.get_or_ask(client, requests)


def with_openai(url: str) -> None:
    import openai

    async def run() -> None:
        async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
            await at_once(lambda text: client.chat.completions.create(**body(text)))

    asyncio.run(run())


def with_httpx(url: str) -> None:
    import httpx

    async def run() -> None:
        async with httpx.AsyncClient(limits=httpx.Limits(max_connections=CONCURRENCY), timeout=60) as client:
            await at_once(lambda text: client.post(f"{url}/chat/completions", json=body(text)))

    asyncio.run(run())


def with_aiohttp(url: str) -> None:
    import aiohttp

    async def run() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONCURRENCY)) as session:

            async def ask(text: str) -> object:
                async with session.post(f"{url}/chat/completions", json=body(text)) as response:
                    return await response.json()

            await at_once(ask)

    asyncio.run(run())


CLIENTS: dict[str, tuple[str, Callable[[str], object]]] = {
    "ServerClient": ("aiohttp", with_medsuite),
    "ServerClient and store": ("aiohttp", with_medsuite_and_store),
    "aiohttp": ("aiohttp", with_aiohttp),
    "httpx": ("httpx", with_httpx),
    "openai": ("openai", with_openai),
}


def cpu_milliseconds(client: Callable[[str], object], url: str) -> float:
    """CPU time of this process for one request, the best of several rounds."""
    spent = []
    for _ in range(ROUNDS):
        start = time.process_time()
        client(url)
        spent.append(1000 * (time.process_time() - start) / REQUESTS)
    return min(spent)


def milliseconds_of_put() -> float:
    """CPU time of one committed answer, without any server."""
    client, answer = ServerClient("http://localhost/v1", "m"), Answer("answered", text="1" * 300)
    with tempfile.TemporaryDirectory() as folder, AnswerStore(Path(folder) / "answers.sqlite") as store:
        start = time.process_time()
        for text in texts():
            store.put(Request((Message("user", text),)), answer, client)
        return 1000 * (time.process_time() - start) / REQUESTS


def seconds_of_options() -> dict[str, float]:
    """Wall time of scoring two answers to three questions about each of three profiles with SmolLM2-135M, in float32.

    The peer runs each prompt with each option through transformers and takes the log-probabilities from its logits.
    """
    import torch

    from medsuite.core.llm import LocalClient
    from medsuite.core.models import load

    loaded = load("smollm2-135m", "causal-lm", device="cpu", dtype="float32")
    asked = ("Will the patient die?", "Will the patient stay over a week?", "Will the patient come back?")
    prompts = [f"Age: {age}\n{PROMPT}\n{text}\nAnswer:" for age in (40, 60, 80) for text in asked]
    client = LocalClient(loaded)
    client.ask([Request("Answer:", options=(" 0", " 1"))])
    start = time.perf_counter()
    answers = client.ask([Request(prompt, options=(" 0", " 1")) for prompt in prompts])
    own = time.perf_counter() - start
    start = time.perf_counter()
    plain = []
    with torch.inference_mode():
        for text in (prompt + option for prompt in prompts for option in (" 0", " 1")):
            tokens = loaded.tokenizer(text, return_tensors="pt").input_ids
            table = loaded.model(tokens).logits[0].log_softmax(-1)
            plain.append(float(table[-3, tokens[0, -2]] + table[-2, tokens[0, -1]]))
    peer = time.perf_counter() - start
    found = [score for answer in answers if answer.options for score in answer.options.scores]
    worst = max(abs(one - other) for one, other in zip(found, plain, strict=True))
    return {"LocalClient": own, "each through transformers": peer, "largest difference in nats": worst}


def main(out: Path) -> None:
    """Print the table and write it as JSON."""
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
    try:
        with_aiohttp(url)
        here = {name: run for name, (module, run) in CLIENTS.items() if importlib.util.find_spec(module)}
        cost = {name: cpu_milliseconds(run, url) for name, run in here.items()}
        cuts = quantiles([1000 * answer.seconds for answer in with_medsuite(url)], n=100)
    finally:
        server.kill()
    own = cost["ServerClient"]
    print(f"{'client':<24}{'CPU ms a request':>18}{'x ServerClient':>16}")
    for name, value in cost.items():
        print(f"{name:<24}{value:>18.2f}{value / own:>16.1f}")
    put = milliseconds_of_put()
    print(f"{'one put into the store':<24}{put:>18.2f}{put / own:>16.1f}")
    print(f"time to an answer at concurrency {CONCURRENCY}: p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms (wall)")
    local = seconds_of_options()
    ratio = local["each through transformers"] / local["LocalClient"]
    print(
        f"two options of nine prompts, SmolLM2-135M on the CPU: {local['LocalClient']:.1f} s, {ratio:.1f} times as fast"
    )
    print(f"as each through transformers; largest difference {local['largest difference in nats']:.1e} nats")
    figures = {"cpu_ms": cost, "put_ms": put, "p50_ms": cuts[49], "p99_ms": cuts[98], "options": local}
    out.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "llm.json"))
