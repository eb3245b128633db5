"""The examples run as they are."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from helpers import TOKEN, soon

import gatewire

EXAMPLES = Path(__file__).resolve().parents[3] / "examples/python"


async def start(name: str, *arguments: str) -> asyncio.subprocess.Process:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / name),
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def run(name: str, *arguments: str) -> str:
    process = await start(name, *arguments)
    out, err = await soon(process.communicate())
    assert process.returncode == 0, err.decode()
    assert err == b""
    return out.decode()


@pytest.mark.parametrize("name", ["quickstart.py", "blocking.py"])
async def test_examples_that_call_a_gateway(server: gatewire.Server, name: str) -> None:
    out = await run(name, server.url, server.pin, TOKEN)
    assert out.splitlines()[-1] == "chat: final"


async def test_the_example_that_is_a_gateway() -> None:
    lines = (await run("gateway.py")).splitlines()
    assert lines[1] == "{'status': 'accepted', 'runId': 'r1'}"
    assert lines[2] == "hello you"
    assert lines[3].startswith("refused: ")


async def test_the_websocket_examples_talk_to_each_other() -> None:
    server = await start("websocket_server.py")
    assert server.stdout is not None
    try:
        url, pin = (await soon(server.stdout.readline())).decode().split()
        lines = (await run("websocket_client.py", f"{url}/room", pin)).splitlines()
        assert lines == ["open: chat ready", "answer: hello", "answer: a message in two parts", "closed: 1000"]
        refused = await start("websocket_client.py", f"{url}/closed", pin)
        _, err = await soon(refused.communicate())
        assert refused.returncode == 1
        assert "403" in err.decode()
    finally:
        server.terminate()
        await soon(server.communicate())
