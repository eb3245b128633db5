"""The blocking twin of the raw WebSockets: client against Python `websockets`, and its server."""

from __future__ import annotations

import asyncio
import gc
import http
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from helpers import SOON
from websocket_peers import ThreadedForeignServer
from websockets.asyncio.server import ServerConnection
from websockets.sync.client import connect as foreign_connect

import gatewire
from gatewire.sync import websocket

takeovers = pytest.mark.parametrize("takeover", [None, 0], ids=["own-thread", "library-thread"])


@pytest.fixture
def foreign() -> Iterator[str]:
    with ThreadedForeignServer() as server:
        yield server.url


def echo(ws: websocket.WebSocket) -> None:
    for message in ws:
        ws.send(message)


@contextmanager
def serving(handler: websocket.Handler = echo, **options: Any) -> Iterator[websocket.Server]:
    """A server that a thread of its own serves."""
    with websocket.serve(handler, **options) as server:
        thread = threading.Thread(target=server.wait_closed)
        thread.start()
        yield server
    thread.join(SOON)
    assert not thread.is_alive()


@takeovers
def test_text_binary_and_parts_come_back(foreign: str, takeover: Any, no_leaks: None) -> None:
    with websocket.connect(foreign, takeover=takeover) as ws:
        for message in ["", "grüß dich", b"", b"\x00\xff", bytearray(b"x") * 300_000]:
            ws.send(message)
            assert ws.recv(timeout=SOON) == message
        ws.send(part for part in ["one ", "two"])
        assert ws.recv(timeout=SOON) == "one two"
        ws.send("ü")
        assert ws.recv(timeout=SOON, decode=False) == "ü".encode()
        ws.send("x" * 200_000)
        assert "".join(map(str, ws.recv_streaming(timeout=SOON))) == "x" * 200_000
        assert ws.ping(timeout=SOON) > 0
        assert ws.state().phase == "ready"
    assert ws.closed
    assert ws.state().phase == "closed"
    with pytest.raises(gatewire.NotConnectedError):
        ws.send("x")
    with pytest.raises(gatewire.NotConnectedError):
        ws.recv()
    assert list(ws) == []
    ws.close()


@takeovers
def test_recv_and_ping_end_after_their_time(takeover: Any) -> None:
    async def silent(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await asyncio.sleep(0.2)

    with ThreadedForeignServer(silent, close_timeout=0.1) as server:
        with websocket.connect(server.url, takeover=takeover, close_timeout=0.1) as ws:
            start = time.monotonic()
            with pytest.raises(TimeoutError):
                ws.recv(timeout=0.02)
            with pytest.raises(TimeoutError):
                ws.ping(timeout=0.02)
            assert time.monotonic() - start >= 0.04


@takeovers
def test_the_code_of_the_peer(takeover: Any, no_leaks: None) -> None:
    async def leave(connection: ServerConnection) -> None:
        await connection.send("last words")
        await connection.close(4321, "grüße")

    with ThreadedForeignServer(leave) as server:
        ws = websocket.connect(server.url, takeover=takeover)
        seen = []
        with pytest.raises(gatewire.WebSocketError) as caught:
            for message in ws:
                seen.append(message)
        assert (seen, caught.value.code) == (["last words"], 4321)
        assert (ws.close_code, ws.close_reason) == (4321, "grüße")
        ws.close()


def test_a_refused_upgrade_and_a_wrong_pin(no_leaks: None) -> None:
    def refuse(connection: ServerConnection, request: Any) -> Any:
        return connection.respond(http.HTTPStatus.FORBIDDEN, "not you\n")

    with ThreadedForeignServer(process_request=refuse) as server:
        with pytest.raises(gatewire.UpgradeError) as caught:
            websocket.connect(server.url)
        assert caught.value.code == 403
        assert caught.value.details["body"] == "not you\n"
    with serving() as ours:
        with pytest.raises(gatewire.PinError):
            websocket.connect(ours.url, pins=["00" * 32])
    with pytest.raises(gatewire.UsageError):
        websocket.connect("http://")


def test_send_waits_for_a_slow_peer() -> None:
    may_read = threading.Event()
    received: list[int] = []

    async def slow(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        while not may_read.is_set():
            await asyncio.sleep(0.005)
        connection.transport.resume_reading()
        async for message in connection:
            received.append(len(message))

    with ThreadedForeignServer(slow, compression=None) as server:
        with websocket.connect(server.url, max_queued_bytes=1_000_000, high_water_bytes=200_000) as ws:
            with ThreadPoolExecutor(1) as pool:
                sending = pool.submit(lambda: [ws.send(bytes(100_000)) for _ in range(200)])
                while ws.state().queued_bytes <= 200_000 and not sending.done():
                    time.sleep(0.001)
                assert not sending.done()
                may_read.set()
                sending.result(SOON)
    assert received == [100_000] * 200


def test_many_threads_share_a_websocket(foreign: str, no_leaks: None) -> None:
    with websocket.connect(foreign) as ws, ThreadPoolExecutor(8) as pool:
        sent = [f"{number}" for number in range(200)]
        reading = [pool.submit(ws.recv, SOON) for _ in range(4)]
        list(pool.map(ws.send, sent[:4]))
        first = [future.result(SOON) for future in reading]
        list(pool.map(lambda text: ws.send([text, "!"]), sent[4:]))
        rest = [ws.recv(SOON) for _ in sent[4:]]
    assert sorted(map(str, first)) == sorted(sent[:4])
    assert sorted(map(str, rest)) == sorted(f"{text}!" for text in sent[4:])


def test_an_unfinished_message_closes_with_1011() -> None:
    codes = []

    def handler(ws: websocket.WebSocket) -> None:
        with pytest.raises(gatewire.WebSocketError):
            ws.recv()
        codes.append(ws.close_code)

    def parts() -> Iterator[str]:
        yield "begun"
        raise ZeroDivisionError

    with serving(handler, plaintext=True) as server, websocket.connect(server.url) as ws:
        with pytest.raises(ZeroDivisionError):
            ws.send(parts())
    assert codes == [1011]


def test_close_from_another_thread_ends_a_waiting_recv(foreign: str) -> None:
    ws = websocket.connect(foreign)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ws.recv)
        assert ws.ping(timeout=SOON) > 0
        ws.close()
        with pytest.raises(gatewire.NotConnectedError):
            waiting.result(SOON)


def test_a_signal_interrupts_a_waiting_recv(foreign: str) -> None:
    with websocket.connect(foreign) as ws:
        timer = threading.Timer(0.05, signal.raise_signal, [signal.SIGINT])
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            ws.recv()
        timer.join()
        ws.send("x")
        assert ws.recv(timeout=SOON) == "x"


# --- server ---


@takeovers
def test_the_server_serves_clients_of_every_kind(takeover: Any, no_leaks: None) -> None:
    with serving(takeover=takeover, plaintext=True, subprotocols=["a"]) as server:
        with foreign_connect(server.url, subprotocols=["b", "a"]) as client:  # type: ignore[list-item]
            assert client.subprotocol == "a"
            client.send("x" * 100_000)
            assert client.recv(SOON) == "x" * 100_000

        def talk(number: int) -> None:
            with websocket.connect(server.url) as ws:
                ws.send(f"{number}")
                assert ws.recv(SOON) == f"{number}"

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(talk, range(24)))
    assert server.closed
    assert server.connections == set()
    server.close()


