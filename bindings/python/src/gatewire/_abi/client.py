"""``client.h``"""

from __future__ import annotations

from ctypes import POINTER, Structure, c_char_p, c_int32, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any

from .base import HANDLE_OUT, Header
from .call import OfflineOptions, ResyncOptions, SyncCall
from .observe import ObserveOptions
from .route import RouteOptions
from .socketio import SioOptions
from .trust import TlsState, TrustOptions

DIALECT_OPENCLAW = 0
DIALECT_SOCKETIO = 3

CLIENT_PLAINTEXT_PRIVATE = 1 << 0
CLIENT_PLAINTEXT_ANY = 1 << 1
CLIENT_NO_RECONNECT = 1 << 2
CLIENT_NO_DEFLATE = 1 << 3
CLIENT_DEFLATE_TAKEOVER = 1 << 4
CLIENT_NO_DEVICE = 1 << 5
CLIENT_PAUSE = 1 << 6
CLIENT_ASK_CREDENTIALS = 1 << 7
CLIENT_NEW_PARAMS = 1 << 8
CLIENT_ANY_NAMES = 1 << 9


class Permission(Structure):
    """``gw_permission``"""

    _fields_ = [("name", c_char_p), ("granted", c_uint32), ("reserved", c_uint32)]


class ClientOptions(Structure):
    """``gw_client_options``"""

    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("url", c_char_p),
        ("alternates", POINTER(c_char_p)),
        ("alternate_count", c_size_t),
        ("pins", POINTER(c_char_p)),
        ("pin_count", c_size_t),
        ("ca_file", c_char_p),
        ("server_name", c_char_p),
        ("trust", POINTER(TrustOptions)),
        ("token", c_char_p),
        ("bootstrap_token", c_char_p),
        ("device_token", c_char_p),
        ("password", c_char_p),
        ("approval_runtime_token", c_char_p),
        ("agent_identity_token", c_char_p),
        ("identity_file", c_char_p),
        ("token_file", c_char_p),
        ("client_id", c_char_p),
        ("client_mode", c_char_p),
        ("client_version", c_char_p),
        ("display_name", c_char_p),
        ("platform", c_char_p),
        ("device_family", c_char_p),
        ("model_identifier", c_char_p),
        ("build_id", c_char_p),
        ("time_zone", c_char_p),
        ("instance_id", c_char_p),
        ("role", c_char_p),
        ("scopes", POINTER(c_char_p)),
        ("scope_count", c_size_t),
        ("caps", POINTER(c_char_p)),
        ("cap_count", c_size_t),
        ("commands", POINTER(c_char_p)),
        ("command_count", c_size_t),
        ("permissions", POINTER(Permission)),
        ("permission_count", c_size_t),
        ("path_env", c_char_p),
        ("extra_params", c_char_p),
        ("locale", c_char_p),
        ("user_agent", c_char_p),
        ("route", POINTER(RouteOptions)),
        ("headers", POINTER(Header)),
        ("header_count", c_size_t),
        ("user_data", c_void_p),
        ("min_protocol", c_uint32),
        ("max_protocol", c_uint32),
        ("connect_timeout_ms", c_uint32),
        ("tls_timeout_ms", c_uint32),
        ("upgrade_timeout_ms", c_uint32),
        ("challenge_timeout_ms", c_uint32),
        ("credentials_timeout_ms", c_uint32),
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
        ("signature_version", c_uint32),
        ("dialect", c_uint32),
        ("sync_calls", POINTER(SyncCall)),
        ("sync_count", c_size_t),
        ("offline", POINTER(OfflineOptions)),
        ("resync", POINTER(ResyncOptions)),
        ("observe", POINTER(ObserveOptions)),
        ("sio", POINTER(SioOptions)),
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
PHASE_PROXY = 10
PHASE_PAUSED = 11


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
        ("resolve_us", c_uint64),
        ("connect_us", c_uint64),
        ("proxy_us", c_uint64),
        ("tls_us", c_uint64),
        ("upgrade_us", c_uint64),
        ("challenge_us", c_uint64),
        ("hello_us", c_uint64),
        ("endpoint", c_uint32),
        ("reserved", c_uint32),
    ]


LAYOUTS: dict[int, type[Structure]] = {
    28: Permission,
    7: ClientOptions,
    9: ClientState,
}

FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "gw_client_options_init": (None, [POINTER(ClientOptions)]),
    "gw_client_open": (c_int32, [c_void_p, POINTER(ClientOptions), HANDLE_OUT]),
    "gw_client_id": (c_uint64, [c_void_p]),
    "gw_client_close": (c_int32, [c_void_p, c_uint32, c_char_p]),
    "gw_client_free": (None, [c_void_p]),
    "gw_client_set_pins": (c_int32, [c_void_p, POINTER(c_char_p), c_size_t]),
    "gw_client_get_tls": (c_int32, [c_void_p, POINTER(TlsState)]),
    "gw_client_get_state": (c_int32, [c_void_p, POINTER(ClientState)]),
}
