"""A WebSocket server in this process, for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from inspect import isawaitable
from types import TracebackType
from typing import Any, Optional

from .._listener import INTERNAL_ERROR, Listener
from .._loop import LoopContext, Opening, running_context
from .._request import Refuse, Request
from .._socket import SERVER
from .._socket_options import LISTENER_OPTIONS, ListenerSetup, listener_setup, takes_handler
from ..errors import GatewireError
from .connection import WebSocket

Handler = Callable[[WebSocket], Awaitable[Any]]


class Server(Listener[WebSocket]):
    __doc__ = Listener.__doc__

    def __init__(self, handler: Handler, setup: ListenerSetup) -> None:
        self._loop = asyncio.get_running_loop()
        self._handler = handler
        self._running: set[asyncio.Task[None]] = set()
        self._closed: asyncio.Future[Optional[GatewireError]] = self._loop.create_future()
        self._context: LoopContext = running_context(setup.takeover_ms)
        try:
            super().__init__(self._context, setup)
        except GatewireError:
            self._context.release(0)
            raise

    # --- the end ---

    @property
    def closed(self) -> bool:
        """Whether the server has ended."""
        return self._closed.done()

    async def close(self) -> None:
        """Stops listening, closes every connection with 1001, and returns when all handlers have; again is allowed."""
        self._stop()
        self._context.flush_soon()
        await self._end()

    async def wait_closed(self) -> None:
        """Waits until the server has ended, and its handlers with it."""
        error = await self._end()
        if error is not None:
            raise error

    async def _end(self) -> Optional[GatewireError]:
        error = await asyncio.shield(self._closed)
        handlers = self._running - {asyncio.current_task()}
        if handlers:
            await asyncio.wait(handlers)
        return error

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.close()

    def _finish(self, error: Optional[GatewireError]) -> None:
        if not self._closed.done():
            self._closed.set_result(error)
        self._drop()
        self._context.release(self._source)

    # --- connections ---

    def _new_socket(self) -> WebSocket:
        return WebSocket(SERVER, self._context)

    def _begin(self, socket: WebSocket) -> None:
        self._start(self._handle_connection(socket))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _handle_connection(self, socket: WebSocket) -> None:
        code = INTERNAL_ERROR
        try:
            await self._handler(socket)
            code = 1000
        except Exception as error:
            if not socket._is_end(error):  # a handler need not catch the end of its connection
                self._failed("connection handler", error)
        finally:
            socket._start_close(code, "")
            self._context.flush_soon()
        await socket.wait_closed()

    def _ask(self, connection: int, request: Request) -> None:
        """Decides at once if ``process_request`` is a plain function."""
        assert self._process_request is not None
        try:
            decision = self._process_request(request)
            if isawaitable(decision):
                self._start(self._ask_later(connection, request, decision))
                return
            self._decide(connection, request, decision)
        except Exception as error:
            self._failed("process_request", error)
            self._refuse(connection, Refuse(500))
        self._context.flush_soon()

    async def _ask_later(self, connection: int, request: Request, work: Awaitable[Any]) -> None:
        try:
            self._decide(connection, request, await work)
        except Exception as error:
            self._failed("process_request", error)
            self._refuse(connection, Refuse(500))
        self._context.flush_soon()

    def _failed(self, what: str, error: Exception) -> None:
        self._loop.call_exception_handler({"message": f"{what} failed", "exception": error})


class Serving(Opening[Server]):
    """What :func:`serve` returns: await it for a :class:`Server`, or use it with ``async with``."""

    def __init__(self, handler: Handler, setup: ListenerSetup) -> None:
        super().__init__()
        self._handler = handler
        self._setup = setup

    async def _open(self) -> Server:
        return Server(self._handler, self._setup)


@takes_handler(listener_setup)
def serve(handler: Handler, setup: ListenerSetup) -> Serving:
    """Runs a WebSocket server in this process::

        async def echo(ws):
            async for message in ws:
                await ws.send(message)

        async with websocket.serve(echo, "127.0.0.1", 8443) as server:
            print(server.url, server.pin)
            await server.wait_closed()

    Each connection is given to the handler in a task of its own, and closed when that returns: with 1000, or with 1011
    if it raises, which the event loop is told.  It listens when ``async with`` or ``await`` returns.  ``None`` leaves
    a decision to the library.
    """
    return Serving(handler, setup)


serve.__doc__ = f"{serve.__doc__}{LISTENER_OPTIONS}"
