"""A server of python-socketio, for clients of ours.  As a program it prints its port, which
may be given, and runs until its input ends.

A namespace is joined with the auth that it is given, unless that has ``"refuse"``, or ``/chat`` is given none.  Events:

``echo``      acknowledged with its arguments
``binary``    acknowledged with two attachments, and sent back with one
``ask``       the server asks back with ``question`` and the same arguments, and sends ``answered`` with what it is told
``kick``      the server disconnects the namespace
``who``       acknowledged with the auth object
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import socketio
from aiohttp import web

QUESTION_TIMEOUT = 10


def make_server(**options: Any) -> socketio.AsyncServer:
    """The server, without a way to it."""
    sio = socketio.AsyncServer(async_mode="aiohttp", **options)
    for namespace in ("/", "/chat"):
        register(sio, namespace)
    return sio


def register(sio: socketio.AsyncServer, namespace: str) -> None:
    """The handlers of a namespace."""
    auths: dict[str, Any] = {}

    @sio.on("connect", namespace=namespace)
    async def connect(sid: str, environ: Any, auth: Any = None) -> None:
        if namespace == "/chat" and not auth:
            raise socketio.exceptions.ConnectionRefusedError("who are you?")
        if auth and "refuse" in auth:
            raise socketio.exceptions.ConnectionRefusedError("not authorized", {"code": 401})
        auths[sid] = auth
        await sio.emit("welcome", namespace, to=sid, namespace=namespace)

    @sio.on("echo", namespace=namespace)
    async def echo(sid: str, *arguments: Any) -> Any:
        return arguments

    @sio.on("binary", namespace=namespace)
    async def binary(sid: str) -> Any:
        sio.start_background_task(sio.emit, "binary", [b"1"], to=sid, namespace=namespace)
        return b"\0\xff", {"empty": b""}

    @sio.on("who", namespace=namespace)
    async def who(sid: str) -> Any:
        return auths[sid]

    @sio.on("ask", namespace=namespace)
    async def ask(sid: str, *arguments: Any) -> None:
        async def ask_back() -> None:
            answer = await sio.call("question", arguments, to=sid, namespace=namespace, timeout=QUESTION_TIMEOUT)
            await sio.emit("answered", answer, to=sid, namespace=namespace)

        sio.start_background_task(ask_back)

    @sio.on("kick", namespace=namespace)
    async def kick(sid: str) -> None:
        await sio.disconnect(sid, namespace=namespace)


@asynccontextmanager
async def serving(port: int = 0, **options: Any) -> AsyncIterator[str]:
    """The URL of a server that runs for as long as the block."""
    app = web.Application()
    sio = make_server(**options)
    sio.attach(app)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await sio.shutdown()
        await runner.cleanup()


async def main() -> None:
    async with serving(int(sys.argv[1]) if len(sys.argv) > 1 else 0) as url:
        print(url.rpartition(":")[2], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
