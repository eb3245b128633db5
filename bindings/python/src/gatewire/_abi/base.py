"""``base.h``"""

from __future__ import annotations

from ctypes import POINTER, Structure, c_char, c_char_p, c_int32, c_size_t, c_uint32, c_void_p
from typing import Any

ABI_VERSION = 0
NEVER = 0xFFFF_FFFF

OK = 0
QUEUED = 1
TIMEOUT = 2

ERR_ARGUMENT = -100
ERR_STRUCT_SIZE = -101
ERR_FLAGS = -102
ERR_GONE = -103
ERR_BUSY = -104
ERR_STATE = -105
ERR_FORKED = -106
ERR_URL = -107
ERR_PLAINTEXT = -108
ERR_PIN_TEXT = -109
ERR_JSON_TEXT = -110
ERR_IDENTITY = -111
ERR_CERTIFICATE = -112
ERR_UNSUPPORTED = -113

ERR_SYSTEM = -200
ERR_RESOLVE = -201
ERR_CONNECT = -202
ERR_CONNECT_TIMEOUT = -203
ERR_LISTEN = -204
ERR_LOST = -205
ERR_PROXY = -206
ERR_PROXY_REFUSED = -207
ERR_PROXY_TIMEOUT = -208

ERR_TLS = -300
ERR_TLS_PIN = -301
ERR_TLS_CHAIN = -302
ERR_TLS_NAME = -303
ERR_TLS_EXPIRED = -304
ERR_TLS_ALPN = -305
ERR_TLS_TIMEOUT = -306
ERR_TLS_REFUSED = -307

ERR_UPGRADE_REFUSED = -400
ERR_UPGRADE_INVALID = -401
ERR_UPGRADE_TIMEOUT = -402

ERR_PROTOCOL = -500
ERR_UTF8 = -501
ERR_TOO_BIG = -502
ERR_DEFLATE = -503
ERR_CLOSED = -504
ERR_PONG_TIMEOUT = -505

ERR_CHALLENGE_TIMEOUT = -600
ERR_CHALLENGE = -601
ERR_CONNECT_REJECTED = -602
ERR_PROTOCOL_RANGE = -603
ERR_HELLO_TIMEOUT = -604
ERR_HELLO = -605
ERR_TICK_TIMEOUT = -606
ERR_REJECTED = -607
ERR_NOT_SENT = -608
ERR_OUTCOME_UNKNOWN = -609
ERR_CALL_TIMEOUT = -610
ERR_JSON = -611
ERR_FRAME = -612
ERR_UNKNOWN_ID = -613
ERR_CANCELLED = -614
ERR_CREDENTIALS = -615

ERR_SIO_OPEN = -700
ERR_SIO_PARSE = -701
ERR_SIO_PING_TIMEOUT = -702
ERR_SIO_REFUSED = -703
ERR_SIO_DISCONNECTED = -704

ERR_LIMIT = -900
ERR_FULL = -901
ERR_INTERNAL = -999

ACTOR_NONE = 0
ACTOR_PROGRAM = 1
ACTOR_USER = 2
ACTOR_OPERATOR = 3
ACTOR_NETWORK = 4


class Slice(Structure):
    """``gw_slice``"""

    _fields_ = [("ptr", c_void_p), ("len", c_size_t)]


class Header(Structure):
    """``gw_header``"""

    _fields_ = [("name", c_char_p), ("value", c_char_p)]


# Where a function writes the handle that it makes; handles and borrowed buffers are plain addresses.
HANDLE_OUT: Any = POINTER(c_void_p)


LAYOUTS: dict[int, type[Structure]] = {
    1: Slice,
    6: Header,
}

FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "gw_status_name": (c_char_p, [c_int32]),
    "gw_status_text": (c_char_p, [c_int32]),
    "gw_event_type_name": (c_char_p, [c_uint32]),
    "gw_abi_version": (c_uint32, []),
    "gw_version": (c_char_p, []),
    "gw_dependencies": (c_char_p, []),
    "gw_struct_size": (c_size_t, [c_uint32]),
    "gw_pin_normalize": (c_int32, [c_char_p, POINTER(c_char * 65)]),
}
