"""``route.h``"""

from __future__ import annotations

from ctypes import POINTER, Structure, c_char_p, c_int32, c_size_t, c_uint32
from typing import Any

ROUTE_PROXY_ENVIRONMENT = 1 << 0
ROUTE_DESCRIPTOR = 1 << 1


class RouteOptions(Structure):
    """``gw_route_options``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("proxy", c_char_p),
        ("proxy_ca_file", c_char_p),
        ("addresses", POINTER(c_char_p)),
        ("address_count", c_size_t),
        ("bind_address", c_char_p),
        ("unix_path", c_char_p),
        ("descriptor", c_int32),
        ("proxy_timeout_ms", c_uint32),
        ("tcp_keepalive_ms", c_uint32),
        ("tcp_user_timeout_ms", c_uint32),
    ]


LAYOUTS: dict[int, type[Structure]] = {
    16: RouteOptions,
}

FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "gw_route_options_init": (None, [POINTER(RouteOptions)]),
}
