"""The context of the library, and the way of events out of it: one poll fills an array, one copy takes small payloads.

Used by both hosts: ``_loop.py`` (asyncio) and ``sync`` (blocking).
"""

from __future__ import annotations

import json
import struct
from ctypes import byref, c_char, c_void_p, sizeof, string_at
from typing import Any, NamedTuple, Optional, Union

from . import _abi
from .errors import GatewireError, make_error

# Events taken by one poll; what is left keeps the descriptor readable.
CAPACITY = 256
# Up to this many bytes for each event, one copy of the whole arena is cheaper than one for each payload.
SMALL = 2048

# gw_slice
_SLICE = struct.Struct("@PN")

Json = Union[bytes, str, Any]

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def to_json(value: Json) -> Optional[bytes]:
    """The bytes that are sent: ``None`` and ``b""`` are no value at all, text and bytes are JSON already."""
    if value is None:
        return None
    if isinstance(value, bytes):
        return value or None
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    return _encode(value).encode()


_scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]


def from_json(payload: bytes) -> Any:
    """The value of a payload; ``None`` if there was none.

    The library has checked that it is one JSON value in UTF-8, with nothing before or behind it.
    """
    return _scan(payload.decode(), 0)[0] if payload else None


class Report(NamedTuple):
    """An event that is not on the fast path, with all its fields."""

    type: int
    status: int
    connection: int
    subject: int
    sequence: int
    name: str
    payload: bytes
    text: str
    code: int
    flags: int
    actor: int
    retry_after_ms: int

    def error(self) -> GatewireError:
        """What went wrong, as an exception."""
        try:
            details = from_json(self.payload)
        except ValueError:
            details = None
        if self.status == _abi.ERR_REJECTED and isinstance(details, dict):
            details = details.get("details")
        return make_error(
            self.status,
            self.text,
            self.actor,
            code=self.code,
            name=self.name,
            retryable=bool(self.flags & _abi.EVENT_RETRYABLE),
            retry_after_ms=self.retry_after_ms,
            details=details,
        )


class Owner:
    """What events go to: a client, a server, a socket or a listener, known by the id that is their source."""

    def _on_answer(self, call: int, payload: bytes) -> None:
        """A call was answered."""

    def _on_event(self, name: str, payload: bytes, sequence: int) -> None:
        """The gateway sent an event."""

    def _on_request(self, connection: int, request: int, method: str, payload: bytes) -> None:
        """A peer called a method."""

    def _on_message(self, connection: int, kind: int, flags: int, payload: bytes) -> None:
        """A raw WebSocket received a message or a part of one."""

    def _on_packet(self, namespace: int, ack: int, event: str, arguments: bytes, attachments: list[bytes]) -> None:
        """A Socket.IO server sent an event; ``ack`` is 0 unless it is to be acknowledged."""

    def _on_acknowledged(self, ack: int, arguments: bytes, attachments: list[bytes]) -> None:
        """A Socket.IO server acknowledged an event."""

    def _on_report(self, report: Report) -> None:
        """Anything else."""

    def _on_lost(self, error: GatewireError) -> None:
        """The context cannot be polled any more: no event will come."""


