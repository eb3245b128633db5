"""One WebSocket that blocks, of either role."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Optional, Union, overload

from ... import _abi
from ..._context import Context
from ..._socket import Data, Functions, Message, Socket, compression_flag, encode, part_decoder
from ...errors import GatewireError
from ...trust import TlsState
from .._poller import Poller

if TYPE_CHECKING:
    from typing_extensions import Literal

_INTERNAL_ERROR = 1011


class WebSocket(Socket):
    __doc__ = Socket.__doc__

    def __init__(self, functions: Functions, context: Context, poller: Poller) -> None:
        super().__init__(functions, context)
        self._context = context
        self._poller = poller
        self._is_blocked = False
        # The thread that is sending a message in parts: others wait for its end.
        self._parts_sender: Optional[int] = None

    def tls(self) -> Optional[TlsState]:
        # What it borrows from the library is another's with the next question.
        with self._poller.lock:
            return super().tls()

    tls.__doc__ = Socket.tls.__doc__

    # --- out ---

    def send(
        self, message: Union[Data, Iterable[Data]], *, text: Optional[bool] = None, compress: Optional[bool] = None
    ) -> None:
        """Sends a message: ``str`` as text, bytes as binary; an iterable sends its items as the parts of one message.

        Returns when the outgoing queue is below its high mark.  When an iterable raises between two parts, the
        connection is closed with 1011: a message cannot be ended halfway.  Arguments and errors as
        :meth:`gatewire.websocket.WebSocket.send`.
        """
        flags = 0 if compress is None else compression_flag(compress)
        if isinstance(message, (str, bytes, bytearray, memoryview)):
            kind, data = encode(message, text)
            self._put(kind, data, flags)
        else:
            self._send_parts(message, text, flags)

    def _may_send(self) -> bool:
        is_others_turn = self._parts_sender not in (None, threading.get_ident())
        return self._ended or not (self._is_blocked or is_others_turn)

    def _put(self, kind: int, data: bytes, flags: int, *, parts: bool = False) -> None:
        """Gives a message or a part to the library and the kernel; waits when that is above its high mark."""
        while True:
            self._poller.wait(self._may_send, None)
            with self._poller.lock:
                if self._may_send():
                    if parts:
                        self._parts_sender = threading.get_ident()
                    if self._queue(kind, data, flags):
                        self._is_blocked = True
                    self._context.flush()
                    break
        if self._is_blocked:
            self._poller.wait(lambda: self._ended or not self._is_blocked, None)

    def _send_parts(self, parts: Iterable[Data], as_text: Optional[bool], flags: int) -> None:
        if isinstance(parts, dict) or not isinstance(parts, Iterable):
            raise TypeError(f"a message is str, bytes or an iterable of these, not {type(parts).__name__}")
        begun = 0
        try:
            for part in parts:
                kind, data = encode(part, as_text)
                if begun not in (0, kind):
                    raise TypeError("the parts of a message are all str or all bytes")
                self._put(kind, data, flags | _abi.SEND_PART, parts=True)
                begun = kind
            if begun:
                self._put(begun, b"", flags)
        except BaseException:
            if begun:
                self._begin_close(_INTERNAL_ERROR, "a message was not finished")
            raise
        finally:
            with self._poller.lock:
                if self._parts_sender == threading.get_ident():
                    self._parts_sender = None
                    self._poller.lock.notify_all()

    def ping(self, data: Optional[Data] = None, timeout: Optional[float] = None) -> float:
        """Sends a ping (RFC 6455 section 5.5.2) and waits for its pong.

        :param data: at most 125 bytes; without, each ping has its own
        :param timeout: seconds; ``None``: as long as the connection lasts
        :returns: the seconds that it took
        :raises TimeoutError: it was not answered in time
        """
        with self._poller.lock:
            ping = self._queue_ping(data)
            self._context.flush()
        if not self._poller.wait(lambda: ping.answered or self._ended, timeout):
            raise TimeoutError(f"the ping was not answered in {timeout} seconds")
        if not ping.answered:
            raise self._end()
        return ping.latency

    # --- in ---

    @overload
    def recv(self, timeout: Optional[float] = None, *, decode: Literal[True]) -> str: ...

    @overload
    def recv(self, timeout: Optional[float] = None, *, decode: Literal[False]) -> bytes: ...

    @overload
    def recv(self, timeout: Optional[float] = None, *, decode: Optional[bool] = None) -> Message: ...

    def recv(self, timeout: Optional[float] = None, *, decode: Optional[bool] = None) -> Message:
        """The next message: text as ``str``, binary as ``bytes``.

        :param timeout: seconds; ``None``: as long as the connection lasts
        :param decode: ``False`` gives the bytes of a text message, ``True`` the text of a binary one
        :raises TimeoutError: none came in time
        :raises WebSocketError: the peer has closed (``code``), or the connection was lost, and nothing is left to read
        :raises NotConnectedError: this side has closed it
        """
        while True:
            self._await(lambda: self._whole > 0, timeout)
            with self._poller.lock:
                self._check_reader()
                if self._whole:
                    return self._take(decode)
                if self._ended:
                    raise self._end()

    def recv_streaming(self, timeout: Optional[float] = None, *, decode: Optional[bool] = None) -> Iterator[Message]:
        """The next message in the parts in which it comes; with the option ``parts`` it need not fit in memory.

        Read it to its end before the next message, in one thread.  ``timeout``: seconds for each part.
        """
        self._check_reader()
        self._await(lambda: bool(self._messages), timeout)
        if not self._messages:
            raise self._end()
        self._is_streaming = True
        decoder = part_decoder(self._messages[0][0], decode)
        more = 1
        while more:
            self._await(lambda: bool(self._messages), timeout)
            with self._poller.lock:
                if not self._messages:
                    raise self._end()
                _, more, payload = self._pop()
                if not more:
                    self._whole -= 1
                    self._is_streaming = False
            yield payload if decoder is None else decoder.decode(payload, final=not more)

    def _await(self, done: Callable[[], bool], timeout: Optional[float]) -> None:
        if not self._poller.wait(lambda: self._ended or done(), timeout):
            raise TimeoutError(f"no message came in {timeout} seconds")

    def __iter__(self) -> Iterator[Message]:
        """The messages, up to a normal end: this side closed, or the peer did with 1000 or 1001."""
        while True:
            try:
                message = self.recv()
            except GatewireError:
                if self._ended and self._ended_normally:
                    return
                raise
            yield message

    # --- the end ---

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes politely and returns when the peer has answered; as :meth:`gatewire.websocket.WebSocket.close`."""
        self._begin_close(code, reason)
        self._poller.wait(lambda: self._ended, None)

    def _begin_close(self, code: int, reason: str) -> None:
        with self._poller.lock:
            self._start_close(code, reason)
            self._context.flush()

    def __enter__(self) -> WebSocket:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    # --- events of the library, called while the lock is held ---

    def _unblock(self) -> None:
        self._is_blocked = False
