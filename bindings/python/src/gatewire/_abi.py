"""The C headers, mirrored word for word: constants, structs, prototypes.  No decisions, no conversions.

Names, order and comments follow ``include/gatewire/*.h``, which says what everything means.  At import the sizes of all
structs are compared with those of the library that was loaded.
"""

from __future__ import annotations

import os
import struct
from ctypes import (
    CDLL,
    POINTER,
    Structure,
    c_char,
    c_char_p,
    c_int,
    c_int32,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
    sizeof,
)
from pathlib import Path
from typing import Any

# --- base.h ---

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

ERR_TLS = -300
ERR_TLS_PIN = -301
ERR_TLS_CHAIN = -302
ERR_TLS_NAME = -303
ERR_TLS_EXPIRED = -304
ERR_TLS_ALPN = -305
ERR_TLS_TIMEOUT = -306

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


# --- event.h ---

EVENT_CLIENT_CONNECTED = 1
EVENT_CLIENT_DISCONNECTED = 2
EVENT_CLIENT_CLOSED = 3
EVENT_CLIENT_WARNING = 4
EVENT_CLIENT_WRITABLE = 5
EVENT_GATEWAY_EVENT = 6
EVENT_GAP = 7
EVENT_CALL_ACCEPTED = 8
EVENT_CALL_DONE = 9
EVENT_PEER_CONNECTED = 20
EVENT_PEER_DISCONNECTED = 21
EVENT_PEER_REQUEST = 22
EVENT_SERVER_CLOSED = 23
EVENT_SOCKET_REQUEST = 30
EVENT_SOCKET_OPEN = 31
EVENT_SOCKET_MESSAGE = 32
EVENT_SOCKET_PING = 33
EVENT_SOCKET_PONG = 34
EVENT_SOCKET_WRITABLE = 35
EVENT_SOCKET_CLOSED = 36

EVENT_RETRYABLE = 1 << 0
EVENT_PART = 1 << 1
EVENT_CLEAN = 1 << 2
EVENT_PEER_FIRST = 1 << 3
NO_SEQUENCE = 0xFFFF_FFFF_FFFF_FFFF


class Event(Structure):
    """``gw_event``"""

    _fields_ = [
        ("type", c_uint32),
        ("status", c_int32),
        ("source", c_uint64),
        ("connection", c_uint64),
        ("subject", c_uint64),
        ("sequence", c_uint64),
        ("user_data", c_void_p),
        ("name", Slice),
        ("payload", Slice),
        ("text", Slice),
        ("code", c_uint32),
        ("flags", c_uint32),
        ("actor", c_uint32),
        ("retry_after_ms", c_uint32),
    ]


# The same, for reading a whole batch at once; each slice is an address and a length.
EVENT_FORMAT = struct.Struct("@IiQQQQP" + "PN" * 3 + "IIII")


# --- context.h ---

CONTEXT_HOST_FLUSHES = 1 << 0
TAKEOVER_NEVER = NEVER
TAKEOVER_ALWAYS = 0xFFFF_FFFE
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


# --- client.h ---

CLIENT_PLAINTEXT_PRIVATE = 1 << 0
CLIENT_PLAINTEXT_ANY = 1 << 1
CLIENT_NO_RECONNECT = 1 << 2
CLIENT_NO_DEFLATE = 1 << 3
CLIENT_DEFLATE_TAKEOVER = 1 << 4
CLIENT_NO_DEVICE = 1 << 5

CALL_EXPECT_FINAL = 1 << 0


