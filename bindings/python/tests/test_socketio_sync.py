"""The blocking Socket.IO client against a server of python-socketio."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import socketio_peer
from helpers import SOON

import gatewire
from gatewire.sync import socketio


class ThreadedPeer:
    """The server on an event loop of its own thread."""

    def __init__(self) -> None:
        self.url = ""
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with socketio_peer.serving() as self.url:
            self._started.set()
            await self._stop.wait()

    def __enter__(self) -> ThreadedPeer:
        self._thread.start()
        assert self._started.wait(SOON)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(SOON)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadedPeer() as peer:
        yield peer.url


takeovers = pytest.mark.parametrize("takeover", [None, 0], ids=["own-thread", "library-thread"])


@takeovers
def test_events_and_acknowledgements_go_both_ways(url: str, takeover: Any, no_leaks: None) -> None:
    told: list[Any] = []
    sio = socketio.connect(url, takeover=takeover)
    sio.on("welcome", told.append)
    sio.on("answered", lambda *arguments: told.append(arguments) or sio.disconnect())  # type: ignore[func-returns-value]

    @sio.on("question")
    def question(number: int, data: bytes) -> Any:
        return {"sum": number, "data": data}

    with sio:
        assert sio.connected
        assert sio.sid
        assert sio.call("echo", (1, b"two"), timeout=SOON) == (1, b"two")
        assert sio.call("echo") is None
        assert told == []
        assert sio.emit("echo", 5, callback=lambda value: told.append(value))
        sio.emit("ask", (7, b"\0"))
        assert sio.wait(SOON)
    assert told == ["/", 5, ({"sum": 7, "data": b"\0"},)]
    assert not sio.connected


def test_wait_comes_back_in_time(url: str) -> None:
    with socketio.connect(url) as sio:
        assert sio.wait(0.01) is False
        assert sio.wait(0) is False


def test_auth_and_a_refusal(url: str, no_leaks: None) -> None:
    with socketio.connect(f"{url}/chat", auth=lambda: {"user": "u"}) as sio:
        assert sio.call("who") == {"user": "u"}
    with pytest.raises(gatewire.JoinRefusedError, match="not authorized") as caught:
        with socketio.connect(url, auth={"refuse": True}):
            pass
    assert caught.value.details == {"code": 401}


def test_the_server_disconnects(url: str) -> None:
    told: list[str] = []
    sio = socketio.connect(url)
    sio.on("disconnect", told.append)
    with sio:
        sio.emit("kick")
        with pytest.raises(gatewire.SocketIOError):
            sio.wait(SOON)
        assert told == ["io server disconnect"]
        with pytest.raises(gatewire.NotConnectedError):
            sio.emit("late")


def test_what_a_handler_raises_is_raised_by_wait(url: str) -> None:
    sio = socketio.connect(url)

    @sio.on("welcome")
    def welcome(_: str) -> None:
        raise KeyError("handler")

    with sio:
        with pytest.raises(KeyError, match="handler"):
            sio.wait(SOON)
        assert sio.call("echo", 1) == 1


def test_several_threads_call(url: str) -> None:
    with socketio.connect(url) as sio, ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda number: sio.call("echo", number, timeout=SOON), range(40))) == list(range(40))


def test_a_call_has_a_time_limit(url: str) -> None:
    with socketio.connect(url) as sio:
        with pytest.raises(gatewire.CallTimeoutError):
            sio.call("nobody listens", timeout=0.05)


def test_a_client_that_is_forgotten_is_told_of(url: str) -> None:
    sio = socketio.connect(url)
    del sio
    with pytest.warns(ResourceWarning, match="was never closed"):
        gc.collect()
