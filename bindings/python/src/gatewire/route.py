"""Which way leads to the server: ``route=`` of :func:`gatewire.connect` and of the WebSocket clients."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref, pointer
from dataclasses import dataclass
from typing import Any, Optional

from . import _abi
from ._values import PathLike, milliseconds, optional_text, path, texts


@dataclass(frozen=True)
class Route:
    """A way other than directly over TCP (``gw_route_options``).  At most one of ``proxy``, ``proxy_from_environment``,
    ``unix_path`` and ``descriptor``.

    >>> client = await gatewire.connect(url, pins=pins, route=gatewire.Route(proxy="socks5h://127.0.0.1:1080"))

    :param proxy: ``http://host:port``, ``https://`` (TLS to the proxy), ``socks5://`` (names are resolved here) or
        ``socks5h://`` (by the proxy), with ``user:password@`` or without
    :param proxy_from_environment: use ``https_proxy``, ``http_proxy``, ``all_proxy`` and ``no_proxy``
    :param proxy_ca_file: PEM file in place of the system's CAs for a proxy over TLS
    :param addresses: literal addresses to connect to in place of looking the host up
    :param bind_address: literal address to connect from
    :param unix_path: Unix domain socket to connect to; ``@name``: in the abstract namespace
    :param descriptor: a connected stream socket, which belongs to the library once connecting has begun; only for one
        connection, ``reconnect=False``
    :param proxy_timeout: seconds for the proxy to open the tunnel
    :param tcp_keepalive: seconds of silence after which the kernel probes the peer
    :param tcp_user_timeout: seconds that sent data may stay unacknowledged (RFC 5482)
    """

    proxy: Optional[str] = None
    proxy_from_environment: bool = False
    proxy_ca_file: Optional[PathLike] = None
    addresses: Optional[Sequence[str]] = None
    bind_address: Optional[str] = None
    unix_path: Optional[PathLike] = None
    descriptor: Optional[int] = None
    proxy_timeout: Optional[float] = None
    tcp_keepalive: Optional[float] = None
    tcp_user_timeout: Optional[float] = None

    def __repr__(self) -> str:
        # A proxy's URL may hold a password.
        return f"<Route at {id(self):#x}>"


def route_options(route: Optional[Route]) -> Any:
    """A pointer to ``gw_route_options``, or ``None`` to go directly."""
    if route is None:
        return None
    options = _abi.RouteOptions()
    _abi.lib.gw_route_options_init(byref(options))
    options.flags = (_abi.ROUTE_PROXY_ENVIRONMENT if route.proxy_from_environment else 0) | (
        0 if route.descriptor is None else _abi.ROUTE_DESCRIPTOR
    )
    options.proxy = optional_text("proxy", route.proxy)
    options.proxy_ca_file = path("proxy_ca_file", route.proxy_ca_file)
    options.addresses, options.address_count = texts("addresses", route.addresses)
    options.bind_address = optional_text("bind_address", route.bind_address)
    options.unix_path = path("unix_path", route.unix_path)
    options.descriptor = route.descriptor or 0
    options.proxy_timeout_ms = milliseconds("proxy_timeout", route.proxy_timeout)
    options.tcp_keepalive_ms = milliseconds("tcp_keepalive", route.tcp_keepalive)
    options.tcp_user_timeout_ms = milliseconds("tcp_user_timeout", route.tcp_user_timeout)
    return pointer(options)
