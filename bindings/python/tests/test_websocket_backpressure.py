"""A reader that is slower than its peer: the peer is held back, and nothing is lost."""

from __future__ import annotations

import asyncio

from helpers import soon

from gatewire import websocket

SIZE = 64 * 1024
COUNT = 400


async def test_a_peer_that_is_not_read_is_held_back() -> None:
    async def handler(ws: websocket.WebSocket) -> None:
        for number in range(COUNT):
            await ws.send(number.to_bytes(4, "big") * (SIZE // 4))
        await ws.recv()

    serving = websocket.serve(handler, plaintext=True)
    async with serving as server, websocket.connect(server.url, deflate=False) as ws:
        # The server's sends wait before it has sent everything: its queue and what TCP holds are full.
        waiting = -1
        while waiting != ws._waiting_bytes or not ws._is_paused:
            waiting = ws._waiting_bytes
            await asyncio.sleep(0.05)
        assert ws.state().messages_received < COUNT
        assert ws._waiting_bytes < 6 * 1024 * 1024
        for number in range(COUNT):
            message = await soon(ws.recv())
            assert isinstance(message, bytes)
            assert len(message) == SIZE
            assert message[:4] == number.to_bytes(4, "big")
        assert ws._waiting_bytes == 0
        await ws.send("done")


async def test_closing_ends_the_pause() -> None:
    async def handler(ws: websocket.WebSocket) -> None:
        for _ in range(COUNT):
            await ws.send(bytes(SIZE))

    serving = websocket.serve(handler, plaintext=True)
    async with serving as server, websocket.connect(server.url, deflate=False) as ws:
        while not ws._is_paused:
            await asyncio.sleep(0.01)
        await soon(ws.close())
        assert ws.closed
