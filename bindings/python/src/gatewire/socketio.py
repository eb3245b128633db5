"""A Socket.IO client for asyncio (protocol 5, servers of Socket.IO 3 and later), with the names of python-socketio.

>>> sio = socketio.connect("http://127.0.0.1:3000", auth={"token": token})
>>> @sio.on("question")
... async def question(text):
...     return "an answer"              # the acknowledgement
>>> async with sio:
...     await sio.emit("hello", {"picture": b"..."})
...     print(await sio.call("sum", (1, 2), timeout=5))
...     await sio.wait()

After a loss it connects again and joins its namespaces anew; what is emitted meanwhile is sent then.  Handlers that are
registered before the client is awaited miss nothing.  :mod:`gatewire.sync.socketio` is the blocking twin.  Everything
belongs to one event loop: create it there and use it there.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Awaitable, Callable, Generator
from inspect import isawaitable
from types import TracebackType
from typing import Any, Optional, Union

from . import _abi
from ._context import Report
from ._loop import running_context
from ._options import takes
from ._socketio import Handler, Namespace, SocketIO, as_value, decode, no_auth
from ._socketio_options import SOCKETIO_OPTIONS, Auth, SocketIOSetup, socketio_setup
from .errors import GatewireError, NotConnectedError
from .trust import LoopAsker

__all__ = ["Auth", "Client", "Handler", "connect"]


class Client(SocketIO):
    """A Socket.IO client; :func:`connect` makes one.  Await it, or use it with ``async with``."""

    def __init__(self, setup: SocketIOSetup) -> None:
        super().__init__(setup)
        self._loop = asyncio.get_running_loop()
        self._acks: dict[int, Union[asyncio.Future[Any], Handler]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._keep_trying = setup.keep_trying
        self._asker = LoopAsker(setup.ask, self._loop)
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._closed: asyncio.Future[Optional[GatewireError]] = self._loop.create_future()
        self._writable: Optional[asyncio.Future[None]] = None
        self._reason: Optional[GatewireError] = None
        self._context = self._host = running_context(setup.takeover_ms)
        try:
            self._source = self._open(setup)
        except BaseException:
            handle, self._handle = self._handle, None
            if handle is not None:
                self._free(handle)
            self._host.release(0)
            raise
        self._host.add(self._source, self)

    def __await__(self) -> Generator[Any, None, Client]:
        return self._join().__await__()

    async def _join(self) -> Client:
        try:
            await asyncio.shield(self._ready)
        except BaseException as error:
            self._finish(error if isinstance(error, GatewireError) else None)
            raise
        return self

    # --- what is sent ---

    async def emit(
        self,
        event: str,
        data: Any = None,
        namespace: Optional[str] = None,
        callback: Optional[Handler] = None,
        *,
        volatile: bool = False,
    ) -> bool:
        """Sends an event, or keeps it until its namespace is joined; waits while more is queued than is good.

        :param data: ``None``: no arguments; a tuple: several; else one.  Binary data may be anywhere in it
        :param namespace: ``None``: the first one
        :param callback: called with the arguments of the server's acknowledgement, if one comes
        :param volatile: drop the event if it cannot be sent at once
        :returns: ``False`` if it was dropped
        :raises ResourceError: too much is waiting to be sent
        :raises NotConnectedError: the namespace or the client has ended
        """
        flags = (_abi.SIO_VOLATILE if volatile else 0) | (_abi.SIO_ACK if callback else 0)
        status = self._send(event, data, namespace, flags)
        if callback is not None and status >= 0:
            self._acks[self._ack_id.value] = callback
        self._sent(status)
        if self._writable is not None:
            await asyncio.shield(self._writable)
        return status >= 0

    async def call(
        self, event: str, data: Any = None, namespace: Optional[str] = None, timeout: Optional[float] = None
    ) -> Any:
        """Sends an event and returns what the server acknowledges it with: ``None``, a value, or a tuple of several.

        :param timeout: seconds, ``math.inf`` for none; ``None``: the client's ``call_timeout``
        :raises NotSentError: it has certainly not arrived
        :raises OutcomeUnknownError: it may have; :class:`CallTimeoutError` is one of these
        """
        status = self._send(event, data, namespace, _abi.SIO_ACK, timeout)
        ack = self._ack_id.value
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._acks[ack] = answer
        self._sent(status)
        try:
            return as_value(await answer)
        except asyncio.CancelledError:
            if self._acks.pop(ack, None) is not None and self._handle is not None:
                _abi.lib.gw_client_cancel(self._handle, ack)
            raise

    def _sent(self, status: int) -> None:
        if status == _abi.QUEUED and self._writable is None:
            self._writable = self._loop.create_future()
        self._host.flush_soon()

    # --- the end ---

    async def disconnect(self) -> None:
        """Leaves all namespaces and closes politely.  Returns when it is done; again is allowed."""
        self._close()
        await asyncio.shield(self._closed)

    async def wait(self) -> None:
        """Waits until the client has ended; raises why if it was not disconnected by this side."""
        error = await asyncio.shield(self._closed)
        if error is not None:
            raise error

    async def __aenter__(self) -> Client:
        return await self._join()

    async def __aexit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.disconnect()

    def _close(self) -> None:
        if self._handle is not None and not self._closed.done():
            status = _abi.lib.gw_client_close(self._handle, 0, None)
            if status not in (_abi.OK, _abi.ERR_GONE):
                self._context.fail(status)
            self._host.flush_soon()

    def _drop(self) -> None:
        """Gives back what the library holds, without waiting."""
        handle, self._handle = self._handle, None
        if handle is not None:
            self._free(handle)
            self._host.release(self._source)

    def _finish(self, error: Optional[GatewireError]) -> None:
        """Nothing comes after this: whoever waits is told."""
        reason = error or NotConnectedError("the client was disconnected", status=_abi.ERR_GONE)
        self._fail(reason)
        for waiting in self._acks.values():
            if isinstance(waiting, asyncio.Future) and not waiting.done():
                waiting.set_exception(reason)
        self._acks.clear()
        self._joined.clear()
        self._named.clear()
        self._unblock()
        if not self._closed.done():
            self._closed.set_result(error)
        self._drop()

    def _fail(self, error: GatewireError) -> None:
        """Whoever waits for the namespaces to be joined waits in vain."""
        if not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # not an error that nobody has seen: handlers and wait() tell it too

    def _unblock(self) -> None:
        if self._writable is not None:
            self._writable.set_result(None)
            self._writable = None

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle is not None:
            self._handle = None
            self._free(handle)
            warnings.warn(f"{self!r} was never closed", ResourceWarning, stacklevel=2, source=self)

    # --- handlers ---

    def _run(self, name: str, handler: Handler, arguments: list[Any], ack: int = 0) -> None:
        """Calls a handler, and acknowledges with its result; one that is asynchronous goes on as a task."""
        try:
            result = handler(*arguments)
            if not isawaitable(result):
                self._handled(ack, result)
                return
        except Exception as error:
            self._failed(f"handler of {name!r} failed", error)
            return
        self._begin(self._await_handler(name, result, ack))

    async def _await_handler(self, name: str, result: Awaitable[Any], ack: int) -> None:
        try:
            self._handled(ack, await result)
        except Exception as error:
            self._failed(f"handler of {name!r} failed", error)

    def _handled(self, ack: int, result: Any) -> None:
        if ack:
            self._sent(self._acknowledge(ack, result))

    def _tell(self, space: Namespace, event: str, *arguments: Any) -> None:
        """Calls the handler of an event that is made here."""
        handler = self._handlers.get((space.name, event))
        if handler is not None:
            self._run(event, handler, list(arguments))

    def _begin(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _failed(self, message: str, error: Exception) -> None:
        self._loop.call_exception_handler({"message": message, "exception": error})

    async def _ask_auth(self, ask: Callable[[], Any], space: Namespace, question: int) -> None:
        try:
            auth = ask()
            self._give_auth(question, await auth if isawaitable(auth) else auth)
        except Exception as error:
            self._failed("auth of a Socket.IO client failed", error)
            self._reason = no_auth(error)
            self._leave(space.id)
        self._host.flush_soon()

    # --- events of the library, called by the context ---

    def _on_packet(self, namespace: int, ack: int, event: str, arguments: bytes, attachments: list[bytes]) -> None:
        space = self._joined.get(namespace)
        if space is not None:
            handler, before = self._handler(space.name, event)
            if handler is not None:
                self._run(event, handler, before + decode(arguments, attachments), ack)

    def _on_acknowledged(self, ack: int, arguments: bytes, attachments: list[bytes]) -> None:
        waiting = self._acks.pop(ack, None)
        if isinstance(waiting, asyncio.Future):
            if not waiting.done():
                waiting.set_result(decode(arguments, attachments))
        elif waiting is not None:
            self._run("acknowledgement", waiting, decode(arguments, attachments))

    def _on_report(self, report: Report) -> None:
        kind = report.type
        if kind == _abi.EVENT_SIO_ACK:
            waiting = self._acks.pop(report.subject, None)
            if isinstance(waiting, asyncio.Future) and not waiting.done():
                waiting.set_exception(report.error())
        elif kind == _abi.EVENT_CLIENT_WRITABLE:
            self._unblock()
        elif kind == _abi.EVENT_TRUST_REQUEST:
            self._asker.begin(self._host, report)
        elif kind == _abi.EVENT_CLIENT_DISCONNECTED:
            self._unblock()
            if not report.flags & _abi.EVENT_PAUSED:
                self._lost(report)
        elif kind == _abi.EVENT_CLIENT_CLOSED:
            self._finish(self._reason or (report.error() if report.status else None))
        else:
            space = self._joined.get(report.connection)
            if space is not None:
                self._on_namespace(space, report)

    def _lost(self, report: Report) -> None:
        """An attempt failed, or a connection was lost; another attempt follows."""
        error = report.error()
        if not report.connection:
            for space in list(self._joined.values()):
                self._tell(space, "connect_error", error)
        if not self._keep_trying:
            self._fail(error)

    def _on_namespace(self, space: Namespace, report: Report) -> None:
        if report.type == _abi.EVENT_SIO_AUTH and callable(self._auth):
            self._begin(self._ask_auth(self._auth, space, report.subject))
        elif report.type == _abi.EVENT_SIO_JOINED:
            space.sid = report.name
            space.recovered = bool(report.flags & _abi.EVENT_RECOVERED)
            self._tell(space, "connect")
            if not self._ready.done() and all(each.sid is not None for each in self._joined.values()):
                self._ready.set_result(None)
        elif report.type == _abi.EVENT_SIO_DISCONNECTED:
            space.sid = None
            self._tell(space, "disconnect", report.name)
        elif report.type == _abi.EVENT_SIO_LEFT:
            self._on_left(space, report)

    def _on_left(self, space: Namespace, report: Report) -> None:
        was_joined, space.sid = space.sid is not None, None
        del self._joined[space.id]
        error = report.error() if report.status else self._reason
        if was_joined:
            self._tell(space, "disconnect", report.name)
        elif error is not None:
            self._tell(space, "connect_error", error)
        if error is not None:
            self._fail(error)
        if not self._joined:
            self._reason = error
            self._close()

    def _on_lost(self, error: GatewireError) -> None:
        self._finish(error)


@takes(socketio_setup)
def connect(setup: SocketIOSetup) -> Client:
    """Connects to a Socket.IO server::

        sio = socketio.connect("https://chat.example/rooms", auth=fetch_token)
        sio.on("message", print)
        async with sio:
            await sio.emit("hello")

    The client begins to connect; awaiting it, or ``async with``, waits until its namespaces are joined.  All options
    but the URL are keyword-only; ``None`` leaves the decision to the library.
    """
    return Client(setup)


connect.__doc__ = f"{connect.__doc__}{SOCKETIO_OPTIONS}"
