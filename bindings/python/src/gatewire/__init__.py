"""gatewire: a secure, always-on RPC link to an agent gateway, and a gateway of your own.

>>> async with gatewire.connect("wss://127.0.0.1:18789", pins=[pin], token=token) as client:
...     print(await client.call("health"))

:func:`connect` makes a :class:`Client`, :func:`serve` a :class:`Server` in this process; both are for asyncio.
:func:`doctor` says step by step why a gateway cannot be reached.  :mod:`gatewire.websocket` has raw WebSockets,
:mod:`gatewire.socketio` a Socket.IO client; :mod:`gatewire.sync` is the blocking twin of all.

Durations are seconds (``float``), ``None`` leaves a decision to the library, ``math.inf`` means never.  Nothing here
starts a thread.  A client or server belongs to the event loop that it was made in.
"""

from . import _abi, openclaw, socketio, sync, websocket
from ._diagnosis import doctor
from ._doctor import Step
from ._pins import normalize_pin, read_pin
from .calls import Offline, Resync, SyncCall
from .client import Client, Connecting, connect
from .credentials import Credentials
from .errors import (
    CallCancelledError,
    CallTimeoutError,
    ConnectTimeoutError,
    FrameError,
    GatewireError,
    HandshakeError,
    HandshakeTimeoutError,
    JoinRefusedError,
    NetworkError,
    NotConnectedError,
    NotSentError,
    OutcomeUnknownError,
    PinError,
    PongTimeoutError,
    ResourceError,
    RpcError,
    SilentServerError,
    SocketIOError,
    TickTimeoutError,
    TLSError,
    TLSTimeoutError,
    TooBigError,
    UpgradeError,
    UpgradeTimeoutError,
    UsageError,
    WebSocketError,
)
from .events import (
    Closed,
    Connected,
    Disconnected,
    Event,
    Gap,
    Notice,
    Stale,
    State,
    Subscribed,
    SyncAnswer,
    Synced,
    Warned,
)
from .observe import Logged, MethodStats, Observe, Stats
from .route import Route
from .server import Peer, PeerConnected, PeerDisconnected, Request, Server, ServerNotice, Serving, serve
from .trust import TlsState, Trust, TrustRequest

#: Version of the library that was loaded.
__version__: str = _abi.lib.gw_version().decode()


def dependencies() -> str:
    """Version texts of the TLS and compression libraries in use."""
    texts: bytes = _abi.lib.gw_dependencies()
    return texts.decode()


__all__ = [
    "CallCancelledError",
    "CallTimeoutError",
    "Client",
    "Closed",
    "ConnectTimeoutError",
    "Connected",
    "Connecting",
    "Credentials",
    "Disconnected",
    "Event",
    "FrameError",
    "Gap",
    "GatewireError",
    "HandshakeError",
    "HandshakeTimeoutError",
    "JoinRefusedError",
    "Logged",
    "MethodStats",
    "NetworkError",
    "NotConnectedError",
    "NotSentError",
    "Notice",
    "Observe",
    "Offline",
    "OutcomeUnknownError",
    "Peer",
    "PeerConnected",
    "PeerDisconnected",
    "PinError",
    "PongTimeoutError",
    "Request",
    "ResourceError",
    "Resync",
    "Route",
    "RpcError",
    "Server",
    "ServerNotice",
    "Serving",
    "SilentServerError",
    "SocketIOError",
    "Stale",
    "State",
    "Stats",
    "Step",
    "Subscribed",
    "SyncAnswer",
    "SyncCall",
    "Synced",
    "TLSError",
    "TLSTimeoutError",
    "TickTimeoutError",
    "TlsState",
    "TooBigError",
    "Trust",
    "TrustRequest",
    "UpgradeError",
    "UpgradeTimeoutError",
    "UsageError",
    "Warned",
    "WebSocketError",
    "connect",
    "dependencies",
    "doctor",
    "normalize_pin",
    "openclaw",
    "read_pin",
    "serve",
    "socketio",
    "sync",
    "websocket",
]
