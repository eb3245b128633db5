"""Python values to the option structs of a Socket.IO client.  Defaults stay in the library."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from ctypes import byref, pointer
from typing import Any, Optional, Union
from urllib.parse import urlsplit

from . import _abi
from ._values import PathLike, header_array, milliseconds, optional_text, path, takeover_ms, text, texts, unsigned
from .route import Route, route_options
from .trust import Ask, Trust, trust_options

AskAuth = Callable[[], Union[Mapping[str, Any], None, Awaitable[Optional[Mapping[str, Any]]]]]
Auth = Union[Mapping[str, Any], AskAuth]


class SocketIOSetup:
    """``gw_client_options``, filled in, and what else ``connect`` was told."""

    __slots__ = ("ask", "auth", "event_limit", "keep_trying", "namespaces", "options", "takeover_ms")

    def __init__(
        self,
        options: _abi.ClientOptions,
        takeover: int,
        namespaces: list[str],
        auth: Optional[Auth],
        keep_trying: bool,
        event_limit: int,
        ask: Optional[Ask],
    ) -> None:
        self.options = options
        self.takeover_ms = takeover
        self.namespaces = namespaces
        self.auth = auth
        self.keep_trying = keep_trying
        self.event_limit = event_limit
        self.ask = ask


def _jitter(value: Optional[float]) -> int:
    """A share of the delay as whole percents; the library takes 0 for its default."""
    if value is None:
        return 0
    if not 0 <= value <= 1:
        raise ValueError(f"jitter must be between 0 and 1, not {value!r}")
    return round(value * 100) or _abi.NEVER


def socketio_setup(
    url: str,
    *,
    namespaces: Optional[Sequence[str]] = None,
    auth: Optional[Auth] = None,
    socketio_path: Optional[str] = None,
    query: Union[Mapping[str, str], Sequence[tuple[str, str]], None] = None,
    headers: Union[Mapping[str, str], Sequence[tuple[str, str]], None] = None,
    alternates: Optional[Sequence[str]] = None,
    pins: Optional[Sequence[str]] = None,
    ca_file: Optional[PathLike] = None,
    server_name: Optional[str] = None,
    trust: Optional[Trust] = None,
    route: Optional[Route] = None,
    plaintext: Optional[str] = None,
    reconnect: bool = True,
    keep_trying: bool = False,
    deflate: bool = True,
    deflate_takeover: bool = False,
    deflate_threshold_bytes: Optional[int] = None,
    connect_timeout: Optional[float] = None,
    tls_timeout: Optional[float] = None,
    upgrade_timeout: Optional[float] = None,
    join_timeout: Optional[float] = None,
    auth_timeout: Optional[float] = None,
    close_timeout: Optional[float] = None,
    call_timeout: Optional[float] = None,
    reconnect_initial: Optional[float] = None,
    reconnect_max: Optional[float] = None,
    reconnect_attempts: Optional[int] = None,
    jitter: Optional[float] = None,
    max_message_bytes: Optional[int] = None,
    max_queued_bytes: Optional[int] = None,
    max_calls: Optional[int] = None,
    max_attachments: Optional[int] = None,
    max_packet_bytes: Optional[int] = None,
    max_buffered_events: Optional[int] = None,
    max_buffered_bytes: Optional[int] = None,
    event_limit: int = 65536,
    takeover: Optional[float] = None,
) -> SocketIOSetup:
    if plaintext not in (None, "private", "any"):
        raise ValueError(f"plaintext must be None, 'private' or 'any', not {plaintext!r}")
    if isinstance(namespaces, str):
        raise TypeError("namespaces must be a list of texts, not one text")
    if namespaces is not None and not namespaces:
        raise ValueError("namespaces must not be empty; leave it out for the path of the URL")
    if event_limit < 1:
        raise ValueError(f"event_limit must be at least 1, not {event_limit!r}")
    sio = _abi.SioOptions()
    _abi.lib.gw_sio_options_init(byref(sio))
    sio.path = optional_text("socketio_path", socketio_path)
    sio.query, sio.query_count = header_array(query)
    sio.auth_timeout_ms = milliseconds("auth_timeout", auth_timeout)
    sio.jitter_percent = _jitter(jitter)
    sio.max_attempts = unsigned("reconnect_attempts", reconnect_attempts)
    sio.max_attachments = unsigned("max_attachments", max_attachments)
    sio.max_packet_bytes = unsigned("max_packet_bytes", max_packet_bytes)
    sio.max_buffered_events = unsigned("max_buffered_events", max_buffered_events)
    sio.max_buffered_bytes = unsigned("max_buffered_bytes", max_buffered_bytes)

    options = _abi.ClientOptions()
    _abi.lib.gw_client_options_init(byref(options))
    options.dialect = _abi.DIALECT_SOCKETIO
    options.sio = pointer(sio)
    options.flags = (
        (_abi.CLIENT_PLAINTEXT_PRIVATE if plaintext == "private" else 0)
        | (_abi.CLIENT_PLAINTEXT_ANY if plaintext == "any" else 0)
        | (0 if reconnect else _abi.CLIENT_NO_RECONNECT)
        | (0 if deflate else _abi.CLIENT_NO_DEFLATE)
        | (_abi.CLIENT_DEFLATE_TAKEOVER if deflate_takeover else 0)
    )
    options.url = text("url", url)
    options.alternates, options.alternate_count = texts("alternates", alternates)
    options.pins, options.pin_count = texts("pins", pins)
    options.ca_file = path("ca_file", ca_file)
    options.server_name = optional_text("server_name", server_name)
    options.trust = trust_options(trust)
    options.route = route_options(route)
    options.headers, options.header_count = header_array(headers)
    options.connect_timeout_ms = milliseconds("connect_timeout", connect_timeout)
    options.tls_timeout_ms = milliseconds("tls_timeout", tls_timeout)
    options.upgrade_timeout_ms = milliseconds("upgrade_timeout", upgrade_timeout)
    options.hello_timeout_ms = milliseconds("join_timeout", join_timeout)
    options.close_timeout_ms = milliseconds("close_timeout", close_timeout)
    options.call_timeout_ms = milliseconds("call_timeout", call_timeout)
    options.reconnect_initial_ms = milliseconds("reconnect_initial", reconnect_initial)
    options.reconnect_max_ms = milliseconds("reconnect_max", reconnect_max)
    options.max_message_bytes = unsigned("max_message_bytes", max_message_bytes)
    options.max_queued_bytes = unsigned("max_queued_bytes", max_queued_bytes)
    options.max_calls = unsigned("max_calls", max_calls)
    options.deflate_threshold_bytes = unsigned("deflate_threshold_bytes", deflate_threshold_bytes)
    names = list(namespaces) if namespaces else [urlsplit(url).path or "/"]
    return SocketIOSetup(
        options, takeover_ms(takeover), names, auth, keep_trying, event_limit, trust.ask if trust else None
    )


SOCKETIO_OPTIONS = """
    :param url: ``https://host:port/namespace?query``, or ``http://`` to this machine; ``wss`` and ``ws`` mean the same
    :param namespaces: to join; without, the path of the URL.  The first is what ``namespace=None`` means everywhere
    :param auth: a mapping that goes with each join, or a function that is asked for one before each join
    :param socketio_path: path of the request (default: ``/socket.io``)
    :param query: pairs for the query, in place of the URL's
    :param headers: added to the upgrade request

    Trust and ways to the server, as for :func:`gatewire.connect`: ``alternates``, ``pins``, ``ca_file``,
    ``server_name``, ``trust``, ``route``, ``plaintext``.

    Staying connected (seconds; ``None`` is the library's default, ``math.inf`` is never):

    :param reconnect: ``False``: the end of the first connection is the end of the client
    :param keep_trying: ``True``: a first attempt that fails is followed by others, as any later loss is; otherwise its
        error is raised
    :param reconnect_initial: the first delay, doubled each time
    :param reconnect_max: ceiling of all delays
    :param reconnect_attempts: failed attempts in a row after which the client ends
    :param jitter: share of the delay, 0 to 1, by which it may be longer or shorter

    Time limits in seconds: ``connect_timeout`` (name and TCP), ``tls_timeout``, ``upgrade_timeout``, ``join_timeout``
    (for the server's open packet and its answer to each join), ``auth_timeout`` (for ``auth`` to be answered),
    ``close_timeout``, ``call_timeout`` (calls without a limit of their own).

    Compression: ``deflate`` offers permessage-deflate, ``deflate_takeover`` keeps its window between messages,
    messages below ``deflate_threshold_bytes`` are not compressed.

    Limits: ``max_message_bytes``, ``max_packet_bytes`` and ``max_attachments`` (incoming), ``max_queued_bytes``
    (outgoing), ``max_calls`` (acknowledgements in flight, of either side), ``max_buffered_events`` and
    ``max_buffered_bytes`` (kept for a namespace until it is joined), and:

    :param event_limit: events kept by the blocking client while nobody waits; beyond it the oldest is dropped
    :param takeover: seconds without a poll, although there was something to do, after which a thread of the library
        steps in until the next one, so that a program that computes keeps its links (default: 1); ``0``: that thread
        does all of the input and output; ``math.inf``: there is none
"""
