"""The doctor: steps as values, in both faces."""

from __future__ import annotations

import asyncio

import pytest
from helpers import SOON, TOKEN, ThreadedServer

import gatewire
from gatewire import websocket

NAMES = ["name", "tcp", "proxy", "tls", "pin", "upgrade", "challenge", "auth", "tick"]


async def test_a_good_gateway_passes_step_by_step() -> None:
    async with gatewire.serve(token=TOKEN, tick_interval=0.05) as server:
        told: list[gatewire.Step] = []
        steps = await gatewire.doctor(server.url, token=TOKEN, pins=[server.pin], on_step=told.append)
        assert [step.name for step in steps] == NAMES
        assert told == steps
        for step in steps:
            assert step.result == ("skipped" if step.name in ("name", "proxy") else "passed"), step
            assert (step.status, step.actor) == ("GW_OK", "none")
        assert steps[4].details["seen"] == [server.pin]
        assert steps[7].details["scopes"] == ["operator.read", "operator.write"]
        assert steps[8].seconds > 0


async def test_the_failed_step_says_who_must_act() -> None:
    async with gatewire.serve(token=TOKEN) as server:
        steps = await gatewire.doctor(server.url, token="wrong", pins=[server.pin])
    failed = [step for step in steps if step.result == "failed"]
    assert [(step.name, step.status, step.actor) for step in failed] == [("auth", "GW_ERR_CONNECT_REJECTED", "user")]
    assert "give the token that the gateway has now" in failed[0].text
    assert (steps[8].result, steps[8].text) == ("skipped", "not reached")


async def test_a_cancelled_task_ends_the_doctor(no_leaks: None) -> None:
    async def handler(ws: websocket.WebSocket) -> None:
        await ws.wait_closed()

    async with websocket.serve(handler, plaintext=True) as server:
        upgraded = asyncio.Event()

        def watch(step: gatewire.Step) -> None:
            if step.name == "upgrade":
                upgraded.set()

        task = asyncio.create_task(gatewire.doctor(server.url, on_step=watch))
        await asyncio.wait_for(upgraded.wait(), SOON)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_wrong_options_are_errors() -> None:
    with pytest.raises(TypeError, match="tik"):
        await gatewire.doctor("ws://localhost", tik=False)
    with pytest.raises(gatewire.UsageError):
        await gatewire.doctor("ftp://localhost")


def test_the_blocking_twin_tells_the_same(threaded_server: ThreadedServer, no_leaks: None) -> None:
    told: list[gatewire.Step] = []
    steps = gatewire.sync.doctor(
        threaded_server.server.url, token=TOKEN, pins=[threaded_server.server.pin], tick=False, on_step=told.append
    )
    assert [step.name for step in steps] == NAMES
    assert told == steps
    assert [step.name for step in steps if step.result == "skipped"] == ["name", "proxy", "tick"]
    assert all(step.status == "GW_OK" for step in steps)
