"""The half of a WebSocket that never waits: what has come, what it is told to send, how it ended.

Used for both roles and by both hosts, :mod:`gatewire.websocket` (asyncio) and :mod:`gatewire.sync.websocket`.
"""

from __future__ import annotations

from codecs import IncrementalDecoder, getincrementaldecoder
from collections import deque
from collections.abc import Callable
from copy import copy
from itertools import count
from time import monotonic
from typing import NamedTuple, Optional, Union

from . import _abi
from ._context import Context, Owner, Report, from_json
from ._request import Headers
from ._socket_state import CLOSED_STATE, State, read_state
from ._values import text
from .errors import GatewireError, NotConnectedError
from .trust import TlsState, read_tls

Message = Union[str, bytes]
#: What may be sent; ``bytearray`` and ``memoryview`` are copied once more than ``bytes``.
Data = Union[str, bytes, bytearray, memoryview]

_utf8_decoder = getincrementaldecoder("utf-8")

# Close codes after which an iteration over messages just ends (RFC 6455 section 7.4.1).
_NORMAL_CODES = (1000, 1001)

# Bytes of messages that may wait for a reader before the peer is held back, and below which it may go on.
_HIGH_WATER = 4 * 1024 * 1024
_LOW_WATER = 1024 * 1024
# What a message costs beside its bytes.
_MESSAGE_COST = 256


class Functions(NamedTuple):
    """The C functions of one role.  Each takes first where to: a socket, or a listener and its connection."""

    send: Callable[..., int]
    ping: Callable[..., int]
    close: Callable[..., int]
    get_state: Callable[..., int]
    get_tls: Callable[..., int]
    pause: Callable[..., int]
    resume: Callable[..., int]


CLIENT = Functions(
    _abi.lib.gw_socket_send,
    _abi.lib.gw_socket_ping,
    _abi.lib.gw_socket_close,
    _abi.lib.gw_socket_get_state,
    _abi.lib.gw_socket_get_tls,
    _abi.lib.gw_socket_pause,
    _abi.lib.gw_socket_resume,
)
SERVER = Functions(
    _abi.lib.gw_listener_send,
    _abi.lib.gw_listener_ping,
    _abi.lib.gw_listener_disconnect,
    _abi.lib.gw_listener_get_state,
    _abi.lib.gw_listener_get_tls,
    _abi.lib.gw_listener_pause,
    _abi.lib.gw_listener_resume,
)


class Ping:
    """A ping that was sent: when, and how many seconds its pong took."""

    __slots__ = ("answered", "latency", "sent_at")

    def __init__(self) -> None:
        self.sent_at = monotonic()
        self.answered = False
        self.latency = 0.0


def encode(message: Data, as_text: Optional[bool]) -> tuple[int, bytes]:
    """Kind and bytes of a message; ``as_text`` decides in place of its type."""
    if isinstance(message, str):
        kind, data = _abi.TEXT, message.encode()
    elif isinstance(message, bytes):
        kind, data = _abi.BINARY, message
    elif isinstance(message, (bytearray, memoryview)):
        kind, data = _abi.BINARY, bytes(message)
    else:
        raise TypeError(f"a message is str, bytes, bytearray or memoryview, not {type(message).__name__}")
    if as_text is None:
        return kind, data
    return (_abi.TEXT if as_text else _abi.BINARY), data


def compression_flag(compress: bool) -> int:
    """What is said of a message when the threshold is not to decide."""
    return _abi.SEND_COMPRESSED if compress else _abi.SEND_UNCOMPRESSED


def part_decoder(kind: int, decode: Optional[bool]) -> Optional[IncrementalDecoder]:
    """Decodes the parts of a message, wherever they were cut; ``None``: they stay bytes."""
    return _utf8_decoder() if (kind == _abi.TEXT if decode is None else decode) else None


