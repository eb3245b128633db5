"""One context for each running event loop: a reader on its descriptor, one flush for all that a turn of the loop sends.

No callback from C, and no thread but the one that steps in while the loop is held up.  The reader polls once a turn;
the descriptor stays readable as long as there is more.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Optional, TypeVar
from weakref import WeakValueDictionary

from . import _abi
from ._context import Context, Owner
from .errors import GatewireError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from typing_extensions import Protocol

    class Closable(Protocol):
        def close(self) -> Awaitable[None]: ...


T = TypeVar("T")
C = TypeVar("C", bound="Closable")


class LoopContext(Context):
    """A context that is polled by a running event loop, for as long as it has owners."""

    __slots__ = ("__weakref__", "_dispatching", "_fd", "_flushing", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, takeover_ms: int) -> None:
        super().__init__(flags=_abi.CONTEXT_HOST_FLUSHES, takeover_ms=takeover_ms)
        self._loop = loop
        self._fd = self.fileno()
        self._flushing = False
        self._dispatching = False
        loop.add_reader(self._fd, self._drain)

    def _drain(self) -> None:
        try:
            count = self.poll(0)
        except GatewireError as error:
            self._lose(error)
            raise
        if not count:
            return
        self._dispatching = True
        try:
            self.dispatch(count)
            # Behind the tasks that wake up now: what they send leaves in the same turn of the loop.
            self.flush_soon()
        finally:
            self._dispatching = False
            if not self.owners:
                self._end()

    def _lose(self, error: GatewireError) -> None:
        """Polling has failed for good, as in a forked child: nobody is left waiting for an event."""
        for owner in list(self.owners.values()):
            owner._on_lost(error)
        self.owners.clear()
        self._end()

    def flush_soon(self) -> None:
        """All that is sent in this turn of the loop leaves in one write at its end."""
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush_now)

    def _flush_now(self) -> None:
        self._flushing = False
        self.flush()

    def add(self, source: int, owner: Owner) -> None:
        """Events of this source go to this owner from now on."""
        self.owners[source] = owner

    def release(self, source: int) -> None:
        """No more events for this source.  The context ends with its last owner."""
        self.owners.pop(source, None)
        if not self.owners and not self._dispatching:
            self._end()

    def _end(self) -> None:
        if self.handle is not None:
            if not self._loop.is_closed():
                self._loop.remove_reader(self._fd)
            self.free()


_contexts: WeakValueDictionary[tuple[int, int], LoopContext] = WeakValueDictionary()


def running_context(takeover_ms: int) -> LoopContext:
    """The context of the running loop, made when it is first needed."""
    loop = asyncio.get_running_loop()
    context = _contexts.get((id(loop), takeover_ms))
    if context is None or context.handle is None:
        context = LoopContext(loop, takeover_ms)
        _contexts[id(loop), takeover_ms] = context
    return context


class Stream(Generic[T]):
    """What has come and what will come, in order, for one reader: an asynchronous iterator.

    It ends when its client or server does; with an exception if that ended by a failure.  Up to ``limit`` items
    wait for a reader; beyond it the oldest is dropped and counted in ``dropped``.
    """

    __slots__ = ("_ended", "_error", "_items", "_limit", "_loop", "_waiter", "dropped")

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int) -> None:
        self._loop = loop
        self._items: deque[T] = deque()
        self._limit = limit
        self._waiter: Optional[asyncio.Future[None]] = None
        self._ended = False
        self._error: Optional[BaseException] = None
        self.dropped = 0

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        while not self._items:
            if self._ended:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            if self._waiter is not None:
                raise RuntimeError("another task is waiting for the next item already")
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._items.popleft()

    def __len__(self) -> int:
        """How many items wait."""
        return len(self._items)

    def _put(self, item: T) -> None:
        if len(self._items) >= self._limit:
            self._items.popleft()
            self.dropped += 1
        self._items.append(item)
        if self._waiter is not None:
            self._wake()

    def _end(self, error: Optional[BaseException]) -> None:
        self._ended = True
        self._error = error
        self._wake()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


class Opening(Generic[C]):
    """Something to be opened: by ``await``, or by ``async with``, which closes it again."""

    def __init__(self) -> None:
        self._opened: Optional[C] = None

    def __await__(self) -> Generator[Any, None, C]:
        return self._open().__await__()

    async def __aenter__(self) -> C:
        self._opened = await self._open()
        return self._opened

    async def __aexit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if self._opened is not None:
            await self._opened.close()

    async def _open(self) -> C:
        raise NotImplementedError