class ClientOptions(Structure):
    """``gw_client_options``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("url", c_char_p),
        ("pins", POINTER(c_char_p)),
        ("pin_count", c_size_t),
        ("ca_file", c_char_p),
        ("server_name", c_char_p),
        ("token", c_char_p),
        ("password", c_char_p),
        ("identity_file", c_char_p),
        ("client_id", c_char_p),
        ("client_mode", c_char_p),
        ("client_version", c_char_p),
        ("display_name", c_char_p),
        ("platform", c_char_p),
        ("device_family", c_char_p),
        ("instance_id", c_char_p),
        ("role", c_char_p),
        ("scopes", POINTER(c_char_p)),
        ("scope_count", c_size_t),
        ("caps", POINTER(c_char_p)),
        ("cap_count", c_size_t),
        ("locale", c_char_p),
        ("user_agent", c_char_p),
        ("headers", POINTER(Header)),
        ("header_count", c_size_t),
        ("user_data", c_void_p),
        ("min_protocol", c_uint32),
        ("max_protocol", c_uint32),
        ("connect_timeout_ms", c_uint32),
        ("tls_timeout_ms", c_uint32),
        ("upgrade_timeout_ms", c_uint32),
        ("challenge_timeout_ms", c_uint32),
        ("hello_timeout_ms", c_uint32),
        ("close_timeout_ms", c_uint32),
        ("call_timeout_ms", c_uint32),
        ("ping_interval_ms", c_uint32),
        ("pong_timeout_ms", c_uint32),
        ("reconnect_initial_ms", c_uint32),
        ("reconnect_max_ms", c_uint32),
        ("max_message_bytes", c_uint32),
        ("max_queued_bytes", c_uint32),
        ("max_calls", c_uint32),
        ("deflate_threshold_bytes", c_uint32),
        ("reserved", c_uint32),
    ]


class CallOptions(Structure):
    """``gw_call_options``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("timeout_ms", c_uint32),
        ("reserved", c_uint32),
        ("user_data", c_void_p),
    ]


PHASE_WAITING = 0
PHASE_RESOLVE = 1
PHASE_CONNECT = 2
PHASE_TLS = 3
PHASE_UPGRADE = 4
PHASE_CHALLENGE = 5
PHASE_HELLO = 6
PHASE_READY = 7
PHASE_CLOSING = 8
PHASE_CLOSED = 9


class ClientState(Structure):
    """``gw_client_state``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("phase", c_uint32),
        ("protocol", c_uint32),
        ("next_attempt_ms", c_uint32),
        ("connections", c_uint64),
        ("attempts", c_uint64),
        ("calls_in_flight", c_uint64),
        ("queued_bytes", c_uint64),
        ("round_trip_us", c_uint64),
        ("deflate", c_uint32),
        ("tls", c_uint32),
    ]


# --- server.h ---

SERVER_PLAINTEXT = 1 << 0
SERVER_NO_DEFLATE = 1 << 1
SERVER_DEFLATE_TAKEOVER = 1 << 2
SERVER_NO_BUILTIN = 1 << 3
SERVER_REQUIRE_DEVICE = 1 << 4

SERVER_URL = 1
SERVER_CERTIFICATE_PIN = 2
SERVER_KEY_PIN = 3
SERVER_CERTIFICATE = 4


class ServerOptions(Structure):
    """``gw_server_options``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("address", c_char_p),
        ("certificate_file", c_char_p),
        ("key_file", c_char_p),
        ("names", POINTER(c_char_p)),
        ("name_count", c_size_t),
        ("token", c_char_p),
        ("password", c_char_p),
        ("version", c_char_p),
        ("user_data", c_void_p),
        ("port", c_uint32),
        ("protocol", c_uint32),
        ("tick_interval_ms", c_uint32),
        ("handshake_timeout_ms", c_uint32),
        ("close_timeout_ms", c_uint32),
        ("request_timeout_ms", c_uint32),
        ("ping_interval_ms", c_uint32),
        ("pong_timeout_ms", c_uint32),
        ("max_connections", c_uint32),
        ("max_message_bytes", c_uint32),
        ("max_queued_bytes", c_uint32),
        ("max_requests", c_uint32),
        ("deflate_threshold_bytes", c_uint32),
        ("reserved", c_uint32),
    ]


# The numbers of gw_struct_size.
STRUCTS: dict[int, type[Structure]] = {
    1: Slice,
    2: Event,
    3: Batch,
    4: ContextOptions,
    5: Error,
    6: Header,
    7: ClientOptions,
    8: CallOptions,
    9: ClientState,
    10: ServerOptions,
}

