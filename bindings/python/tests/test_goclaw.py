"""GoClaw's dialect at both ends, each against a program that is not ours, and behind proxies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from goclaw_caller import GoClawCaller
from goclaw_double import GoClawDouble, Settings
from helpers import failure, soon, until
from proxies import PROXIES, Way, find, proxy
from websockets.exceptions import ConnectionClosed, InvalidStatus

import gatewire
from gatewire import GoClaw, GoClawGateway, GoClawKey, Pairing
from gatewire._options import client_setup

TOKEN = "gw-secret"
KEY = "agent:default:ws:direct:7d1f"


@pytest_asyncio.fixture
async def double() -> AsyncIterator[GoClawDouble]:
    async with GoClawDouble() as double:
        yield double


def connect(url: str, **options: Any) -> Any:
    options = {"dialect": "goclaw", "token": TOKEN, "goclaw": GoClaw(user_id="alice")} | options
    return gatewire.connect(url, **options)


# --- the client ---


async def test_a_token_lets_in_and_a_run_streams(double: GoClawDouble) -> None:
    async with connect(double.url, locale="en") as client:
        assert client.protocol == 3
        assert client.server_version == "v3.14.0"
        assert client.hello["role"] == "admin"
        assert double.requests[0]["params"] == {"token": TOKEN, "user_id": "alice", "locale": "en"}
        call = asyncio.ensure_future(client.call("chat.send", {"message": "one two", "sessionKey": KEY}))
        assert (await soon(client.call("health")))["status"] == "ok"
        assert not call.done(), "a later call was answered first"
        assert (await soon(call))["content"] == "one two"
        seen = await until(client.events(), lambda event: event.payload["type"] == "run.completed")
        assert [event.payload["type"] for event in seen] == ["run.started", "chunk", "chunk", "run.completed"]


async def test_detection_takes_the_silence_of_the_gateway_for_its_dialect(double: GoClawDouble) -> None:
    async with connect(double.url, dialect="detect", challenge_timeout=0.1) as client:
        assert client.hello["role"] == "admin"


async def test_a_refusal_says_who_must_act() -> None:
    for settings, options, name, words in (
        (Settings(), {"token": "nope"}, "UNAUTHORIZED", "does not know this token"),
        (Settings(legacy=True), {"token": "nope"}, "UNAUTHORIZED", "viewer"),
        (Settings(revoked=True), {}, "TENANT_ACCESS_REVOKED", "tenant"),
        (Settings(pairing=False), {"token": None}, "UNAUTHORIZED", "an admin must approve or deny"),
    ):
        async with GoClawDouble(settings) as double:
            given: dict[str, Any] = {"dialect": "goclaw", "token": TOKEN, **options}
            error = await failure(double.url, **given)
            assert (error.status_name, error.name) == ("GW_ERR_CONNECT_REJECTED", name)
            assert words in error.text


async def test_pairing_from_the_code_to_the_sender_id(double: GoClawDouble) -> None:
    client = gatewire.Client(client_setup(double.url, dialect="goclaw", goclaw=GoClaw(user_id="alice")))
    notices = client.notices()
    requested = (await until(notices, lambda notice: isinstance(notice, Pairing)))[-1]
    assert (requested.state, requested.code) == ("requested", "CODE0000")
    assert "CODE0000" in requested.text
    await double.approve(requested.code)
    approved = (await until(notices, lambda notice: isinstance(notice, Pairing)))[-1]
    assert (approved.state, approved.sender_id) == ("approved", requested.sender_id)
    await until(notices, lambda notice: isinstance(notice, gatewire.Connected))
    assert client.hello["role"] == "operator"
    await client.close()
    async with connect(double.url, token=None, goclaw=GoClaw("alice", approved.sender_id)) as again:
        assert again.hello["role"] == "operator"
    assert len(double.pairings) == 1


async def test_an_expired_code_ends_the_client(double: GoClawDouble) -> None:
    client = gatewire.Client(client_setup(double.url, dialect="goclaw"))
    await until(client.notices(), lambda notice: isinstance(notice, Pairing))
    double.pairings[0].state = "expired"
    seen = await until(client.notices(), lambda notice: isinstance(notice, gatewire.Closed))
    assert [each.state for each in seen if isinstance(each, Pairing)] == ["expired"]
    assert seen[-1].error.name == "PAIRING_EXPIRED"
    assert double.methods().count("connect") == 1


async def test_after_a_cut_the_client_comes_back_and_says_what_became_of_its_calls(double: GoClawDouble) -> None:
    async with connect(double.url, reconnect_initial=0.05) as client:
        double.settings.drops.add("slow")
        call = asyncio.ensure_future(client.call("slow"))
        await until(client.notices(), lambda notice: isinstance(notice, gatewire.Connected))
        while "slow" not in double.methods():
            await asyncio.sleep(0.01)
        double.cut()
        with pytest.raises(gatewire.OutcomeUnknownError):
            await soon(call)
        await until(client.notices(), lambda notice: isinstance(notice, gatewire.Connected))
        assert (await soon(client.call("health")))["status"] == "ok"
        assert double.methods().count("connect") == 2


async def test_a_lost_answer_ends_with_its_time_limit(double: GoClawDouble) -> None:
    double.settings.drops.add("health")
    async with connect(double.url, call_timeout=0.1) as client:
        with pytest.raises(gatewire.CallTimeoutError):
            await soon(client.call("health"))


async def test_a_message_above_512_kib_stays_here(double: GoClawDouble) -> None:
    async with connect(double.url) as client:
        with pytest.raises(gatewire.TooBigError) as caught:
            await client.call("chat.send", {"message": "x" * 524_288})
        assert "524288" in caught.value.text
        assert (await soon(client.call("health")))["status"] == "ok"


# --- the gateway ---


@pytest_asyncio.fixture
async def gateway() -> AsyncIterator[gatewire.Server]:
    keys = [
        GoClawKey("goclaw_" + letter * 32, ["operator.write"], user) for letter, user in (("a", "ann"), ("b", "bob"))
    ]
    async with gatewire.serve(dialect="goclaw", token=TOKEN, plaintext=True, goclaw=GoClawGateway(keys)) as server:
        yield server


async def test_a_foreign_client_logs_in_and_talks(gateway: gatewire.Server) -> None:
    assert gateway.url.endswith("/ws")
    caller = await GoClawCaller.open(gateway.url)
    refused = await caller.call("health")
    assert refused["error"] == {"code": "UNAUTHORIZED", "message": "first request must be 'connect'"}
    assert (await caller.connect(token=TOKEN, user_id="system"))["role"] == "owner"
    answer = await caller.call("chat.send", {"message": "hello there", "sessionKey": KEY, "stream": True})
    assert answer["payload"]["content"] == "You said: hello there"
    assert caller.agent_types()[0] == "run.started"
    assert caller.agent_types()[-1] == "run.completed"
    assert (
        "".join(each["payload"]["payload"]["content"] for each in caller.events if each["payload"]["type"] == "chunk")
        == "You said: hello there"
    )
    await caller.socket.close()


async def test_pairing_with_two_foreign_clients(gateway: gatewire.Server) -> None:
    admin, device = await GoClawCaller.open(gateway.url), await GoClawCaller.open(gateway.url)
    await admin.connect(token=TOKEN, user_id="root")
    pending = await device.connect(user_id="alice")
    assert pending["status"] == "pending_pairing"
    sender = {"sender_id": pending["sender_id"]}
    assert (await device.call("browser.pairing.status", sender))["payload"] == {"status": "pending"}
    approved = await admin.call("device.pair.approve", {"code": pending["pairing_code"]})
    assert approved["payload"]["paired"]["sender_id"] == pending["sender_id"]
    assert (await device.call("browser.pairing.status", sender))["payload"] == {"status": "approved"}
    assert (await device.connect(user_id="alice", **sender))["role"] == "operator"
    revoked = await admin.call("device.pair.revoke", {"senderId": pending["sender_id"], "channel": "browser"})
    assert revoked["payload"] == {"revoked": True}
    with pytest.raises(ConnectionClosed):
        while True:
            await device.receive()
    assert device.socket.close_code == 1006


async def test_sessions_and_limits_of_foreign_clients(gateway: gatewire.Server) -> None:
    ann, bob = await GoClawCaller.open(gateway.url), await GoClawCaller.open(gateway.url)
    assert (await ann.connect(token="goclaw_" + "a" * 32))["user_id"] == "ann"
    assert (await bob.connect(token="goclaw_" + "b" * 32))["user_id"] == "bob"
    await ann.call("chat.send", {"message": "mine", "sessionKey": KEY})
    for method in ("chat.history", "chat.abort", "chat.session.status"):
        error = (await bob.call(method, {"sessionKey": KEY}))["error"]
        assert error == {"code": "FORBIDDEN", "message": "session does not belong to user"}
    answers = [await ann.call("chat.send", {"message": "more"}) for _ in range(5)]
    assert [answer["ok"] for answer in answers] == [True] * 4 + [False]
    assert answers[-1]["error"]["message"] == "rate limit exceeded — please wait"


async def test_512_kib_pass_and_a_byte_more_closes_with_1009(gateway: gatewire.Server) -> None:
    caller = await GoClawCaller.open(gateway.url)
    await caller.connect(token=TOKEN, user_id="u")
    head, tail = '{"type":"req","id":"9","method":"health","x":"', '"}'
    await caller.socket.send(head + "x" * (524_288 - len(head) - len(tail)) + tail)
    assert (await caller.receive())["ok"] is True
    await caller.socket.send(head + "x" * (524_289 - len(head) - len(tail)) + tail)
    with pytest.raises(ConnectionClosed):
        await caller.receive()
    assert (caller.socket.close_code, caller.socket.close_reason) == (1009, "")


async def test_the_host_answers_what_is_not_built_in(gateway: gatewire.Server) -> None:
    @gateway.method("config.get")
    def config(request: gatewire.Request) -> Any:
        return {"config": {"<": "&"}}

    async with connect(gateway.url) as client:
        assert await client.call("config.get") == {"config": {"<": "&"}}
        with pytest.raises(gatewire.RpcError) as caught:
            await client.call("no.such")
        assert caught.value.text == "unknown method: no.such"


async def http(server: gatewire.Server, request: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request.encode())
    answer = await soon(reader.read())
    writer.close()
    return answer.decode()


async def test_health_origins_and_the_one_path() -> None:
    options = GoClawGateway(allowed_origins=["https://app.example"])
    async with gatewire.serve(dialect="goclaw", token=TOKEN, plaintext=True, goclaw=options) as server:
        answer = await http(server, "GET /health HTTP/1.1\r\nHost: h\r\n\r\n")
        assert answer.startswith("HTTP/1.1 200")
        assert answer.endswith('\r\n\r\n{"status":"ok","protocol":3}')
        for url, origin, status in ((server.url + "/", None, 404), (server.url, "https://evil.example", 403)):
            with pytest.raises(InvalidStatus) as caught:
                await GoClawCaller.open(url, origin=origin)
            assert caught.value.response.status_code == status
        caller = await GoClawCaller.open(server.url, origin="https://app.example")
        assert (await caller.connect(token=TOKEN, user_id="u"))["role"] == "admin"


async def test_the_doctor_knows_the_dialect(gateway: gatewire.Server) -> None:
    steps = await gatewire.doctor(gateway.url, dialect="goclaw", token=TOKEN)
    assert all(step.result != "failed" for step in steps), steps
    assert [step.name for step in steps if step.result == "skipped"][-2:] == ["challenge", "tick"]
    steps = await gatewire.doctor(gateway.url, dialect="goclaw")
    refused = next(step for step in steps if step.result == "failed")
    assert refused.name == "auth"
    assert "approve the code" in refused.text


# --- what the troubleshooting page of GoClaw names ---


@pytest.mark.parametrize("name", list(PROXIES))
async def test_the_main_job_behind_a_proxy(name: str, gateway: gatewire.Server, tmp_path: Path) -> None:
    if find(name) is None:
        pytest.skip(f"{name} is not there: scripts/install-dependencies.sh test")
    async with proxy(name, tmp_path, gateway.port, None, Way("/ws")) as url:
        async with connect(url) as client:
            assert (await client.call("chat.send", {"message": "hi"}))["content"] == "You said: hi"
        error = await failure(url.replace("/ws", "/elsewhere"), dialect="goclaw", token=TOKEN)
        assert error.code == 404
        assert "/ws" in error.text


async def test_a_proxy_that_does_not_forward_the_upgrade(gateway: gatewire.Server, tmp_path: Path) -> None:
    if find("nginx") is None:
        pytest.skip("nginx is not there: scripts/install-dependencies.sh test")
    async with proxy("nginx", tmp_path, gateway.port, None, Way("/ws", upgrades=False)) as url:
        error = await failure(url, dialect="goclaw", token=TOKEN)
        assert error.status_name == "GW_ERR_UPGRADE_REFUSED"
        assert "a proxy before the gateway may not forward the headers Upgrade and Connection" in error.text


async def test_a_refused_origin() -> None:
    options = GoClawGateway(allowed_origins=["https://app.example"])
    async with gatewire.serve(dialect="goclaw", token=TOKEN, plaintext=True, goclaw=options) as server:
        error = await failure(server.url, dialect="goclaw", token=TOKEN, headers={"Origin": "https://evil.example"})
        assert error.code == 403
        assert "Origin" in error.text


async def test_a_peer_that_does_not_answer_pings() -> None:
    options = GoClawGateway(ping_interval=0.1, read_timeout=0.4)
    async with gatewire.serve(dialect="goclaw", token=TOKEN, plaintext=True, goclaw=options) as server:
        caller = await GoClawCaller.open(server.url)
        await caller.connect(token=TOKEN, user_id="u")
        async with connect(server.url) as client:
            caller.socket.transport.pause_reading()
            left = (await until(server.notices(), lambda notice: isinstance(notice, gatewire.PeerDisconnected)))[-1]
            assert left.error.status_name == "GW_ERR_PONG_TIMEOUT"
            assert "does not answer pings" in left.error.text
            assert (await client.call("health"))["status"] == "ok", "who answers them stays"
        caller.socket.transport.abort()


async def test_what_finds_the_queue_full_is_dropped_and_the_connection_stays() -> None:
    options = GoClawGateway(max_queued_messages=4, calls_per_minute=None)
    async with gatewire.serve(dialect="goclaw", token=TOKEN, plaintext=True, goclaw=options) as server:
        caller = await GoClawCaller.open(server.url)
        await caller.connect(token=TOKEN, user_id="u")
        caller.socket.transport.pause_reading()
        payload = {"userId": "u", "text": "x" * 500_000}
        for _ in range(64):
            server.push("agent", payload)
        caller.socket.transport.resume_reading()
        answer: dict[str, Any] = {}
        while "id" not in answer:  # an answer that finds the queue full is dropped too, so ask again
            await caller.socket.send(json.dumps({"type": "req", "id": "9", "method": "status"}))
            for _ in range(4):
                answer = await caller.receive()
                if "id" in answer:
                    break
                caller.events.append(answer)
        assert answer["ok"] is True
        assert 4 <= len(caller.events) < 64
