"""``context.h``"""

from __future__ import annotations

from ctypes import POINTER, Structure, c_int, c_int32, c_size_t, c_uint32, c_void_p
from typing import Any

from .base import HANDLE_OUT, NEVER, Slice

CONTEXT_HOST_FLUSHES = 1 << 0
TAKEOVER_NEVER = NEVER
TAKEOVER_ALWAYS = 0xFFFF_FFFE
TAKEOVER_DEFAULT = 1000
BATCH_MORE = 1 << 0


class ContextOptions(Structure):
    """``gw_context_options``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("takeover_ms", c_uint32),
        ("event_budget", c_uint32),
    ]


class Batch(Structure):
    """``gw_batch``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("count", c_uint32),
        ("flags", c_uint32),
        ("reserved", c_uint32),
        ("arena", c_void_p),
        ("arena_len", c_size_t),
    ]


class Error(Structure):
    """``gw_error``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("status", c_int32),
        ("actor", c_uint32),
        ("reserved", c_uint32),
        ("text", Slice),
    ]


LAYOUTS: dict[int, type[Structure]] = {
    3: Batch,
    4: ContextOptions,
    5: Error,
}

FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "gw_context_options_init": (None, [POINTER(ContextOptions)]),
    "gw_context_new": (c_int32, [POINTER(ContextOptions), HANDLE_OUT]),
    "gw_context_free": (None, [c_void_p]),
    "gw_context_fd": (c_int, [c_void_p]),
    "gw_context_poll": (c_int32, [c_void_p, c_int32, c_void_p, c_size_t, c_size_t, POINTER(Batch)]),
    "gw_batch_init": (None, [POINTER(Batch)]),
    "gw_context_network_changed": (c_int32, [c_void_p]),
    "gw_context_flush": (c_int32, [c_void_p]),
    "gw_context_wake": (c_int32, [c_void_p]),
    "gw_context_last_error": (c_int32, [c_void_p, POINTER(Error)]),
}
