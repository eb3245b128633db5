"""A client that loses its gateway and finds it again."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from certificates import Certificate
from conftest import both_loops as event_loop_policy  # noqa: F401
from gateway_double import GatewayDouble, Settings
from helpers import TOKEN, add_methods, soon, until

import gatewire

QUICK: dict[str, Any] = {"reconnect_initial": 0.01, "reconnect_max": 0.05}


async def cut(client: gatewire.Client) -> None:
    """Has the double cut the connection; its answer may be lost with it."""
    with contextlib.suppress(gatewire.OutcomeUnknownError):
        await client.call("double.do", {"actions": [{"cut": "reset"}]})


async def test_a_gateway_that_stops_and_comes_back(certificate: Certificate) -> None:
    def serve(port: int = 0) -> gatewire.server.Serving:
        return gatewire.serve(
            token=TOKEN, port=port, certificate_file=certificate.certificate_file, key_file=certificate.key_file
        )

    server = await serve()
    add_methods(server)
    async with gatewire.connect(server.url, pins=[certificate.pin], token=TOKEN, **QUICK) as client:
        notices = client.notices()
        call = asyncio.ensure_future(client.call("never"))
        await client.call("echo")
        await soon(server.close())
        with pytest.raises(gatewire.OutcomeUnknownError):
            await soon(call)
        lost = (await until(notices, lambda notice: isinstance(notice, gatewire.Disconnected)))[-1]
        assert (lost.connection, lost.error.code) == (1, 1012)
        assert lost.error.retryable
        with pytest.raises(gatewire.NotConnectedError) as caught:
            await client.call("echo")
        assert caught.value.status_name == "GW_ERR_STATE"

        async with await serve(server.port) as second:
            add_methods(second)
            again = (await until(notices, lambda notice: isinstance(notice, gatewire.Connected)))[-1]
            assert again.connection == 2
            assert await client.call("echo", 1) == 1
            assert client.state().connections == 2


async def test_the_first_attempt_may_fail_for_a_client_that_keeps_trying() -> None:
    async with GatewayDouble(Settings(token=TOKEN)) as double:
        double.set_faults({"cut": "challenge"}, times=3)
        async with gatewire.connect(double.url, token=TOKEN, keep_trying=True, **QUICK) as client:
            assert await client.call("echo", 1) == 1
        notices = [notice async for notice in client.notices()]
        kinds = [type(notice).__name__ for notice in notices]
        assert kinds == ["Disconnected"] * 3 + ["Connected", "Closed"]
        assert [notice.connection for notice in notices if isinstance(notice, gatewire.Disconnected)] == [0] * 3


async def test_the_first_attempt_raises_for_any_other() -> None:
    async with GatewayDouble(Settings(token=TOKEN)) as double:
        double.set_faults({"cut": "challenge"}, times=1)
        with pytest.raises(gatewire.NetworkError):
            await soon(_connect(double.url))


async def _connect(url: str) -> gatewire.Client:
    return await gatewire.connect(url, token=TOKEN)


async def test_no_reconnect_means_one_connection() -> None:
    async with GatewayDouble(Settings(token=TOKEN)) as double:
        client = await gatewire.connect(double.url, token=TOKEN, reconnect=False)
        await cut(client)
        with pytest.raises(gatewire.NetworkError):
            await soon(client.wait_closed())
        assert len(double.entries("open")) == 1


async def test_a_call_is_never_sent_twice() -> None:
    async with GatewayDouble(Settings(token=TOKEN), deaf=True) as double:
        async with gatewire.connect(double.url, token=TOKEN, **QUICK) as client:
            call = asyncio.ensure_future(client.call("echo", {"marker": 1}))
            await double.until(lambda: any("marker" in text for text in double.received()))
            await cut(client)
            with pytest.raises(gatewire.OutcomeUnknownError):
                await soon(call)
            await until(
                client.notices(), lambda notice: isinstance(notice, gatewire.Connected) and notice.connection == 2
            )
        assert sum("marker" in text for text in double.received()) == 1


async def test_a_hundred_losses_in_a_row(no_leaks: None) -> None:
    async with GatewayDouble(Settings(token=TOKEN)) as double:
        async with gatewire.connect(double.url, token=TOKEN, reconnect_initial=0.001, reconnect_max=0.001) as client:
            notices = client.notices()
            for number in range(1, 101):
                seen = await until(notices, lambda notice: isinstance(notice, gatewire.Connected))
                assert seen[-1].connection == number
                await cut(client)
            assert client.state().connections >= 100


async def test_a_restart_is_waited_for_and_then_mended() -> None:
    async with GatewayDouble(Settings(token=TOKEN)) as double:
        async with gatewire.connect(double.url, token=TOKEN, **QUICK) as client:
            await client.call("double.do", {"actions": [{"shutdown": 10}]})
            seen = await until(
                client.notices(), lambda notice: isinstance(notice, gatewire.Connected) and notice.connection == 2
            )
            lost = [notice for notice in seen if isinstance(notice, gatewire.Disconnected)]
            assert [notice.error.code for notice in lost] == [1012]
