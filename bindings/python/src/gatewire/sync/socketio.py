"""The blocking twin of :mod:`gatewire.socketio`.

>>> sio = socketio.connect("http://127.0.0.1:3000")
>>> sio.on("news", print)
>>> with sio:
...     sio.emit("hello", {"picture": b"..."})
...     print(sio.call("sum", (1, 2), timeout=5))
...     sio.wait()                          # handlers run here

As in :mod:`gatewire.sync`, whoever waits does the input and output, and between two calls a thread of the library keeps
the connection (``takeover``).  A client may be used by several threads.
"""

from __future__ import annotations

import threading
import warnings
from collections import deque
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Any, Optional, Union

from .. import _abi
from .._context import Context, Report
from .._options import takes
from .._socketio import Handler, Namespace, SocketIO, as_value, decode, no_auth
from .._socketio_options import SOCKETIO_OPTIONS, Auth, SocketIOSetup, socketio_setup
from ..errors import GatewireError, NotConnectedError
from ..trust import ask_now
from ._poller import Poller

__all__ = ["Auth", "Client", "Handler", "connect"]


class _Answer:
    """What a thread waits for: the acknowledgement of one event."""

    __slots__ = ("arguments", "error")

    def __init__(self) -> None:
        self.arguments: Optional[list[Any]] = None
        self.error: Optional[GatewireError] = None

    @property
    def done(self) -> bool:
        return self.arguments is not None or self.error is not None


class _Packet:
    """An event that waits for its handler, or an acknowledgement for its callback."""

    __slots__ = ("ack", "arguments", "callback", "event", "namespace")

    def __init__(
        self, namespace: str, event: str, arguments: list[Any], ack: int = 0, callback: Optional[Handler] = None
    ) -> None:
        self.namespace = namespace
        self.event = event
        self.arguments = arguments
        self.ack = ack
        self.callback = callback


