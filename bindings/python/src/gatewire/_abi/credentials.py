"""``credentials.h``"""

from __future__ import annotations

from ctypes import POINTER, Structure, c_char_p, c_int32, c_uint32, c_uint64, c_void_p
from typing import Any


class Credentials(Structure):
    """``gw_credentials``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("token", c_char_p),
        ("bootstrap_token", c_char_p),
        ("device_token", c_char_p),
        ("password", c_char_p),
        ("approval_runtime_token", c_char_p),
        ("agent_identity_token", c_char_p),
    ]


LAYOUTS: dict[int, type[Structure]] = {
    29: Credentials,
}

FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "gw_credentials_init": (None, [POINTER(Credentials)]),
    "gw_client_set_credentials": (c_int32, [c_void_p, POINTER(Credentials)]),
    "gw_client_answer_credentials": (c_int32, [c_void_p, c_uint64, POINTER(Credentials)]),
    "gw_client_resume": (c_int32, [c_void_p]),
}
