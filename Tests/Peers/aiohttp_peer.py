"""Python `aiohttp` for the tests of raw WebSockets."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Optional

from aiohttp import ClientSession, WSMsgType, web
from echo_peer import Data, EchoConnection, EchoPeer, echo


class AiohttpConnection(EchoConnection):
    """A connection of `aiohttp`, of a session of its own if it is a client's."""

    def __init__(self, socket: Any, session: Optional[ClientSession] = None) -> None:
        self._socket = socket
        self._session = session
        self._end: tuple[Optional[int], str] = (None, "")
        self.deflates = bool(socket.compress)

    async def send(self, data: Data) -> None:
        await (self._socket.send_str(data) if isinstance(data, str) else self._socket.send_bytes(data))

    async def send_parts(self, parts: list[str]) -> None:
        await self.send("".join(parts))  # it has no way to send fragments

    async def messages(self) -> AsyncIterator[Data]:
        while (message := await self._next()).type in (WSMsgType.TEXT, WSMsgType.BINARY):
            yield message.data

    async def _next(self) -> Any:
        """The next message that is no ping; pings are answered."""
        while (message := await self._socket.receive()).type is WSMsgType.PING:
            await self._socket.pong(message.data)
        if message.type is WSMsgType.CLOSE:
            self._end = (message.data, message.extra)
        return message

    async def ping(self, payload: bytes) -> None:
        await self._socket.ping(payload)
        answer = await self._next()
        assert (answer.type, bytes(answer.data)) == (WSMsgType.PONG, payload)

    async def close(self, code: int, reason: str) -> None:
        await self._socket.close(code=code, message=reason.encode())
        self._end = (self._socket.close_code, "")
        await self._end_session()

    async def closed(self) -> tuple[Optional[int], str]:
        async for _ in self.messages():
            pass
        await self._end_session()
        return self._end

    async def _end_session(self) -> None:
        if self._session is not None:
            await self._session.close()


class AiohttpPeer(EchoPeer):
    """`aiohttp`."""

    # A ping makes it forget that the message around it is compressed.
    leave_out_with_deflate = ("--no-ping-between",)

    async def connect(self, url: str, tls: Optional[ssl.SSLContext], deflate: bool) -> EchoConnection:
        session = ClientSession()
        options = {"compress": 15 if deflate else 0, "max_msg_size": 0, "autoping": False}
        socket = await session.ws_connect(url, ssl=tls if tls is not None else True, **options)
        return AiohttpConnection(socket, session)

    @asynccontextmanager
    async def serve(self, tls: Optional[ssl.SSLContext], deflate: bool) -> AsyncIterator[int]:
        async def handle(request: web.Request) -> web.WebSocketResponse:
            socket = web.WebSocketResponse(compress=deflate, max_msg_size=0, autoping=False)
            await socket.prepare(request)
            await echo(AiohttpConnection(socket))
            return socket

        application = web.Application()
        application.router.add_get("/", handle)
        runner = web.AppRunner(application, shutdown_timeout=1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
            await site.start()
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()
