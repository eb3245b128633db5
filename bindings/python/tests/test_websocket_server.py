"""The raw WebSocket server for asyncio, against Python `websockets`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Optional

import pytest
from certificates import Certificate
from conftest import both_loops as event_loop_policy  # noqa: F401, every test runs on both loops
from helpers import soon
from websocket_peers import echo, foreign_client
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

import gatewire
from gatewire import websocket


async def test_text_binary_and_fragments_come_back() -> None:
    async with websocket.serve(echo) as server, foreign_client(server) as client:
        for message in ["", "grüß dich", b"", b"\x00\xff", "x" * 300_000]:
            await client.send(message)
            assert await soon(client.recv()) == message
        await client.send(["a", "b", "c"])
        assert await soon(client.recv()) == "abc"
        await soon(await client.ping())


async def test_a_certificate_of_ones_own(certificate: Certificate) -> None:
    files = {"certificate_file": certificate.certificate_file, "key_file": certificate.key_file}
    async with websocket.serve(echo, "127.0.0.1", **files) as server:
        assert server.pin == certificate.pin
        async with websocket.connect(server.url, pins=[certificate.pin]) as ws:
            await ws.send("x")
            assert await soon(ws.recv()) == "x"


async def test_the_handler_sees_target_headers_and_peer() -> None:
    seen: list[websocket.WebSocket] = []

    async def handler(ws: websocket.WebSocket) -> None:
        seen.append(ws)
        await ws.send(ws.target)

    async with websocket.serve(handler, plaintext=True) as server:
        async with foreign_client(server, "/room?n=1", additional_headers={"X-Mine": "ü"}) as client:
            assert await soon(client.recv()) == "/room?n=1"
            assert seen[0].remote == "{}:{}".format(*client.local_address)
    assert seen[0].headers["x-mine"]
    assert seen[0].headers.get("missing") is None
    assert server.url == f"ws://127.0.0.1:{server.port}"


async def test_header_bytes_that_are_no_text_are_told_nevertheless() -> None:
    seen: list[str] = []

    async def handler(ws: websocket.WebSocket) -> None:
        seen.append(ws.headers["X-Odd"])

    async with websocket.serve(handler, plaintext=True) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Odd: a\xff\xfeb\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert b" 101 " in await soon(reader.readline())
        writer.close()
    assert seen == ["a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}b"]


async def test_a_handler_that_returns_closes_with_1000() -> None:
    async def handler(ws: websocket.WebSocket) -> None:
        await ws.send("bye")

    async with websocket.serve(handler) as server, foreign_client(server) as client:
        assert [message async for message in client] == ["bye"]
        assert client.close_code == 1000


async def test_a_handler_that_raises_closes_with_1011_and_is_reported() -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context))

    async def handler(ws: websocket.WebSocket) -> None:
        raise ZeroDivisionError

    async with websocket.serve(handler) as server, foreign_client(server) as client:
        await soon(client.wait_closed())
        assert client.close_code == 1011
    assert isinstance(reported[0]["exception"], ZeroDivisionError)


async def test_a_handler_need_not_catch_the_end_of_its_connection() -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context))

    async def handler(ws: websocket.WebSocket) -> None:
        while True:
            await ws.recv()

    async with websocket.serve(handler) as server, foreign_client(server) as client:
        await client.close(4000, "enough")
    assert reported == []


# --- admission ---


def asked(decide: Callable[[websocket.Request], Any], later: bool) -> Callable[[websocket.Request], Any]:
    async def decide_later(request: websocket.Request) -> Any:
        await asyncio.sleep(0)
        return decide(request)

    return decide_later if later else decide


@pytest.mark.parametrize("later", [False, True])
async def test_process_request_lets_in_with_a_subprotocol(later: bool) -> None:
    seen: list[websocket.Request] = []

    def decide(request: websocket.Request) -> websocket.Decision:
        seen.append(request)
        return websocket.Accept("b") if request.target == "/b" else None

    async with websocket.serve(echo, subprotocols=["c", "a"], process_request=asked(decide, later)) as server:
        for path, chosen in [("/b", "b"), ("/", "a")]:
            async with foreign_client(server, path, subprotocols=["a", "b"]) as client:
                assert client.subprotocol == chosen
                await client.send("x")
                assert await soon(client.recv()) == "x"
        async with foreign_client(server) as client:
            assert client.subprotocol is None
    assert seen[0].subprotocols == ("a", "b")
    assert seen[0].remote.startswith("127.0.0.1:")
    assert seen[0].headers["Sec-WebSocket-Version"] == "13"


@pytest.mark.parametrize("later", [False, True])
async def test_process_request_refuses_with_status_and_text(later: bool) -> None:
    def decide(request: websocket.Request) -> websocket.Decision:
        return websocket.Refuse(401, "who are you?")

    async with websocket.serve(echo, process_request=asked(decide, later)) as server:
        with pytest.raises(InvalidStatus) as caught:
            await foreign_client(server)
        assert caught.value.response.status_code == 401
        assert b"who are you?" in caught.value.response.body
        with pytest.raises(gatewire.UpgradeError) as ours:
            await websocket.connect(server.url, pins=[server.pin])
        assert ours.value.code == 401
        assert server.connections == set()


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize(
    "outcome", [ZeroDivisionError(), "a", websocket.Accept("never offered"), websocket.Refuse(200)], ids=repr
)
async def test_a_process_request_that_fails_refuses_with_500(outcome: Any, later: bool) -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context))

    def decide(request: websocket.Request) -> Any:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async with websocket.serve(echo, process_request=asked(decide, later)) as server:
        with pytest.raises(InvalidStatus) as caught:
            await foreign_client(server)
    assert caught.value.response.status_code == 500
    assert len(reported) == 1


async def test_a_client_that_leaves_while_it_is_asked_about_harms_nobody() -> None:
    gone = asyncio.Event()

    async def decide(request: websocket.Request) -> websocket.Decision:
        await gone.wait()
        return None

    async with websocket.serve(echo, plaintext=True, handshake_timeout=0.1, process_request=decide) as server:
        with pytest.raises((InvalidHandshake, EOFError)):
            await soon(foreign_client(server))
        gone.set()
        await asyncio.sleep(0)


@pytest.mark.parametrize("origin, status", [("https://good.example", None), (None, None), ("https://bad.example", 403)])
async def test_origins_that_are_not_allowed_are_refused(origin: Optional[str], status: Optional[int]) -> None:
    async with websocket.serve(echo, origins=["https://good.example"]) as server:
        if status is None:
            async with foreign_client(server, origin=origin):
                pass
        else:
            with pytest.raises(InvalidStatus) as caught:
                await foreign_client(server, origin=origin)
            assert caught.value.response.status_code == status


# --- limits ---


async def test_a_message_above_the_limit_is_closed_with_1009() -> None:
    async with websocket.serve(echo, max_message_bytes=1000) as server, foreign_client(server) as client:
        await client.send("x" * 1000)
        assert await soon(client.recv()) == "x" * 1000
        await client.send("x" * 1001)
        with pytest.raises(ConnectionClosed) as caught:
            await soon(client.recv())
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1009


async def test_more_messages_a_second_than_allowed_are_closed_with_1008() -> None:
    async with websocket.serve(echo, max_messages_per_second=5) as server, foreign_client(server) as client:
        with pytest.raises(ConnectionClosed):
            for _ in range(20):  # whichever way they fall into seconds
                await client.send("x")
            while True:
                await soon(client.recv())
        assert client.close_code == 1008


async def test_connections_above_the_limit_are_not_served() -> None:
    async with websocket.serve(echo, max_connections=2, plaintext=True) as server:
        async with foreign_client(server), foreign_client(server):
            assert len(server.connections) == 2
            # An AssertionError of the foreign client: it was refused before it had sent its request.
            with pytest.raises((InvalidHandshake, ConnectionClosed, EOFError, OSError, AssertionError)):
                await soon(foreign_client(server))


async def test_many_connections_at_once() -> None:
    async with websocket.serve(echo, plaintext=True) as server:

        async def talk(number: int) -> None:
            async with websocket.connect(server.url) as ws:
                for turn in range(5):
                    await ws.send(f"{number}.{turn}")
                    assert await ws.recv() == f"{number}.{turn}"

        await soon(asyncio.gather(*(talk(number) for number in range(100))))
    assert server.connections == set()


async def test_closing_the_server_tells_everybody_1001_and_waits_for_handlers() -> None:
    ended: list[Optional[int]] = []

    async def handler(ws: websocket.WebSocket) -> None:
        async for _ in ws:
            pass
        await asyncio.sleep(0.01)
        ended.append(ws.close_code)

    server = await websocket.serve(handler)
    clients = [await foreign_client(server) for _ in range(3)]
    await soon(server.close())
    assert ended == [1001, 1001, 1001]
    assert server.closed
    await server.wait_closed()
    await server.close()
    for client in clients:
        await client.wait_closed()
        assert client.close_code == 1001


async def test_a_handler_may_close_the_server() -> None:
    async def handler(ws: websocket.WebSocket) -> None:
        await server.close()

    server = await websocket.serve(handler, plaintext=True)
    async with foreign_client(server) as client:
        await soon(server.wait_closed())
        await soon(client.wait_closed())
