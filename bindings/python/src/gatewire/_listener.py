"""The half of a WebSocket server that never waits: its handle, its connections, and the decisions about requests."""

from __future__ import annotations

import warnings
from ctypes import byref, c_void_p, string_at
from typing import Any, Generic, Optional, TypeVar

from . import _abi
from ._context import Context, Owner, Report
from ._request import Accept, Refuse, Request, read_request
from ._socket import Socket
from ._socket_options import ListenerSetup
from ._socket_state import CLOSED_STATE, Statistics, read_statistics
from ._values import optional_text, text
from .errors import GatewireError, make_error

W = TypeVar("W", bound=Socket)

#: Close code when a handler has failed (RFC 6455 section 7.4.1).
INTERNAL_ERROR = 1011


class Listener(Owner, Generic[W]):
    """What both faces of a WebSocket server have in common.

    :ivar url: what clients connect to, ``"wss://127.0.0.1:8443"``
    :ivar port: the port that it listens on
    :ivar pin: SHA-256 of its certificate, which clients pin
    :ivar key_pin: SHA-256 of the certificate's SubjectPublicKeyInfo
    :ivar certificate: the certificate as PEM
    """

    def __init__(self, context: Context, setup: ListenerSetup) -> None:
        self._handle: Optional[int] = None
        self._free = _abi.lib.gw_listener_free  # still there when the interpreter takes modules apart
        self._base_context = context
        self._process_request = setup.process_request
        self._subprotocols = setup.subprotocols
        self._sockets: dict[int, W] = {}
        handle = c_void_p()
        context.check(_abi.lib.gw_listener_open(context.handle, byref(setup.options), byref(handle)))
        self._handle = handle.value
        self._source: int = _abi.lib.gw_listener_id(self._handle)
        context.owners[self._source] = self
        self.port: int = _abi.lib.gw_listener_port(self._handle)
        self.url = self._text(_abi.SERVER_URL)
        self._read_certificate()

    def _text(self, which: int) -> str:
        out = _abi.Slice()
        self._base_context.check(_abi.lib.gw_listener_get_text(self._handle, which, byref(out)))
        return string_at(out.ptr, out.len).decode() if out.len else ""

    def _read_certificate(self) -> None:
        self.pin = self._text(_abi.SERVER_CERTIFICATE_PIN)
        self.key_pin = self._text(_abi.SERVER_KEY_PIN)
        self.certificate = self._text(_abi.SERVER_CERTIFICATE)

    def reload_certificate(self) -> None:
        """As :meth:`gatewire.Server.reload_certificate`."""
        self._base_context.check(_abi.lib.gw_listener_reload_certificate(self._handle))
        self._read_certificate()

    @property
    def connections(self) -> set[W]:
        """The WebSockets that are open now."""
        return set(self._sockets.values())

    def statistics(self) -> Statistics:
        """Sums since it was opened: connections, messages, bytes.

        :raises NotConnectedError: it has ended
        """
        if self._handle is None:
            raise make_error(_abi.ERR_GONE, "the server has ended", _abi.ACTOR_PROGRAM)
        return read_statistics(self._base_context, self._handle)

    def _stop(self) -> None:
        if self._handle is not None:
            status = _abi.lib.gw_listener_stop(self._handle)
            if status not in (_abi.OK, _abi.ERR_GONE):
                self._base_context.fail(status)

    def _drop(self) -> None:
        """Gives back what the library holds, without waiting."""
        handle, self._handle = self._handle, None
        for socket in self._sockets.values():  # a running server that is forgotten: they cannot use the handle any more
            socket._ended = True
            socket._last_state = CLOSED_STATE
        if handle is not None:
            self._free(handle)

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None:
            self._drop()
            warnings.warn(f"{self!r} was never closed", ResourceWarning, stacklevel=2, source=self)

    # --- what the two faces do in their own way ---

    def _new_socket(self) -> W:
        raise NotImplementedError

    def _begin(self, socket: W) -> None:
        """A connection is open: run the handler."""
        raise NotImplementedError

    def _ask(self, connection: int, request: Request) -> None:
        """Call ``process_request``, then :meth:`_decide`."""
        raise NotImplementedError

    def _finish(self, error: Optional[GatewireError]) -> None:
        """The last event has come."""
        raise NotImplementedError

    # --- requests ---

    def _decide(self, connection: int, request: Request, decision: Any) -> None:
        """Tells the library what was decided."""
        if isinstance(decision, Refuse):
            self._refuse(connection, decision)
            return
        if isinstance(decision, Accept):
            chosen = decision.subprotocol
        elif decision is None:
            chosen = next((name for name in self._subprotocols if name in request.subprotocols), None)
        else:
            raise TypeError(f"process_request must return None, Accept or Refuse, not {type(decision).__name__}")
        name = optional_text("subprotocol", chosen)
        if self._handle is not None:
            self._answered(_abi.lib.gw_listener_accept(self._handle, connection, name))

    def _refuse(self, connection: int, refusal: Refuse) -> None:
        body = text("text", refusal.text)
        if self._handle is not None:
            self._answered(_abi.lib.gw_listener_reject(self._handle, connection, refusal.status, body))

    def _answered(self, status: int) -> None:
        if status != _abi.ERR_GONE:  # the client has left, or the time limit has passed
            self._base_context.check(status)

    # --- events of the library, called by the context ---

    def _on_message(self, connection: int, kind: int, flags: int, payload: bytes) -> None:
        socket = self._sockets.get(connection)
        if socket is not None:
            socket._on_message(connection, kind, flags, payload)

    def _on_report(self, report: Report) -> None:
        kind, connection = report.type, report.connection
        if kind == _abi.EVENT_SOCKET_REQUEST:
            self._ask(connection, read_request(report))
        elif kind == _abi.EVENT_SOCKET_OPEN:
            socket = self._sockets[connection] = self._new_socket()
            socket._at = (self._handle or 0, connection)
            socket._on_report(report)
            self._begin(socket)
        elif kind == _abi.EVENT_SOCKET_CLOSED:
            ended = self._sockets.pop(connection, None)
            if ended is not None:
                ended._on_report(report)
        elif kind == _abi.EVENT_SERVER_CLOSED:
            self._finish(report.error() if report.status else None)
        else:
            other = self._sockets.get(connection)
            if other is not None:
                other._on_report(report)

    def _on_lost(self, error: GatewireError) -> None:
        for socket in self._sockets.values():
            socket._on_lost(error)
        self._sockets.clear()
        self._finish(error)
