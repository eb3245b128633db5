"""A gateway inside this process, for asyncio: what programs are run and tested against when there is no other.

Everything of one server belongs to one event loop: create it there and use it there.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Awaitable, Callable
from ctypes import byref, c_void_p, string_at
from dataclasses import dataclass
from inspect import isawaitable
from types import TracebackType
from typing import Any, Optional, TypeVar, Union

from . import _abi
from ._context import Json, Owner, Report, from_json, to_json
from ._loop import LoopContext, Opening, Stream, running_context
from ._options import SERVER_OPTIONS, ServerSetup, server_setup, takes
from ._values import milliseconds, text
from .errors import GatewireError, RpcError, make_error

Handler = Callable[["Request"], Union[Any, Awaitable[Any]]]
H = TypeVar("H", bound=Handler)

# Notices are few; more than this without a reader means that nobody reads them.
_NOTICE_LIMIT = 1024


@dataclass(frozen=True)
class Peer:
    """A client that passed the handshake."""

    #: its connection, for :meth:`Server.push` and :meth:`Server.disconnect`
    connection: int
    #: what it said of itself: ``client``, ``role``, ``scopes``, ``deviceId``, ``remote``; no credential
    info: Any


@dataclass(frozen=True)
class PeerConnected:
    """A client passed the handshake."""

    peer: Peer


@dataclass(frozen=True)
class PeerDisconnected:
    """A client has left, or failed before the handshake was done."""

    connection: int
    #: why; ``None`` after a normal end
    error: Optional[GatewireError]


ServerNotice = Union[PeerConnected, PeerDisconnected]


class Request:
    """A call of a client, waiting for its answer.

    :ivar server: the server that it came to
    :ivar connection: the client that it came from
    :ivar id: number of the request
    :ivar method: name of the method
    :ivar raw: the params as the client wrote them: JSON, or ``b""``
    """

    __slots__ = ("connection", "id", "method", "raw", "server")

    def __init__(self, server: Server, connection: int, number: int, method: str, raw: bytes) -> None:
        self.server = server
        self.connection = connection
        self.id = number
        self.method = method
        self.raw = raw

    @property
    def params(self) -> Any:
        """The params, parsed; ``None`` if there are none."""
        return from_json(self.raw)

    @property
    def peer(self) -> Optional[Peer]:
        """The client that it came from; ``None`` when it has left."""
        return self.server.peers.get(self.connection)

    def accept(self, payload: Json = None) -> None:
        """Gives the first of two answers: ``{"status": "accepted"}`` and what ``payload`` (a dict) adds.

        The handler's result is the second.  Does nothing if the client has left.
        """
        if payload is None or isinstance(payload, dict):
            payload = {"status": "accepted", **(payload or {})}
        self.server._answer(self.id, payload, final=False)


class Server(Owner):
    """A gateway of this process; :func:`serve` makes one.

    :ivar url: what clients connect to, ``"wss://127.0.0.1:18789"``
    :ivar port: the port that it listens on
    :ivar pin: SHA-256 of its certificate, which clients pin
    :ivar key_pin: SHA-256 of the certificate's SubjectPublicKeyInfo
    :ivar certificate: the certificate as PEM
    :ivar peers: the clients that are connected now, by connection
    """

    def __init__(self, setup: ServerSetup) -> None:
        self.peers: dict[int, Peer] = {}
        self._handle: Optional[int] = None
        self._free = _abi.lib.gw_server_free  # still there when the interpreter takes modules apart
        self._loop = asyncio.get_running_loop()
        self._handlers: dict[str, Handler] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._notices: Stream[ServerNotice] = Stream(self._loop, _NOTICE_LIMIT)
        self._closed: asyncio.Future[Optional[GatewireError]] = self._loop.create_future()
        self._context: LoopContext = running_context(setup.takeover_ms)
        handle = c_void_p()
        try:
            self._context.check(_abi.lib.gw_server_open(self._context.handle, byref(setup.options), byref(handle)))
        except GatewireError:
            self._context.release(0)
            raise
        self._handle = handle.value
        self._source: int = _abi.lib.gw_server_id(self._handle)
        self._context.add(self._source, self)
        self.port: int = _abi.lib.gw_server_port(self._handle)
        self.url = self._text(_abi.SERVER_URL)
        self._read_certificate()

    def _text(self, which: int) -> str:
        out = _abi.Slice()
        self._context.check(_abi.lib.gw_server_get_text(self._handle, which, byref(out)))
        return string_at(out.ptr, out.len).decode() if out.len else ""

    def _read_certificate(self) -> None:
        self.pin = self._text(_abi.SERVER_CERTIFICATE_PIN)
        self.key_pin = self._text(_abi.SERVER_KEY_PIN)
        self.certificate = self._text(_abi.SERVER_CERTIFICATE)

    def reload_certificate(self) -> None:
        """Reads ``certificate_file`` and ``key_file`` again: who connects from now on is shown the new certificate.

        :raises UsageError: they cannot be used, or the certificate does not come from a file; nothing has changed
        """
        self._context.check(_abi.lib.gw_server_reload_certificate(self._handle))
        self._read_certificate()

    # --- methods ---

    def method(self, name: str) -> Callable[[H], H]:
        """Registers a handler, a plain or an ``async`` function::

            @server.method("greet")
            async def greet(request):
                return {"hello": request.params["name"]}

        Its result is the answer (``None``: an answer without payload).  It raises :class:`RpcError` to reject the
        request; any other exception is reported to the event loop, and the client learns only that the handler failed.
        """

        def register(handler: H) -> H:
            self._handlers[name] = handler
            return handler

        return register

    def push(self, event: str, payload: Json = None, *, connection: int = 0) -> None:
        """Sends an event to one client, or to every client that may see it.

        :param payload: a value to encode as JSON, or ``str`` or ``bytes`` that are JSON already
        :param connection: of the :class:`Peer`; 0: all
        """
        body = to_json(payload)
        self._context.check(
            _abi.lib.gw_server_push(
                self._open_handle(), connection, text("event", event), body, len(body) if body else 0
            )
        )
        self._context.flush_soon()

    def disconnect(self, connection: int, code: int = 1000, reason: str = "") -> None:
        """Closes the connection of one client."""
        self._context.check(
            _abi.lib.gw_server_disconnect(self._open_handle(), connection, code, text("reason", reason))
        )
        self._context.flush_soon()

    def notices(self) -> Stream[ServerNotice]:
        """Who comes and goes: :class:`PeerConnected`, :class:`PeerDisconnected`.  One reader at a time."""
        return self._notices

    def _answer(self, request: int, payload: Json, *, final: bool) -> None:
        if self._handle is None:
            return
        body = to_json(payload)
        status = _abi.lib.gw_server_reply(self._handle, request, body, len(body) if body else 0, final)
        self._answered(status)

    def _reject(self, request: int, error: RpcError) -> None:
        if self._handle is None:
            return
        details = to_json(error.details)
        status = _abi.lib.gw_server_reject(
            self._handle,
            request,
            text("name", error.name),
            text("text", error.text),
            details,
            len(details) if details else 0,
            milliseconds("retry_after", error.retry_after),
        )
        self._answered(status)

    def _answered(self, status: int) -> None:
        if status != _abi.ERR_GONE:  # the client has left, or the request has timed out
            self._context.check(status)
            self._context.flush_soon()

    # --- the end ---

    @property
    def closed(self) -> bool:
        """Whether the server has ended."""
        return self._closed.done()

    async def close(self, reason: str = "") -> None:
        """Stops listening, tells every client, and returns when all have gone; again is allowed."""
        if self._handle is not None and not self._closed.done():
            status = _abi.lib.gw_server_stop(self._handle, text("reason", reason))
            if status not in (_abi.OK, _abi.ERR_GONE):
                self._context.fail(status)
            self._context.flush_soon()
        await asyncio.shield(self._closed)

    async def wait_closed(self) -> None:
        """Waits until the server has ended."""
        error = await asyncio.shield(self._closed)
        if error is not None:
            raise error

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.close()

    def _open_handle(self) -> int:
        if self._handle is None:
            raise make_error(_abi.ERR_GONE, "the server has ended", _abi.ACTOR_PROGRAM)
        return self._handle

    def _finish(self, error: Optional[GatewireError]) -> None:
        """Nothing comes after this: whoever waits is told."""
        for task in self._running:
            task.cancel()
        self.peers.clear()
        self._notices._end(error)
        if not self._closed.done():
            self._closed.set_result(error)
        handle, self._handle = self._handle, None
        if handle is not None:
            self._free(handle)
            self._context.release(self._source)

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle is not None:
            self._handle = None
            self._free(handle)
            warnings.warn(f"{self!r} was never closed", ResourceWarning, stacklevel=2, source=self)

    # --- events of the library, called by the context ---

    def _on_request(self, connection: int, request: int, method: str, payload: bytes) -> None:
        handler = self._handlers.get(method)
        if handler is None:
            self._reject(request, RpcError(f"unknown method: {method}"))
            return
        try:
            result = handler(Request(self, connection, request, method, payload))
            if not isawaitable(result):
                self._answer(request, result, final=True)
                return
        except Exception as error:
            self._handler_failed(request, method, error)
            return
        task = self._loop.create_task(self._finish_request(request, method, result))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _finish_request(self, request: int, method: str, result: Awaitable[Any]) -> None:
        try:
            self._answer(request, await result, final=True)
        except Exception as error:
            self._handler_failed(request, method, error)

    def _handler_failed(self, request: int, method: str, error: Exception) -> None:
        if isinstance(error, RpcError):
            self._reject(request, error)
            return
        self._reject(request, RpcError("the handler of this method failed", name="UNAVAILABLE"))
        self._loop.call_exception_handler({"message": f"handler of {method!r} failed", "exception": error})

    def _on_report(self, report: Report) -> None:
        if report.type == _abi.EVENT_PEER_CONNECTED:
            peer = Peer(report.connection, from_json(report.payload))
            self.peers[peer.connection] = peer
            self._notices._put(PeerConnected(peer))
        elif report.type == _abi.EVENT_PEER_DISCONNECTED:
            self.peers.pop(report.connection, None)
            self._notices._put(PeerDisconnected(report.connection, report.error() if report.status else None))
        elif report.type == _abi.EVENT_SERVER_CLOSED:
            self._finish(report.error() if report.status else None)

    def _on_lost(self, error: GatewireError) -> None:
        self._finish(error)


class Serving(Opening[Server]):
    """What :func:`serve` returns: await it for a :class:`Server`, or use it with ``async with``."""

    def __init__(self, setup: ServerSetup) -> None:
        super().__init__()
        self._setup = setup

    async def _open(self) -> Server:
        return Server(self._setup)


@takes(server_setup)
def serve(setup: ServerSetup) -> Serving:
    """Runs a gateway in this process::

        async with gatewire.serve(token="secret") as server:
            print(server.url, server.pin)

    It listens when ``async with`` or ``await`` returns.  All options are keyword-only; ``None`` leaves the decision to
    the library.
    """
    return Serving(setup)


serve.__doc__ = f"{serve.__doc__}{SERVER_OPTIONS}"
