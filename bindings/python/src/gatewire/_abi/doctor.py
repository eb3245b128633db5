"""``doctor.h``"""

from __future__ import annotations

from ctypes import POINTER, c_int32, c_uint32, c_uint64, c_void_p
from typing import Any

from .client import ClientOptions

DOCTOR_NAME = 1
DOCTOR_TCP = 2
DOCTOR_PROXY = 3
DOCTOR_TLS = 4
DOCTOR_PIN = 5
DOCTOR_UPGRADE = 6
DOCTOR_CHALLENGE = 7
DOCTOR_AUTH = 8
DOCTOR_TICK = 9

DOCTOR_NO_TICK = 1 << 0

FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "gw_doctor_start": (c_int32, [c_void_p, POINTER(ClientOptions), c_uint32, POINTER(c_uint64)]),
    "gw_doctor_cancel": (c_int32, [c_void_p, c_uint64]),
}