def test_admission(no_leaks: None) -> None:
    def decide(request: websocket.Request) -> websocket.Decision:
        return None if request.headers.get("X-Token") == "secret" else websocket.Refuse(401, "who are you?")

    with serving(process_request=decide) as server:
        with websocket.connect(server.url, pins=[server.pin], headers={"X-Token": "secret"}) as ws:
            ws.send("x")
            assert ws.recv(SOON) == "x"
        with pytest.raises(gatewire.UpgradeError) as caught:
            websocket.connect(server.url, pins=[server.pin])
        assert (caught.value.code, caught.value.details["body"]) == (401, "who are you?\n")


def test_what_fails_is_reported_and_closed_with_1011_or_refused_with_500(
    monkeypatch: pytest.MonkeyPatch, no_leaks: None
) -> None:
    reported = []
    monkeypatch.setattr(threading, "excepthook", lambda hooked: reported.append(hooked.exc_type))

    def decide(request: websocket.Request) -> Any:
        return 42 if request.target == "/bad" else None

    def fail(ws: websocket.WebSocket) -> None:
        raise ZeroDivisionError

    with serving(fail, process_request=decide, plaintext=True) as server:
        ws = websocket.connect(server.url)
        with pytest.raises(gatewire.WebSocketError) as caught:
            ws.recv(SOON)
        assert caught.value.code == 1011
        ws.close()
        with pytest.raises(gatewire.UpgradeError) as refused:
            websocket.connect(f"{server.url}/bad")
        assert refused.value.code == 500
    assert reported == [ZeroDivisionError, TypeError]


def test_a_server_without_threads_sends_clients_away(monkeypatch: pytest.MonkeyPatch, no_leaks: None) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "gatewire-websocket":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with serving(plaintext=True) as server, websocket.connect(server.url) as ws:
        with pytest.raises(gatewire.WebSocketError) as caught:
            ws.recv(SOON)
        assert caught.value.code == 1013
    with serving(plaintext=True, process_request=lambda request: None) as server:
        with pytest.raises(gatewire.UpgradeError) as refused:
            websocket.connect(server.url)
        assert refused.value.code == 503


def test_closing_the_server_ends_its_handlers_with_1001(no_leaks: None) -> None:
    codes = []

    def handler(ws: websocket.WebSocket) -> None:
        for _ in ws:
            pass
        codes.append(ws.close_code)

    with serving(handler, plaintext=True, close_timeout=0.2) as server:
        clients = [websocket.connect(server.url, takeover=0) for _ in range(3)]
    assert codes == [1001] * 3
    for client in clients:
        assert list(client) == []
        assert client.close_code == 1001
        client.close()


def test_a_server_that_is_forgotten_warns(no_leaks: None) -> None:
    websocket.serve(echo)
    with pytest.warns(ResourceWarning, match="never closed"):
        gc.collect()
