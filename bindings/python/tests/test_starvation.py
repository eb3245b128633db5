"""A program that computes for longer than its gateway waits for a pong.

``GATEWIRE_STARVE=long``: 90 s against 10 s.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import time
from typing import Any, Optional

import pytest
from helpers import TOKEN, ThreadedServer, soon, until

import gatewire
from gatewire import sync

LONG = os.environ.get("GATEWIRE_STARVE") == "long"
BUSY = 90.0 if LONG else 4.0
PONG = 10.0 if LONG else 1.0
# The default is too long for the short form's limit.
TAKEOVER = None if LONG else 0.1
# The gateway does not need the interpreter: a thread of the library keeps it.
STRICT: dict[str, Any] = {"takeover": 0, "ping_interval": PONG / 3, "pong_timeout": PONG}
QUICK: dict[str, Any] = {"reconnect_initial": 0.001, "reconnect_max": 0.05}


def compute(seconds: float) -> int:
    """Python that never waits, and long calls into C that never let another thread run."""
    end, total = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        for number in range(200_000):
            total = (total * 31 + number) % 1_000_003
        total += sum(range(2_000_000))
    return total


def run_asyncio(takeover: Optional[float]) -> int:
    """How often the client has connected when the computation is over."""

    async def main() -> int:
        async with gatewire.serve(token=TOKEN, **STRICT) as server:
            async with gatewire.connect(
                server.url, pins=[server.pin], token=TOKEN, takeover=takeover, **QUICK
            ) as client:
                answer = asyncio.ensure_future(client.call("health"))
                await asyncio.sleep(0)
                compute(BUSY)
                await asyncio.wait([answer])
                while client.state().phase != "ready":
                    await until(client.notices(), lambda notice: isinstance(notice, gatewire.Connected))
                await soon(client.call("health"))
                assert takeover == math.inf or (answer.exception() is None and answer.result()["ok"])
                return client.state().connections

    return asyncio.run(main())


def run_sync(takeover: Optional[float]) -> int:
    with (
        ThreadedServer(**STRICT) as gateway,
        sync.connect(gateway.server.url, pins=[gateway.server.pin], token=TOKEN, takeover=takeover, **QUICK) as client,
    ):
        compute(BUSY)
        answered = False
        while not answered:
            with contextlib.suppress(gatewire.NotConnectedError, gatewire.NotSentError, gatewire.OutcomeUnknownError):
                answered = client.call("health")["ok"]
            # Only waiting makes a new connection.
            client.next_notice(timeout=0.05)
        return client.state().connections


@pytest.mark.timeout(BUSY + 60)
@pytest.mark.parametrize("run", [run_asyncio, run_sync])
def test_the_link_outlives_a_program_that_computes(run: Any, no_leaks: None) -> None:
    assert run(TAKEOVER) == 1


@pytest.mark.parametrize("run", [run_asyncio, run_sync])
def test_without_a_thread_it_does_not(run: Any) -> None:
    assert run(math.inf) > 1


async def test_another_network_ends_the_wait_for_the_next_attempt() -> None:
    server = await gatewire.serve(token=TOKEN, plaintext=True)
    patient: dict[str, Any] = {"token": TOKEN, "reconnect_initial": 3600, "reconnect_max": 3600}
    async with gatewire.connect(server.url, **patient) as client:
        client.network_changed()
        await soon(client.call("health"))
        assert client.state().connections == 1
        notices = client.notices()
        await soon(server.close())
        await until(notices, lambda notice: isinstance(notice, gatewire.Disconnected))
        async with gatewire.serve(token=TOKEN, plaintext=True, port=server.port):
            client.network_changed()
            await until(notices, lambda notice: isinstance(notice, gatewire.Connected))
            assert client.state().connections == 2
    with pytest.raises(gatewire.NotConnectedError):
        client.network_changed()


def test_network_changed_from_a_blocking_client(threaded_server: ThreadedServer) -> None:
    with sync.connect(threaded_server.server.url, pins=[threaded_server.server.pin], token=TOKEN) as client:
        client.network_changed()
        assert client.call("health")["ok"]
        assert client.state().connections == 1
    with pytest.raises(gatewire.NotConnectedError):
        client.network_changed()
