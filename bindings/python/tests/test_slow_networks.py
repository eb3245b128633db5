"""A gateway behind a network that is slow, narrow, or delivers byte by byte."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import pytest
from conftest import both_loops as event_loop_policy  # noqa: F401, every test runs on both loops
from fault_proxy import Direction, FaultProxy, Faults
from helpers import TOKEN, add_methods, soon

import gatewire


@asynccontextmanager
async def behind(to_client: Direction, from_client: Direction) -> AsyncIterator[gatewire.Client]:
    """A client whose bytes pass these faults."""
    async with await gatewire.serve(token=TOKEN) as server:
        add_methods(server)
        proxy = FaultProxy("127.0.0.1", server.port, Faults(to_client, from_client))
        await proxy.start()
        try:
            url = f"wss://127.0.0.1:{proxy.port}"
            async with gatewire.connect(url, pins=[server.pin], token=TOKEN, deflate=False) as client:
                yield client
        finally:
            await proxy.close()


async def seconds(work: Awaitable[object]) -> float:
    began = time.monotonic()
    await soon(work)
    return time.monotonic() - began


@pytest.mark.parametrize("size", [1, 2, 7])
async def test_bytes_may_arrive_in_any_pieces(size: int) -> None:
    async with behind(Direction(slice_bytes=size), Direction(slice_bytes=size)) as client:
        texts = ["x" * 2000]
        assert await soon(client.call("echo", texts)) == texts


async def test_a_round_trip_takes_both_delays_and_no_more_turns() -> None:
    """A call is one message each way."""
    async with behind(Direction(delay_ms=100), Direction(delay_ms=100)) as client:
        took = min([await seconds(client.call("echo", 1)) for _ in range(3)])
        assert 0.2 <= took < 0.4


async def test_calls_share_the_delay() -> None:
    async with behind(Direction(delay_ms=100), Direction(delay_ms=100)) as client:
        took = await seconds(asyncio.gather(*(client.call("echo", number) for number in range(50))))
        assert 0.2 <= took < 2


async def test_a_narrow_network_is_waited_for() -> None:
    async with behind(Direction(bytes_per_second=200_000), Direction()) as client:
        assert await seconds(client.call("echo", ["x" * 100_000])) >= 0.4
