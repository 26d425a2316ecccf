"""A server in a process of its own: prints its address, then logs each request with the time of its arrival."""

import asyncio
import sys
import time
from pathlib import Path

from aiohttp import web


async def main(log: Path) -> None:
    async def chat(request: web.Request) -> web.Response:
        body = await request.json()
        text = body["messages"][0]["content"]
        with log.open("a") as file:
            file.write(f"{text} {time.time()}\n")
        await asyncio.sleep(0.004)
        choice = {"message": {"content": f"re: {text}"}, "finish_reason": "stop"}
        return web.json_response({"model": "m", "choices": [choice]})

    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", flush=True)
    await asyncio.Event().wait()


asyncio.run(main(Path(sys.argv[1])))
