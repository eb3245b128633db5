"""``socket.h``"""

from __future__ import annotations

from ctypes import POINTER, Structure, c_char_p, c_int32, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any

from .base import HANDLE_OUT, Header, Slice
from .route import RouteOptions
from .trust import TlsState, TrustOptions

TEXT = 1
BINARY = 2

SEND_PART = 1 << 0
SEND_UNCOMPRESSED = 1 << 1
SEND_COMPRESSED = 1 << 2

SOCKET_PLAINTEXT_PRIVATE = 1 << 0
SOCKET_PLAINTEXT_ANY = 1 << 1
SOCKET_NO_DEFLATE = 1 << 3
SOCKET_CLIENT_TAKEOVER = 1 << 4
SOCKET_SERVER_TAKEOVER = 1 << 8
SOCKET_DEFLATE_TAKEOVER = SOCKET_CLIENT_TAKEOVER | SOCKET_SERVER_TAKEOVER
SOCKET_PARTS = 1 << 5
SOCKET_CONTROL = 1 << 6
SOCKET_NEED_SUBPROTOCOL = 1 << 7

CLOSE_FIRST_NOBODY = 0
CLOSE_FIRST_LOCAL = 1
CLOSE_FIRST_PEER = 2

LISTENER_PLAINTEXT = 1 << 0
LISTENER_NO_DEFLATE = 1 << 3
LISTENER_CLIENT_TAKEOVER = 1 << 4
LISTENER_SERVER_TAKEOVER = 1 << 8
LISTENER_DEFLATE_TAKEOVER = LISTENER_CLIENT_TAKEOVER | LISTENER_SERVER_TAKEOVER
LISTENER_PARTS = 1 << 5
LISTENER_CONTROL = 1 << 6
LISTENER_ASK = 1 << 7
LISTENER_CLIENT_OPTIONAL = 1 << 9


class SocketLimits(Structure):
    """``gw_socket_limits``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("max_message_bytes", c_uint32),
        ("max_fragments", c_uint32),
        ("max_queued_bytes", c_uint32),
        ("high_water_bytes", c_uint32),
        ("low_water_bytes", c_uint32),
        ("ping_interval_ms", c_uint32),
        ("pong_timeout_ms", c_uint32),
        ("close_timeout_ms", c_uint32),
        ("deflate_threshold_bytes", c_uint32),
        ("deflate_level", c_uint32),
        ("deflate_memory_level", c_uint32),
        ("client_max_window_bits", c_uint32),
        ("server_max_window_bits", c_uint32),
        ("max_frame_bytes", c_uint32),
        ("part_bytes", c_uint32),
        ("max_unread_bytes", c_uint32),
        ("max_memory_bytes", c_uint32),
        ("max_head_bytes", c_uint32),
        ("max_header_lines", c_uint32),
    ]


class SocketOptions(Structure):
    """``gw_socket_options``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("url", c_char_p),
        ("pins", POINTER(c_char_p)),
        ("pin_count", c_size_t),
        ("ca_file", c_char_p),
        ("server_name", c_char_p),
        ("trust", POINTER(TrustOptions)),
        ("route", POINTER(RouteOptions)),
        ("headers", POINTER(Header)),
        ("header_count", c_size_t),
        ("subprotocols", POINTER(c_char_p)),
        ("subprotocol_count", c_size_t),
        ("limits", POINTER(SocketLimits)),
        ("user_data", c_void_p),
        ("connect_timeout_ms", c_uint32),
        ("tls_timeout_ms", c_uint32),
        ("upgrade_timeout_ms", c_uint32),
        ("max_redirects", c_uint32),
    ]


