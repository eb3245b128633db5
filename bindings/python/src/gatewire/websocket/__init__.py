"""Raw WebSockets for asyncio, client and server (RFC 6455, RFC 7692), for what speaks no gateway protocol.

>>> async with websocket.connect("wss://127.0.0.1:8443", pins=[pin]) as ws:
...     await ws.send("hello")
...     print(await ws.recv())

>>> async with websocket.serve(handler, "127.0.0.1", 8443) as server:
...     await server.wait_closed()

:mod:`gatewire.sync.websocket` is the blocking twin.  Everything belongs to one event loop: create it there and use it
there.
"""

from .._request import Accept, Decision, Headers, Refuse, Request
from .._socket import Data, Message
from .._socket_state import State, Statistics
from .client import Connecting, connect
from .connection import WebSocket
from .server import Handler, Server, Serving, serve

__all__ = [
    "Accept",
    "Connecting",
    "Data",
    "Decision",
    "Handler",
    "Headers",
    "Message",
    "Refuse",
    "Request",
    "Server",
    "Serving",
    "State",
    "Statistics",
    "WebSocket",
    "connect",
    "serve",
]
