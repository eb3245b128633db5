"""Python values to the option structs of raw WebSockets.  Defaults stay in the library."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ctypes import byref, pointer
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, Any, Optional, TypedDict, TypeVar, Union

from . import _abi
from ._values import PathLike, header_array, milliseconds, optional_text, path, takeover_ms, text, texts, unsigned
from .route import Route, route_options
from .trust import Ask, Trust, trust_options

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from typing_extensions import Concatenate, ParamSpec, Unpack

    from ._request import Decision, Request

    P = ParamSpec("P")

T = TypeVar("T")
Handler = TypeVar("Handler")
Setup = TypeVar("Setup")


class Limits(TypedDict, total=False):
    """What clients and servers have in common: the members of ``gw_socket_limits``, with times in seconds."""

    max_message_bytes: Optional[int]
    max_fragments: Optional[int]
    max_queued_bytes: Optional[int]
    high_water_bytes: Optional[int]
    low_water_bytes: Optional[int]
    ping_interval: Optional[float]
    pong_timeout: Optional[float]
    close_timeout: Optional[float]
    deflate_threshold_bytes: Optional[int]
    deflate_level: Optional[int]
    deflate_memory_level: Optional[int]
    client_max_window_bits: Optional[int]
    server_max_window_bits: Optional[int]
    max_frame_bytes: Optional[int]
    part_bytes: Optional[int]
    max_unread_bytes: Optional[int]
    max_memory_bytes: Optional[int]
    max_head_bytes: Optional[int]
    max_header_lines: Optional[int]


_LIMIT_MEMBERS = {field[0] for field in _abi.SocketLimits._fields_} - {"struct_size", "reserved"}


def _limits(given: Limits) -> Any:
    limits = _abi.SocketLimits()
    _abi.lib.gw_socket_limits_init(byref(limits))
    values: Mapping[str, Any] = given
    for name, value in values.items():
        if f"{name}_ms" in _LIMIT_MEMBERS:
            setattr(limits, f"{name}_ms", milliseconds(name, value))
        elif name in _LIMIT_MEMBERS and not name.endswith("_ms"):
            setattr(limits, name, unsigned(name, value))
        else:
            raise TypeError(f"there is no option {name!r}")
    return pointer(limits)


def _takeover(which: Union[bool, str], client: int, server: int) -> int:
    flags = {False: 0, True: client | server, "client": client, "server": server}
    if which not in flags:
        raise ValueError(f"deflate_takeover must be a bool, 'client' or 'server', not {which!r}")
    return flags[which]


LIMITS = """
    Seconds (``None`` is the library's default, ``math.inf`` is never): ``ping_interval`` (between keepalive pings),
    ``pong_timeout`` (for their answer), ``close_timeout`` (for the closing handshake).

    Limits: ``max_message_bytes`` (one incoming message, inflated), ``max_frame_bytes``, ``max_fragments`` (frames of
    one message), ``max_queued_bytes`` (outgoing; more is refused), ``high_water_bytes`` (outgoing; above it ``send``
    waits) until below ``low_water_bytes``, ``max_unread_bytes`` (received and not yet polled), ``max_memory_bytes``
    (all that one connection holds), ``max_head_bytes`` and ``max_header_lines`` (of the peer's HTTP head),
    ``part_bytes`` (least size of a part with ``parts``).

    Compression (RFC 7692): ``deflate`` allows permessage-deflate, ``deflate_takeover`` keeps its window between
    messages, of both sides or only of ``"client"`` or ``"server"``; messages below ``deflate_threshold_bytes`` are not
    compressed; ``deflate_level``, ``deflate_memory_level``, ``client_max_window_bits`` and ``server_max_window_bits``
    are zlib's.

    :param parts: hand over large messages in parts as they arrive, for ``recv_streaming``
    :param takeover: seconds without a poll, although there was something to do, after which a thread of the library
        steps in until the next one, so that a program that computes keeps its links (default: 1); ``0``: that thread
        does all of the input and output; ``math.inf``: there is none
"""


class SocketSetup:
    """``gw_socket_options``, filled in, and what else ``connect`` was told."""

    __slots__ = ("ask", "options", "takeover_ms")

    def __init__(self, options: _abi.SocketOptions, takeover: int, ask: Optional[Ask]) -> None:
        self.options = options
        self.ask = ask
        self.takeover_ms = takeover


def socket_setup(
    url: str,
    *,
    pins: Optional[Sequence[str]] = None,
    ca_file: Optional[PathLike] = None,
    server_name: Optional[str] = None,
    trust: Optional[Trust] = None,
    route: Optional[Route] = None,
    headers: Union[Mapping[str, str], Sequence[tuple[str, str]], None] = None,
    subprotocols: Optional[Sequence[str]] = None,
    need_subprotocol: bool = False,
    plaintext: Optional[str] = None,
    deflate: bool = True,
    deflate_takeover: Union[bool, str] = False,
    parts: bool = False,
    connect_timeout: Optional[float] = None,
    tls_timeout: Optional[float] = None,
    upgrade_timeout: Optional[float] = None,
    max_redirects: Optional[int] = None,
    takeover: Optional[float] = None,
    **limits: Unpack[Limits],
) -> SocketSetup:
    if plaintext not in (None, "private", "any"):
        raise ValueError(f"plaintext must be None, 'private' or 'any', not {plaintext!r}")
    options = _abi.SocketOptions()
    _abi.lib.gw_socket_options_init(byref(options))
    options.flags = (
        _abi.SOCKET_CONTROL  # a ping of this side waits for its pong
        | (_abi.SOCKET_PLAINTEXT_PRIVATE if plaintext == "private" else 0)
        | (_abi.SOCKET_PLAINTEXT_ANY if plaintext == "any" else 0)
        | (0 if deflate else _abi.SOCKET_NO_DEFLATE)
        | _takeover(deflate_takeover, _abi.SOCKET_CLIENT_TAKEOVER, _abi.SOCKET_SERVER_TAKEOVER)
        | (_abi.SOCKET_PARTS if parts else 0)
        | (_abi.SOCKET_NEED_SUBPROTOCOL if need_subprotocol else 0)
    )
    options.url = text("url", url)
    options.pins, options.pin_count = texts("pins", pins)
    options.ca_file = path("ca_file", ca_file)
    options.server_name = optional_text("server_name", server_name)
    options.trust = trust_options(trust)
    options.route = route_options(route)
    options.headers, options.header_count = header_array(headers)
    options.subprotocols, options.subprotocol_count = texts("subprotocols", subprotocols)
    options.limits = _limits(limits)
    options.connect_timeout_ms = milliseconds("connect_timeout", connect_timeout)
    options.tls_timeout_ms = milliseconds("tls_timeout", tls_timeout)
    options.upgrade_timeout_ms = milliseconds("upgrade_timeout", upgrade_timeout)
    options.max_redirects = unsigned("max_redirects", max_redirects)
    return SocketSetup(options, takeover_ms(takeover), trust.ask if trust else None)


SOCKET_OPTIONS = f"""
    :param url: ``wss://host:port/path``, or ``ws://`` to this machine; user and password become basic authorization
    :param pins: SHA-256 of the server's certificate, or behind ``key:``, ``ca:`` and ``ca-key:`` of its key, of a CA,
        of a CA's key: one of them decides; without, CA chain and host name do
    :param ca_file: PEM file in place of the system's CAs
    :param server_name: name to ask for and to verify in place of the URL's host
    :param trust: a :class:`gatewire.Trust`: modes, trust on first use, other CAs, client certificates, ciphers
    :param route: a :class:`gatewire.Route`: proxies, Unix sockets, addresses; without, directly over TCP
    :param headers: added to the upgrade request, ``Origin`` and ``Cookie`` for example: a mapping, or pairs
    :param subprotocols: in the order of preference
    :param need_subprotocol: refuse a server that chooses none of them
    :param plaintext: where ``ws://`` may go besides this machine: ``"private"`` networks, or ``"any"`` host
    :param max_redirects: that are followed, at most 20, never from ``wss://`` to ``ws://``; without, they are refusals

    Time limits in seconds: ``connect_timeout`` (name and TCP), ``tls_timeout``, ``upgrade_timeout``.
{LIMITS}"""


class ListenerSetup:
    """``gw_listener_options``, filled in, and what else ``serve`` was told."""

    __slots__ = ("options", "process_request", "subprotocols", "takeover_ms")

    def __init__(
        self,
        options: _abi.ListenerOptions,
        takeover: int,
        process_request: Optional[Callable[[Request], Any]],
        subprotocols: Sequence[str],
    ) -> None:
        self.options = options
        self.takeover_ms = takeover
        self.process_request = process_request
        self.subprotocols = subprotocols


def listener_setup(
    host: Optional[str] = None,
    port: int = 0,
    *,
    certificate_file: Optional[PathLike] = None,
    key_file: Optional[PathLike] = None,
    key_passphrase: Optional[str] = None,
    client_ca_file: Optional[PathLike] = None,
    client_optional: bool = False,
    names: Optional[Sequence[str]] = None,
    plaintext: bool = False,
    origins: Optional[Sequence[str]] = None,
    subprotocols: Optional[Sequence[str]] = None,
    process_request: Optional[Callable[[Request], Union[Decision, Awaitable[Decision]]]] = None,
    deflate: bool = True,
    deflate_takeover: Union[bool, str] = False,
    parts: bool = False,
    handshake_timeout: Optional[float] = None,
    max_connections: Optional[int] = None,
    max_connections_per_address: Optional[int] = None,
    max_messages_per_second: Optional[int] = None,
    takeover: Optional[float] = None,
    **limits: Unpack[Limits],
) -> ListenerSetup:
    options = _abi.ListenerOptions()
    _abi.lib.gw_listener_options_init(byref(options))
    options.flags = (
        _abi.LISTENER_CONTROL  # a ping of this side waits for its pong
        | (_abi.LISTENER_PLAINTEXT if plaintext else 0)
        | (0 if deflate else _abi.LISTENER_NO_DEFLATE)
        | _takeover(deflate_takeover, _abi.LISTENER_CLIENT_TAKEOVER, _abi.LISTENER_SERVER_TAKEOVER)
        | (_abi.LISTENER_PARTS if parts else 0)
        | (_abi.LISTENER_CLIENT_OPTIONAL if client_optional else 0)
        | (_abi.LISTENER_ASK if process_request is not None else 0)
    )
    options.address = optional_text("host", host)
    options.certificate_file = path("certificate_file", certificate_file)
    options.key_file = path("key_file", key_file)
    options.key_passphrase = optional_text("key_passphrase", key_passphrase)
    options.client_ca_file = path("client_ca_file", client_ca_file)
    options.names, options.name_count = texts("names", names)
    options.origins, options.origin_count = texts("origins", origins)
    options.subprotocols, options.subprotocol_count = texts("subprotocols", subprotocols)
    options.limits = _limits(limits)
    options.port = unsigned("port", port)
    options.handshake_timeout_ms = milliseconds("handshake_timeout", handshake_timeout)
    options.max_connections = unsigned("max_connections", max_connections)
    options.max_connections_per_address = unsigned("max_connections_per_address", max_connections_per_address)
    options.max_messages_per_second = unsigned("max_messages_per_second", max_messages_per_second)
    return ListenerSetup(options, takeover_ms(takeover), process_request, list(subprotocols or ()))


LISTENER_OPTIONS = f"""
    :param host: literal address to listen on (default: this machine only)
    :param port: 0: the kernel picks one, see :attr:`Server.port`
    :param certificate_file: PEM, leaf first; without it and ``key_file`` a self-signed certificate is made
    :param key_file: PEM
    :param key_passphrase: of an encrypted key
    :param client_ca_file: PEM file of the CAs that clients must show a certificate of
    :param client_optional: with ``client_ca_file``: let clients in that show none
    :param names: DNS names and addresses of the certificate that is made
    :param plaintext: no TLS; only on a loopback address
    :param origins: allowed ``Origin`` values; a request without one is always allowed
    :param subprotocols: in the order of preference: the first that the client offers is chosen
    :param process_request: asked about each :class:`Request`; returns ``None`` or :class:`Accept` to let it in, or
        :class:`Refuse`

    More limits: ``handshake_timeout`` (seconds for TLS, upgrade and ``process_request`` together), ``max_connections``,
    ``max_connections_per_address``, ``max_messages_per_second`` (received, per connection).
{LIMITS}"""


def takes_handler(
    build: Callable[P, Setup],
) -> Callable[[Callable[[Handler, Setup], T]], Callable[Concatenate[Handler, P], T]]:
    """Decorates a function of a handler and built options: it then takes a handler and the arguments of ``build``."""

    def decorate(function: Callable[[Handler, Setup], T]) -> Callable[Concatenate[Handler, P], T]:
        @wraps(function)
        def call(handler: Handler, *args: P.args, **kwargs: P.kwargs) -> T:
            return function(handler, build(*args, **kwargs))

        own, built = signature(function), signature(build)
        parameters = [next(iter(own.parameters.values())), *built.parameters.values()]
        call.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {**build.__annotations__, **function.__annotations__}
        del call.__annotations__["setup"]
        return call  # type: ignore[return-value]

    return decorate