class Context:
    """``gw_context`` and the events that its last poll took."""

    __slots__ = ("_array", "_batch", "_batch_ref", "_flush", "_free", "_view", "handle", "owners")

    def __init__(self, *, flags: int = 0, takeover_ms: int = 0) -> None:
        self.handle: Optional[int] = None
        self._free = _abi.lib.gw_context_free  # still there when the interpreter takes modules apart
        self._flush = _abi.lib.gw_context_flush
        self.owners: dict[int, Owner] = {}
        self._batch = _abi.Batch()
        self._batch_ref = byref(self._batch)
        _abi.lib.gw_batch_init(self._batch_ref)
        self._array: Any = (c_char * (CAPACITY * sizeof(_abi.Event)))()
        self._view = memoryview(self._array).cast("B")

        options = _abi.ContextOptions()
        _abi.lib.gw_context_options_init(byref(options))
        options.flags = flags
        options.takeover_ms = takeover_ms
        handle = c_void_p()
        status = _abi.lib.gw_context_new(byref(options), byref(handle))
        if status < 0:
            raise make_error(status, "", _abi.ACTOR_PROGRAM)
        self.handle = handle.value

    def fileno(self) -> int:
        """The descriptor that is readable when there is something to do or to take."""
        fd: int = _abi.lib.gw_context_fd(self.handle)
        return fd

    def poll(self, timeout_ms: int) -> int:
        """Does what there is to do and takes events; :meth:`dispatch` hands them out.  How many there are."""
        status = _abi.lib.gw_context_poll(
            self.handle, timeout_ms, self._array, CAPACITY, sizeof(_abi.Event), self._batch_ref
        )
        if status < 0:
            self.fail(status)
        return self._batch.count if status == _abi.OK else 0

    def dispatch(self, count: int) -> None:
        """Hands out the events that the last poll took.  They are the library's memory until the next poll."""
        arena_at: int = self._batch.arena or 0
        arena_size: int = self._batch.arena_len
        arena_end = arena_at + arena_size
        copied = arena_size <= count * SMALL
        arena = string_at(arena_at, arena_size) if copied and arena_size else b""
        if not arena:
            arena_end = arena_at  # nothing lies in it

        def take(at: int, size: int) -> bytes:
            if not size:
                return b""
            if arena_at <= at < arena_end:
                return arena[at - arena_at : at - arena_at + size]
            return string_at(at, size)

        def attachments(at: int, size: int) -> list[bytes]:
            return [take(*place) for place in _SLICE.iter_unpack(take(at, size))] if size else []

        owners = self.owners
        used = self._view[: count * sizeof(_abi.Event)]
        for (
            kind,
            status,
            source,
            connection,
            subject,
            sequence,
            _,
            name_at,
            name_size,
            at,
            size,
            text_at,
            text_size,
            code,
            flags,
            actor,
            retry_after_ms,
        ) in _abi.EVENT_FORMAT.iter_unpack(used):
            owner = owners.get(source)
            if owner is None:
                continue
            if arena_at <= at < arena_end:
                payload = arena[at - arena_at : at - arena_at + size]
            else:
                payload = string_at(at, size) if size else b""
            if kind == _abi.EVENT_CALL_DONE and status == _abi.OK:
                owner._on_answer(subject, payload)
            elif kind == _abi.EVENT_SOCKET_MESSAGE:
                owner._on_message(connection, code, flags, payload)
            elif kind == _abi.EVENT_GATEWAY_EVENT:
                owner._on_event(take(name_at, name_size).decode("utf-8", "replace"), payload, sequence)
            elif kind == _abi.EVENT_PEER_REQUEST:
                owner._on_request(connection, subject, take(name_at, name_size).decode("utf-8", "replace"), payload)
            elif kind == _abi.EVENT_SIO_EVENT:
                name = take(name_at, name_size).decode("utf-8", "replace")
                owner._on_packet(connection, subject, name, payload, attachments(text_at, text_size))
            elif kind == _abi.EVENT_SIO_ACK and status == _abi.OK:
                owner._on_acknowledged(subject, payload, attachments(text_at, text_size))
            else:
                owner._on_report(
                    Report(
                        kind,
                        status,
                        connection,
                        subject,
                        sequence,
                        take(name_at, name_size).decode("utf-8", "replace"),
                        payload,
                        take(text_at, text_size).decode("utf-8", "replace"),
                        code,
                        flags,
                        actor,
                        retry_after_ms,
                    )
                )

    def network_changed(self) -> None:
        """Asks every open connection for a sign of life; clients that wait for their next attempt begin it."""
        self.check(_abi.lib.gw_context_network_changed(self.handle))

    def flush(self) -> None:
        """Hands what is queued to the kernel."""
        if self.handle is not None:
            self._flush(self.handle)

    def fail(self, status: int) -> None:
        """Raises the exception for a status that a function of this context, its clients or servers has answered."""
        error = _abi.Error()
        error.struct_size = sizeof(error)
        text, actor = "", _abi.ACTOR_PROGRAM
        if self.handle is not None:
            _abi.lib.gw_context_last_error(self.handle, byref(error))
        if error.status == status:
            text = string_at(error.text.ptr, error.text.len).decode("utf-8", "replace") if error.text.len else ""
            actor = error.actor
        raise make_error(status, text, actor)

    def check(self, status: int) -> int:
        """The status, if it is good."""
        if status < 0:
            self.fail(status)
        return status

    def free(self) -> None:
        """Ends every connection at once.  Never waits; the second time does nothing."""
        handle, self.handle = self.handle, None
        if handle is not None:
            self._free(handle)

    def __del__(self) -> None:
        if getattr(self, "handle", None) is not None:
            self.free()
