"""What several tests need."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Any, Optional, TypeVar

import gatewire
from gatewire._options import client_setup

TOKEN = "open sesame"
# For conditions that come true at once when all is well.
SOON = 10.0

T = TypeVar("T")


async def soon(work: Awaitable[T]) -> T:
    """The result, if it comes in time."""
    return await asyncio.wait_for(work, SOON)


async def until(stream: AsyncIterator[Any], wanted: Callable[[Any], bool]) -> list[Any]:
    """The items of a stream up to the wanted one, which is the last."""

    async def read() -> list[Any]:
        items = []
        async for item in stream:
            items.append(item)
            if wanted(item):
                return items
        raise AssertionError(f"the stream ended without it: {items}")

    return await soon(read())


async def attempt(url: str, **options: Any) -> list[gatewire.Notice]:
    """All that one connection without reconnecting tells, up to its end."""
    client = gatewire.Client(client_setup(url, reconnect=False, **options))
    return [notice async for notice in client.notices()]


async def failure(url: str, **options: Any) -> gatewire.GatewireError:
    """Why an attempt fails that never reaches hello: exactly one notice tells it."""
    notices = await soon(attempt(url, **options))
    assert len(notices) == 1, notices
    closed = notices[0]
    assert isinstance(closed, gatewire.Closed)
    assert closed.error is not None
    assert closed.error.text
    assert "\n" not in closed.error.text
    assert TOKEN not in str(closed.error)
    return closed.error


def add_methods(server: gatewire.Server) -> None:
    """Methods that the tests call."""

    @server.method("echo")
    def echo(request: gatewire.Request) -> Any:
        return request.raw

    @server.method("later")
    async def later(request: gatewire.Request) -> Any:
        await asyncio.sleep(0)
        return request.params

    @server.method("refuse")
    def refuse(request: gatewire.Request) -> Any:
        raise gatewire.RpcError("not today", name="UNAVAILABLE", details={"why": "rain"}, retry_after=1.5)

    @server.method("two.steps")
    async def two_steps(request: gatewire.Request) -> Any:
        request.accept({"runId": "r1"})
        await asyncio.sleep(0)
        return {"status": "ok", "runId": "r1"}

    @server.method("never")
    async def never(request: gatewire.Request) -> Any:
        await asyncio.get_running_loop().create_future()


class ThreadedServer:
    """An embedded gateway on an event loop of its own thread, for blocking clients."""

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._ready = threading.Event()
        self._stop: Optional[asyncio.Event] = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self.loop: asyncio.AbstractEventLoop
        self.server: gatewire.Server

    async def _run(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        try:
            async with gatewire.serve(token=TOKEN, **self._options) as self.server:
                add_methods(self.server)
                self._ready.set()
                await self._stop.wait()
        finally:
            self._ready.set()

    def push(self, event: str, payload: Any) -> None:
        """Pushes an event on the server's loop."""

        async def push() -> None:
            self.server.push(event, payload)

        asyncio.run_coroutine_threadsafe(push(), self.loop).result(SOON)

    def __enter__(self) -> ThreadedServer:
        self._thread.start()
        assert self._ready.wait(SOON)
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        assert self._stop is not None
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(SOON)
        assert not self._thread.is_alive()
