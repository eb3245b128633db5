"""What a client has done: sums, times by method, a log, a flight recorder."""

from __future__ import annotations

import json
from ctypes import byref, pointer, sizeof, string_at
from dataclasses import dataclass
from typing import Any, NamedTuple, Optional

from . import _abi
from ._context import Context, Report
from ._values import unsigned

_LEVELS = {None: 0, "error": 1, "warning": 2, "info": 3, "debug": 4}
_NAMES = {number: name for name, number in _LEVELS.items() if name}


@dataclass(frozen=True)
class Observe:
    """What is noted; no credential is ever in it (``gw_observe_options``).

    :param methods: time the answers, by method: :attr:`Stats.methods`
    :param log: notices :class:`Logged` up to this level: ``"error"``, ``"warning"``, ``"info"`` (states) or ``"debug"``
        (frames)
    :param recorder_bytes: what the flight recorder keeps, see ``Client.dump``
    :param dump_on_failure: each failure brings a :class:`Logged` of kind ``"dump"``
    :param frame_bytes: how much of each frame is kept or logged
    :param max_methods: methods beyond share the entry ``"*"``
    """

    methods: bool = False
    log: Optional[str] = None
    recorder_bytes: Optional[int] = None
    dump_on_failure: bool = False
    frame_bytes: Optional[int] = None
    max_methods: Optional[int] = None


@dataclass(frozen=True)
class Logged:
    """A line of the log."""

    #: ``"error"``, ``"warning"``, ``"info"`` or ``"debug"``
    level: str
    #: ``"state"``, ``"failure"``, ``"in"``, ``"out"`` or ``"dump"``
    kind: str
    #: one line; of a frame its beginning, of a dump lines of JSON
    text: str
    #: size of the whole frame
    size: int


class MethodStats(NamedTuple):
    """How long the answers of one method took, in seconds."""

    answers: int
    least: float
    mean: float
    greatest: float


class Stats(NamedTuple):
    """Sums over the client's whole life; times are seconds."""

    #: to connect
    attempts: int
    #: that reached their hello
    connections: int
    messages_received: int
    messages_sent: int
    #: of messages, uncompressed
    bytes_received: int
    bytes_sent: int
    #: of frames with their headers
    wire_bytes_received: int
    wire_bytes_sent: int
    #: last ping of this connection, or ``None``
    round_trip: Optional[float]
    #: calls that wait for a connection
    calls_waiting: int
    #: time spent ``"waiting"``, ``"connecting"``, ``"ready"`` and ``"closing"``
    times: dict[str, float]
    #: with :attr:`Observe.methods`
    methods: dict[str, MethodStats]


def observe_options(observe: Optional[Observe]) -> Any:
    if observe is None:
        return None
    if observe.log not in _LEVELS:
        raise ValueError(f"log must be 'error', 'warning', 'info', 'debug' or None, not {observe.log!r}")
    options = _abi.ObserveOptions()
    _abi.lib.gw_observe_options_init(byref(options))
    options.flags = (_abi.OBSERVE_METHODS if observe.methods else 0) | (
        _abi.OBSERVE_DUMP_ON_FAILURE if observe.dump_on_failure else 0
    )
    options.log_level = _LEVELS[observe.log]
    options.recorder_bytes = unsigned("recorder_bytes", observe.recorder_bytes)
    options.frame_bytes = unsigned("frame_bytes", observe.frame_bytes)
    options.max_methods = unsigned("max_methods", observe.max_methods)
    return pointer(options)


def make_logged(report: Report) -> Logged:
    text = report.text or report.payload.decode(errors="replace")
    return Logged(_NAMES.get(report.code, str(report.code)), report.name, text, report.subject)


def read_stats(context: Context, handle: int) -> Stats:
    """The sums of the client behind a handle."""
    stats = _abi.ClientStats()
    stats.struct_size = sizeof(stats)
    context.check(_abi.lib.gw_client_get_stats(handle, byref(stats)))
    return Stats(
        stats.attempts,
        stats.connections,
        stats.messages_received,
        stats.messages_sent,
        stats.bytes_received,
        stats.bytes_sent,
        stats.wire_bytes_received,
        stats.wire_bytes_sent,
        stats.round_trip_us / 1e6 if stats.round_trip_us else None,
        stats.calls_waiting,
        {name: getattr(stats, f"{name}_us") / 1e6 for name in ("waiting", "connecting", "ready", "closing")},
        dict(_read_method(context, handle, index) for index in range(stats.methods)),
    )


def _read_method(context: Context, handle: int, index: int) -> tuple[str, MethodStats]:
    stats = _abi.MethodStats()
    stats.struct_size = sizeof(stats)
    context.check(_abi.lib.gw_client_get_method_stats(handle, index, byref(stats)))
    name = string_at(stats.method.ptr, stats.method.len).decode(errors="replace")
    return name, MethodStats(stats.answers, stats.least_us / 1e6, stats.mean_us / 1e6, stats.greatest_us / 1e6)


def read_dump(context: Context, handle: int) -> list[dict[str, Any]]:
    """What the flight recorder holds."""
    lines = _abi.Slice()
    context.check(_abi.lib.gw_client_dump(handle, byref(lines)))
    return [json.loads(line) for line in string_at(lines.ptr, lines.len).splitlines()] if lines.len else []
