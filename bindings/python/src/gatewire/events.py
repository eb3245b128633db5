"""What a client tells its host: events of the gateway, notices about the connection, its state."""

from __future__ import annotations

from ctypes import Structure, byref, sizeof
from dataclasses import dataclass
from typing import Any, NamedTuple, Optional, Union

from . import _abi
from ._context import Context, Report, from_json
from .errors import GatewireError
from .observe import Logged, make_logged


class Event:
    """An event of the gateway.

    :ivar name: its name, ``"chat"``
    :ivar raw: its payload as the gateway wrote it, JSON, or ``b""``
    :ivar sequence: number of the frame, or ``None``
    """

    __slots__ = ("_payload", "name", "raw", "sequence")

    def __init__(self, name: str, raw: bytes, sequence: int) -> None:
        self.name = name
        self.raw = raw
        self.sequence = None if sequence == _abi.NO_SEQUENCE else sequence
        self._payload: Any = _UNREAD

    @property
    def payload(self) -> Any:
        """The payload, parsed when it is first asked for; ``None`` if there is none."""
        if self._payload is _UNREAD:
            self._payload = from_json(self.raw)
        return self._payload

    def __repr__(self) -> str:
        return f"Event({self.name!r}, {self.raw!r}, {self.sequence!r})"


_UNREAD = object()


@dataclass(frozen=True)
class Connected:
    """The gateway said hello; calls can be made."""

    #: counts the connections of this client from 1
    connection: int
    #: the protocol version agreed
    protocol: int
    server_version: str
    #: the whole hello, without credentials
    hello: Any


@dataclass(frozen=True)
class Disconnected:
    """An attempt failed or a connection ended; the library tries again after ``retry_after`` seconds, or is paused."""

    #: the connection that ended, 0 for an attempt that never reached hello
    connection: int
    error: GatewireError
    retry_after: float
    #: somebody must act first: the next attempt waits for ``resume()``
    paused: bool = False


@dataclass(frozen=True)
class Closed:
    """The last notice: the client was closed (``error`` is ``None``), or trying again cannot help."""

    error: Optional[GatewireError]


@dataclass(frozen=True)
class Warned:
    """The connection goes on, but what the peer sent was ignored, or the grant differs (``name`` is ``"scopes"``)."""

    text: str
    name: str
    #: what was wrong with it; ``None`` for a grant that differs
    error: Optional[GatewireError]


@dataclass(frozen=True)
class Gap:
    """Events are missing."""

    #: number of the event that showed it
    sequence: int
    #: how many are missing
    missing: int


@dataclass(frozen=True)
class Stale:
    """What is known of the gateway may be old: after each connection but the first, and after each :class:`Gap`.

    With ``resync=`` of :func:`connect`, events are held until ``client.resynced(notice)``.
    """

    id: int
    #: ``"reconnect"`` or ``"gap"``
    reason: str
    #: number of the last event that came, or ``None``
    last_sequence: Optional[int]


class SyncAnswer(NamedTuple):
    """What one call of ``initial_sync`` came to."""

    method: str
    #: parsed; ``None`` if it failed
    payload: Any
    #: the error object, ``{"code": ..., "message": ...}``, or ``None``
    error: Any


@dataclass(frozen=True)
class Synced:
    """All calls of ``initial_sync`` have ended on this connection."""

    answers: list[SyncAnswer]


@dataclass(frozen=True)
class Subscribed:
    """A subscription was made anew on this connection, or could not be; it stays either way."""

    subscription: int
    #: the answer, parsed
    payload: Any
    error: Optional[GatewireError]


Notice = Union[Connected, Disconnected, Closed, Warned, Gap, Stale, Synced, Subscribed, Logged]

_REASONS = {_abi.RESYNC_RECONNECT: "reconnect", _abi.RESYNC_GAP: "gap"}


def make_notice(report: Report) -> Optional[Notice]:
    """The notice that an event of a client stands for, if it does."""
    kind = report.type
    if kind == _abi.EVENT_CLIENT_CONNECTED:
        return Connected(report.connection, report.code, report.name, from_json(report.payload))
    if kind == _abi.EVENT_CLIENT_DISCONNECTED:
        paused = bool(report.flags & _abi.EVENT_PAUSED)
        return Disconnected(report.connection, report.error(), report.retry_after_ms / 1000, paused)
    if kind == _abi.EVENT_CLIENT_CLOSED:
        return Closed(report.error() if report.status else None)
    if kind == _abi.EVENT_CLIENT_WARNING:
        return Warned(report.text, report.name, report.error() if report.status else None)
    if kind == _abi.EVENT_GAP:
        return Gap(report.sequence, report.code)
    if kind == _abi.EVENT_RESYNC:
        last = None if report.sequence == _abi.NO_SEQUENCE else report.sequence
        return Stale(report.subject, _REASONS.get(report.code, str(report.code)), last)
    if kind == _abi.EVENT_SYNCED:
        answers = from_json(report.payload)
        return Synced([SyncAnswer(each["method"], each.get("payload"), each.get("error")) for each in answers])
    if kind == _abi.EVENT_LOG:
        return make_logged(report)
    if kind == _abi.EVENT_SUBSCRIBED:
        if report.status:
            return Subscribed(report.subject, None, report.error())
        return Subscribed(report.subject, from_json(report.payload), None)
    return None


class State(NamedTuple):
    """A look at a client."""

    #: ``waiting resolve connect proxy tls upgrade challenge hello ready closing closed paused``
    phase: str
    #: agreed version, 0 before the first hello
    protocol: int
    #: seconds until the next attempt while ``waiting``
    next_attempt: float
    #: hellos so far
    connections: int
    #: attempts since the last hello
    attempts: int
    calls_in_flight: int
    #: bytes that the kernel has not taken yet
    queued_bytes: int
    #: seconds that the last ping took, or ``None``
    round_trip: Optional[float]
    #: permessage-deflate was agreed
    deflate: bool
    #: the connection is encrypted
    tls: bool
    #: seconds that each phase of this connection, or of the last attempt, took, as far as it had and reached them
    timings: dict[str, float]
    #: in use or tried: 0 for the URL, n for ``alternates[n - 1]``
    endpoint: int


PHASES = [
    *("waiting", "resolve", "connect", "tls", "upgrade", "challenge", "hello", "ready", "closing", "closed"),
    *("proxy", "paused"),
]
CLOSED_STATE = State("closed", 0, 0.0, 0, 0, 0, 0, None, False, False, {}, 0)


def read_timings(state: Structure) -> dict[str, float]:
    """The members that say how long a phase took."""
    times = {name: getattr(state, f"{name}_us", 0) for name in PHASES}
    return {name: time / 1e6 for name, time in times.items() if time}


def read_state(context: Context, handle: int) -> State:
    """The state of the client behind a handle."""
    state = _abi.ClientState()
    state.struct_size = sizeof(state)
    context.check(_abi.lib.gw_client_get_state(handle, byref(state)))
    return State(
        PHASES[state.phase] if state.phase < len(PHASES) else str(state.phase),
        state.protocol,
        state.next_attempt_ms / 1000,
        state.connections,
        state.attempts,
        state.calls_in_flight,
        state.queued_bytes,
        state.round_trip_us / 1e6 if state.round_trip_us else None,
        bool(state.deflate),
        bool(state.tls),
        read_timings(state),
        state.endpoint,
    )
