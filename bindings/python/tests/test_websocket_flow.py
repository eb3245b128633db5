"""Backpressure, messages in parts beside others, and cancelled waits of raw WebSockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from conftest import both_loops as event_loop_policy  # noqa: F401, every test runs on both loops
from helpers import soon
from websocket_peers import foreign_server
from websockets.asyncio.server import ServerConnection

import gatewire
from gatewire import websocket

CHUNK = bytes(100_000)
# Small enough to fill at once, so that the kernel's buffers decide when the peer has to read.
MARKS: dict[str, Any] = {"max_queued_bytes": 1_000_000, "high_water_bytes": 200_000, "low_water_bytes": 50_000}


class SlowPeer:
    """Reads nothing until it is told to."""

    def __init__(self) -> None:
        self.may_read = asyncio.Event()
        self.received: list[Any] = []

    async def __call__(self, connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await self.may_read.wait()
        connection.transport.resume_reading()
        async for message in connection:
            self.received.append(message)


async def fill(ws: websocket.WebSocket) -> tuple[int, asyncio.Task[None]]:
    """Sends until a send waits; how many messages that took, and the one that waits."""
    for count in range(1, 10_000):
        sending = asyncio.ensure_future(ws.send(CHUNK))
        for _ in range(3):
            await asyncio.sleep(0)
        if not sending.done():
            return count, sending
        await sending
    raise AssertionError("no send ever waited")


async def test_send_waits_above_the_high_mark_until_below_the_low_mark() -> None:
    peer = SlowPeer()
    async with foreign_server(peer, compression=None) as url, websocket.connect(url, **MARKS) as ws:
        count, waiting = await fill(ws)
        assert ws.state().queued_bytes > 200_000
        others = [asyncio.ensure_future(ws.send(str(number))) for number in range(20)]
        await asyncio.sleep(0)
        assert not any(other.done() for other in others)
        peer.may_read.set()
        await soon(asyncio.gather(waiting, *others))
        await soon(ws.close())
    assert [len(message) for message in peer.received[:count]] == [len(CHUNK)] * count
    assert peer.received[count:] == [str(number) for number in range(20)]


async def test_a_cancelled_wait_takes_no_message_back() -> None:
    peer = SlowPeer()
    async with foreign_server(peer, compression=None) as url, websocket.connect(url, **MARKS) as ws:
        count, waiting = await fill(ws)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        never_sent = asyncio.ensure_future(ws.send("never"))
        await asyncio.sleep(0)
        never_sent.cancel()
        peer.may_read.set()
        await soon(ws.send("last"))
        await soon(ws.close())
    assert len(peer.received) == count + 1
    assert peer.received[-1] == "last"


async def test_a_send_that_waits_ends_with_the_connection() -> None:
    peer = SlowPeer()
    async with foreign_server(peer, compression=None, close_timeout=0.1) as url:
        ws = await websocket.connect(url, close_timeout=0.05, **MARKS)
        _, waiting = await fill(ws)
        held_back = asyncio.ensure_future(ws.send("x"))
        await soon(ws.close())
        await soon(waiting)
        with pytest.raises(gatewire.GatewireError):
            await soon(held_back)
        peer.may_read.set()


async def test_a_message_that_never_fits_is_refused() -> None:
    async with foreign_server() as url, websocket.connect(url, **MARKS) as ws:
        with pytest.raises(gatewire.TooBigError, match="1000001"):
            await ws.send(bytes(1_000_001))
        await ws.send("still open")
        assert await soon(ws.recv()) == "still open"


async def test_other_messages_wait_for_the_end_of_one_in_parts() -> None:
    """RFC 6455 section 5.4: fragments of one message are not interleaved with those of another."""
    go_on = asyncio.Event()

    async def parts() -> AsyncIterator[str]:
        yield "first "
        await go_on.wait()
        yield "second"

    async with foreign_server() as url, websocket.connect(url) as ws:
        long = asyncio.ensure_future(ws.send(parts()))
        await asyncio.sleep(0)
        others = [asyncio.ensure_future(ws.send("other")), asyncio.ensure_future(ws.send(["an", "other"]))]
        await soon(await ws.ping())  # control frames may come between
        assert not any(other.done() for other in others)
        go_on.set()
        await soon(asyncio.gather(long, *others))
        assert [await soon(ws.recv()) for _ in range(3)] == ["first second", "other", "another"]


@pytest.mark.parametrize("how", ["raises", "mixes", "cancelled"])
async def test_a_message_that_is_not_finished_closes_with_1011(how: str) -> None:
    async def parts() -> AsyncIterator[Any]:
        yield "begun"
        if how == "raises":
            raise ZeroDivisionError
        if how == "cancelled":
            await asyncio.get_running_loop().create_future()
        yield b"of another kind"

    seen: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()
        seen.set_result(connection.close_code)

    async with foreign_server(handler) as url, websocket.connect(url) as ws:
        sending = asyncio.ensure_future(ws.send(parts()))
        if how == "cancelled":
            await asyncio.sleep(0.01)
            sending.cancel()
        with pytest.raises((ZeroDivisionError, TypeError, asyncio.CancelledError)):
            await sending
        assert await soon(seen) == 1011


async def test_an_iterable_that_raises_before_its_first_part_harms_nothing() -> None:
    async def parts() -> AsyncIterator[str]:
        raise ZeroDivisionError
        yield ""

    async with foreign_server() as url, websocket.connect(url) as ws:
        with pytest.raises(ZeroDivisionError):
            await ws.send(parts())
        await ws.send("x")
        assert await soon(ws.recv()) == "x"


async def test_a_cancelled_recv_loses_nothing() -> None:
    async with foreign_server() as url, websocket.connect(url) as ws:
        for number in range(20):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(ws.recv(), 0.001)
            await ws.send(str(number))
            reading = asyncio.ensure_future(ws.recv())
            await asyncio.sleep(0)
            reading.cancel()
            assert await soon(ws.recv()) == str(number)


async def test_one_reader_at_a_time() -> None:
    async with foreign_server() as url, websocket.connect(url) as ws:
        reading = asyncio.ensure_future(ws.recv())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="another task"):
            await ws.recv()
        await ws.send("x")
        assert await soon(reading) == "x"


async def test_a_message_in_parts_is_read_to_its_end_first() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.send([bytes(70_000)] * 3)
        await connection.wait_closed()

    async with foreign_server(handler, compression=None) as url, websocket.connect(url, parts=True) as ws:
        stream = ws.recv_streaming()
        size = len(await soon(stream.__anext__()))
        if size < 210_000:
            with pytest.raises(RuntimeError, match="finish that first"):
                await ws.recv()
        async for part in stream:
            size += len(part)
        assert size == 210_000
