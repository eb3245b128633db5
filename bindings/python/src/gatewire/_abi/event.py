"""``event.h``"""

from __future__ import annotations

import struct
from ctypes import Structure, c_int32, c_uint32, c_uint64, c_void_p

from .base import Slice

EVENT_CLIENT_CONNECTED = 1
EVENT_CLIENT_DISCONNECTED = 2
EVENT_CLIENT_CLOSED = 3
EVENT_CLIENT_WARNING = 4
EVENT_CLIENT_WRITABLE = 5
EVENT_GATEWAY_EVENT = 6
EVENT_GAP = 7
EVENT_CALL_ACCEPTED = 8
EVENT_CALL_DONE = 9
EVENT_CREDENTIALS_REQUEST = 10
EVENT_RESYNC = 11
EVENT_SYNCED = 12
EVENT_LOG = 13
EVENT_SUBSCRIBED = 16
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
EVENT_DOCTOR_STEP = 50
EVENT_DOCTOR_DONE = 51
EVENT_TRUST_REQUEST = 40
EVENT_SIO_AUTH = 60
EVENT_SIO_JOINED = 61
EVENT_SIO_DISCONNECTED = 62
EVENT_SIO_LEFT = 63
EVENT_SIO_EVENT = 64
EVENT_SIO_ACK = 65

EVENT_RETRYABLE = 1 << 0
EVENT_PART = 1 << 1
EVENT_CLEAN = 1 << 2
EVENT_PEER_FIRST = 1 << 3
EVENT_SKIPPED = 1 << 4
EVENT_PAUSED = 1 << 5
EVENT_RECOVERED = 1 << 6
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


LAYOUTS: dict[int, type[Structure]] = {
    2: Event,
}