class Socket(Owner):
    """What both faces of a WebSocket have in common.

    :ivar subprotocol: the subprotocol agreed, or ``None``
    :ivar headers: HTTP header fields of the peer: of its answer at a client, of its request at a server
    :ivar url: what was connected to, after redirects, without user and password; at a client only, else ``""``
    :ivar redirects: how many were followed
    :ivar target: path and query of the request; at a server only, else ``""``
    :ivar remote: address and port of the peer; at a server only, else ``""``
    :ivar close_code: close code of the peer (RFC 6455 section 7.4), 1005 if it gave none, 1006 without a close
        frame; ``None`` before the end
    :ivar close_reason: close reason of the peer; ``None`` before the end
    :ivar error: what ended it; ``None`` before the end, and when this side closed it and the peer answered
    """

    def __init__(self, functions: Functions, context: Context) -> None:
        self.subprotocol: Optional[str] = None
        self.headers = Headers(())
        self.url = ""
        self.redirects = 0
        self.target = ""
        self.remote = ""
        self.close_code: Optional[int] = None
        self.close_reason: Optional[str] = None
        self.error: Optional[GatewireError] = None
        self._functions = functions
        self._send_function = functions.send
        self._base_context = context
        # The arguments that name it to the library; empty when it is known there no more.
        self._at: tuple[int, ...] = ()
        self._ended = False
        self._last_state: Optional[State] = None
        # Kind, whether more parts follow, bytes.
        self._messages: deque[tuple[int, int, bytes]] = deque()
        # How many whole messages wait: those whose last part has come.
        self._whole = 0
        self._waiting_bytes = 0
        self._is_paused = False
        self._is_streaming = False
        # By payload, in the order in which they were sent.
        self._pings: dict[bytes, Ping] = {}
        self._ping_numbers = count(1)

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self._ended

    @property
    def latency(self) -> Optional[float]:
        """Seconds that the last keepalive ping took to be answered; ``None`` if none was."""
        return self.state().round_trip

    def state(self) -> State:
        """Phase, what was agreed, counters; after the end a client's last ones, of a server's only that it is over."""
        return self._last_state or read_state(self._base_context, self._functions.get_state, self._at)

    def tls(self) -> Optional[TlsState]:
        """What TLS agreed on, with the chain that the peer showed; ``None`` without a connection or without TLS."""
        return read_tls(self._base_context, self._functions.get_tls, self._at)

    # --- out ---

    def _queue(self, kind: int, data: bytes, flags: int) -> int:
        """Gives a message or a part to the library: ``OK``, or ``QUEUED`` when the next should wait."""
        if self._ended:
            raise self._end()
        status = self._send_function(*self._at, kind, data, len(data), flags)
        return status if status >= 0 else self._refused(status)

    def _queue_ping(self, data: Optional[Data]) -> Ping:
        payload = next(self._ping_numbers).to_bytes(4, "big") if data is None else encode(data, None)[1]
        if self._ended:
            raise self._end()
        if payload in self._pings:
            raise ValueError("a ping with the same data has not been answered yet")
        status = self._functions.ping(*self._at, payload, len(payload))
        if status < 0:
            self._refused(status)
        ping = self._pings[payload] = Ping()
        return ping

    def _start_close(self, code: int, reason: str) -> None:
        if self._ended:
            return
        status = self._functions.close(*self._at, code, text("reason", reason))
        if status not in (_abi.OK, _abi.ERR_GONE):
            self._refused(status)

    def _refused(self, status: int) -> int:
        return self._base_context.check(status)

    def _end(self) -> GatewireError:
        """Why nothing can be sent or received any more, to be raised.

        A copy: a traceback of ``error`` itself would keep whoever raised it, and with it this.
        """
        return copy(self.error) or NotConnectedError("the WebSocket was closed", status=_abi.ERR_GONE)

    def _is_end(self, error: Exception) -> bool:
        """Whether an exception is one that tells of the end."""
        return self._ended and vars(error) == vars(self._end())

    @property
    def _ended_normally(self) -> bool:
        return self.error is None or (self.error.status == _abi.ERR_CLOSED and self.error.code in _NORMAL_CODES)

    # --- in ---

    def _take(self, decode: Optional[bool]) -> Message:
        """The oldest whole message."""
        kind, more, payload = self._pop()
        if more:
            parts = [payload]
            while more:
                _, more, payload = self._pop()
                parts.append(payload)
            payload = b"".join(parts)
        self._whole -= 1
        if kind == _abi.TEXT if decode is None else decode:
            return payload.decode()
        return payload

    def _push(self, kind: int, more: int, payload: bytes) -> None:
        """Keeps a message or a part; when too much waits, the peer is held back (TCP flow control)."""
        self._messages.append((kind, more, payload))
        if not more:
            self._whole += 1
        self._waiting_bytes += len(payload) + _MESSAGE_COST
        # The parts of a message that is not whole are no reason: its reader may wait for the rest.
        if self._waiting_bytes > _HIGH_WATER and self._whole and not self._is_paused:
            self._is_paused = not self._ended and self._functions.pause(*self._at) == _abi.OK

    def _pop(self) -> tuple[int, int, bytes]:
        """Takes the oldest message or part."""
        taken = self._messages.popleft()
        self._waiting_bytes -= len(taken[2]) + _MESSAGE_COST
        if self._is_paused and self._waiting_bytes < _LOW_WATER:
            self._is_paused = False
            if not self._ended:
                self._functions.resume(*self._at)
        return taken

    def _check_reader(self) -> None:
        if self._is_streaming:
            raise RuntimeError("the parts of a message are being read: finish that first")

    def _on_opened(self, report: Report) -> None:
        self.subprotocol = report.name or None
        detail = from_json(report.payload) or {}
        self.headers = Headers(detail.get("headers", ()))
        self.url = detail.get("url", "")
        self.redirects = detail.get("redirects", 0)
        self.target = detail.get("target", "")
        self.remote = detail.get("remote", "")

    def _on_message(self, connection: int, kind: int, flags: int, payload: bytes) -> None:
        self._push(kind, flags & _abi.EVENT_PART, payload)

    def _on_report(self, report: Report) -> None:
        kind = report.type
        if kind == _abi.EVENT_SOCKET_WRITABLE:
            self._unblock()
        elif kind == _abi.EVENT_SOCKET_PONG:
            for ping in self._answered_pings(report.payload):
                self._on_pong(ping)
        elif kind == _abi.EVENT_SOCKET_OPEN:
            self._on_opened(report)
        elif kind == _abi.EVENT_SOCKET_CLOSED:
            self.close_code = report.code if report.code >= 1000 else 1006  # below are none and HTTP statuses
            self.close_reason = report.name
            self._finish(report.error() if report.status else None)

    def _on_lost(self, error: GatewireError) -> None:
        self._finish(error)

    def _finish(self, error: Optional[GatewireError]) -> None:
        """Nothing comes after this."""
        self.error = error
        self._last_state = self._state_at_end()
        self._ended = True

    def _state_at_end(self) -> State:
        try:
            return self.state()
        except GatewireError:  # the context is lost
            return CLOSED_STATE

    def _unblock(self) -> None:
        """The queue has room again."""

    def _on_pong(self, ping: Ping) -> None:
        """A ping was answered."""

    def _answered_pings(self, payload: bytes) -> list[Ping]:
        """The pings that a pong answers: that with its payload, and all before it (RFC 6455 section 5.5.3)."""
        if payload not in self._pings:
            return []
        now = monotonic()
        answered = []
        for sent in list(self._pings):
            ping = self._pings.pop(sent)
            ping.answered = True
            ping.latency = now - ping.sent_at
            answered.append(ping)
            if sent == payload:
                break
        return answered
