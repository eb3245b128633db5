"""Python values to the option structs of the C interface: units, flags, text.  Defaults stay in the library."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ctypes import byref
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, Optional, TypeVar

from . import _abi
from ._context import Json, to_json
from ._values import (
    PathLike,
    header_array,
    milliseconds,
    optional_text,
    path,
    permission_array,
    takeover_ms,
    text,
    texts,
    unsigned,
)
from .calls import Offline, Resync, SyncCall, offline_options, resync_options, sync_calls
from .credentials import AskCredentials
from .observe import Observe, observe_options
from .route import Route, route_options
from .trust import Ask, Trust, trust_options

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")
Options = TypeVar("Options")


def takes(build: Callable[P, Options]) -> Callable[[Callable[[Options], T]], Callable[P, T]]:
    """Decorates a function of built options: it then takes the arguments of ``build``."""

    def decorate(function: Callable[[Options], T]) -> Callable[P, T]:
        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            return function(build(*args, **kwargs))

        result = signature(function).return_annotation
        call.__signature__ = signature(build).replace(return_annotation=result)  # type: ignore[attr-defined]
        call.__annotations__ = {**build.__annotations__, "return": result}
        return call

    return decorate


class ClientSetup:
    """``gw_client_options``, filled in, and what else ``connect`` was told."""

    __slots__ = ("ask", "ask_credentials", "event_limit", "keep_trying", "options", "takeover_ms")

    def __init__(
        self,
        options: _abi.ClientOptions,
        takeover: int,
        keep_trying: bool,
        event_limit: int,
        ask: Optional[Ask],
        ask_credentials: Optional[AskCredentials],
    ) -> None:
        self.options = options
        self.ask = ask
        self.ask_credentials = ask_credentials
        self.takeover_ms = takeover
        self.keep_trying = keep_trying
        self.event_limit = event_limit


def client_setup(
    url: str,
    *,
    alternates: Optional[Sequence[str]] = None,
    pins: Optional[Sequence[str]] = None,
    ca_file: Optional[PathLike] = None,
    server_name: Optional[str] = None,
    trust: Optional[Trust] = None,
    route: Optional[Route] = None,
    token: Optional[str] = None,
    password: Optional[str] = None,
    bootstrap_token: Optional[str] = None,
    device_token: Optional[str] = None,
    approval_runtime_token: Optional[str] = None,
    agent_identity_token: Optional[str] = None,
    credentials: Optional[AskCredentials] = None,
    pause: bool = False,
    identity_file: Optional[PathLike] = None,
    token_file: Optional[PathLike] = None,
    device: bool = True,
    signature_version: Optional[int] = None,
    client_id: Optional[str] = None,
    client_mode: Optional[str] = None,
    client_version: Optional[str] = None,
    display_name: Optional[str] = None,
    platform: Optional[str] = None,
    device_family: Optional[str] = None,
    model_identifier: Optional[str] = None,
    build_id: Optional[str] = None,
    time_zone: Optional[str] = None,
    instance_id: Optional[str] = None,
    role: Optional[str] = None,
    scopes: Optional[Sequence[str]] = None,
    caps: Optional[Sequence[str]] = None,
    commands: Optional[Sequence[str]] = None,
    permissions: Optional[Mapping[str, bool]] = None,
    path_env: Optional[str] = None,
    extra_params: Json = None,
    new_params: bool = False,
    any_names: bool = False,
    locale: Optional[str] = None,
    user_agent: Optional[str] = None,
    headers: Optional[Mapping[str, str]] = None,
    plaintext: Optional[str] = None,
    reconnect: bool = True,
    keep_trying: bool = False,
    deflate: bool = True,
    deflate_takeover: bool = False,
    deflate_threshold_bytes: Optional[int] = None,
    min_protocol: Optional[int] = None,
    max_protocol: Optional[int] = None,
    connect_timeout: Optional[float] = None,
    tls_timeout: Optional[float] = None,
    upgrade_timeout: Optional[float] = None,
    challenge_timeout: Optional[float] = None,
    credentials_timeout: Optional[float] = None,
    hello_timeout: Optional[float] = None,
    close_timeout: Optional[float] = None,
    call_timeout: Optional[float] = None,
    ping_interval: Optional[float] = None,
    pong_timeout: Optional[float] = None,
    reconnect_initial: Optional[float] = None,
    reconnect_max: Optional[float] = None,
    max_message_bytes: Optional[int] = None,
    max_queued_bytes: Optional[int] = None,
    max_calls: Optional[int] = None,
    initial_sync: Optional[Sequence[SyncCall]] = None,
    offline: Optional[Offline] = None,
    resync: Optional[Resync] = None,
    observe: Optional[Observe] = None,
    event_limit: int = 65536,
    takeover: Optional[float] = None,
) -> ClientSetup:
    if plaintext not in (None, "private", "any"):
        raise ValueError(f"plaintext must be None, 'private' or 'any', not {plaintext!r}")
    if event_limit < 1:
        raise ValueError(f"event_limit must be at least 1, not {event_limit!r}")
    options = _abi.ClientOptions()
    _abi.lib.gw_client_options_init(byref(options))
    options.flags = (
        (_abi.CLIENT_PLAINTEXT_PRIVATE if plaintext == "private" else 0)
        | (_abi.CLIENT_PLAINTEXT_ANY if plaintext == "any" else 0)
        | (0 if reconnect else _abi.CLIENT_NO_RECONNECT)
        | (0 if deflate else _abi.CLIENT_NO_DEFLATE)
        | (_abi.CLIENT_DEFLATE_TAKEOVER if deflate_takeover else 0)
        | (0 if device else _abi.CLIENT_NO_DEVICE)
        | (_abi.CLIENT_PAUSE if pause else 0)
        | (_abi.CLIENT_ASK_CREDENTIALS if credentials is not None else 0)
        | (_abi.CLIENT_NEW_PARAMS if new_params else 0)
        | (_abi.CLIENT_ANY_NAMES if any_names else 0)
    )
    options.url = text("url", url)
    options.alternates, options.alternate_count = texts("alternates", alternates)
    options.pins, options.pin_count = texts("pins", pins)
    options.ca_file = path("ca_file", ca_file)
    options.server_name = optional_text("server_name", server_name)
    options.trust = trust_options(trust)
    options.token = optional_text("token", token)
    options.password = optional_text("password", password)
    options.bootstrap_token = optional_text("bootstrap_token", bootstrap_token)
    options.device_token = optional_text("device_token", device_token)
    options.approval_runtime_token = optional_text("approval_runtime_token", approval_runtime_token)
    options.agent_identity_token = optional_text("agent_identity_token", agent_identity_token)
    options.identity_file = path("identity_file", identity_file)
    options.token_file = path("token_file", token_file)
    options.signature_version = unsigned("signature_version", signature_version)
    options.client_id = optional_text("client_id", client_id)
    options.client_mode = optional_text("client_mode", client_mode)
    options.client_version = optional_text("client_version", client_version)
    options.display_name = optional_text("display_name", display_name)
    options.platform = optional_text("platform", platform)
    options.device_family = optional_text("device_family", device_family)
    options.model_identifier = optional_text("model_identifier", model_identifier)
    options.build_id = optional_text("build_id", build_id)
    options.time_zone = optional_text("time_zone", time_zone)
    options.instance_id = optional_text("instance_id", instance_id)
    options.role = optional_text("role", role)
    options.scopes, options.scope_count = texts("scopes", scopes)
    options.caps, options.cap_count = texts("caps", caps)
    options.commands, options.command_count = texts("commands", commands)
    options.permissions, options.permission_count = permission_array(permissions)
    options.path_env = optional_text("path_env", path_env)
    options.extra_params = to_json(extra_params)
    options.locale = optional_text("locale", locale)
    options.user_agent = optional_text("user_agent", user_agent)
    options.headers, options.header_count = header_array(headers)
    options.route = route_options(route)
    options.min_protocol = unsigned("min_protocol", min_protocol)
    options.max_protocol = unsigned("max_protocol", max_protocol)
    options.connect_timeout_ms = milliseconds("connect_timeout", connect_timeout)
    options.tls_timeout_ms = milliseconds("tls_timeout", tls_timeout)
    options.upgrade_timeout_ms = milliseconds("upgrade_timeout", upgrade_timeout)
    options.challenge_timeout_ms = milliseconds("challenge_timeout", challenge_timeout)
    options.credentials_timeout_ms = milliseconds("credentials_timeout", credentials_timeout)
    options.hello_timeout_ms = milliseconds("hello_timeout", hello_timeout)
    options.close_timeout_ms = milliseconds("close_timeout", close_timeout)
    options.call_timeout_ms = milliseconds("call_timeout", call_timeout)
    options.ping_interval_ms = milliseconds("ping_interval", ping_interval)
    options.pong_timeout_ms = milliseconds("pong_timeout", pong_timeout)
    options.reconnect_initial_ms = milliseconds("reconnect_initial", reconnect_initial)
    options.reconnect_max_ms = milliseconds("reconnect_max", reconnect_max)
    options.max_message_bytes = unsigned("max_message_bytes", max_message_bytes)
    options.max_queued_bytes = unsigned("max_queued_bytes", max_queued_bytes)
    options.max_calls = unsigned("max_calls", max_calls)
    options.deflate_threshold_bytes = unsigned("deflate_threshold_bytes", deflate_threshold_bytes)
    options.sync_calls, options.sync_count = sync_calls(initial_sync)
    options.offline = offline_options(offline)
    options.resync = resync_options(resync)
    options.observe = observe_options(observe)
    ask = trust.ask if trust else None
    return ClientSetup(options, takeover_ms(takeover), keep_trying, event_limit, ask, credentials)


CLIENT_OPTIONS = """
    Trust and credentials:

    :param url: ``wss://host:port/path``, or ``ws://`` to this machine
    :param alternates: further URLs of the same gateway, each tried a little later: the first that proves who it is wins
    :param pins: SHA-256 of the server's certificate, or behind ``key:``, ``ca:`` and ``ca-key:`` of its key, of a CA,
        of a CA's key: one of them decides; without, CA chain and host name do
    :param ca_file: PEM file in place of the system's CAs
    :param server_name: name to ask for and to verify in place of the URL's host
    :param trust: a :class:`Trust`: modes, trust on first use, other CAs, client certificates, versions and ciphers
    :param token: shared token of the gateway
    :param password: shared password of the gateway
    :param bootstrap_token: pairs this device once
    :param device_token: issued by the gateway, in place of the one that the library has stored
    :param credentials: asked at each attempt, once the gateway has sent its challenge: returns :class:`Credentials`, or
        ``None`` if there are none now, or an awaitable of that (not with :mod:`gatewire.sync`)
    :param pause: where somebody must act first, such as to give another token or to approve the device, the client
        stays and waits for :meth:`Client.resume`; otherwise it ends
    :param identity_file: keeps the Ed25519 key of this device, made if missing; without, each client is a new device
    :param token_file: keeps the device tokens that gateways issue; without, they live as long as the client
    :param signature_version: 2 or 3, of the device's proof
    :param device: ``False`` connects without a device; gateways grant no scopes then
    :param plaintext: where ``ws://`` may go besides this machine: ``"private"`` networks, or ``"any"`` host
    :param route: a :class:`Route`: proxies, Unix sockets, addresses; without, directly over TCP
    :param headers: added to the upgrade request

    What the client says of itself: ``client_id``, ``client_mode``, ``client_version``, ``display_name``, ``platform``,
    ``device_family``, ``model_identifier``, ``instance_id``, ``role``, ``scopes``, ``caps``, ``commands``,
    ``permissions``, ``path_env``, ``locale``, ``user_agent``, and the protocol range ``min_protocol`` to
    ``max_protocol``.  Older gateways refuse ``build_id``, ``time_zone``, ``approval_runtime_token``,
    ``agent_identity_token`` and ``extra_params`` (members to add to the request): they need ``new_params=True``.
    ``any_names`` allows ids, modes, roles and scopes that the library does not know.

    Staying connected (seconds; ``None`` is the library's default, ``math.inf`` is never):

    :param reconnect: ``False``: the end of the first connection is the end of the client
    :param keep_trying: ``True``: a first attempt that fails is followed by others, as any later loss is; otherwise its
        error is raised
    :param reconnect_initial: ceiling of the first random delay
    :param reconnect_max: ceiling of all delays
    :param ping_interval: time between WebSocket pings
    :param pong_timeout: time to wait for the answer

    :param initial_sync: methods, or pairs of a method and its params, called after each hello; the notice
        :class:`Synced` has their answers
    :param offline: an :class:`Offline`: keeps calls that are made without a connection
    :param resync: a :class:`Resync`: holds events after a loss until the program has caught up
    :param observe: an :class:`Observe`: times by method, a log, a flight recorder

    Time limits in seconds: ``connect_timeout`` (name and TCP), ``tls_timeout``, ``upgrade_timeout``,
    ``challenge_timeout``, ``credentials_timeout`` (for ``credentials``), ``hello_timeout``, ``close_timeout``,
    ``call_timeout`` (calls without a limit of their own).

    Compression: ``deflate`` offers permessage-deflate, ``deflate_takeover`` keeps its window between messages,
    messages below ``deflate_threshold_bytes`` are not compressed.

    Limits: ``max_message_bytes`` (incoming), ``max_queued_bytes`` (outgoing), ``max_calls`` (in flight), and:

    :param event_limit: events kept for :meth:`Client.events` while nobody reads them; beyond it the oldest is dropped
    :param takeover: seconds without a poll, although there was something to do, after which a thread of the library
        steps in until the next one, so that a program that computes keeps its links (default: 1); ``0``: that thread
        does all of the input and output; ``math.inf``: there is none
"""


class ServerSetup:
    """``gw_server_options``, filled in, and what else ``serve`` was told."""

    __slots__ = ("options", "takeover_ms")

    def __init__(self, options: _abi.ServerOptions, takeover: int) -> None:
        self.options = options
        self.takeover_ms = takeover


def server_setup(
    *,
    address: Optional[str] = None,
    port: int = 0,
    certificate_file: Optional[PathLike] = None,
    key_file: Optional[PathLike] = None,
    key_passphrase: Optional[str] = None,
    client_ca_file: Optional[PathLike] = None,
    client_optional: bool = False,
    names: Optional[Sequence[str]] = None,
    plaintext: bool = False,
    token: Optional[str] = None,
    password: Optional[str] = None,
    require_device: bool = False,
    builtin: bool = True,
    version: Optional[str] = None,
    protocol: Optional[int] = None,
    deflate: bool = True,
    deflate_takeover: bool = False,
    deflate_threshold_bytes: Optional[int] = None,
    tick_interval: Optional[float] = None,
    handshake_timeout: Optional[float] = None,
    close_timeout: Optional[float] = None,
    request_timeout: Optional[float] = None,
    ping_interval: Optional[float] = None,
    pong_timeout: Optional[float] = None,
    max_connections: Optional[int] = None,
    max_message_bytes: Optional[int] = None,
    max_queued_bytes: Optional[int] = None,
    max_requests: Optional[int] = None,
    takeover: Optional[float] = None,
) -> ServerSetup:
    options = _abi.ServerOptions()
    _abi.lib.gw_server_options_init(byref(options))
    options.flags = (
        (_abi.SERVER_PLAINTEXT if plaintext else 0)
        | (0 if deflate else _abi.SERVER_NO_DEFLATE)
        | (_abi.SERVER_DEFLATE_TAKEOVER if deflate_takeover else 0)
        | (0 if builtin else _abi.SERVER_NO_BUILTIN)
        | (_abi.SERVER_REQUIRE_DEVICE if require_device else 0)
        | (_abi.SERVER_CLIENT_OPTIONAL if client_optional else 0)
    )
    options.address = optional_text("address", address)
    options.certificate_file = path("certificate_file", certificate_file)
    options.key_file = path("key_file", key_file)
    options.key_passphrase = optional_text("key_passphrase", key_passphrase)
    options.client_ca_file = path("client_ca_file", client_ca_file)
    options.names, options.name_count = texts("names", names)
    options.token = optional_text("token", token)
    options.password = optional_text("password", password)
    options.version = optional_text("version", version)
    options.port = unsigned("port", port)
    options.protocol = unsigned("protocol", protocol)
    options.tick_interval_ms = milliseconds("tick_interval", tick_interval)
    options.handshake_timeout_ms = milliseconds("handshake_timeout", handshake_timeout)
    options.close_timeout_ms = milliseconds("close_timeout", close_timeout)
    options.request_timeout_ms = milliseconds("request_timeout", request_timeout)
    options.ping_interval_ms = milliseconds("ping_interval", ping_interval)
    options.pong_timeout_ms = milliseconds("pong_timeout", pong_timeout)
    options.max_connections = unsigned("max_connections", max_connections)
    options.max_message_bytes = unsigned("max_message_bytes", max_message_bytes)
    options.max_queued_bytes = unsigned("max_queued_bytes", max_queued_bytes)
    options.max_requests = unsigned("max_requests", max_requests)
    options.deflate_threshold_bytes = unsigned("deflate_threshold_bytes", deflate_threshold_bytes)
    return ServerSetup(options, takeover_ms(takeover))


SERVER_OPTIONS = """
    :param address: literal address to listen on (default: this machine only)
    :param port: 0: the kernel picks one, see :attr:`Server.port`
    :param certificate_file: PEM, leaf first; without it and ``key_file`` a self-signed certificate is made
    :param key_file: PEM
    :param key_passphrase: of an encrypted key
    :param client_ca_file: PEM file of the CAs that clients must show a certificate of
    :param client_optional: with ``client_ca_file``: let clients in that show none
    :param names: DNS names and addresses of the certificate that is made
    :param plaintext: no TLS; only on a loopback address
    :param token: what clients must present
    :param password: what clients must present
    :param require_device: refuse clients without a device identity
    :param builtin: ``False``: ``health``, ``agents.list``, ``sessions.list`` and ``chat.send`` go to the handlers too
    :param version: server version in the hello
    :param protocol: 4, or 3 to behave as the older gateways

    Seconds (``None`` is the library's default, ``math.inf`` is never): ``tick_interval``, ``handshake_timeout`` (TLS,
    upgrade and connect together), ``close_timeout``, ``request_timeout`` (for a handler to answer), ``ping_interval``,
    ``pong_timeout``.

    Limits: ``max_connections``, ``max_message_bytes``, ``max_queued_bytes`` (per client), ``max_requests`` (unanswered,
    per client).  Compression: ``deflate``, ``deflate_takeover``, ``deflate_threshold_bytes``.

    :param takeover: seconds without a poll, although there was something to do, after which a thread of the library
        steps in until the next one, so that a program that computes keeps its links (default: 1); ``0``: that thread
        does all of the input and output; ``math.inf``: there is none
"""
