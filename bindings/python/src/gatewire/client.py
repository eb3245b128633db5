"""A connection to a gateway that heals itself, for asyncio.

Everything of one client belongs to one event loop: create it there and use it there.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Sequence
from ctypes import byref, c_uint64, c_void_p
from types import TracebackType
from typing import Any, Optional, Union

from . import _abi
from ._context import Json, Owner, Report, from_json, to_json
from ._loop import LoopContext, Opening, Stream, running_context
from ._options import CLIENT_OPTIONS, ClientSetup, client_setup, takes
from ._values import text, texts
from .calls import fill_call_options, resynced, subscribe
from .credentials import Credentials, LoopCredentials, set_credentials
from .errors import GatewireError, NotConnectedError, make_error
from .events import CLOSED_STATE, Closed, Connected, Disconnected, Event, Notice, Stale, State, make_notice, read_state
from .observe import Stats, read_dump, read_stats
from .trust import LoopAsker, TlsState, read_tls

# Notices are few; more than this without a reader means that nobody reads them.
_NOTICE_LIMIT = 1024


class Client(Owner):
    """A client of a gateway; :func:`connect` makes one.

    :ivar hello: what the gateway said at the last connection (a dict), without credentials
    :ivar protocol: the protocol version agreed
    :ivar server_version: the version of the gateway
    """

    def __init__(self, setup: ClientSetup) -> None:
        self.hello: Any = None
        self.protocol = 0
        self.server_version = ""
        self._handle: Optional[int] = None
        self._free = _abi.lib.gw_client_free  # still there when the interpreter takes modules apart
        self._loop = asyncio.get_running_loop()
        self._calls: dict[int, asyncio.Future[bytes]] = {}
        self._accepted: dict[int, Callable[[Any], object]] = {}
        self._events: Stream[Event] = Stream(self._loop, setup.event_limit)
        self._notices: Stream[Notice] = Stream(self._loop, _NOTICE_LIMIT)
        self._keep_trying = setup.keep_trying
        self._asker = LoopAsker(setup.ask, self._loop)
        self._credentials = LoopCredentials(setup.ask_credentials, self._loop)
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._closed: asyncio.Future[Optional[GatewireError]] = self._loop.create_future()
        self._writable: Optional[asyncio.Future[None]] = None
        # One of each for all calls: written and read before the next call can begin.
        self._call_function = _abi.lib.gw_client_call
        self._call_id = c_uint64()
        self._call_id_ref = byref(self._call_id)
        self._call_options = _abi.CallOptions()
        self._call_options_ref = byref(self._call_options)
        _abi.lib.gw_call_options_init(self._call_options_ref)

        self._context: LoopContext = running_context(setup.takeover_ms)
        handle = c_void_p()
        try:
            self._context.check(_abi.lib.gw_client_open(self._context.handle, byref(setup.options), byref(handle)))
        except GatewireError:
            self._context.release(0)
            raise
        self._handle = handle.value
        self._source: int = _abi.lib.gw_client_id(self._handle)
        self._context.add(self._source, self)

    # --- calls ---

    async def call(
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
        """Calls a method and returns its answer, parsed.

        :param params: a value to encode as JSON, or ``str`` or ``bytes`` that are JSON already and are sent verbatim
        :param timeout: seconds, ``math.inf`` for none; ``None``: the client's ``call_timeout``, or none with
            ``expect_final``
        :param expect_final: an answer with status ``accepted`` is not the end: wait for the next
        :param on_accepted: called with the parsed payload of that first answer
        :param idempotent: ``True`` puts a new idempotency key into the params, a text puts that one; an error that does
            not say whether the call was run has it as ``idempotency_key``
        :param traceparent: W3C trace context, for gateways of protocol 4 and later
        :param online_only: never keep the call for a later connection, see ``offline`` of :func:`connect`
        :raises RpcError: the gateway answered with an error
        :raises NotSentError: it has certainly not run
        :raises OutcomeUnknownError: it may have run; :class:`CallTimeoutError` is one of these
        :raises NotConnectedError: there is no connection now

        Cancelling the task that waits ends the call here; the gateway may still run it.
        """
        return from_json(
            await self.call_raw(
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

    async def call_raw(
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
        plain = timeout is None and not expect_final and idempotent is False and traceparent is None and not online_only
        if not plain:
            fill_call_options(self._call_options, timeout, expect_final, idempotent, traceparent, online_only)
        call = self._start(method, params, None if plain else self._call_options_ref)
        future: asyncio.Future[bytes] = self._loop.create_future()
        self._calls[call] = future
        if on_accepted is not None:
            self._accepted[call] = on_accepted
        try:
            return await future
        except asyncio.CancelledError:
            if self._calls.pop(call, None) is not None and self._handle is not None:
                _abi.lib.gw_client_cancel(self._handle, call)
            raise
        finally:
            if on_accepted is not None:
                self._accepted.pop(call, None)

    def _start(self, method: str, params: Json, options: Any) -> int:
        body = to_json(params)
        status = self._call_function(
            self._open_handle(), text("method", method), body, len(body) if body else 0, options, self._call_id_ref
        )
        if status:
            self._context.check(status)
            if status == _abi.QUEUED and self._writable is None:
                self._writable = self._loop.create_future()
        self._context.flush_soon()
        call: int = self._call_id.value
        return call

    async def drain(self) -> None:
        """Waits while more is queued to be sent than is good; returns at once otherwise."""
        if self._writable is not None:
            await asyncio.shield(self._writable)

    # --- what connections begin with ---

    def subscribe(self, method: str, params: Json = None) -> int:
        """Calls a method on this connection and on each that comes; each time the notice :class:`Subscribed` tells
        how it went.  Returns the number of the subscription.
        """
        subscription = subscribe(self._context, self._open_handle(), method, params)
        self._context.flush_soon()
        return subscription

    def unsubscribe(self, subscription: int) -> None:
        """Forgets a subscription.  Nothing is sent: call the gateway's own method for that.

        :raises NotConnectedError: there is none of that number
        """
        self._context.check(_abi.lib.gw_client_unsubscribe(self._open_handle(), subscription))

    def resynced(self, notice: Stale) -> bool:
        """The program has caught up: events held since this notice come now.  ``False``: none are held for it."""
        return resynced(self._context, self._open_handle(), notice.id)

    # --- what comes ---

    def events(self) -> Stream[Event]:
        """The events of the gateway: ``async for event in client.events()``.  One reader at a time.

        Ends when the client does, with an exception if that was a failure.  See ``event_limit`` of :func:`connect`.
        """
        return self._events

    def notices(self) -> Stream[Notice]:
        """What happens to the connection.  One reader at a time.

        :class:`Connected`, :class:`Disconnected`, :class:`Gap`, :class:`Stale`, :class:`Synced`, :class:`Subscribed`,
        :class:`Warned`, and at last :class:`Closed`.
        """
        return self._notices

    def state(self) -> State:
        """Phase, protocol, next attempt, queue, round-trip time."""
        if self._handle is None:
            return CLOSED_STATE
        return read_state(self._context, self._handle)

    def stats(self) -> Stats:
        """Sums over the client's whole life: traffic, time in each state, with :class:`Observe` times by method."""
        return read_stats(self._context, self._open_handle())

    def dump(self) -> list[dict[str, Any]]:
        """What the flight recorder of :class:`Observe` holds, the oldest first: ``ms`` since the client was opened,
        ``kind`` (``"state"``, ``"failure"``, ``"in"``, ``"out"``), ``text``, and of a frame ``bytes``.
        """
        return read_dump(self._context, self._open_handle())

    def tls(self) -> Optional[TlsState]:
        """What TLS agreed on; ``None`` if there is no connection now, or one without TLS."""
        return read_tls(self._context, _abi.lib.gw_client_get_tls, (self._handle,) if self._handle else ())

    def set_pins(self, pins: Sequence[str]) -> None:
        """Replaces the pins, all at once, for every TLS handshake that begins from now on; the connection stays.

        :raises UsageError: one of them is no pin, and nothing was replaced
        """
        self._context.check(_abi.lib.gw_client_set_pins(self._open_handle(), *texts("pins", pins)))

    def set_credentials(self, credentials: Credentials) -> None:
        """Replaces the credentials, from the next attempt on.  A client that is paused needs :meth:`resume`, too."""
        set_credentials(self._context, self._open_handle(), credentials)

    def resume(self) -> None:
        """Begins a new attempt now: for a client that is paused, or waits for its next attempt.

        :raises GatewireError: it waits for nothing (``GW_ERR_STATE``)
        """
        self._context.check(_abi.lib.gw_client_resume(self._open_handle()))

    @property
    def closed(self) -> bool:
        """Whether the client has ended."""
        return self._closed.done()

    def network_changed(self) -> None:
        """The program knows that the network is another one now: a new address, a route, a VPN that came or went.

        Every open connection of this event loop sends a ping at once and ends if nothing arrives within 5 seconds (or
        ``pong_timeout``, if that is shorter); a client that waits for its next attempt begins it at once, and one
        that is connecting begins anew.  The library notices by itself when the machine has slept.

        :raises NotConnectedError: the client has ended
        """
        self._open_handle()
        self._context.network_changed()

    # --- the end ---

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes politely: calls in flight end, a close frame is sent.  Returns when it is done, at the latest after
        ``close_timeout``; again is allowed.
        """
        if self._handle is not None and not self._closed.done():
            status = _abi.lib.gw_client_close(self._handle, code, text("reason", reason))
            if status not in (_abi.OK, _abi.ERR_GONE):
                self._context.fail(status)
            self._context.flush_soon()
        await asyncio.shield(self._closed)

    async def wait_closed(self) -> None:
        """Waits until the client has ended; raises why if it was not closed by this side."""
        error = await asyncio.shield(self._closed)
        if error is not None:
            raise error

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.close()

    def _open_handle(self) -> int:
        if self._handle is None:
            raise make_error(_abi.ERR_GONE, "the client has ended", _abi.ACTOR_PROGRAM)
        return self._handle

    def _drop(self) -> None:
        """Gives back what the library holds, without waiting."""
        handle, self._handle = self._handle, None
        if handle is not None:
            self._free(handle)
            self._context.release(self._source)

    def _finish(self, error: Optional[GatewireError]) -> None:
        """Nothing comes after this: whoever waits is told."""
        reason = error or NotConnectedError("the client was closed", status=_abi.ERR_GONE)
        if not self._ready.done():
            self._ready.set_exception(reason)
            self._ready.exception()  # not an error that nobody has seen: the notices tell it too
        for future in self._calls.values():
            if not future.done():
                future.set_exception(reason)
        self._calls.clear()
        self._unblock()
        self._events._end(error)
        self._notices._end(None)
        if not self._closed.done():
            self._closed.set_result(error)
        self._drop()

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

    # --- events of the library, called by the context ---

    def _on_answer(self, call: int, payload: bytes) -> None:
        future = self._calls.pop(call, None)
        if future is not None and not future.done():
            future.set_result(payload)

    def _on_event(self, name: str, payload: bytes, sequence: int) -> None:
        self._events._put(Event(name, payload, sequence))

    def _on_report(self, report: Report) -> None:
        kind = report.type
        if kind == _abi.EVENT_CALL_DONE:
            future = self._calls.pop(report.subject, None)
            if future is not None and not future.done():
                future.set_exception(report.error())
        elif kind == _abi.EVENT_CALL_ACCEPTED:
            told = self._accepted.get(report.subject)
            if told is not None:
                self._loop.call_soon(told, from_json(report.payload))
        elif kind == _abi.EVENT_CLIENT_WRITABLE:
            self._unblock()
        elif kind == _abi.EVENT_TRUST_REQUEST:
            self._asker.begin(self._context, report)
        elif kind == _abi.EVENT_CREDENTIALS_REQUEST:
            self._credentials.begin(self._context, lambda: self._handle, report)
        else:
            notice = make_notice(report)
            if notice is not None:
                self._notices._put(notice)
                self._follow(notice)

    def _follow(self, notice: Notice) -> None:
        if isinstance(notice, Connected):
            self.hello = notice.hello
            self.protocol = notice.protocol
            self.server_version = notice.server_version
            if not self._ready.done():
                self._ready.set_result(None)
        elif isinstance(notice, Disconnected):
            self._unblock()
            if not self._keep_trying and not self._ready.done():
                self._ready.set_exception(notice.error)
        elif isinstance(notice, Closed):
            self._finish(notice.error)

    def _on_lost(self, error: GatewireError) -> None:
        self._finish(error)


class Connecting(Opening[Client]):
    """What :func:`connect` returns: await it for a :class:`Client`, or use it with ``async with``."""

    def __init__(self, setup: ClientSetup) -> None:
        super().__init__()
        self._setup = setup

    async def _open(self) -> Client:
        client = Client(self._setup)
        try:
            await client._ready
        except BaseException:
            client._drop()
            raise
        return client


@takes(client_setup)
def connect(setup: ClientSetup) -> Connecting:
    """Connects to a gateway::

        async with gatewire.connect("wss://127.0.0.1:18789", pins=[pin], token=token) as client:
            print(await client.call("health"))

    All options but the URL are keyword-only; ``None`` leaves the decision to the library.
    """
    return Connecting(setup)


connect.__doc__ = f"{connect.__doc__}{CLIENT_OPTIONS}"
