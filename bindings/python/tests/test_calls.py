"""Idempotent calls, calls without a connection, subscriptions, the initial sync, and catching up after a loss."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from conftest import both_loops as event_loop_policy  # noqa: F401
from gateway_double import GatewayDouble
from gateway_settings import Settings
from helpers import TOKEN, ThreadedServer, soon, until
from test_reconnect import QUICK, cut

import gatewire
from gatewire._options import client_setup


async def test_an_idempotent_call_takes_its_key_along(client: gatewire.Client) -> None:
    made = await client.call("echo", {"a": 1}, idempotent=True)
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", made["idempotencyKey"])
    assert await client.call("echo", idempotent="mine") == {"idempotencyKey": "mine"}
    assert await client.call("echo", {"a": 1}) == {"a": 1}
    with pytest.raises(gatewire.UsageError):
        await client.call("echo", [1], idempotent=True)
    with pytest.raises(gatewire.CallTimeoutError) as late:
        await client.call("never", idempotent=True, timeout=0.01)
    assert late.value.idempotency_key
    assert late.value.idempotency_key != made["idempotencyKey"]


async def test_a_call_waits_for_its_connection() -> None:
    async with GatewayDouble(Settings(token=TOKEN)) as double:
        setup = client_setup(double.url, token=TOKEN, offline=gatewire.Offline(), **QUICK)
        client = gatewire.Client(setup)
        assert "ok" in await soon(client.call("health"))
        with pytest.raises(gatewire.NotConnectedError):
            await cut(client)
            await client.call("health", online_only=True)
        assert "ok" in await soon(client.call("health"))
        await client.close()


async def test_a_call_whose_time_passes_without_a_connection_was_not_sent() -> None:
    setup = client_setup("ws://127.0.0.1:1", offline=gatewire.Offline(time_to_live=0.05, max_calls=1))
    client = gatewire.Client(setup)
    call = asyncio.ensure_future(client.call("m", idempotent="k"))
    await asyncio.sleep(0)
    with pytest.raises(gatewire.ResourceError):
        await client.call("m")
    with pytest.raises(gatewire.NotSentError) as caught:
        await soon(call)
    assert caught.value.idempotency_key == "k"
    await client.close()


async def test_connections_begin_with_subscriptions_and_the_initial_sync() -> None:
    async with GatewayDouble(Settings(token=TOKEN)) as double:
        options: dict[str, Any] = {"token": TOKEN, "initial_sync": ["health", ("no.such.method", {})], **QUICK}
        async with gatewire.connect(double.url, **options) as client:
            notices = client.notices()
            subscription = client.subscribe("sessions.subscribe")
            seen = await until(notices, lambda notice: isinstance(notice, gatewire.Subscribed))
            assert seen[-1].subscription == subscription
            synced = [notice for notice in seen if isinstance(notice, gatewire.Synced)]
            if not synced:
                synced = (await until(notices, lambda notice: isinstance(notice, gatewire.Synced)))[-1:]
            health, missing = synced[0].answers
            assert (health.method, health.error) == ("health", None)
            assert health.payload
            assert (missing.method, missing.payload) == ("no.such.method", None)
            assert missing.error["code"]

            await cut(client)
            wanted = {gatewire.Stale, gatewire.Subscribed, gatewire.Synced}
            while wanted:
                notice = (await until(notices, lambda notice: type(notice) in wanted))[-1]
                wanted.remove(type(notice))
                if isinstance(notice, gatewire.Stale):
                    assert notice.reason == "reconnect"
            client.unsubscribe(subscription)
            with pytest.raises(gatewire.NotConnectedError):
                client.unsubscribe(subscription)


async def test_events_wait_until_the_program_has_caught_up() -> None:
    async with GatewayDouble(Settings(token=TOKEN)) as double:
        async with gatewire.connect(double.url, token=TOKEN, resync=gatewire.Resync(timeout=30), **QUICK) as client:
            notices = client.notices()
            await cut(client)
            stale = (await until(notices, lambda notice: isinstance(notice, gatewire.Stale)))[-1]
            await client.call("double.do", {"actions": [{"event": "chat", "payload": {"n": 1}}]})
            read = asyncio.ensure_future(until(client.events(), lambda event: event.name == "chat"))
            await client.call("health")
            assert not read.done()
            assert client.resynced(stale)
            assert not client.resynced(stale)
            assert (await soon(read))[-1].payload == {"n": 1}


def test_the_blocking_client_has_all_of_it(threaded_server: ThreadedServer) -> None:
    url, pin = threaded_server.server.url, threaded_server.server.pin
    with gatewire.sync.connect(url, pins=[pin], token=TOKEN, initial_sync=["health"]) as client:
        assert client.call("echo", {}, idempotent="k") == {"idempotencyKey": "k"}
        subscription = client.subscribe("echo", {"x": 1})
        kinds: dict[type, Any] = {}
        while not {gatewire.Subscribed, gatewire.Synced} <= kinds.keys():
            notice = client.next_notice(10)
            assert notice is not None
            kinds[type(notice)] = notice
        assert kinds[gatewire.Subscribed].payload == {"x": 1}
        client.unsubscribe(subscription)
        assert not client.resynced(gatewire.Stale(1, "gap", None))
