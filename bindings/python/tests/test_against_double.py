"""The client against a gateway that is not ours: what it sends, and how it reads what comes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from certificates import Certificate
from gateway_double import GatewayDouble, Settings
from gateway_schema import connect_params, request_frame
from helpers import TOKEN, failure, until

import gatewire


@pytest.mark.parametrize("protocol", [4, 3])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("deflate", [False, True], ids=["stored", "deflate"])
async def test_the_main_job(protocol: int, tls: bool, deflate: bool, certificate: Certificate) -> None:
    settings = Settings(token=TOKEN, protocol=protocol, deflate=deflate, tls=certificate.files if tls else None)
    async with GatewayDouble(settings) as double:
        async with gatewire.connect(double.url, token=TOKEN, pins=[certificate.pin] if tls else None) as client:
            assert client.protocol == protocol
            state = client.state()
            assert (state.tls, state.deflate) == (tls, deflate)
            assert (await client.call("health"))["ok"] is True
            assert (await client.call("agents.list"))["defaultId"] == "main"
            assert (await client.call("sessions.list", {"limit": 5}))["count"] == 1
            long = "word " * 5000
            assert await client.call("echo", {"text": long}) == {"text": long}

            params = {"sessionKey": "main", "message": "one two three", "idempotencyKey": "k1"}
            assert await client.call("chat.send", params) == {"runId": "k1", "status": "started"}
            seen = await until(client.events(), lambda e: e.name == "chat" and e.payload["state"] == "final")
            chat = [event.payload for event in seen if event.name == "chat"]
            assert [payload["state"] for payload in chat] == ["delta"] * 3 + ["final"]
            assert chat[-1]["message"]["content"][0]["text"] == "one two three"

            accepted: list[Any] = []
            answer = await client.call(
                "agent",
                {"message": "go", "idempotencyKey": "k2"},
                expect_final=True,
                on_accepted=accepted.append,
            )
            assert answer == {"runId": "k2", "status": "ok", "summary": "completed"}
            assert accepted[0]["status"] == "accepted"

            with pytest.raises(gatewire.RpcError, match="unknown method: nothing"):
                await client.call("nothing")
            with pytest.raises(gatewire.RpcError, match="unexpected property 'nothing'"):
                await client.call("health", {"nothing": 1})


async def test_what_the_client_sends_first(certificate: Certificate) -> None:
    settings = Settings(token=TOKEN, tls=certificate.files)
    async with GatewayDouble(settings) as double:
        async with gatewire.connect(
            f"{double.url}/some/path?and=query",
            token=TOKEN,
            pins=[certificate.pin],
            headers={"X-Edge": "pass"},
            display_name="na\u00efve \u4e2d",
            device_family="Server",
            instance_id="i-1",
            caps=["tool-events"],
            locale="de",
            user_agent="tests/1",
            platform="Linux",
        ):
            pass
        (upgrade,) = double.entries("upgrade")
        headers = {name.lower(): value for name, value in upgrade["headers"]}
        assert upgrade["path"] == "/some/path?and=query"
        assert headers["host"] == f"127.0.0.1:{double.port}"
        assert headers["x-edge"] == "pass"
        assert "origin" not in headers  # section 1.3: native clients send none
        assert TOKEN not in json.dumps(upgrade)

        frame = json.loads(double.received()[0])
        assert request_frame(frame, "") is None
        params = frame["params"]
        assert connect_params(params, "") is None
        assert (params["minProtocol"], params["maxProtocol"]) == (3, 4)
        assert params["client"] == {
            "id": "gateway-client",
            "mode": "backend",
            "version": gatewire.__version__,
            "platform": "Linux",
            "displayName": "na\u00efve \u4e2d",
            "deviceFamily": "Server",
            "instanceId": "i-1",
        }
        assert params["role"] == "operator"
        assert params["scopes"] == ["operator.read", "operator.write"]
        assert params["auth"] == {"token": TOKEN}
        assert params["caps"] == ["tool-events"]
        assert (params["locale"], params["userAgent"]) == ("de", "tests/1")
        assert double.entries("device verified")[0]["payload"] == "v3"


async def test_a_gateway_with_the_wrong_certificate_sees_no_upgrade(certificate: Certificate) -> None:
    async with GatewayDouble(Settings(token=TOKEN, tls=certificate.files)) as double:
        error = await failure(double.url, token=TOKEN, pins=["ef" * 32])
        assert isinstance(error, gatewire.PinError)
        assert double.journal == []


async def test_reserved_headers_are_refused() -> None:
    for name in ("Host", "Upgrade", "sec-websocket-key", "Connection"):
        with pytest.raises(gatewire.UsageError):
            await gatewire.connect("ws://127.0.0.1:1", headers={name: "x"})
    for value in ("a\r\nb", "a\nb"):
        with pytest.raises(gatewire.UsageError):
            await gatewire.connect("ws://127.0.0.1:1", headers={"X-A": value})


async def test_password_in_place_of_a_token() -> None:
    async with GatewayDouble(Settings(password="pw")) as double:
        async with gatewire.connect(double.url, password="pw") as client:
            assert await client.call("health")
        error = await failure(double.url, password="wrong")
        assert (error.name, error.actor) == ("AUTH_PASSWORD_MISMATCH", "user")


async def test_without_a_device_scopes_may_be_lost() -> None:
    async with GatewayDouble(Settings(token=TOKEN)) as double:
        async with gatewire.connect(
            double.url, token=TOKEN, device=False, client_id="cli", client_mode="cli"
        ) as client:
            assert client.hello["auth"]["scopes"] == []
            with pytest.raises(gatewire.RpcError, match=r"missing scope: operator\.read"):
                await client.call("health")
        warned = [notice async for notice in client.notices() if isinstance(notice, gatewire.Warned)]
        assert [(warning.name, warning.error) for warning in warned] == [("scopes", None)]


async def test_the_hello_shown_has_no_device_token() -> None:
    async with GatewayDouble(Settings(token=TOKEN)) as double:
        async with gatewire.connect(double.url, token=TOKEN) as client:
            (issued,) = double.credentials.device_tokens.values()
            assert issued not in json.dumps(client.hello)
            assert client.hello["auth"]["role"] == "operator"


async def test_subscribed_events_without_a_sequence() -> None:
    async with GatewayDouble(Settings(token=TOKEN)) as double:
        async with gatewire.connect(double.url, token=TOKEN) as client:
            assert await client.call("sessions.subscribe") == {"subscribed": True}
            (event,) = await until(client.events(), lambda event: event.name == "sessions.changed")
            assert event.sequence is None


async def test_a_gap_is_reported_before_the_event_that_shows_it() -> None:
    async with GatewayDouble(Settings(token=TOKEN)) as double:
        async with gatewire.connect(double.url, token=TOKEN) as client:
            actions = [
                {"event": "agent", "payload": 1},
                {"event": "agent", "payload": 2, "skip": 4},
                {"event": "agent", "payload": 3},
            ]
            await client.call("double.do", {"actions": actions})
            seen = await until(client.events(), lambda event: event.payload == 3)
            assert [event.sequence for event in seen] == [1, 6, 7]
            gaps = await until(client.notices(), lambda notice: isinstance(notice, gatewire.Gap))
            assert gaps[-1] == gatewire.Gap(sequence=6, missing=4)


async def test_the_legacy_shapes_are_read() -> None:
    async with GatewayDouble(Settings(token=TOKEN), legacy=True) as double:
        async with gatewire.connect(double.url, token=TOKEN) as client:
            assert await client.call("echo", {"a": 1}) == {"a": 1}
            with pytest.raises(gatewire.RpcError) as caught:
                await client.call("nothing")
            assert (caught.value.name, caught.value.text) == ("-32600", "unknown method: nothing")
            await client.call("sessions.subscribe")
            (event,) = await until(client.events(), lambda event: event.name == "sessions.changed")
            assert event.payload["sessionKey"] == "agent:main:main"


async def test_a_thousand_events_in_a_burst() -> None:
    async with GatewayDouble(Settings(token=TOKEN)) as double:
        async with gatewire.connect(double.url, token=TOKEN) as client:
            await client.call("double.do", {"actions": [{"event": "agent", "payload": {"x": "y" * 50}, "count": 1000}]})
            seen = await until(client.events(), lambda event: event.sequence == 1000)
            assert [event.sequence for event in seen] == list(range(1, 1001))
