"""``server.h``"""

from __future__ import annotations

from ctypes import POINTER, Structure, c_char_p, c_int32, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any

from .base import HANDLE_OUT, Slice
from .goclaw import GoClawServerOptions

SERVER_PLAINTEXT = 1 << 0
SERVER_NO_DEFLATE = 1 << 1
SERVER_DEFLATE_TAKEOVER = 1 << 2
SERVER_NO_BUILTIN = 1 << 3
SERVER_REQUIRE_DEVICE = 1 << 4
SERVER_CLIENT_OPTIONAL = 1 << 5

SERVER_URL = 1
SERVER_CERTIFICATE_PIN = 2
SERVER_KEY_PIN = 3
SERVER_CERTIFICATE = 4


class ServerOptions(Structure):
    """``gw_server_options``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("address", c_char_p),
        ("certificate_file", c_char_p),
        ("key_file", c_char_p),
        ("key_passphrase", c_char_p),
        ("client_ca_file", c_char_p),
        ("names", POINTER(c_char_p)),
        ("name_count", c_size_t),
        ("token", c_char_p),
        ("password", c_char_p),
        ("version", c_char_p),
        ("user_data", c_void_p),
        ("port", c_uint32),
        ("protocol", c_uint32),
        ("tick_interval_ms", c_uint32),
        ("handshake_timeout_ms", c_uint32),
        ("close_timeout_ms", c_uint32),
        ("request_timeout_ms", c_uint32),
        ("ping_interval_ms", c_uint32),
        ("pong_timeout_ms", c_uint32),
        ("max_connections", c_uint32),
        ("max_message_bytes", c_uint32),
        ("max_queued_bytes", c_uint32),
        ("max_requests", c_uint32),
        ("deflate_threshold_bytes", c_uint32),
        ("dialect", c_uint32),
        ("goclaw", POINTER(GoClawServerOptions)),
    ]


LAYOUTS: dict[int, type[Structure]] = {
    10: ServerOptions,
}

FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "gw_server_options_init": (None, [POINTER(ServerOptions)]),
    "gw_server_open": (c_int32, [c_void_p, POINTER(ServerOptions), HANDLE_OUT]),
    "gw_server_id": (c_uint64, [c_void_p]),
    "gw_server_port": (c_uint32, [c_void_p]),
    "gw_server_get_text": (c_int32, [c_void_p, c_uint32, POINTER(Slice)]),
    "gw_server_reload_certificate": (c_int32, [c_void_p]),
    "gw_server_reply": (c_int32, [c_void_p, c_uint64, c_char_p, c_size_t, c_uint32]),
    "gw_server_reject": (
        c_int32,
        [c_void_p, c_uint64, c_char_p, c_char_p, c_char_p, c_size_t, c_uint32],
    ),
    "gw_server_push": (c_int32, [c_void_p, c_uint64, c_char_p, c_char_p, c_size_t]),
    "gw_server_disconnect": (c_int32, [c_void_p, c_uint64, c_uint32, c_char_p]),
    "gw_server_stop": (c_int32, [c_void_p, c_char_p]),
    "gw_server_free": (None, [c_void_p]),
}
