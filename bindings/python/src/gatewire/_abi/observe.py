"""``observe.h``"""

from __future__ import annotations

from ctypes import POINTER, Structure, c_int32, c_uint32, c_uint64, c_void_p
from typing import Any

from .base import Slice

LOG_NONE = 0
LOG_ERROR = 1
LOG_WARNING = 2
LOG_INFO = 3
LOG_DEBUG = 4

OBSERVE_METHODS = 1 << 0
OBSERVE_DUMP_ON_FAILURE = 1 << 1


class ObserveOptions(Structure):
    """``gw_observe_options``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("log_level", c_uint32),
        ("recorder_bytes", c_uint32),
        ("frame_bytes", c_uint32),
        ("max_methods", c_uint32),
    ]


class ClientStats(Structure):
    """``gw_client_stats``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("methods", c_uint32),
        ("attempts", c_uint64),
        ("connections", c_uint64),
        ("messages_received", c_uint64),
        ("messages_sent", c_uint64),
        ("bytes_received", c_uint64),
        ("bytes_sent", c_uint64),
        ("wire_bytes_received", c_uint64),
        ("wire_bytes_sent", c_uint64),
        ("round_trip_us", c_uint64),
        ("calls_waiting", c_uint64),
        ("waiting_us", c_uint64),
        ("connecting_us", c_uint64),
        ("ready_us", c_uint64),
        ("closing_us", c_uint64),
    ]


class MethodStats(Structure):
    """``gw_method_stats``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("answers", c_uint64),
        ("least_us", c_uint64),
        ("mean_us", c_uint64),
        ("greatest_us", c_uint64),
        ("method", Slice),
    ]


LAYOUTS: dict[int, type[Structure]] = {
    22: ObserveOptions,
    23: ClientStats,
    24: MethodStats,
}

FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "gw_observe_options_init": (None, [POINTER(ObserveOptions)]),
    "gw_client_get_stats": (c_int32, [c_void_p, POINTER(ClientStats)]),
    "gw_client_get_method_stats": (c_int32, [c_void_p, c_uint32, POINTER(MethodStats)]),
    "gw_client_dump": (c_int32, [c_void_p, POINTER(Slice)]),
}
