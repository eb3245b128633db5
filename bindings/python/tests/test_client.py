"""Calls, answers and events of the asyncio client against the embedded gateway."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import pytest
from conftest import both_loops as event_loop_policy  # noqa: F401
from helpers import TOKEN, failure, soon, until

import gatewire


async def test_connect_reports_hello_and_state(server: gatewire.Server) -> None:
    async with gatewire.connect(server.url, pins=[server.pin], token=TOKEN) as client:
        assert client.protocol == 4
        assert client.hello["type"] == "hello-ok"
        assert client.hello["auth"]["scopes"] == ["operator.read", "operator.write"]
        assert "deviceToken" not in client.hello["auth"]
        assert client.server_version == client.hello["server"]["version"]
        assert gatewire.__version__ in client.server_version
        state = client.state()
        assert (state.phase, state.protocol, state.connections, state.tls) == ("ready", 4, 1, True)
        assert state.deflate
    assert client.closed
    assert client.state().phase == "closed"


async def test_await_connect_gives_a_client_to_close(server: gatewire.Server) -> None:
    client = await gatewire.connect(server.url, pins=[server.pin], token=TOKEN)
    await client.close()
    await client.close()
    await client.wait_closed()


@pytest.mark.parametrize(
    "options",
    [{"deflate": False}, {"deflate_takeover": True, "deflate_threshold_bytes": 1}, {"takeover": 0}],
    ids=str,
)
async def test_ways_to_connect(server: gatewire.Server, options: dict[str, Any]) -> None:
    async with gatewire.connect(server.url, pins=[server.pin], token=TOKEN, **options) as client:
        assert client.state().deflate == options.get("deflate", True)
        text = "x" * 100_000
        for _ in range(3):
            assert await soon(client.call("echo", {"text": text})) == {"text": text}


async def test_connect_over_plain_ws_to_loopback() -> None:
    async with gatewire.serve(plaintext=True) as server:
        assert server.url.startswith("ws://127.0.0.1:")
        assert (server.pin, server.certificate) == ("", "")
        async with gatewire.connect(server.url) as client:
            assert not client.state().tls
            assert await client.call("health")


async def test_builtin_methods(client: gatewire.Client) -> None:
    assert (await client.call("health"))["ok"] is True
    assert (await client.call("agents.list"))["agents"]
    assert (await client.call("sessions.list"))["sessions"]


async def test_chat_send_streams_to_its_final_event(client: gatewire.Client) -> None:
    params = {"sessionKey": "main", "message": "hello there", "idempotencyKey": "run-1"}
    answer = await client.call("chat.send", params)
    assert answer["runId"] == "run-1"
    seen = await until(client.events(), lambda event: event.name == "chat" and event.payload["state"] == "final")
    chat = [event.payload for event in seen if event.name == "chat"]
    assert [payload["runId"] for payload in chat] == ["run-1"] * len(chat)
    assert len(chat) >= 2
    assert {payload["state"] for payload in chat[:-1]} == {"delta"}


@pytest.mark.parametrize("value", [{}, {"a": [1, 2.5, None, True, "\u00e9\u4e2d\U0001f600"]}, [], [[]], 7, 0, False])
async def test_params_and_answer_pass_unchanged(client: gatewire.Client, value: Any) -> None:
    assert await client.call("echo", value) == value
    assert await client.call("later", value) == value


@pytest.mark.parametrize("text", ['{ "a" :  1.0e2, "b": "\\u00e9" }', "[ ]", '"x"', "null", "  12  "])
async def test_json_given_as_text_is_sent_verbatim(client: gatewire.Client, text: str) -> None:
    stripped = text.strip()
    assert (await client.call_raw("echo", text)).decode().strip() == stripped
    assert (await client.call_raw("echo", text.encode())).decode().strip() == stripped
    assert await client.call("echo", bytearray(text.encode())) == json.loads(text)


async def test_no_params_and_no_payload(client: gatewire.Client) -> None:
    assert await client.call_raw("echo") == b""
    assert await client.call("echo") is None


async def test_a_large_answer(client: gatewire.Client) -> None:
    text = "".join(chr(33 + i % 90) for i in range(3_000_000))
    assert await soon(client.call("echo", {"text": text})) == {"text": text}


async def test_many_concurrent_calls_each_get_their_answer(client: gatewire.Client) -> None:
    answers = await soon(asyncio.gather(*(client.call("echo", {"n": n}) for n in range(3000))))
    assert answers == [{"n": n} for n in range(3000)]
    assert client.state().calls_in_flight == 0


async def test_a_rejected_call_raises_what_the_gateway_said(client: gatewire.Client) -> None:
    with pytest.raises(gatewire.RpcError) as caught:
        await client.call("refuse")
    error = caught.value
    assert (error.name, error.text, error.details) == ("UNAVAILABLE", "not today", {"why": "rain"})
    assert (error.retryable, error.retry_after) == (True, 1.5)
    assert error.status_name == "GW_ERR_REJECTED"


async def test_an_unknown_method_is_rejected(client: gatewire.Client) -> None:
    with pytest.raises(gatewire.RpcError, match="unknown method: nothing") as caught:
        await client.call("nothing")
    assert caught.value.name == "INVALID_REQUEST"
    assert not caught.value.retryable


async def test_expect_final_waits_for_the_second_answer(client: gatewire.Client) -> None:
    accepted: list[Any] = []
    answer = await client.call("two.steps", expect_final=True, on_accepted=accepted.append)
    assert answer == {"status": "ok", "runId": "r1"}
    assert accepted == [{"status": "accepted", "runId": "r1"}]


async def test_without_expect_final_the_first_answer_is_the_answer(client: gatewire.Client) -> None:
    assert await client.call("two.steps") == {"status": "accepted", "runId": "r1"}
    assert await client.call("echo", 1) == 1


async def test_a_time_limit_leaves_the_outcome_unknown(client: gatewire.Client) -> None:
    with pytest.raises(gatewire.CallTimeoutError) as caught:
        await client.call("never", timeout=0.05)
    assert isinstance(caught.value, TimeoutError)
    assert isinstance(caught.value, gatewire.OutcomeUnknownError)
    assert client.state().calls_in_flight == 0


async def test_the_clients_time_limit_holds_for_all_calls(server: gatewire.Server) -> None:
    async with gatewire.connect(server.url, pins=[server.pin], token=TOKEN, call_timeout=0.05) as client:
        with pytest.raises(gatewire.CallTimeoutError):
            await client.call("never")


async def test_cancelling_the_waiting_task_cancels_the_call(client: gatewire.Client) -> None:
    task = asyncio.ensure_future(client.call("never"))
    await client.call("echo")
    assert client.state().calls_in_flight == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert client.state().calls_in_flight == 0
    assert await client.call("echo", 2) == 2


async def test_closing_ends_calls_in_flight(server: gatewire.Server) -> None:
    client = await gatewire.connect(server.url, pins=[server.pin], token=TOKEN)
    sent = [asyncio.ensure_future(client.call("never")) for _ in range(5)]
    await client.call("echo")
    unsent = asyncio.ensure_future(client.call("never"))
    await asyncio.sleep(0)
    await soon(client.close())
    for task in [*sent, unsent]:
        with pytest.raises((gatewire.OutcomeUnknownError, gatewire.NotSentError)):
            await soon(task)


async def test_a_closed_client_refuses_calls(client: gatewire.Client) -> None:
    await client.close()
    with pytest.raises(gatewire.NotConnectedError):
        await client.call("echo")


async def test_the_limit_of_calls_in_flight(server: gatewire.Server) -> None:
    async with gatewire.connect(server.url, pins=[server.pin], token=TOKEN, max_calls=3) as client:
        tasks = [asyncio.ensure_future(client.call("never")) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(gatewire.ResourceError) as caught:
            await client.call("echo")
        assert caught.value.status_name == "GW_ERR_LIMIT"
        assert "3" in caught.value.text
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert await client.call("echo", 1) == 1


async def test_events_arrive_in_order_with_their_payload(server: gatewire.Server, client: gatewire.Client) -> None:
    for number in range(1000):
        server.push("chat", {"n": number})
    server.push("chat", '{ "verbatim" : 1 }')
    server.push("chat")
    seen = await until(client.events(), lambda event: event.raw == b"")
    chat = [event for event in seen if event.name == "chat"]
    assert [event.payload for event in chat[:1000]] == [{"n": number} for number in range(1000)]
    assert chat[1000].raw == b'{ "verbatim" : 1 }'
    assert chat[1001].payload is None
    sequences = [event.sequence for event in chat]
    assert sequences == sorted(set(sequences))


async def test_events_without_a_reader_are_kept_up_to_the_limit(server: gatewire.Server) -> None:
    async with gatewire.connect(server.url, pins=[server.pin], token=TOKEN, event_limit=10) as client:
        for number in range(25):
            server.push("chat", {"n": number})
        await client.call("echo")  # answered after the events
        events = client.events()
        assert len(events) == 10
        seen = await until(events, lambda event: event.payload == {"n": 24})
        assert [event.payload["n"] for event in seen] == list(range(15, 25))
        assert events.dropped == 15


async def test_events_end_with_the_client(client: gatewire.Client) -> None:
    reader = asyncio.ensure_future(_read_all(client))
    await client.call("echo")
    await client.close()
    assert all(event.name != "chat" for event in await soon(reader))


async def _read_all(client: gatewire.Client) -> list[gatewire.Event]:
    return [event async for event in client.events()]


async def test_events_have_one_reader_at_a_time(client: gatewire.Client) -> None:
    first = asyncio.ensure_future(_read_all(client))
    await client.call("echo")
    with pytest.raises(RuntimeError, match="another task"):
        await client.events().__anext__()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_notices_tell_the_life_of_a_connection(server: gatewire.Server) -> None:
    async with gatewire.connect(server.url, pins=[server.pin], token=TOKEN) as client:
        pass
    notices = [notice async for notice in client.notices()]
    connected, closed = notices
    assert isinstance(connected, gatewire.Connected)
    assert (connected.connection, connected.protocol, connected.hello) == (1, 4, client.hello)
    assert closed == gatewire.Closed(error=None)


async def test_two_clients_share_a_loop_and_do_not_mix(server: gatewire.Server, client: gatewire.Client) -> None:
    async with gatewire.connect(server.url, pins=[server.pin], token=TOKEN) as other:
        calls = [c.call("echo", [name, n]) for n in range(200) for name, c in (("a", client), ("b", other))]
        assert await asyncio.gather(*calls) == [[name, n] for n in range(200) for name in ("a", "b")]


async def test_wrong_token_is_told_to_the_user(server: gatewire.Server) -> None:
    error = await failure(server.url, pins=[server.pin], token="wrong")
    assert isinstance(error, gatewire.HandshakeError)
    assert (error.status_name, error.name) == ("GW_ERR_CONNECT_REJECTED", "AUTH_TOKEN_MISMATCH")
    assert (error.actor, error.retryable) == ("user", False)
    with pytest.raises(gatewire.HandshakeError):
        await gatewire.connect(server.url, pins=[server.pin], token="wrong")


async def test_wrong_token_stops_a_client_that_would_reconnect(server: gatewire.Server) -> None:
    with pytest.raises(gatewire.HandshakeError) as caught:
        await soon(_connect(server, token="wrong", keep_trying=True))
    assert caught.value.name == "AUTH_TOKEN_MISMATCH"


async def _connect(server: gatewire.Server, **options: Any) -> gatewire.Client:
    return await gatewire.connect(server.url, pins=[server.pin], **options)


async def test_without_a_device_a_gateway_that_requires_one_refuses() -> None:
    async with gatewire.serve(token=TOKEN, require_device=True) as server:
        error = await failure(server.url, pins=[server.pin], token=TOKEN, device=False)
        assert (error.status_name, error.name) == ("GW_ERR_CONNECT_REJECTED", "DEVICE_IDENTITY_REQUIRED")
        assert error.actor in ("program", "user")


async def test_an_identity_file_is_made_once_and_kept(server: gatewire.Server, tmp_path: Any) -> None:
    path = tmp_path / "folder" / "identity.json"
    ids = []
    for _ in range(2):
        async with gatewire.connect(server.url, pins=[server.pin], token=TOKEN, identity_file=path):
            (peer,) = server.peers.values()
            ids.append(peer.info["deviceId"])
    assert ids[0] == ids[1]
    assert len(ids[0]) == 64
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_a_peer_is_what_the_client_said_of_itself(server: gatewire.Server) -> None:
    async with gatewire.connect(
        server.url,
        pins=[server.pin],
        token=TOKEN,
        client_id="cli",
        client_mode="cli",
        client_version="9.9",
        display_name="a test",
        scopes=["operator.read"],
    ) as client:
        (peer,) = server.peers.values()
        assert peer.info["client"]["id"] == "cli"
        assert peer.info["client"]["displayName"] == "a test"
        assert peer.info["scopes"] == ["operator.read"]
        assert TOKEN not in repr(peer)
        assert client.hello["auth"]["scopes"] == ["operator.read"]


async def test_cancelling_connect_leaves_nothing(no_leaks: None) -> None:
    arrived = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await reader.read()
        await reader.read()  # until the client has gone
        writer.close()
        await writer.wait_closed()

    listening = socket.create_server(("127.0.0.1", 0))  # not by name, for which uvloop starts threads
    async with await asyncio.start_server(silent, sock=listening):
        task = asyncio.ensure_future(_dial(f"wss://127.0.0.1:{listening.getsockname()[1]}"))
        await soon(arrived.wait())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def _dial(url: str) -> gatewire.Client:
    return await gatewire.connect(url)
