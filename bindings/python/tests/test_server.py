"""The embedded gateway as its host sees it."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from typing import Any

import pytest
from certificates import Certificate
from conftest import both_loops as event_loop_policy  # noqa: F401
from helpers import TOKEN, attempt, failure, soon, until

import gatewire


async def test_a_server_tells_where_it_is_and_what_to_pin() -> None:
    async with gatewire.serve(token=TOKEN) as server:
        assert server.url == f"wss://127.0.0.1:{server.port}"
        der = ssl.PEM_cert_to_DER_cert(server.certificate)
        assert server.pin == hashlib.sha256(der).hexdigest()
        assert len(server.key_pin) == 64
    assert server.closed


async def test_the_certificate_that_is_made_is_valid_for_its_names() -> None:
    async with gatewire.serve(token=TOKEN, names=["gateway.test"]) as server:
        context = ssl.create_default_context(cadata=server.certificate)
        _, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context, server_hostname="gateway.test")
        writer.close()
        await writer.wait_closed()


async def test_given_certificate_files_are_used(certificate: Certificate) -> None:
    async with gatewire.serve(
        token=TOKEN, certificate_file=certificate.certificate_file, key_file=certificate.key_file
    ) as server:
        assert server.pin == certificate.pin
        async with gatewire.connect(server.url, pins=[certificate.pin], token=TOKEN) as client:
            assert await client.call("health")


async def test_handler_that_fails_tells_the_client_nothing(server: gatewire.Server, client: gatewire.Client) -> None:
    seen: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: seen.append(context))

    @server.method("broken")
    def broken(request: gatewire.Request) -> Any:
        raise KeyError("a secret")

    @server.method("broken.later")
    async def broken_later(request: gatewire.Request) -> Any:
        raise KeyError("a secret")

    @server.method("not.json")
    def not_json(request: gatewire.Request) -> Any:
        return {1, 2}

    for method in ("broken", "broken.later", "not.json"):
        with pytest.raises(gatewire.RpcError) as caught:
            await client.call(method)
        assert caught.value.name == "UNAVAILABLE"
        assert "secret" not in str(caught.value)
        assert method in seen.pop()["message"]


async def test_text_that_is_not_json_is_refused(server: gatewire.Server, client: gatewire.Client) -> None:
    with pytest.raises(gatewire.UsageError):
        server.push("chat", b"{")


async def test_without_builtins_every_method_is_the_hosts() -> None:
    async with gatewire.serve(token=TOKEN, builtin=False) as server:
        server.method("health")(lambda request: {"mine": True})
        async with gatewire.connect(server.url, pins=[server.pin], token=TOKEN) as client:
            assert await client.call("health") == {"mine": True}
            with pytest.raises(gatewire.RpcError):
                await client.call("agents.list")


async def test_an_event_can_go_to_one_peer(server: gatewire.Server, client: gatewire.Client) -> None:
    async with gatewire.connect(server.url, pins=[server.pin], token=TOKEN) as other:
        last = max(server.peers)
        server.push("chat", {"to": "other"}, connection=last)
        server.push("chat", {"to": "all"})
        ours = await until(client.events(), lambda event: event.payload == {"to": "all"})
        theirs = await until(other.events(), lambda event: event.payload == {"to": "all"})
        assert {"to": "other"} not in [event.payload for event in ours]
        assert {"to": "other"} in [event.payload for event in theirs]


async def test_a_peer_that_is_disconnected_learns_the_code(server: gatewire.Server) -> None:
    client = await gatewire.connect(server.url, pins=[server.pin], token=TOKEN, reconnect=False)
    server.disconnect(next(iter(server.peers)), 4001, "gateway auth changed")
    with pytest.raises(gatewire.WebSocketError) as caught:
        await soon(client.wait_closed())
    assert (caught.value.status_name, caught.value.code) == ("GW_ERR_CLOSED", 4001)
    assert "gateway auth changed" in caught.value.text


async def test_notices_tell_who_comes_and_goes(server: gatewire.Server) -> None:
    async with gatewire.connect(server.url, pins=[server.pin], token=TOKEN):
        pass
    await soon(attempt(server.url, pins=[server.pin], token="wrong"))
    notices = server.notices()
    seen = await until(notices, lambda n: isinstance(n, gatewire.PeerDisconnected) and n.error is not None)
    assert isinstance(seen[0], gatewire.PeerConnected)
    assert isinstance(seen[1], gatewire.PeerDisconnected)
    assert seen[1].connection == seen[0].peer.connection
    assert seen[-1].error.name == "AUTH_TOKEN_MISMATCH"


async def test_stopping_sends_a_shutdown_event_and_1012(server: gatewire.Server) -> None:
    client = await gatewire.connect(server.url, pins=[server.pin], token=TOKEN, reconnect=False)
    await soon(server.close("maintenance"))
    names = []
    with pytest.raises(gatewire.WebSocketError) as caught:
        async for event in client.events():
            names.append(event.name)
    assert "shutdown" in names
    assert caught.value.code == 1012
    await client.close()


async def test_ticks_come_at_their_interval() -> None:
    async with gatewire.serve(token=TOKEN, tick_interval=0.02) as server:
        async with gatewire.connect(server.url, pins=[server.pin], token=TOKEN) as client:
            assert client.hello["policy"]["tickIntervalMs"] == 20
            ticks = 0

            def third_tick(event: gatewire.Event) -> bool:
                nonlocal ticks
                ticks += event.name == "tick"
                return ticks == 3

            await until(client.events(), third_tick)


async def test_a_request_that_the_host_does_not_answer_ends(client: gatewire.Client) -> None:
    async with gatewire.serve(token=TOKEN, request_timeout=0.05) as server:

        @server.method("never")
        async def never(request: gatewire.Request) -> Any:
            await asyncio.get_running_loop().create_future()

        async with gatewire.connect(server.url, pins=[server.pin], token=TOKEN) as client:
            with pytest.raises(gatewire.RpcError) as caught:
                await soon(client.call("never"))
            assert caught.value.name == "UNAVAILABLE"


async def test_protocol_3_is_spoken_on_request() -> None:
    async with gatewire.serve(token=TOKEN, protocol=3) as server:
        async with gatewire.connect(server.url, pins=[server.pin], token=TOKEN) as client:
            assert client.protocol == 3
        error = await failure(server.url, pins=[server.pin], token=TOKEN, min_protocol=4)
        assert error.status_name == "GW_ERR_PROTOCOL_RANGE"
        assert not error.retryable
        assert "3" in error.text


async def test_the_port_is_taken(server: gatewire.Server) -> None:
    with pytest.raises(gatewire.NetworkError) as caught:
        await gatewire.serve(port=server.port)
    assert caught.value.status_name == "GW_ERR_LISTEN"


async def test_answers_after_the_peer_has_left_are_dropped(server: gatewire.Server) -> None:
    go_on = asyncio.get_running_loop().create_future()
    done = asyncio.get_running_loop().create_future()

    @server.method("slow")
    async def slow(request: gatewire.Request) -> Any:
        await go_on
        request.accept()
        assert request.peer is None
        done.set_result(None)
        return {}

    client = await gatewire.connect(server.url, pins=[server.pin], token=TOKEN)
    call = asyncio.ensure_future(client.call("slow"))
    await client.call("echo")
    await client.close()
    with pytest.raises(gatewire.OutcomeUnknownError):
        await call
    await until(server.notices(), lambda notice: isinstance(notice, gatewire.PeerDisconnected))
    go_on.set_result(None)
    await soon(done)
