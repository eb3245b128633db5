"""Nothing of a raw WebSocket is left behind, whichever way a program ends."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websocket_peers import echo

import gatewire
from gatewire import _loop, websocket
from gatewire.sync import websocket as sync_websocket


@pytest.fixture(autouse=True)
def no_default_loop() -> None:
    """The loop that the test runner leaves for synchronous tests is none of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asyncio.set_event_loop(None)
        gc.collect()


def open_contexts() -> int:
    return sum(context.handle is not None for context in _loop._contexts.values())


@contextmanager
def silent_server() -> Iterator[str]:
    """The URL of a server that answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"ws://127.0.0.1:{listening.getsockname()[1]}"


async def session() -> None:
    async with websocket.serve(echo) as server:
        async with websocket.connect(server.url, pins=[server.pin]) as ws:
            await ws.send("x")
            assert await ws.recv() == "x"


def test_thirty_loops_in_a_row(no_leaks: None) -> None:
    for _ in range(30):
        asyncio.run(session())
    assert len(_loop._contexts) == 0


def test_a_loop_that_ends_with_open_connections(no_leaks: None) -> None:
    async def forget() -> None:
        await websocket.serve(echo)
        ws = await websocket.connect(other.url, pins=[other.pin])
        await ws.send("x")

    with sync_websocket.serve(lambda ws: ws.recv(), takeover=0) as other:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            asyncio.run(forget())
            gc.collect()
    assert {str(w.message).split(" object")[0].lstrip("<") for w in caught if w.category is ResourceWarning} == {
        "gatewire.websocket.client.ClientWebSocket",
        "gatewire.websocket.server.Server",
    }
    assert len(_loop._contexts) == 0


def test_a_connection_that_outlives_its_loop_tells_so(no_leaks: None) -> None:
    kept: list[websocket.WebSocket] = []

    async def handler(ws: websocket.WebSocket) -> None:
        kept.append(ws)
        await ws.recv()

    async def forget() -> None:
        server = await websocket.serve(handler)
        kept.append(await websocket.connect(server.url, pins=[server.pin]))
        await asyncio.sleep(0.01)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        asyncio.run(forget())
        gc.collect()
        for ws in kept:
            ws.state()
            with pytest.raises((gatewire.GatewireError, RuntimeError)):
                asyncio.run(ws.ping())
        kept.clear()
        del ws
        gc.collect()


def test_a_cancelled_connect_leaves_nothing(no_leaks: None) -> None:
    async def give_up(url: str) -> None:
        connecting = asyncio.ensure_future(websocket.connect(url)._open())
        await asyncio.sleep(0.01)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        assert open_contexts() == 0

    with silent_server() as url:
        asyncio.run(give_up(url))


def test_a_connect_that_takes_too_long_says_which_limit(no_leaks: None) -> None:
    with silent_server() as url:
        with pytest.raises(gatewire.UpgradeTimeoutError):
            asyncio.run(websocket.connect(url, upgrade_timeout=0.02)._open())


async def test_connections_share_the_context_of_their_loop() -> None:
    async with websocket.serve(echo) as server, gatewire.serve(token="t") as gateway:
        async with websocket.connect(server.url, pins=[server.pin]) as one:
            async with websocket.connect(server.url, pins=[server.pin]) as two:
                assert one._context is two._context is server._context is gateway._context
                assert open_contexts() == 1
    assert open_contexts() == 0


def run(body: str, *options: str) -> subprocess.CompletedProcess[str]:
    program = f"""
import asyncio, gatewire, os, sys
from gatewire import websocket

async def echo(ws):
    async for message in ws:
        await ws.send(message)

async def main():
    server = await websocket.serve(echo)
    ws = await websocket.connect(server.url, pins=[server.pin])
    {body}

asyncio.run(main())
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, *options, "-c", program], env=environment, capture_output=True, text=True, timeout=30
    )


def test_a_program_that_just_ends() -> None:
    done = run("sys.exit(7)", "-X", "dev")
    assert done.returncode == 7, done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_forked_child_is_told() -> None:
    body = """
    pid = os.fork()
    if pid == 0:
        try:
            await ws.send("x")
        except gatewire.GatewireError as error:
            os._exit(0 if error.status_name == "GW_ERR_FORKED" else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    await ws.send("x")
    assert await ws.recv() == "x"
    await ws.close()
    await server.close()
"""
    done = run(body)
    assert done.returncode == 0, done.stderr


def test_cancelling_main_closes_what_is_open(no_leaks: None) -> None:
    async def main() -> None:
        task: Any = asyncio.current_task()
        async with websocket.serve(echo) as server:
            async with websocket.connect(server.url, pins=[server.pin]):
                asyncio.get_running_loop().call_later(0.01, task.cancel)
                await asyncio.get_running_loop().create_future()

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