# Result and arguments of every function.  Handles and borrowed buffers are plain addresses.
_HANDLE_OUT = POINTER(c_void_p)
PROTOTYPES: dict[str, tuple[Any, list[Any]]] = {
    "gw_status_name": (c_char_p, [c_int32]),
    "gw_status_text": (c_char_p, [c_int32]),
    "gw_event_type_name": (c_char_p, [c_uint32]),
    "gw_abi_version": (c_uint32, []),
    "gw_version": (c_char_p, []),
    "gw_dependencies": (c_char_p, []),
    "gw_struct_size": (c_size_t, [c_uint32]),
    "gw_pin_normalize": (c_int32, [c_char_p, POINTER(c_char * 65)]),
    "gw_context_options_init": (None, [POINTER(ContextOptions)]),
    "gw_context_new": (c_int32, [POINTER(ContextOptions), _HANDLE_OUT]),
    "gw_context_free": (None, [c_void_p]),
    "gw_context_fd": (c_int, [c_void_p]),
    "gw_context_poll": (c_int32, [c_void_p, c_int32, c_void_p, c_size_t, c_size_t, POINTER(Batch)]),
    "gw_batch_init": (None, [POINTER(Batch)]),
    "gw_context_flush": (c_int32, [c_void_p]),
    "gw_context_wake": (c_int32, [c_void_p]),
    "gw_context_last_error": (c_int32, [c_void_p, POINTER(Error)]),
    "gw_client_options_init": (None, [POINTER(ClientOptions)]),
    "gw_client_open": (c_int32, [c_void_p, POINTER(ClientOptions), _HANDLE_OUT]),
    "gw_client_id": (c_uint64, [c_void_p]),
    "gw_call_options_init": (None, [POINTER(CallOptions)]),
    "gw_client_call": (
        c_int32,
        [c_void_p, c_char_p, c_char_p, c_size_t, POINTER(CallOptions), POINTER(c_uint64)],
    ),
    "gw_client_cancel": (c_int32, [c_void_p, c_uint64]),
    "gw_client_close": (c_int32, [c_void_p, c_uint32, c_char_p]),
    "gw_client_free": (None, [c_void_p]),
    "gw_client_get_state": (c_int32, [c_void_p, POINTER(ClientState)]),
    "gw_server_options_init": (None, [POINTER(ServerOptions)]),
    "gw_server_open": (c_int32, [c_void_p, POINTER(ServerOptions), _HANDLE_OUT]),
    "gw_server_id": (c_uint64, [c_void_p]),
    "gw_server_port": (c_uint32, [c_void_p]),
    "gw_server_get_text": (c_int32, [c_void_p, c_uint32, POINTER(Slice)]),
    "gw_server_reply": (c_int32, [c_void_p, c_uint64, c_char_p, c_size_t, c_uint32]),
    "gw_server_reject": (
        c_int32,
        [c_void_p, c_uint64, c_char_p, c_char_p, c_char_p, c_size_t, c_uint32],
    ),
    "gw_server_push": (c_int32, [c_void_p, c_uint64, c_char_p, c_char_p, c_size_t]),
    "gw_server_disconnect": (c_int32, [c_void_p, c_uint64, c_uint32, c_char_p]),
    "gw_server_stop": (c_int32, [c_void_p, c_char_p]),
    "gw_server_free": (None, [c_void_p]),
}


def _load() -> CDLL:
    """The library beside this file (as a wheel carries it), else the one that GATEWIRE_LIBRARY names."""
    beside = Path(__file__).with_name("libgatewire.so")
    named = os.environ.get("GATEWIRE_LIBRARY")
    if beside.exists():
        path = str(beside)
    elif named:
        path = named
    else:
        raise ImportError(
            f"libgatewire.so is not in {beside.parent}, and GATEWIRE_LIBRARY is not set: install the wheel, or "
            "build the library with 'make' and set GATEWIRE_LIBRARY to build/libgatewire.so"
        )
    try:
        # Deep binding: an interpreter may carry an OpenSSL or zlib of its own, which must not take the place of ours.
        library = CDLL(path, mode=os.RTLD_NOW | os.RTLD_DEEPBIND)
    except OSError as error:
        raise ImportError(f"{path} cannot be loaded: {error}") from error

    for name, (result, arguments) in PROTOTYPES.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise ImportError(f"{path} has no function {name}: it is older than this package") from None
        function.restype = result
        function.argtypes = arguments

    loaded = library.gw_abi_version()
    if loaded != ABI_VERSION:
        raise ImportError(f"{path} has ABI version {loaded}, this package needs {ABI_VERSION}: update one of them")
    for number, mirror in STRUCTS.items():
        size = library.gw_struct_size(number)
        if size != sizeof(mirror):
            raise ImportError(
                f"{path}: {mirror.__doc__} has {size} bytes, this package expects {sizeof(mirror)}: update one of them"
            )
    if EVENT_FORMAT.size != sizeof(Event):
        raise ImportError(
            f"gw_event has {sizeof(Event)} bytes, its format {EVENT_FORMAT.size}: this platform is unknown"
        )
    return library


lib = _load()
