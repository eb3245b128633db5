"""A WebSocket server in this process, with a thread for each connection."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Optional

from ..._context import Context
from ..._listener import INTERNAL_ERROR, Listener
from ..._request import Refuse, Request
from ..._socket import SERVER
from ..._socket_options import LISTENER_OPTIONS, ListenerSetup, listener_setup, takes_handler
from ...errors import GatewireError
from .._poller import Poller
from .connection import WebSocket

Handler = Callable[[WebSocket], Any]

# Close code of a server that cannot serve one more (the IANA registry of RFC 6455 section 11.7).
_TRY_AGAIN_LATER = 1013


class Server(Listener[WebSocket]):
    __doc__ = Listener.__doc__

    def __init__(self, handler: Handler, setup: ListenerSetup) -> None:
        self._handler = handler
        self._threads: set[threading.Thread] = set()
        self._ended = False
        self._error: Optional[GatewireError] = None
        self._context = Context(takeover_ms=setup.takeover_ms)
        self._poller = Poller(self._context, self._on_lost)
        try:
            super().__init__(self._context, setup)
        except GatewireError:
            self._context.free()
            raise

    # --- the end ---

    @property
    def closed(self) -> bool:
        """Whether the server has ended."""
        return self._ended

    def wait_closed(self) -> None:
        """Serves until the server has ended, by :meth:`close` in another thread, and its handlers with it."""
        self._poller.wait(lambda: self._ended, None)
        self._join()
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Stops listening, closes every connection with 1001, and returns when all handlers have; again is allowed."""
        with self._poller.lock:
            self._stop()
            self._context.flush()
        self._poller.wait(lambda: self._ended, None)
        self._join()
        with self._poller.stopped():
            if self._handle is not None:
                self._drop()
                self._context.free()

    def _join(self) -> None:
        while True:
            with self._poller.lock:
                waiting = [thread for thread in self._threads if thread is not threading.current_thread()]
            if not waiting:
                return
            waiting[0].join()

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def _finish(self, error: Optional[GatewireError]) -> None:
        self._error = error
        self._ended = True

    # --- connections ---

    def _new_socket(self) -> WebSocket:
        return WebSocket(SERVER, self._context, self._poller)

    def _begin(self, socket: WebSocket) -> None:
        if not self._start(lambda: self._handle_connection(socket)):
            socket._start_close(_TRY_AGAIN_LATER, "")

    def _start(self, work: Callable[[], None]) -> bool:
        """Runs work in a thread of its own; false if the system has none left."""

        def run() -> None:
            try:
                work()
            finally:
                with self._poller.lock:
                    self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=run, name="gatewire-websocket")
        self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:
            self._threads.discard(thread)
            return False
        return True

    def _handle_connection(self, socket: WebSocket) -> None:
        code = INTERNAL_ERROR
        try:
            self._handler(socket)
            code = 1000
        except GatewireError as error:
            if not socket._is_end(error):  # a handler need not catch the end of its connection
                raise
        finally:
            socket.close(code)

    def _ask(self, connection: int, request: Request) -> None:
        if not self._start(lambda: self._ask_now(connection, request)):
            self._refuse(connection, Refuse(503))

    def _ask_now(self, connection: int, request: Request) -> None:
        assert self._process_request is not None
        try:
            decision = self._process_request(request)
            with self._poller.lock:
                self._decide(connection, request, decision)
                self._context.flush()
        except Exception:
            with self._poller.lock:
                self._refuse(connection, Refuse(500))
                self._context.flush()
            raise


@takes_handler(listener_setup)
def serve(handler: Handler, setup: ListenerSetup) -> Server:
    """Runs a WebSocket server in this process::

        def echo(ws):
            for message in ws:
                ws.send(message)

        with websocket.serve(echo, "127.0.0.1", 8443) as server:
            print(server.url, server.pin)
            server.wait_closed()

    Each connection is given to the handler in a thread of its own, and closed when that returns: with 1000, or with
    1011 if it raises, which :func:`threading.excepthook` is told.  ``process_request`` runs in such a thread too.  It
    listens when this returns, and works while any thread waits for it or one of its connections.  ``None`` leaves a
    decision to the library.
    """
    return Server(handler, setup)


serve.__doc__ = f"{serve.__doc__}{LISTENER_OPTIONS}"
