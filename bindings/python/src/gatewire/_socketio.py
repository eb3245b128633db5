"""What Socket.IO clients are without waiting: arguments and attachments, namespaces, handlers, what is sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from ctypes import byref, c_char_p, c_uint64, c_void_p, cast
from typing import Any, Optional, TypeVar, Union, overload

from . import _abi
from ._context import Context, Owner, from_json, to_json
from ._socketio_options import SocketIOSetup
from ._values import milliseconds, text
from .errors import GatewireError, make_error

Handler = Callable[..., Any]
H = TypeVar("H", bound=Handler)


# --- arguments ---


def as_arguments(data: Any) -> list[Any]:
    """``None``: none; a tuple: its items; anything else: the only one."""
    if data is None:
        return []
    return list(data) if isinstance(data, tuple) else [data]


def as_value(arguments: list[Any]) -> Any:
    """The other way round."""
    if not arguments:
        return None
    return arguments[0] if len(arguments) == 1 else tuple(arguments)


def encode(arguments: list[Any]) -> tuple[Optional[bytes], list[bytes]]:
    """JSON and attachments; binary data is replaced by placeholders, depth-first."""
    if not arguments:
        return None, []
    try:
        return to_json(arguments), []
    except TypeError:  # perhaps only for binary data in it
        attachments: list[bytes] = []

    def attach(value: Any) -> Any:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise TypeError(f"{type(value).__name__} is neither JSON nor binary data")
        attachments.append(bytes(value))
        return {"_placeholder": True, "num": len(attachments) - 1}

    encoder = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=attach)
    return encoder.encode(arguments).encode(), attachments


def decode(body: bytes, attachments: list[bytes]) -> list[Any]:
    """The arguments, with the attachments where they belong."""
    if not attachments:
        arguments: list[Any] = from_json(body)
        return arguments

    def restore(value: dict[str, Any]) -> Any:
        place = value.get("num")
        if value.get("_placeholder") is True and isinstance(place, int) and 0 <= place < len(attachments):
            return attachments[place]
        return value

    restored: list[Any] = json.loads(body, object_hook=restore)
    return restored


def _slices(attachments: list[bytes]) -> Any:
    """A C array that points into the attachments, which must outlive it; ``None`` without any."""
    if not attachments:
        return None
    items = [_abi.Slice(cast(c_char_p(each), c_void_p).value, len(each)) for each in attachments]
    return (_abi.Slice * len(items))(*items)


def encode_auth(auth: Optional[Mapping[str, Any]]) -> Optional[bytes]:
    """The auth object as JSON; ``None`` for none."""
    return None if auth is None else to_json(dict(auth))


# --- the client ---


class Namespace:
    """A namespace that is wanted."""

    __slots__ = ("id", "name", "recovered", "sid")

    def __init__(self, name: str) -> None:
        self.name = name
        self.id = 0
        self.sid: Optional[str] = None
        self.recovered = False


class SocketIO(Owner):
    """What the clients for asyncio and those that block have in common."""

    _context: Context

    def __init__(self, setup: SocketIOSetup) -> None:
        self._handle: Optional[int] = None
        self._free = _abi.lib.gw_client_free  # still there when the interpreter takes modules apart
        self._auth = setup.auth
        self._first = setup.namespaces[0]
        self._named: dict[str, Namespace] = {}
        self._joined: dict[int, Namespace] = {}
        self._handlers: dict[tuple[str, str], Handler] = {}
        # One of each for all events: written and read before the next can be sent.
        self._ack_id = c_uint64()
        self._ack_id_ref = byref(self._ack_id)
        self._emit_options = _abi.SioEmitOptions()
        self._emit_options_ref = byref(self._emit_options)
        _abi.lib.gw_sio_emit_options_init(self._emit_options_ref)

    @property
    def connected(self) -> bool:
        """Whether a namespace is joined now."""
        return any(space.sid is not None for space in self._joined.values())

    @property
    def sid(self) -> Optional[str]:
        """Our id in the first namespace; ``None`` while it is not joined."""
        return self.get_sid()

    @property
    def recovered(self) -> bool:
        """Whether the first namespace went on after the last reconnect, and no event is missing."""
        space = self._named.get(self._first)
        return space is not None and space.recovered

    def get_sid(self, namespace: Optional[str] = None) -> Optional[str]:
        """Our id in a namespace; ``None`` while it is not joined."""
        space = self._named.get(namespace or self._first)
        return None if space is None else space.sid

    @property
    def namespaces(self) -> dict[str, str]:
        """Our ids in the namespaces that are joined now, by their names."""
        return {space.name: space.sid for space in self._joined.values() if space.sid is not None}

    @overload
    def on(self, event: str, handler: None = None, namespace: Optional[str] = None) -> Callable[[H], H]: ...

    @overload
    def on(self, event: str, handler: H, namespace: Optional[str] = None) -> H: ...

    def on(
        self, event: str, handler: Optional[H] = None, namespace: Optional[str] = None
    ) -> Union[H, Callable[[H], H]]:
        """Registers the handler of an event; as a decorator, or with the handler as an argument.

        It is called with the event's arguments.  What it returns acknowledges the event, if the server asks for that:
        ``None`` without arguments, a tuple with several.  ``"*"`` stands for all events that have no handler of their
        own; that handler is called with the event's name first.

        Three events are made here: ``connect`` (no arguments; after each join), ``connect_error`` (why an attempt
        failed, or the server's refusal, as an exception) and ``disconnect`` (the reason, ``"transport close"``).

        :param namespace: ``None``: the first one
        """

        def register(handler: H) -> H:
            self._handlers[namespace or self._first, event] = handler
            return handler

        return register if handler is None else register(handler)

    def _handler(self, namespace: str, event: str) -> tuple[Optional[Handler], list[Any]]:
        """Who handles an event, and what comes before its arguments."""
        handler = self._handlers.get((namespace, event))
        if handler is None:
            handler = self._handlers.get((namespace, "*"))
            if handler is not None:
                return handler, [event]
        return handler, []

    def _open(self, setup: SocketIOSetup) -> int:
        """Opens the client and joins its namespaces; its id."""
        handle = c_void_p()
        self._context.check(_abi.lib.gw_client_open(self._context.handle, byref(setup.options), byref(handle)))
        self._handle = handle.value
        options = _abi.SioJoinOptions()
        _abi.lib.gw_sio_join_options_init(byref(options))
        if callable(setup.auth):
            options.flags = _abi.SIO_ASK_AUTH
        else:
            options.auth = encode_auth(setup.auth)
            options.auth_len = len(options.auth or b"")
        number = c_uint64()
        for name in setup.namespaces:
            status = _abi.lib.gw_sio_join(self._handle, text("namespaces", name), byref(options), byref(number))
            self._context.check(status)
            space = self._named[name] = Namespace(name)
            space.id = number.value
            self._joined[space.id] = space
        source: int = _abi.lib.gw_client_id(self._handle)
        return source

    def _open_handle(self) -> int:
        if self._handle is None:
            raise make_error(_abi.ERR_GONE, "the client has ended", _abi.ACTOR_PROGRAM)
        return self._handle

    def _space(self, namespace: Optional[str]) -> Namespace:
        name = namespace or self._first
        space = self._named.get(name)
        if space is None:
            known = ", ".join(self._named)
            raise make_error(_abi.ERR_GONE, f"{name} is none of the namespaces: {known}", _abi.ACTOR_PROGRAM)
        return space

    def _send(
        self, event: str, data: Any, namespace: Optional[str], flags: int = 0, timeout: Optional[float] = None
    ) -> int:
        """Sends an event; the status.  With ``SIO_ACK`` its id is in ``_ack_id``."""
        body, attachments = encode(as_arguments(data))
        options = None
        if flags or attachments:
            options = self._emit_options_ref
            self._emit_options.flags = flags
            self._emit_options.timeout_ms = milliseconds("timeout", timeout)
            self._emit_options.attachments = _slices(attachments)
            self._emit_options.attachment_count = len(attachments)
        status: int = _abi.lib.gw_sio_emit(
            self._open_handle(),
            self._space(namespace).id,
            text("event", event),
            body,
            len(body) if body else 0,
            options,
            self._ack_id_ref,
        )
        if status < 0 and not (status == _abi.ERR_NOT_SENT and flags & _abi.SIO_VOLATILE):
            self._context.fail(status)
        return status

    def _acknowledge(self, ack: int, result: Any) -> int:
        """Acknowledges an event of the server; the status."""
        body, attachments = encode(as_arguments(result))
        if self._handle is None:
            return _abi.ERR_GONE
        status: int = _abi.lib.gw_sio_ack(
            self._handle, ack, body, len(body) if body else 0, _slices(attachments), len(attachments)
        )
        if status != _abi.ERR_GONE:  # the connection of the event has ended
            self._context.check(status)
        return status

    def _give_auth(self, question: int, auth: Optional[Mapping[str, Any]]) -> None:
        """Answers the question for an auth object.  That it came too late shows where the join ends."""
        body = encode_auth(auth)
        if self._handle is not None:
            status = _abi.lib.gw_sio_auth(self._handle, question, body, len(body) if body else 0)
            if status != _abi.ERR_GONE:
                self._context.check(status)

    def _leave(self, namespace: int) -> None:
        if self._handle is not None:
            _abi.lib.gw_sio_leave(self._handle, namespace)


def no_auth(error: Exception) -> GatewireError:
    """Why a namespace could not be joined: the function that was asked for its auth object failed."""
    failed = make_error(_abi.ERR_CREDENTIALS, f"auth failed: {error}", _abi.ACTOR_PROGRAM)
    failed.__cause__ = error
    return failed
