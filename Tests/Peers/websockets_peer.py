"""Python `websockets`, and what has its interface, for the tests of raw WebSockets."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Optional

import picows.websockets
from echo_peer import Data, EchoConnection, EchoPeer, echo


class WebsocketsConnection(EchoConnection):
    """A connection of `websockets`."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self.deflates = "permessage-deflate" in socket.response.headers.get("Sec-WebSocket-Extensions", "")

    async def send(self, data: Data) -> None:
        await self._socket.send(data)

    async def send_parts(self, parts: list[str]) -> None:
        await self._socket.send(parts)

    async def messages(self) -> AsyncIterator[Data]:
        async for data in self._socket:
            yield data

    async def ping(self, payload: bytes) -> None:
        await (await self._socket.ping(payload))

    async def close(self, code: int, reason: str) -> None:
        await self._socket.close(code, reason)

    async def closed(self) -> tuple[Optional[int], str]:
        await self._socket.wait_closed()
        return self._socket.close_code, self._socket.close_reason


class WebsocketsPeer(EchoPeer):
    """`websockets` or another library with its interface."""

    def __init__(self, library: Any) -> None:
        self._library = library

    async def connect(self, url: str, tls: Optional[ssl.SSLContext], deflate: bool) -> EchoConnection:
        socket = await self._library.connect(url, ssl=tls, **_options(deflate))
        return WebsocketsConnection(socket)

    @asynccontextmanager
    async def serve(self, tls: Optional[ssl.SSLContext], deflate: bool) -> AsyncIterator[int]:
        async def handle(socket: Any) -> None:
            await echo(WebsocketsConnection(socket))

        async with self._library.serve(handle, "127.0.0.1", 0, ssl=tls, **_options(deflate)) as server:
            yield server.sockets[0].getsockname()[1]


def _options(deflate: bool) -> dict[str, Any]:
    return {"compression": "deflate" if deflate else None, "max_size": None, "ping_interval": None}


class PicowsPeer(WebsocketsPeer):
    """`picows`, which has that interface too."""

    # It stops reading within a burst of messages over TLS, whoever sends them.
    leave_out_with_tls = ("--no-burst",)

    def __init__(self) -> None:
        super().__init__(picows.websockets)
