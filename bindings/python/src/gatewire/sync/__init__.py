"""The blocking twin of :mod:`gatewire`, for programs without an event loop::

    with gatewire.sync.connect("wss://127.0.0.1:18789", pins=[pin], token=token) as client:
        print(client.call("health"))
        for event in client.events(timeout=5):
            print(event.name, event.payload)

:mod:`gatewire.sync.websocket` is that of :mod:`gatewire.websocket`, :mod:`gatewire.sync.socketio` that of
:mod:`gatewire.socketio`.

Each client has a context of its own, and whoever waits does its input and output.  Between two calls a thread of the
library steps in when there has been something to do for a second, so that the connection stays; ``takeover`` sets that
time.

A client may be used by several threads: one of those that wait polls, and hands out what comes.
"""

from . import socketio, websocket
from ._doctor import doctor
from .client import Client, connect

__all__ = ["Client", "connect", "doctor", "socketio", "websocket"]
