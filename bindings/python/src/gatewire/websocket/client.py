"""A WebSocket to any server, for asyncio."""

from __future__ import annotations

import asyncio
import warnings
from ctypes import byref, c_void_p
from typing import Optional

from .. import _abi
from .._context import Report
from .._loop import Opening, running_context
from .._options import takes
from .._socket import CLIENT
from .._socket_options import SOCKET_OPTIONS, SocketSetup, socket_setup
from .._socket_state import CLOSED_STATE
from ..errors import GatewireError
from ..trust import LoopAsker
from .connection import WebSocket


class ClientWebSocket(WebSocket):
    """The WebSocket of a client; :func:`connect` makes one."""

    def __init__(self, setup: SocketSetup) -> None:
        self._handle: Optional[int] = None
        self._free = _abi.lib.gw_socket_free  # still there when the interpreter takes modules apart
        context = running_context(setup.takeover_ms)
        super().__init__(CLIENT, context)
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._asker = LoopAsker(setup.ask, self._loop)
        handle = c_void_p()
        try:
            context.check(_abi.lib.gw_socket_open(context.handle, byref(setup.options), byref(handle)))
        except GatewireError:
            context.release(0)
            raise
        self._handle = handle.value
        self._at = (handle.value or 0,)
        self._source: int = _abi.lib.gw_socket_id(self._handle)
        context.add(self._source, self)

    def _on_report(self, report: Report) -> None:
        if report.type == _abi.EVENT_TRUST_REQUEST:
            self._asker.begin(self._context, report)
        else:
            super()._on_report(report)

    def _on_opened(self, report: Report) -> None:
        super()._on_opened(report)
        if not self._ready.done():
            self._ready.set_result(None)

    def _finish(self, error: Optional[GatewireError]) -> None:
        super()._finish(error)
        if not self._ready.done():
            self._ready.set_exception(self._end())
            self._ready.exception()  # whoever connects may have been cancelled
        self._drop()

    def _drop(self) -> None:
        """Gives back what the library holds, without waiting."""
        handle, self._handle = self._handle, None
        self._at = ()
        if handle is not None:
            self._free(handle)
            self._context.release(self._source)

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle is not None:
            self._handle = None
            self._free(handle)
            warnings.warn(f"{self!r} was never closed", ResourceWarning, stacklevel=2, source=self)


class Connecting(Opening[WebSocket]):
    """What :func:`connect` returns: await it for a :class:`WebSocket`, or use it with ``async with``."""

    def __init__(self, setup: SocketSetup) -> None:
        super().__init__()
        self._setup = setup

    async def _open(self) -> WebSocket:
        socket = ClientWebSocket(self._setup)
        try:
            await socket._ready
        except BaseException:
            socket._last_state = CLOSED_STATE
            socket._ended = True
            socket._drop()
            raise
        return socket


@takes(socket_setup)
def connect(setup: SocketSetup) -> Connecting:
    """Connects to a WebSocket server::

        async with websocket.connect("wss://127.0.0.1:8443/chat", pins=[pin], subprotocols=["chat.v2"]) as ws:
            await ws.send("hello")
            async for message in ws:
                print(message)

    It does not come back by itself.  All options but the URL are keyword-only; ``None`` leaves a decision to the
    library.
    """
    return Connecting(setup)


connect.__doc__ = f"{connect.__doc__}{SOCKET_OPTIONS}"
