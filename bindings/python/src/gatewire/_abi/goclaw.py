"""``goclaw.h``"""

from __future__ import annotations

from ctypes import POINTER, Structure, c_char_p, c_size_t, c_uint32
from typing import Any

DIALECT_GOCLAW = 1
DIALECT_DETECT = 2


class GoClawOptions(Structure):
    """``gw_goclaw_options``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("user_id", c_char_p),
        ("sender_id", c_char_p),
        ("tenant_id", c_char_p),
        ("tenant_hint", c_char_p),
    ]


class GoClawKey(Structure):
    """``gw_goclaw_key``"""

    _fields_ = [
        ("key", c_char_p),
        ("scopes", c_char_p),
        ("user_id", c_char_p),
    ]


GOCLAW_NO_PAIRING = 1 << 0
GOCLAW_OWNERSHIP_UNAUTHORIZED = 1 << 1


class GoClawServerOptions(Structure):
    """``gw_goclaw_server_options``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("keys", POINTER(GoClawKey)),
        ("key_count", c_size_t),
        ("owner_ids", POINTER(c_char_p)),
        ("owner_id_count", c_size_t),
        ("allowed_origins", POINTER(c_char_p)),
        ("allowed_origin_count", c_size_t),
        ("calls_per_minute", c_uint32),
        ("ping_interval_ms", c_uint32),
        ("read_timeout_ms", c_uint32),
        ("max_queued_messages", c_uint32),
    ]


LAYOUTS: dict[int, type[Structure]] = {
    30: GoClawOptions,
    31: GoClawKey,
    32: GoClawServerOptions,
}

FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "gw_goclaw_options_init": (None, [POINTER(GoClawOptions)]),
    "gw_goclaw_server_options_init": (None, [POINTER(GoClawServerOptions)]),
}
