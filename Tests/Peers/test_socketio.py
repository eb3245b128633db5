"""Our Socket.IO client against python-socketio and a server on the official packet codec, also through nginx."""

from __future__ import annotations

import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from programs import FOLDER, PROGRAMS, Program, started, succeeds
from proxies import find, proxy

CLIENT = PROGRAMS / "socketio_client"
PARSER = Path("/usr/share/nodejs/socket.io-parser")
SERVERS = {
    "python": [sys.executable, FOLDER / "socketio_server.py"],
    "node": ["node", FOLDER / "socketio_server.js"],
}


@pytest.fixture(params=list(SERVERS))
def name(request: pytest.FixtureRequest) -> str:
    if request.param == "node" and (shutil.which("node") is None or not PARSER.exists()):
        pytest.skip("there is no node with socket.io-parser")
    return str(request.param)


@asynccontextmanager
async def served(name: str, port: int = 0) -> AsyncIterator[tuple[Program, int]]:
    """A server with the shortest ping interval that python-engineio can tell."""
    async with started(*SERVERS[name], str(port), "1", "1") as program:
        yield program, int(await program.line())


async def test_conversation(name: str) -> None:
    async with served(name) as (_, port):
        await succeeds(CLIENT, f"http://127.0.0.1:{port}", "talk")


async def test_lost_connections(name: str) -> None:
    async with served(name) as (_, port):
        await succeeds(CLIENT, f"http://127.0.0.1:{port}", "lose")


@pytest.mark.parametrize("name", ["node"], indirect=True)
async def test_recovery(name: str) -> None:
    async with served(name) as (_, port):
        await succeeds(CLIENT, f"http://127.0.0.1:{port}", "recover")


async def test_a_restart_of_the_server(name: str) -> None:
    async with AsyncExitStack() as stack:
        async with served(name) as (_, port):
            client = await stack.enter_async_context(started(CLIENT, f"http://127.0.0.1:{port}", "restart"))
            assert await client.line() == "joined"
        async with served(name, port):
            lines = [await client.line()]
            while not lines[-1].endswith(" failed"):
                lines.append(await client.line())
    assert lines[-1] == "1 passed, 0 failed", lines


@pytest.mark.skipif(find("nginx") is None, reason="there is no nginx")
async def test_nginx_between(name: str, tmp_path: Path) -> None:
    async with served(name) as (_, port), proxy("nginx", tmp_path, port, None) as url:
        await succeeds(CLIENT, url.rpartition("/gateway")[0], "talk")
