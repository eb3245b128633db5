"""Python `websockets` as the other side of raw WebSockets."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Optional

from certificates import Certificate
from gateway_caller import pinned_context
from helpers import SOON
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as foreign_connect
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as foreign_serve

from gatewire import websocket

Handler = Callable[[ServerConnection], Awaitable[None]]


async def foreign_echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def echo(ws: websocket.WebSocket) -> None:
    async for message in ws:
        await ws.send(message)


@asynccontextmanager
async def foreign_server(
    handler: Handler = foreign_echo, certificate: Optional[Certificate] = None, **options: Any
) -> AsyncIterator[str]:
    """The URL of a server that runs for as long as the block."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate.files)
    async with foreign_serve(handler, "127.0.0.1", 0, ssl=context, **options) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"{'wss' if context else 'ws'}://127.0.0.1:{port}"


def foreign_client(server: websocket.Server, path: str = "/", **options: Any) -> Awaitable[ClientConnection]:
    context = pinned_context(server.certificate) if server.certificate else None
    return foreign_connect(server.url + path, ssl=context, **options)


class ThreadedForeignServer:
    """That server on an event loop of its own thread, for blocking clients."""

    def __init__(self, handler: Handler = foreign_echo, **options: Any) -> None:
        self._handler = handler
        self._options = options
        self._ready = threading.Event()
        self._stop: Optional[asyncio.Event] = None
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self.url = ""

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        try:
            async with foreign_server(self._handler, **self._options) as self.url:
                self._ready.set()
                await self._stop.wait()
        finally:
            self._ready.set()

    def __enter__(self) -> ThreadedForeignServer:
        self._thread.start()
        assert self._ready.wait(SOON)
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(SOON)
        assert not self._thread.is_alive()
