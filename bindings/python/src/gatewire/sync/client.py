"""The client of a gateway that blocks."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from ctypes import byref, c_uint64, c_void_p
from types import TracebackType
from typing import Any, Optional, TypeVar, Union

from .. import _abi
from .._context import Context, Json, Owner, Report, from_json, to_json
from .._options import CLIENT_OPTIONS, ClientSetup, client_setup, takes
from .._values import text, texts
from ..calls import fill_call_options, resynced, subscribe
from ..credentials import Credentials, set_credentials
from ..credentials import ask_now as ask_credentials_now
from ..errors import GatewireError, NotConnectedError, make_error
from ..events import CLOSED_STATE, Closed, Connected, Disconnected, Event, Notice, Stale, State, make_notice, read_state
from ..observe import Stats, read_dump, read_stats
from ..trust import TlsState, ask_now, read_tls
from ._poller import Poller

T = TypeVar("T")

_NOTICE_LIMIT = 1024


class _Call:
    """What a thread waits for: the answer of one call."""

    __slots__ = ("accepted", "done", "result")

    def __init__(self) -> None:
        self.done = False
        self.result: Union[bytes, GatewireError] = b""
        self.accepted: list[bytes] = []


class Client(Owner):
    """A client of a gateway that blocks; :func:`connect` makes one.

    :ivar hello: what the gateway said at the last connection (a dict), without credentials
    :ivar protocol: the protocol version agreed
    :ivar server_version: the version of the gateway
    """

    def __init__(self, setup: ClientSetup) -> None:
        self.hello: Any = None
        self.protocol = 0
        self.server_version = ""
        #: events that were dropped because more than ``event_limit`` waited
        self.dropped = 0
        self._handle: Optional[int] = None
        self._free = _abi.lib.gw_client_free  # still there when the interpreter takes modules apart
        self._calls: dict[int, _Call] = {}
        self._event_queue: deque[Event] = deque()
        self._event_limit = setup.event_limit
        self._notice_queue: deque[Notice] = deque(maxlen=_NOTICE_LIMIT)
        self._keep_trying = setup.keep_trying
        self._ask = setup.ask
        self._ask_credentials = setup.ask_credentials
        self._first: Union[None, bool, GatewireError] = None
        self._ended = False
        self._error: Optional[GatewireError] = None

        self._context = Context(takeover_ms=setup.takeover_ms)
        # Its lock guards all of the above.
        self._poller = Poller(self._context, self._finish)
        handle = c_void_p()
        try:
            self._context.check(_abi.lib.gw_client_open(self._context.handle, byref(setup.options), byref(handle)))
        except GatewireError:
            self._context.free()
            raise
        self._handle = handle.value
        self._context.owners[_abi.lib.gw_client_id(self._handle)] = self

    # --- calls ---

    def call(
        self,
        method: str,
        params: Json = None,
        *,
        timeout: Optional[float] = None,
        expect_final: bool = False,
        on_accepted: Optional[Callable[[Any], object]] = None,
        idempotent: Union[bool, str] = False,
        traceparent: Optional[str] = None,
        online_only: bool = False,
    ) -> Any:
        """Calls a method, waits, and returns its answer, parsed.  As :meth:`gatewire.Client.call`."""
        return from_json(
            self.call_raw(
                method,
                params,
                timeout=timeout,
                expect_final=expect_final,
                on_accepted=on_accepted,
                idempotent=idempotent,
                traceparent=traceparent,
                online_only=online_only,
            )
        )

    def call_raw(
        self,
        method: str,
        params: Json = None,
        *,
        timeout: Optional[float] = None,
        expect_final: bool = False,
        on_accepted: Optional[Callable[[Any], object]] = None,
        idempotent: Union[bool, str] = False,
        traceparent: Optional[str] = None,
        online_only: bool = False,
    ) -> bytes:
        """As :meth:`call`, but returns the answer as the gateway wrote it: JSON, or ``b""``."""
        body = to_json(params)
        options = _abi.CallOptions()
        _abi.lib.gw_call_options_init(byref(options))
        fill_call_options(options, timeout, expect_final, idempotent, traceparent, online_only)
        number = c_uint64()
        call = _Call()
        with self._poller.lock:
            self._context.check(
                _abi.lib.gw_client_call(
                    self._open_handle(),
                    text("method", method),
                    body,
                    len(body) if body else 0,
                    byref(options),
                    byref(number),
                )
            )
            self._calls[number.value] = call
        try:
            ended = False
            while not ended:
                self._wait(lambda: call.done or bool(call.accepted), None)
                ended = call.done
                while call.accepted:
                    payload = call.accepted.pop(0)
                    if on_accepted is not None:
                        on_accepted(from_json(payload))
        except BaseException:
            with self._poller.lock:
                if self._calls.pop(number.value, None) is not None and self._handle is not None:
                    _abi.lib.gw_client_cancel(self._handle, number)
            raise
        if isinstance(call.result, GatewireError):
            raise call.result
        return call.result

    # --- what connections begin with ---

    def subscribe(self, method: str, params: Json = None) -> int:
        """As :meth:`gatewire.Client.subscribe`."""
        with self._poller.lock:
            return subscribe(self._context, self._open_handle(), method, params)

    def unsubscribe(self, subscription: int) -> None:
        """As :meth:`gatewire.Client.unsubscribe`."""
        with self._poller.lock:
            self._context.check(_abi.lib.gw_client_unsubscribe(self._open_handle(), subscription))

    def resynced(self, notice: Stale) -> bool:
        """As :meth:`gatewire.Client.resynced`."""
        with self._poller.lock:
            return resynced(self._context, self._open_handle(), notice.id)

    # --- what comes ---

    def events(self, timeout: Optional[float] = None) -> Iterator[Event]:
        """The events of the gateway, as they come.

        :param timeout: ends the iteration when nothing has come for so many seconds; ``None``: the client's end does
        """
        while True:
            event = self.next_event(timeout)
            if event is None:
                return
            yield event

    def next_event(self, timeout: Optional[float] = None) -> Optional[Event]:
        """The next event; ``None`` when none has come for ``timeout`` seconds, or the client was closed.

        :raises GatewireError: the client ended by a failure
        """
        event = self._next(self._event_queue, timeout)
        if event is None and self._ended and self._error is not None:
            raise self._error
        return event

    def next_notice(self, timeout: Optional[float] = None) -> Optional[Notice]:
        """As :meth:`next_event`, for what happens to the connection: see :meth:`gatewire.Client.notices`."""
        return self._next(self._notice_queue, timeout)

    def _next(self, queue: deque[T], timeout: Optional[float]) -> Optional[T]:
        self._wait(lambda: bool(queue) or self._ended, timeout)
        with self._poller.lock:
            if queue:
                return queue.popleft()
            return None

    def state(self) -> State:
        """Phase, protocol, next attempt, queue, round-trip time."""
        with self._poller.lock:
            if self._handle is None:
                return CLOSED_STATE
            return read_state(self._context, self._handle)

    def stats(self) -> Stats:
        """As :meth:`gatewire.Client.stats`."""
        with self._poller.lock:
            return read_stats(self._context, self._open_handle())

    def dump(self) -> list[dict[str, Any]]:
        """As :meth:`gatewire.Client.dump`."""
        with self._poller.lock:
            return read_dump(self._context, self._open_handle())

    def tls(self) -> Optional[TlsState]:
        """What TLS agreed on; ``None`` if there is no connection now, or one without TLS."""
        with self._poller.lock:
            return read_tls(self._context, _abi.lib.gw_client_get_tls, (self._handle,) if self._handle else ())

    def set_pins(self, pins: Sequence[str]) -> None:
        """As :meth:`gatewire.Client.set_pins`."""
        with self._poller.lock:
            self._context.check(_abi.lib.gw_client_set_pins(self._open_handle(), *texts("pins", pins)))

    def set_credentials(self, credentials: Credentials) -> None:
        """As :meth:`gatewire.Client.set_credentials`."""
        with self._poller.lock:
            set_credentials(self._context, self._open_handle(), credentials)

    def resume(self) -> None:
        """As :meth:`gatewire.Client.resume`."""
        with self._poller.lock:
            self._context.check(_abi.lib.gw_client_resume(self._open_handle()))

    @property
    def closed(self) -> bool:
        """Whether the client has ended."""
        return self._ended

    def network_changed(self) -> None:
        """The program knows that the network is another one now: a new address, a route, a VPN that came or went.

        An open connection sends a ping at once and ends if nothing arrives within 5 seconds (or ``pong_timeout``,
        if that is shorter); a client that waits for its next attempt begins it at once, and one that is connecting
        begins anew.  The library notices by itself when the machine has slept.

        :raises NotConnectedError: the client has ended
        """
        with self._poller.lock:
            self._open_handle()
            self._context.network_changed()

    # --- the end ---

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes politely and returns when it is done, at the latest after ``close_timeout``; again is allowed."""
        with self._poller.lock:
            if self._handle is None:
                return
            if not self._ended:
                status = _abi.lib.gw_client_close(self._handle, code, text("reason", reason))
                if status not in (_abi.OK, _abi.ERR_GONE):
                    self._context.fail(status)
        self._wait(lambda: self._ended, None)
        self._drop()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None:
            self._free(self._handle)
            self._handle = None
            self._context.free()
            warnings.warn(f"{self!r} was never closed", ResourceWarning, stacklevel=2, source=self)

    def _open_handle(self) -> int:
        if self._handle is None:
            raise make_error(_abi.ERR_GONE, "the client has ended", _abi.ACTOR_PROGRAM)
        return self._handle

    def _drop(self) -> None:
        """Gives back what the library holds, once nobody polls any more."""
        with self._poller.stopped():
            handle, self._handle = self._handle, None
            if handle is not None:
                self._free(handle)
                self._context.free()

    def _wait(self, done: Callable[[], bool], timeout: Optional[float]) -> bool:
        """Waits until something is so or the client has ended.  Whether it is so."""
        self._poller.wait(lambda: done() or self._ended, timeout)
        return done()

    # --- events of the library, called while the lock is held ---

    def _on_answer(self, call: int, payload: bytes) -> None:
        self._end_call(call, payload)

    def _end_call(self, number: int, result: Union[bytes, GatewireError]) -> None:
        call = self._calls.pop(number, None)
        if call is not None:
            call.result = result
            call.done = True

    def _on_event(self, name: str, payload: bytes, sequence: int) -> None:
        if len(self._event_queue) >= self._event_limit:
            self._event_queue.popleft()
            self.dropped += 1
        self._event_queue.append(Event(name, payload, sequence))

    def _on_report(self, report: Report) -> None:
        if report.type == _abi.EVENT_CALL_DONE:
            self._end_call(report.subject, report.error())
            return
        if report.type == _abi.EVENT_CALL_ACCEPTED:
            call = self._calls.get(report.subject)
            if call is not None:
                call.accepted.append(report.payload)
            return
        if report.type == _abi.EVENT_TRUST_REQUEST:
            ask_now(self._context, self._ask, report)
            return
        if report.type == _abi.EVENT_CREDENTIALS_REQUEST:
            ask_credentials_now(self._context, self._handle, self._ask_credentials, report)
            return
        notice = make_notice(report)
        if notice is None:
            return
        self._notice_queue.append(notice)
        if isinstance(notice, Connected):
            self.hello = notice.hello
            self.protocol = notice.protocol
            self.server_version = notice.server_version
            self._first = True
        elif isinstance(notice, Disconnected):
            if self._first is None and not self._keep_trying:
                self._first = notice.error
        elif isinstance(notice, Closed):
            self._finish(notice.error)

    def _finish(self, error: Optional[GatewireError]) -> None:
        reason = error or NotConnectedError("the client was closed", status=_abi.ERR_GONE)
        if self._first is None:
            self._first = reason
        for number in list(self._calls):
            self._end_call(number, reason)
        self._error = error
        self._ended = True


@takes(client_setup)
def connect(setup: ClientSetup) -> Client:
    """Connects to a gateway and returns when it has said hello.

    All options but the URL are keyword-only; ``None`` leaves the decision to the library.
    """
    client = Client(setup)
    try:
        client._wait(lambda: client._first is not None, None)
        if isinstance(client._first, GatewireError):
            raise client._first
    except BaseException:
        client._drop()
        raise
    return client


connect.__doc__ = f"{connect.__doc__}{CLIENT_OPTIONS}"
