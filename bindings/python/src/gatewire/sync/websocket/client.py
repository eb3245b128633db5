"""A WebSocket to any server, that blocks."""

from __future__ import annotations

import warnings
from ctypes import byref, c_void_p
from typing import Optional

from ... import _abi
from ..._context import Context, Report
from ..._options import takes
from ..._socket import CLIENT
from ..._socket_options import SOCKET_OPTIONS, SocketSetup, socket_setup
from ..._socket_state import CLOSED_STATE
from ...errors import GatewireError
from ...trust import ask_now
from .._poller import Poller
from .connection import WebSocket


class ClientWebSocket(WebSocket):
    """The WebSocket of a client; :func:`connect` makes one.  It has a context of its own."""

    def __init__(self, setup: SocketSetup) -> None:
        self._handle: Optional[int] = None
        self._free = _abi.lib.gw_socket_free  # still there when the interpreter takes modules apart
        self._is_open = False
        self._ask = setup.ask
        context = Context(takeover_ms=setup.takeover_ms)
        super().__init__(CLIENT, context, Poller(context, self._on_lost))
        handle = c_void_p()
        try:
            context.check(_abi.lib.gw_socket_open(context.handle, byref(setup.options), byref(handle)))
        except GatewireError:
            context.free()
            raise
        self._handle = handle.value
        self._at = (handle.value or 0,)
        context.owners[_abi.lib.gw_socket_id(self._handle)] = self

    def _await_open(self) -> None:
        self._poller.wait(lambda: self._is_open or self._ended, None)
        if not self._is_open:
            raise self._end()

    def _on_report(self, report: Report) -> None:
        if report.type == _abi.EVENT_TRUST_REQUEST:
            ask_now(self._context, self._ask, report)
        else:
            super()._on_report(report)

    def _on_opened(self, report: Report) -> None:
        super()._on_opened(report)
        self._is_open = True

    def close(self, code: int = 1000, reason: str = "") -> None:
        super().close(code, reason)
        self._drop()

    close.__doc__ = WebSocket.close.__doc__

    def _drop(self) -> None:
        """Gives back what the library holds, once nobody polls any more."""
        with self._poller.stopped():
            handle, self._handle = self._handle, None
            self._last_state = self._last_state or CLOSED_STATE
            self._ended = True
            self._at = ()
            if handle is not None:
                self._free(handle)
                self._context.free()

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None:
            self._free(self._handle)
            self._handle = None
            self._context.free()
            warnings.warn(f"{self!r} was never closed", ResourceWarning, stacklevel=2, source=self)


@takes(socket_setup)
def connect(setup: SocketSetup) -> WebSocket:
    """Connects to a WebSocket server and returns when the connection is open::

        with websocket.connect("wss://127.0.0.1:8443/chat", pins=[pin]) as ws:
            ws.send("hello")
            for message in ws:
                print(message)

    It does not come back by itself.  All options but the URL are keyword-only; ``None`` leaves a decision to the
    library.
    """
    socket = ClientWebSocket(setup)
    try:
        socket._await_open()
    except BaseException:
        socket._drop()
        raise
    return socket


connect.__doc__ = f"{connect.__doc__}{SOCKET_OPTIONS}"
