"""A look at a WebSocket or at a server of such: phase, what was agreed, counters."""

from __future__ import annotations

from collections.abc import Mapping
from ctypes import Structure, byref, sizeof
from types import MappingProxyType
from typing import Any, NamedTuple, Optional

from . import _abi
from ._context import Context
from .events import PHASES, read_timings

_CLOSED_FIRST = {
    _abi.CLOSE_FIRST_NOBODY: None,
    _abi.CLOSE_FIRST_LOCAL: "local",
    _abi.CLOSE_FIRST_PEER: "peer",
}
_FLAGS = ("deflate", "tls", "client_no_context_takeover", "server_no_context_takeover")


class State(NamedTuple):
    """A look at a WebSocket: the members of ``gw_socket_state``.

    Messages and their bytes are counted uncompressed; wire bytes are those of frames, without HTTP and TLS.
    """

    #: ``resolve connect proxy tls upgrade ready closing closed``
    phase: str
    #: bytes that the kernel has not taken yet
    queued_bytes: int = 0
    #: what counts against ``max_memory_bytes``
    memory_bytes: int = 0
    #: seconds that the last keepalive ping took, or ``None``
    round_trip: Optional[float] = None
    #: the connection is encrypted
    tls: bool = False
    #: permessage-deflate was agreed, with what follows (RFC 7692 section 7.1)
    deflate: bool = False
    client_no_context_takeover: bool = False
    server_no_context_takeover: bool = False
    client_max_window_bits: int = 0
    server_max_window_bits: int = 0
    #: whose close frame was the first: ``"local"``, ``"peer"``, or ``None``
    close_first: Optional[str] = None
    #: 0: no close frame; 1005: one without a code
    close_code_sent: int = 0
    close_code_received: int = 0
    messages_received: int = 0
    messages_sent: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    wire_bytes_received: int = 0
    wire_bytes_sent: int = 0
    #: of compressed messages only, as are the three that follow
    received_before_inflate: int = 0
    received_after_inflate: int = 0
    sent_before_deflate: int = 0
    sent_after_deflate: int = 0
    #: seconds that each phase took, as far as it had and reached them
    timings: Mapping[str, float] = MappingProxyType({})


CLOSED_STATE = State("closed")


def read_state(context: Context, function: Any, at: tuple[int, ...]) -> State:
    """The state of the WebSocket that ``at`` names; of one that is known no more, that it is closed."""
    raw = _abi.SocketState()
    raw.struct_size = sizeof(raw)
    status = function(*at, byref(raw))
    if status == _abi.ERR_GONE:
        return CLOSED_STATE
    context.check(status)
    values = _values(raw)
    values["phase"] = PHASES[raw.phase] if raw.phase < len(PHASES) else str(raw.phase)
    values["round_trip"] = raw.round_trip_us / 1e6 if raw.round_trip_us else None
    values["timings"] = read_timings(raw)
    values["close_first"] = _CLOSED_FIRST.get(raw.close_first)
    values.update((name, bool(values[name])) for name in _FLAGS)
    return State(**{name: values[name] for name in State._fields})


class Statistics(NamedTuple):
    """Sums of a WebSocket server since it was opened: the members of ``gw_listener_stats``."""

    #: open ones, and those in their handshake
    connections_now: int = 0
    #: that were opened in all
    connections: int = 0
    #: that never opened: above a limit, or for what their handshake was
    refused: int = 0
    messages_received: int = 0
    messages_sent: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    wire_bytes_received: int = 0
    wire_bytes_sent: int = 0


def read_statistics(context: Context, handle: int) -> Statistics:
    """The sums of the server behind a handle."""
    raw = _abi.ListenerStats()
    raw.struct_size = sizeof(raw)
    context.check(_abi.lib.gw_listener_get_stats(handle, byref(raw)))
    values = _values(raw)
    return Statistics(**{name: values[name] for name in Statistics._fields})


def _values(raw: Structure) -> dict[str, Any]:
    return {field[0]: getattr(raw, field[0]) for field in raw._fields_}
