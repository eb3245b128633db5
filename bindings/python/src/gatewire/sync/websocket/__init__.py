"""The blocking twin of :mod:`gatewire.websocket`: raw WebSockets, client and server.

>>> with websocket.connect("wss://127.0.0.1:8443", pins=[pin]) as ws:
...     ws.send("hello")
...     print(ws.recv(timeout=5))

As in :mod:`gatewire.sync`, whoever waits does the input and output, and between two calls a thread of the library keeps
the connections (``takeover``).  A WebSocket may be used by several threads.
"""

from ..._request import Accept, Decision, Headers, Refuse, Request
from ..._socket import Data, Message
from ..._socket_state import State, Statistics
from .client import connect
from .connection import WebSocket
from .server import Handler, Server, serve

__all__ = [
    "Accept",
    "Data",
    "Decision",
    "Handler",
    "Headers",
    "Message",
    "Refuse",
    "Request",
    "Server",
    "State",
    "Statistics",
    "WebSocket",
    "connect",
    "serve",
]