class SocketState(Structure):
    """``gw_socket_state``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("phase", c_uint32),
        ("queued_bytes", c_uint64),
        ("round_trip_us", c_uint64),
        ("deflate", c_uint32),
        ("tls", c_uint32),
        ("client_max_window_bits", c_uint32),
        ("server_max_window_bits", c_uint32),
        ("client_no_context_takeover", c_uint32),
        ("server_no_context_takeover", c_uint32),
        ("close_first", c_uint32),
        ("close_code_sent", c_uint32),
        ("close_code_received", c_uint32),
        ("reserved", c_uint32),
        ("memory_bytes", c_uint64),
        ("messages_received", c_uint64),
        ("messages_sent", c_uint64),
        ("bytes_received", c_uint64),
        ("bytes_sent", c_uint64),
        ("wire_bytes_received", c_uint64),
        ("wire_bytes_sent", c_uint64),
        ("received_before_inflate", c_uint64),
        ("received_after_inflate", c_uint64),
        ("sent_before_deflate", c_uint64),
        ("sent_after_deflate", c_uint64),
        ("resolve_us", c_uint64),
        ("connect_us", c_uint64),
        ("proxy_us", c_uint64),
        ("tls_us", c_uint64),
        ("upgrade_us", c_uint64),
    ]


class ListenerOptions(Structure):
    """``gw_listener_options``"""

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
        ("origins", POINTER(c_char_p)),
        ("origin_count", c_size_t),
        ("subprotocols", POINTER(c_char_p)),
        ("subprotocol_count", c_size_t),
        ("limits", POINTER(SocketLimits)),
        ("user_data", c_void_p),
        ("port", c_uint32),
        ("handshake_timeout_ms", c_uint32),
        ("max_connections", c_uint32),
        ("max_connections_per_address", c_uint32),
        ("max_messages_per_second", c_uint32),
        ("reserved", c_uint32),
    ]


class ListenerStats(Structure):
    """``gw_listener_stats``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("connections_now", c_uint32),
        ("connections", c_uint64),
        ("refused", c_uint64),
        ("messages_received", c_uint64),
        ("messages_sent", c_uint64),
        ("bytes_received", c_uint64),
        ("bytes_sent", c_uint64),
        ("wire_bytes_received", c_uint64),
        ("wire_bytes_sent", c_uint64),
    ]


LAYOUTS: dict[int, type[Structure]] = {
    11: SocketLimits,
    12: SocketOptions,
    13: SocketState,
    14: ListenerOptions,
    15: ListenerStats,
}

FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "gw_socket_limits_init": (None, [POINTER(SocketLimits)]),
    "gw_socket_options_init": (None, [POINTER(SocketOptions)]),
    "gw_socket_open": (c_int32, [c_void_p, POINTER(SocketOptions), HANDLE_OUT]),
    "gw_socket_id": (c_uint64, [c_void_p]),
    "gw_socket_send": (c_int32, [c_void_p, c_uint32, c_char_p, c_size_t, c_uint32]),
    "gw_socket_ping": (c_int32, [c_void_p, c_char_p, c_size_t]),
    "gw_socket_close": (c_int32, [c_void_p, c_uint32, c_char_p]),
    "gw_socket_abort": (c_int32, [c_void_p]),
    "gw_socket_pause": (c_int32, [c_void_p]),
    "gw_socket_resume": (c_int32, [c_void_p]),
    "gw_socket_free": (None, [c_void_p]),
    "gw_socket_get_tls": (c_int32, [c_void_p, POINTER(TlsState)]),
    "gw_socket_get_state": (c_int32, [c_void_p, POINTER(SocketState)]),
    "gw_listener_options_init": (None, [POINTER(ListenerOptions)]),
    "gw_listener_open": (c_int32, [c_void_p, POINTER(ListenerOptions), HANDLE_OUT]),
    "gw_listener_id": (c_uint64, [c_void_p]),
    "gw_listener_port": (c_uint32, [c_void_p]),
    "gw_listener_get_text": (c_int32, [c_void_p, c_uint32, POINTER(Slice)]),
    "gw_listener_reload_certificate": (c_int32, [c_void_p]),
    "gw_listener_accept": (c_int32, [c_void_p, c_uint64, c_char_p]),
    "gw_listener_reject": (c_int32, [c_void_p, c_uint64, c_uint32, c_char_p]),
    "gw_listener_send": (c_int32, [c_void_p, c_uint64, c_uint32, c_char_p, c_size_t, c_uint32]),
    "gw_listener_ping": (c_int32, [c_void_p, c_uint64, c_char_p, c_size_t]),
    "gw_listener_disconnect": (c_int32, [c_void_p, c_uint64, c_uint32, c_char_p]),
    "gw_listener_abort": (c_int32, [c_void_p, c_uint64]),
    "gw_listener_pause": (c_int32, [c_void_p, c_uint64]),
    "gw_listener_resume": (c_int32, [c_void_p, c_uint64]),
    "gw_listener_get_state": (c_int32, [c_void_p, c_uint64, POINTER(SocketState)]),
    "gw_listener_get_tls": (c_int32, [c_void_p, c_uint64, POINTER(TlsState)]),
    "gw_listener_get_stats": (c_int32, [c_void_p, POINTER(ListenerStats)]),
    "gw_listener_stop": (c_int32, [c_void_p]),
    "gw_listener_free": (None, [c_void_p]),
}
