"""One WebSocket for asyncio, of either role."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Optional, Union, overload

from .. import _abi
from .._loop import LoopContext
from .._socket import Data, Functions, Message, Ping, Socket, compression_flag, encode, part_decoder
from ..errors import GatewireError

if TYPE_CHECKING:
    from typing_extensions import Literal

_INTERNAL_ERROR = 1011


class WebSocket(Socket):
    __doc__ = Socket.__doc__

    def __init__(self, functions: Functions, context: LoopContext) -> None:
        super().__init__(functions, context)
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._reader: Optional[asyncio.Future[None]] = None
        self._writable: Optional[asyncio.Future[None]] = None
        # A message is being sent in parts: others wait for its end.
        self._parts_sent: Optional[asyncio.Future[None]] = None
        self._pongs: dict[Ping, asyncio.Future[float]] = {}
        self._closed: asyncio.Future[None] = self._loop.create_future()

    # --- out ---

    async def send(
        self,
        message: Union[Data, Iterable[Data], AsyncIterable[Data]],
        *,
        text: Optional[bool] = None,
        compress: Optional[bool] = None,
    ) -> None:
        """Sends a message: ``str`` as text, bytes as binary; an iterable sends its items as the parts of one message.

        Returns when the library has taken it and the outgoing queue is below its high mark; it leaves at the end of
        this turn of the loop.  Cancelling the wait does not take it back.  When an iterable raises, or the task is
        cancelled between two parts, the connection is closed with 1011: a message cannot be ended halfway.

        :param text: decides the kind in place of the type: ``True`` sends bytes that are UTF-8 as text
        :param compress: ``False`` for secrets, and for what is compressed already; ``True`` also below the threshold
        :raises WebSocketError: the connection has ended, or text is not UTF-8
        :raises NotConnectedError: this side has closed it
        :raises ResourceError: more than ``max_queued_bytes`` would wait
        """
        if self._writable is not None or self._parts_sent is not None:
            await self._turn()
        flags = 0 if compress is None else compression_flag(compress)
        if isinstance(message, str):
            kind, data = _abi.TEXT, message.encode()
            if text is False:
                kind = _abi.BINARY
        elif isinstance(message, (bytes, bytearray, memoryview)):
            kind, data = encode(message, text)
        else:
            await self._send_parts(message, text, flags)
            return
        status = self._queue(kind, data, flags)
        self._context.flush_soon()
        if status:
            await self._drain()

    async def _turn(self) -> None:
        """Waits until the queue has room and no other message is halfway."""
        while True:
            waited = self._parts_sent or self._writable
            if waited is None:
                return
            await asyncio.shield(waited)

    async def _drain(self) -> None:
        if self._ended:
            return
        if self._writable is None:
            self._writable = self._loop.create_future()
        await asyncio.shield(self._writable)

    async def _send_parts(
        self, parts: Union[Iterable[Data], AsyncIterable[Data]], as_text: Optional[bool], flags: int
    ) -> None:
        if isinstance(parts, dict) or not isinstance(parts, (Iterable, AsyncIterable)):
            raise TypeError(f"a message is str, bytes or an iterable of these, not {type(parts).__name__}")
        self._parts_sent = sent = self._loop.create_future()
        begun = 0
        try:
            async for part in _each(parts):
                kind, data = encode(part, as_text)
                if begun not in (0, kind):
                    raise TypeError("the parts of a message are all str or all bytes")
                status = self._queue(kind, data, flags | _abi.SEND_PART)
                begun = kind
                self._context.flush_soon()
                if status:
                    await self._drain()
            if begun:
                self._queue(begun, b"", flags)
                self._context.flush_soon()
        except BaseException:
            if begun and not self._ended:
                self._start_close(_INTERNAL_ERROR, "a message was not finished")
                self._context.flush_soon()
            raise
        finally:
            self._parts_sent = None
            sent.set_result(None)

    async def ping(self, data: Optional[Data] = None) -> Awaitable[float]:
        """Sends a ping (RFC 6455 section 5.5.2); ``latency = await (await ws.ping())`` waits for its pong.

        :param data: at most 125 bytes; without, each ping has its own
        :returns: a future of the seconds that the answer took
        :raises ValueError: a ping with the same data has not been answered yet, or it is too long
        """
        ping = self._queue_ping(data)
        pong = self._pongs[ping] = self._loop.create_future()
        self._context.flush_soon()
        return pong

    # --- in ---

    @overload
    async def recv(self, decode: Literal[True]) -> str: ...

    @overload
    async def recv(self, decode: Literal[False]) -> bytes: ...

    @overload
    async def recv(self, decode: Optional[bool] = None) -> Message: ...

    async def recv(self, decode: Optional[bool] = None) -> Message:
        """The next message: text as ``str``, binary as ``bytes``.  One reader at a time; cancelling loses nothing.

        What has come is kept until it is read; while more than 4 MiB wait, the peer is held back.

        :param decode: ``False`` gives the bytes of a text message, ``True`` the text of a binary one
        :raises WebSocketError: the peer has closed (``code``), or the connection was lost, and nothing is left to read
        :raises NotConnectedError: this side has closed it
        """
        if not self._whole or self._is_streaming:
            await self._arrival(whole=True)
        return self._take(decode)

    async def recv_streaming(self, decode: Optional[bool] = None) -> AsyncIterator[Message]:
        """The next message in the parts in which it comes; with the option ``parts`` it need not fit in memory.

        Read it to its end before the next message.  A part of text may be empty, but never ends within a character.
        """
        await self._arrival(whole=False)
        self._is_streaming = True
        decoder = part_decoder(self._messages[0][0], decode)
        while True:
            _, more, payload = self._pop()
            if not more:
                self._whole -= 1
                self._is_streaming = False
            yield payload if decoder is None else decoder.decode(payload, final=not more)
            if not more:
                return
            await self._arrival(whole=False, streaming=True)

    async def _arrival(self, *, whole: bool, streaming: bool = False) -> None:
        """Waits for a message, whole or the beginning of one."""
        if not streaming:
            self._check_reader()
        while not (self._whole if whole else self._messages):
            if self._ended:
                raise self._end()
            if self._reader is not None:
                raise RuntimeError("another task is waiting for the next message already")
            self._reader = self._loop.create_future()
            try:
                await self._reader
            finally:
                self._reader = None

    def __aiter__(self) -> AsyncIterator[Message]:
        """The messages, up to a normal end: this side closed, or the peer did with 1000 or 1001."""
        return self

    async def __anext__(self) -> Message:
        if not self._whole or self._is_streaming:
            try:
                await self._arrival(whole=True)
            except GatewireError:
                if self._ended and self._ended_normally:
                    raise StopAsyncIteration from None
                raise
        return self._take(None)

    # --- the end ---

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes politely: what is queued is sent, then a close frame; returns when the peer has answered.

        At the latest after ``close_timeout``; again is allowed.  ``code``: 1000 to 1003, 1007 to 1014, 3000 to 4999;
        ``reason``: at most 123 bytes of UTF-8.
        """
        self._start_close(code, reason)
        self._context.flush_soon()
        await asyncio.shield(self._closed)

    async def wait_closed(self) -> None:
        """Waits until it has ended; ``error``, ``close_code`` and ``close_reason`` say how."""
        await asyncio.shield(self._closed)

    async def __aenter__(self) -> WebSocket:
        return self

    async def __aexit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.close()

    # --- events of the library, called by the context or the server ---

    def _on_message(self, connection: int, kind: int, flags: int, payload: bytes) -> None:
        self._push(kind, flags & _abi.EVENT_PART, payload)
        reader = self._reader
        if reader is not None and not reader.done():
            reader.set_result(None)

    def _on_pong(self, ping: Ping) -> None:
        pong = self._pongs.pop(ping, None)
        if pong is not None and not pong.done():
            pong.set_result(ping.latency)

    def _unblock(self) -> None:
        writable, self._writable = self._writable, None
        if writable is not None:
            writable.set_result(None)

    def _finish(self, error: Optional[GatewireError]) -> None:
        """Nothing comes after this: whoever waits is told."""
        super()._finish(error)
        self._unblock()
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
        for pong in self._pongs.values():
            if not pong.done():
                pong.set_exception(self._end())
                pong.exception()  # nobody need wait for it
        self._pongs.clear()
        if not self._closed.done():
            self._closed.set_result(None)


async def _each(parts: Any) -> AsyncIterator[Data]:
    if isinstance(parts, AsyncIterable):
        async for part in parts:
            yield part
    else:
        for part in parts:
            yield part
