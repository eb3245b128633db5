"""What raw WebSockets tell of themselves: state, counters, statistics, redirects."""

from __future__ import annotations

import http

import pytest
from conftest import both_loops as event_loop_policy  # noqa: F401, every test runs on both loops
from helpers import soon
from websocket_peers import echo, foreign_client, foreign_server
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

import gatewire
from gatewire import websocket


async def test_messages_and_bytes_are_counted_at_both_ends() -> None:
    async with websocket.serve(echo) as server:
        async with websocket.connect(server.url, pins=[server.pin]) as ws:
            for message in ["x" * 5000, b"abc", ""]:
                await ws.send(message)
                assert await soon(ws.recv()) == message
            (peer,) = server.connections
            for state in (ws.state(), peer.state()):
                assert state.phase == "ready"
                assert (state.tls, state.deflate) == (True, True)
                assert (state.messages_sent, state.messages_received) == (3, 3)
                assert (state.bytes_sent, state.bytes_received) == (5003, 5003)
                assert state.wire_bytes_received < 5000  # compressed
                assert (state.sent_before_deflate, state.received_after_inflate) == (5000, 5000)
                assert state.close_first is None
            assert server.statistics().connections_now == 1
        last = ws.state()
        assert (last.phase, last.messages_sent, last.close_first) == ("closed", 3, "local")
        assert (last.close_code_sent, last.close_code_received) == (1000, 1000)
        await soon(peer.wait_closed())
        assert peer.state().phase == "closed"
        statistics = server.statistics()
        assert (statistics.connections_now, statistics.connections, statistics.refused) == (0, 1, 0)
        assert (statistics.messages_received, statistics.messages_sent) == (3, 3)
        assert (statistics.bytes_received, statistics.bytes_sent) == (5003, 5003)
    with pytest.raises(gatewire.NotConnectedError):
        server.statistics()


async def test_refused_connections_are_counted() -> None:
    def refuse(request: websocket.Request) -> websocket.Decision:
        return websocket.Refuse(403)

    async with websocket.serve(echo, process_request=refuse) as server:
        with pytest.raises(gatewire.UpgradeError):
            await websocket.connect(server.url, pins=[server.pin])
        assert (server.statistics().refused, server.statistics().connections) == (1, 0)


async def test_whose_close_frame_was_first() -> None:
    async with websocket.serve(echo) as server, foreign_client(server) as client:
        (peer,) = server.connections
        await client.close()
        await soon(peer.wait_closed())

    async def leave(ws: websocket.WebSocket) -> None:
        await ws.close(4000)

    async with websocket.serve(leave) as server:
        ws = await websocket.connect(server.url, pins=[server.pin])
        await soon(ws.wait_closed())
        assert ws.state().close_first == "peer"


async def test_compress_decides_in_place_of_the_threshold() -> None:
    async with foreign_server() as url, websocket.connect(url) as ws:
        for compress, compressed in [(None, 0), (True, 100), (False, 0)]:
            before = ws.state().sent_before_deflate
            await ws.send("x" * 100, compress=compress)
            assert await soon(ws.recv()) == "x" * 100
            assert ws.state().sent_before_deflate - before == compressed


async def test_a_redirect_is_a_refusal_unless_asked_for() -> None:
    def redirect(connection: ServerConnection, request: Request) -> Response:
        response = connection.respond(http.HTTPStatus.FOUND, "")
        response.headers["Location"] = "/new"
        return response

    async with foreign_server(process_request=redirect) as url:
        with pytest.raises(gatewire.UpgradeError) as caught:
            await websocket.connect(url)
        assert caught.value.code == 302
        assert ["Location", "/new"] in caught.value.details["headers"]
        with pytest.raises(gatewire.UsageError):
            await websocket.connect(url, max_redirects=21)


async def test_a_frame_above_the_limit_is_closed_with_1009() -> None:
    async with websocket.serve(echo, max_frame_bytes=1000, deflate=False) as server, foreign_client(server) as client:
        await client.send("x" * 1001)
        await soon(client.wait_closed())
        assert client.close_code == 1009
