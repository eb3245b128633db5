"""``trust.h``"""

from __future__ import annotations

from ctypes import POINTER, Structure, c_char, c_char_p, c_int32, c_uint32, c_uint64, c_void_p
from typing import Any

from .base import Slice

TRUST_DEFAULT = 0
TRUST_CA = 1
TRUST_PIN = 2
TRUST_PIN_AND_CA = 3
TRUST_PIN_OR_CA = 4

TRUST_ASK = 1 << 0
TRUST_SYSTEM_CA = 1 << 1
TRUST_NO_RESUMPTION = 1 << 2
TRUST_NO_SNI = 1 << 3

TLS_1_2 = 12
TLS_1_3 = 13


class TrustOptions(Structure):
    """``gw_trust_options``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("mode", c_uint32),
        ("answer_timeout_ms", c_uint32),
        ("ca_directory", c_char_p),
        ("ca_pem", c_char_p),
        ("sni", c_char_p),
        ("certificate_file", c_char_p),
        ("key_file", c_char_p),
        ("pkcs12_file", c_char_p),
        ("passphrase", c_char_p),
        ("ciphers", c_char_p),
        ("cipher_suites", c_char_p),
        ("groups", c_char_p),
        ("min_version", c_uint32),
        ("max_version", c_uint32),
        ("key_log_file", c_char_p),
    ]


PIN_CERTIFICATE = 1
PIN_KEY = 2
PIN_CA = 3
PIN_CA_KEY = 4


class TlsState(Structure):
    """``gw_tls_state``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("resumed", c_uint32),
        ("version", Slice),
        ("cipher", Slice),
        ("group", Slice),
        ("chain", Slice),
    ]


LAYOUTS: dict[int, type[Structure]] = {
    17: TrustOptions,
    18: TlsState,
}

FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "gw_trust_options_init": (None, [POINTER(TrustOptions)]),
    "gw_trust_answer": (c_int32, [c_void_p, c_uint64, c_uint32]),
    "gw_pin_read": (c_int32, [c_char_p, POINTER(c_uint32), POINTER(c_char * 65)]),
}
