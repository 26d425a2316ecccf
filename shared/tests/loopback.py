"""A real model server on loopback that answers, and misbehaves, by a script."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from medsuite.core.llm import Limits, Message, Request, ServerClient

Behaviour = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]
QUICK = Limits(concurrency=4, attempts=3, first_pause=0.0)


def reply(text: str | None = "hello", model: str = "m", finish: str = "stop", **choice: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text} | choice.pop("message", {})
    return {
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish, **choice}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 2},
    }


def answering(content: Any, status: int = 200, headers: dict[str, str] | None = None, kind: str = "") -> Behaviour:
    """Answer with a text or with JSON."""

    async def answer(request: web.Request, body: dict[str, Any]) -> web.Response:
        text = content if isinstance(content, str) else json.dumps(content)
        mime = kind or ("text/html" if text.startswith("<") else "application/json")
        return web.Response(text=text, status=status, headers=headers, content_type=mime)

    return answer


async def echoing(request: web.Request, body: dict[str, Any]) -> web.Response:
    """Answer a chat with its own last text."""
    return web.json_response(reply(body["messages"][-1]["content"]))


async def resetting(request: web.Request, body: dict[str, Any]) -> web.Response:
    request.transport.abort()
    return web.Response()


async def breaking_off(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    content = json.dumps(reply()).encode()
    response = web.StreamResponse(headers={"Content-Length": str(len(content)), "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(content[: len(content) // 2])
    request.transport.close()
    return response


async def dripping(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for byte in json.dumps(reply()).encode():
        await response.write(bytes([byte]))
        await asyncio.sleep(0.05)
    return response


async def silent(request: web.Request, body: dict[str, Any]) -> web.Response:
    await asyncio.sleep(2)
    return web.json_response(reply())


class Server:
    """Plays a script of behaviours, one a request, and goes on with `otherwise`."""

    def __init__(self) -> None:
        self.script: list[Behaviour] = []
        self.otherwise: Behaviour = echoing
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.under_way = self.most_under_way = 0
        self.url = ""
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        self._started.wait()

    async def _serve(self) -> None:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/v1/{tail:.*}", self._handle)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        self._started.set()
        await self._end.wait()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            body = await request.json()
            self.bodies.append(body | {"path": request.path})
            self.headers.append(dict(request.headers))
            behaviour = self.script.pop(0) if self.script else self.otherwise
            return await behaviour(request, body)
        finally:
            self.under_way -= 1

    def client(self, **settings: Any) -> ServerClient:
        return ServerClient(self.url, "m", **({"limits": QUICK} | settings))

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()


def question(text: str, **fields: Any) -> Request:
    return Request((Message("user", text),), **fields)