class Client(SocketIO):
    """A Socket.IO client that blocks; :func:`connect` makes one.  ``with`` waits until its namespaces are joined."""

    def __init__(self, setup: SocketIOSetup) -> None:
        super().__init__(setup)
        #: events that were dropped because more than ``event_limit`` waited
        self.dropped = 0
        self._acks: dict[int, Union[_Answer, Handler]] = {}
        self._packets: deque[_Packet] = deque()
        self._event_limit = setup.event_limit
        self._keep_trying = setup.keep_trying
        self._ask = setup.ask
        self._first_join: Union[None, bool, GatewireError] = None
        self._is_full = False
        self._ended = False
        self._error: Optional[GatewireError] = None
        self._reason: Optional[GatewireError] = None

        self._context = Context(takeover_ms=setup.takeover_ms)
        # Its lock guards all of the above.
        self._poller = Poller(self._context, self._finish)
        try:
            self._context.owners[self._open(setup)] = self
        except BaseException:
            handle, self._handle = self._handle, None
            if handle is not None:
                self._free(handle)
            self._context.free()
            raise

    # --- what is sent ---

    def emit(
        self,
        event: str,
        data: Any = None,
        namespace: Optional[str] = None,
        callback: Optional[Handler] = None,
        *,
        volatile: bool = False,
    ) -> bool:
        """As :meth:`gatewire.socketio.Client.emit`; the callback runs in :meth:`wait`."""
        flags = (_abi.SIO_VOLATILE if volatile else 0) | (_abi.SIO_ACK if callback else 0)
        with self._poller.lock:
            status = self._send(event, data, namespace, flags)
            if callback is not None and status >= 0:
                self._acks[self._ack_id.value] = callback
            self._is_full = self._is_full or status == _abi.QUEUED
        if self._is_full:
            self._wait(lambda: not self._is_full, None)
        return status >= 0

    def call(
        self, event: str, data: Any = None, namespace: Optional[str] = None, timeout: Optional[float] = None
    ) -> Any:
        """As :meth:`gatewire.socketio.Client.call`."""
        answer = _Answer()
        with self._poller.lock:
            self._send(event, data, namespace, _abi.SIO_ACK, timeout)
            ack = self._ack_id.value
            self._acks[ack] = answer
        try:
            self._wait(lambda: answer.done, None)
        except BaseException:
            with self._poller.lock:
                if self._acks.pop(ack, None) is not None and self._handle is not None:
                    _abi.lib.gw_client_cancel(self._handle, ack)
            raise
        if answer.error is not None:
            raise answer.error
        return as_value(answer.arguments or [])

    # --- what comes ---

    def wait(self, timeout: Optional[float] = None) -> bool:
        """Runs the handlers of what comes, in this thread, until the client has ended.

        What a handler raises is raised here; the next call goes on behind that event.

        :param timeout: seconds after which it returns all the same; ``None``: as long as it takes
        :returns: whether the client has ended
        :raises GatewireError: it was not disconnected by this side
        """
        deadline = None if timeout is None else monotonic() + timeout
        while True:
            left = None if deadline is None else max(0.0, deadline - monotonic())
            self._wait(lambda: bool(self._packets), left)
            with self._poller.lock:
                packet = self._packets.popleft() if self._packets else None
            if packet is not None:
                self._run(packet)
            elif self._ended:
                if self._error is not None:
                    raise self._error
                return True
            if deadline is not None and monotonic() >= deadline:
                return False

    def _run(self, packet: _Packet) -> None:
        if packet.callback is not None:
            packet.callback(*packet.arguments)
            return
        handler, before = self._handler(packet.namespace, packet.event)
        if handler is not None:
            result = handler(*before, *packet.arguments)
            if packet.ack:
                with self._poller.lock:
                    self._acknowledge(packet.ack, result)

    def _put(self, packet: _Packet) -> None:
        if len(self._packets) >= self._event_limit:
            self._packets.popleft()
            self.dropped += 1
        self._packets.append(packet)

    # --- the end ---

    def disconnect(self) -> None:
        """Leaves all namespaces, closes politely and returns when it is done; again is allowed."""
        with self._poller.lock:
            if self._handle is None:
                return
            self._close()
        self._wait(lambda: self._ended, None)
        self._drop()

    def __enter__(self) -> Client:
        try:
            self._wait(lambda: self._first_join is not None, None)
            if isinstance(self._first_join, GatewireError):
                raise self._first_join
        except BaseException:
            self._drop()
            raise
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.disconnect()

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None:
            self._free(self._handle)
            self._handle = None
            self._context.free()
            warnings.warn(f"{self!r} was never closed", ResourceWarning, stacklevel=2, source=self)

    def _close(self) -> None:
        if not self._ended:
            status = _abi.lib.gw_client_close(self._handle, 0, None)
            if status not in (_abi.OK, _abi.ERR_GONE):
                self._context.fail(status)

    def _drop(self) -> None:
        """Gives back what the library holds, once nobody polls any more."""
        with self._poller.stopped():
            handle, self._handle = self._handle, None
            if handle is not None:
                self._free(handle)
                self._context.free()

    def _wait(self, done: Callable[[], bool], timeout: Optional[float]) -> None:
        """Waits until something is so or the client has ended."""
        self._poller.wait(lambda: done() or self._ended, timeout)

    # --- events of the library, called while the lock is held ---

    def _on_packet(self, namespace: int, ack: int, event: str, arguments: bytes, attachments: list[bytes]) -> None:
        space = self._joined.get(namespace)
        if space is not None:
            self._put(_Packet(space.name, event, decode(arguments, attachments), ack))

    def _on_acknowledged(self, ack: int, arguments: bytes, attachments: list[bytes]) -> None:
        waiting = self._acks.pop(ack, None)
        if isinstance(waiting, _Answer):
            waiting.arguments = decode(arguments, attachments)
        elif waiting is not None:
            self._put(_Packet("", "", decode(arguments, attachments), callback=waiting))

    def _on_report(self, report: Report) -> None:
        kind = report.type
        if kind == _abi.EVENT_SIO_ACK:
            waiting = self._acks.pop(report.subject, None)
            if isinstance(waiting, _Answer):
                waiting.error = report.error()
        elif kind == _abi.EVENT_CLIENT_WRITABLE:
            self._is_full = False
        elif kind == _abi.EVENT_TRUST_REQUEST:
            ask_now(self._context, self._ask, report)
        elif kind == _abi.EVENT_CLIENT_DISCONNECTED:
            self._is_full = False
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
            for space in self._joined.values():
                self._tell(space, "connect_error", error)
        if self._first_join is None and not self._keep_trying:
            self._first_join = error

    def _on_namespace(self, space: Namespace, report: Report) -> None:
        if report.type == _abi.EVENT_SIO_AUTH and callable(self._auth):
            self._ask_auth(self._auth, space, report.subject)
        elif report.type == _abi.EVENT_SIO_JOINED:
            space.sid = report.name
            space.recovered = bool(report.flags & _abi.EVENT_RECOVERED)
            self._tell(space, "connect")
            if self._first_join is None and all(each.sid is not None for each in self._joined.values()):
                self._first_join = True
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
        if error is not None and self._first_join is None:
            self._first_join = error
        if not self._joined:
            self._reason = error
            self._close()

    def _tell(self, space: Namespace, event: str, *arguments: Any) -> None:
        """An event that is made here waits for its handler like the others."""
        if (space.name, event) in self._handlers:
            self._put(_Packet(space.name, event, list(arguments)))

    def _ask_auth(self, ask: Callable[[], Any], space: Namespace, question: int) -> None:
        try:
            self._give_auth(question, ask())
        except Exception as error:
            told = (type(error), error, error.__traceback__, threading.current_thread())
            threading.excepthook(threading.ExceptHookArgs(told))
            self._reason = no_auth(error)
            self._leave(space.id)

    def _finish(self, error: Optional[GatewireError]) -> None:
        reason = error or NotConnectedError("the client was disconnected", status=_abi.ERR_GONE)
        if self._first_join is None:
            self._first_join = reason
        for waiting in self._acks.values():
            if isinstance(waiting, _Answer):
                waiting.error = reason
        self._acks.clear()
        self._error = error
        self._ended = True


@takes(socketio_setup)
def connect(setup: SocketIOSetup) -> Client:
    """Makes a client of a Socket.IO server; ``with`` waits until its namespaces are joined.

    ``auth`` may be a function, not a coroutine; it is called while the client works and must not use it.  All options
    but the URL are keyword-only; ``None`` leaves the decision to the library.
    """
    return Client(setup)


connect.__doc__ = f"{connect.__doc__}{SOCKETIO_OPTIONS}"
