"""``socketio.h``"""

from __future__ import annotations

from ctypes import POINTER, Structure, c_char_p, c_int32, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any

from .base import Header, Slice

SIO_NO_TRAILING_SLASH = 1 << 0

SIO_ASK_AUTH = 1 << 0

SIO_ACK = 1 << 0
SIO_VOLATILE = 1 << 1


class SioOptions(Structure):
    """``gw_sio_options``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("path", c_char_p),
        ("query", POINTER(Header)),
        ("query_count", c_size_t),
        ("auth_timeout_ms", c_uint32),
        ("jitter_percent", c_uint32),
        ("max_attempts", c_uint32),
        ("max_namespaces", c_uint32),
        ("max_attachments", c_uint32),
        ("max_packet_bytes", c_uint32),
        ("max_buffered_events", c_uint32),
        ("max_buffered_bytes", c_uint32),
        ("reserved", c_uint32),
    ]


class SioJoinOptions(Structure):
    """``gw_sio_join_options``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("auth", c_char_p),
        ("auth_len", c_size_t),
        ("user_data", c_void_p),
    ]


class SioEmitOptions(Structure):
    """``gw_sio_emit_options``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("timeout_ms", c_uint32),
        ("reserved", c_uint32),
        ("user_data", c_void_p),
        ("attachments", POINTER(Slice)),
        ("attachment_count", c_size_t),
    ]


LAYOUTS: dict[int, type[Structure]] = {
    25: SioOptions,
    26: SioJoinOptions,
    27: SioEmitOptions,
}

FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "gw_sio_options_init": (None, [POINTER(SioOptions)]),
    "gw_sio_join_options_init": (None, [POINTER(SioJoinOptions)]),
    "gw_sio_join": (c_int32, [c_void_p, c_char_p, POINTER(SioJoinOptions), POINTER(c_uint64)]),
    "gw_sio_leave": (c_int32, [c_void_p, c_uint64]),
    "gw_sio_auth": (c_int32, [c_void_p, c_uint64, c_char_p, c_size_t]),
    "gw_sio_emit_options_init": (None, [POINTER(SioEmitOptions)]),
    "gw_sio_emit": (
        c_int32,
        [c_void_p, c_uint64, c_char_p, c_char_p, c_size_t, POINTER(SioEmitOptions), POINTER(c_uint64)],
    ),
    "gw_sio_ack": (c_int32, [c_void_p, c_uint64, c_char_p, c_size_t, POINTER(Slice), c_size_t]),
}
