"""``call.h``"""

from __future__ import annotations

from ctypes import POINTER, Structure, c_char_p, c_int32, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any

CALL_EXPECT_FINAL = 1 << 0
CALL_IDEMPOTENT = 1 << 1
CALL_ONLINE_ONLY = 1 << 2
CALL_TRACE_ALWAYS = 1 << 3

RESYNC_RECONNECT = 1
RESYNC_GAP = 2


class CallOptions(Structure):
    """``gw_call_options``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("timeout_ms", c_uint32),
        ("reserved", c_uint32),
        ("user_data", c_void_p),
        ("idempotency_key", c_char_p),
        ("traceparent", c_char_p),
    ]


class OfflineOptions(Structure):
    """``gw_offline_options``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("max_calls", c_uint32),
        ("max_bytes", c_uint32),
        ("time_to_live_ms", c_uint32),
        ("reserved", c_uint32),
    ]


class SyncCall(Structure):
    """``gw_sync_call``"""

    _fields_ = [
        ("method", c_char_p),
        ("params", c_char_p),
        ("params_len", c_size_t),
    ]


class ResyncOptions(Structure):
    """``gw_resync_options``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("timeout_ms", c_uint32),
        ("max_held_bytes", c_uint32),
    ]


LAYOUTS: dict[int, type[Structure]] = {
    8: CallOptions,
    19: OfflineOptions,
    20: ResyncOptions,
    21: SyncCall,
}

FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "gw_call_options_init": (None, [POINTER(CallOptions)]),
    "gw_client_call": (
        c_int32,
        [c_void_p, c_char_p, c_char_p, c_size_t, POINTER(CallOptions), POINTER(c_uint64)],
    ),
    "gw_client_cancel": (c_int32, [c_void_p, c_uint64]),
    "gw_offline_options_init": (None, [POINTER(OfflineOptions)]),
    "gw_client_subscribe": (
        c_int32,
        [c_void_p, c_char_p, c_char_p, c_size_t, c_void_p, POINTER(c_uint64)],
    ),
    "gw_client_unsubscribe": (c_int32, [c_void_p, c_uint64]),
    "gw_resync_options_init": (None, [POINTER(ResyncOptions)]),
    "gw_client_resynced": (c_int32, [c_void_p, c_uint64]),
}
