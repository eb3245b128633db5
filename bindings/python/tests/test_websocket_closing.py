"""How raw WebSockets end: codes, reasons, errors, and what waits at that time (RFC 6455 section 7)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from conftest import both_loops as event_loop_policy  # noqa: F401, every test runs on both loops
from helpers import soon
from websocket_peers import echo, foreign_client, foreign_server
from websockets.asyncio.server import ServerConnection

import gatewire
from gatewire import websocket


async def ask_to_close(connection: ServerConnection) -> None:
    """Closes with the code and reason that it is sent."""
    message = await connection.recv()
    assert isinstance(message, str)
    code, reason = message.split(" ", 1)
    await connection.send("last words")
    await connection.close(int(code), reason)


@pytest.mark.parametrize("code, is_normal", [(1000, True), (1001, True), (1002, False), (1011, False), (4321, False)])
async def test_the_code_and_reason_of_the_peer(code: int, is_normal: bool) -> None:
    async with foreign_server(ask_to_close) as url, websocket.connect(url) as ws:
        await ws.send(f"{code} grüße")
        seen: list[Any] = []

        async def read() -> None:
            async for message in ws:
                seen.append(message)

        if is_normal:
            await soon(read())
        else:
            with pytest.raises(gatewire.WebSocketError) as raised:
                await soon(read())
            assert raised.value.code == code
        assert seen == ["last words"]
        assert (ws.close_code, ws.close_reason) == (code, "grüße")
        for work in (ws.recv(), ws.send("x"), ws.send(["x"]), ws.ping()):
            with pytest.raises(gatewire.WebSocketError) as caught:
                await work
            assert (caught.value.code, caught.value.name) == (code, "grüße")


@pytest.mark.parametrize("code", [1000, 1003, 1008, 3000, 4999])
async def test_our_code_and_reason_reach_the_peer(code: int) -> None:
    ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()
        ended.set_result((connection.close_code, connection.close_reason))

    async with foreign_server(handler) as url:
        ws = await websocket.connect(url)
        assert (ws.close_code, ws.close_reason) == (None, None)
        await soon(ws.close(code, "grüße"))
        assert await soon(ended) == (code, "grüße")
        assert ws.error is None
        assert (ws.close_code, ws.close_reason) == (code, "grüße")  # the peer has answered with the same
        await ws.close()
        await ws.wait_closed()
        for work in (ws.recv(), ws.send("x"), ws.ping()):
            with pytest.raises(gatewire.NotConnectedError):
                await work
        assert [message async for message in ws] == []


async def test_what_came_before_the_end_can_be_read_after_it() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.send("one")
        await connection.send("two")

    async with foreign_server(handler) as url:
        ws = await websocket.connect(url)
        await soon(ws.wait_closed())
        assert await ws.recv() == "one"
        assert [message async for message in ws] == ["two"]


async def test_a_peer_that_goes_without_a_close_frame() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.send("x")
        connection.transport.abort()

    async with foreign_server(handler) as url, websocket.connect(url) as ws:
        assert await soon(ws.recv()) == "x"
        with pytest.raises(gatewire.NetworkError):
            await soon(ws.recv())
        assert ws.close_code == 1006
        assert ws.error is not None
        assert ws.error.retryable


async def test_a_peer_that_answers_no_close_is_given_up_after_the_time_limit() -> None:
    async def handler(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await released.wait()

    released = asyncio.Event()
    async with foreign_server(handler, close_timeout=0.1) as url:
        ws = await websocket.connect(url, close_timeout=0.05)
        await soon(ws.close())
        assert ws.close_code == 1006
        released.set()


async def test_a_peer_that_answers_no_ping_is_given_up() -> None:
    async def handler(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await released.wait()

    released = asyncio.Event()
    async with foreign_server(handler, close_timeout=0.1) as url:
        async with websocket.connect(url, ping_interval=0.02, pong_timeout=0.03) as ws:
            with pytest.raises(gatewire.PongTimeoutError):
                await soon(ws.recv())
        released.set()


async def test_whoever_waits_when_it_ends_is_told() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.recv()
        connection.transport.abort()

    async with foreign_server(handler) as url, websocket.connect(url) as ws:
        reading = asyncio.ensure_future(ws.recv())
        ending = asyncio.ensure_future(ws.wait_closed())
        await asyncio.sleep(0)
        await ws.send("go")
        with pytest.raises(gatewire.NetworkError):
            await soon(reading)
        await soon(ending)


async def test_a_ping_that_was_not_answered_fails_with_the_connection() -> None:
    async def handler(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await asyncio.sleep(0.02)
        connection.transport.abort()

    async with foreign_server(handler) as url, websocket.connect(url) as ws:
        pong = await ws.ping()
        with pytest.raises(gatewire.NetworkError):
            await soon(pong)


async def test_the_server_closes_one_connection() -> None:
    async def handler(ws: websocket.WebSocket) -> None:
        await ws.close(4000, "not you")

    async with websocket.serve(handler) as server, foreign_client(server) as client:
        await soon(client.wait_closed())
        assert (client.close_code, client.close_reason) == (4000, "not you")


async def test_the_server_learns_the_code_of_a_client() -> None:
    ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def handler(ws: websocket.WebSocket) -> None:
        await ws.wait_closed()
        ended.set_result((ws.close_code, ws.close_reason, ws.error.status_name if ws.error else ""))

    async with websocket.serve(handler) as server, foreign_client(server) as client:
        await client.close(4001, "tired")
        assert await soon(ended) == (4001, "tired", "GW_ERR_CLOSED")


async def test_both_ends_of_ours_agree() -> None:
    async with websocket.serve(echo) as server:
        ws = await websocket.connect(server.url, pins=[server.pin])
        (peer,) = server.connections
        await soon(asyncio.gather(ws.close(4002, "both"), peer.wait_closed()))
        assert (peer.close_code, peer.close_reason) == (4002, "both")
        assert ws.error is None
