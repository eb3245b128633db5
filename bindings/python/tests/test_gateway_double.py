"""The gateway double against the vectors and the reference client: the peer of our tests must itself be right."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, vectors
from gateway_auth import Refusal, signature_payloads, verify_device
from gateway_caller import Device, GatewayCaller, connect_params
from gateway_double import GatewayDouble, Settings
from gateway_schema import connect_params as connect_params_shape
from gateway_schema import request_frame
from websockets.exceptions import InvalidMessage

DEVICE_AUTH = vectors("openclaw/device-auth.json")
HANDSHAKE = vectors("openclaw/handshake.json")
FRAMES = vectors("openclaw/frames.json")


@pytest.mark.parametrize("case", DEVICE_AUTH["verification"], ids=lambda case: case["name"])
def test_device_proof_verdicts(case: Any) -> None:
    expected = case["expect"]
    params = {**case["connect"]}
    if expected["ok"]:
        assert verify_device(params, case["challengeNonce"], case["serverNowMs"]) == expected["payloadVersion"]
        return
    with pytest.raises(Refusal) as caught:
        verify_device(params, case["challengeNonce"], case["serverNowMs"])
    refusal = caught.value
    assert refusal.error() == {
        "code": expected["errorCode"],
        "message": expected["message"],
        "details": expected["details"],
    }
    assert (refusal.close_code, refusal.reason) == (expected["closeCode"], expected["closeReason"])


@pytest.mark.parametrize("case", DEVICE_AUTH["payloads"], ids=lambda case: case["name"])
def test_signature_payloads(case: Any) -> None:
    given = case["input"]
    client = {"id": given["clientId"], "mode": given["clientMode"], "platform": given["platform"]}
    client["deviceFamily"] = given["deviceFamily"]
    params: dict[str, Any] = {
        "client": client,
        "role": given["role"],
        "scopes": given["scopes"],
        "device": {"id": given["deviceId"], "signedAt": given["signedAtMs"]},
    }
    if given["token"] is not None:
        params["auth"] = {"token": given["token"]}
    payloads = signature_payloads(params, given["nonce"])
    assert payloads["v2"] == case["v2Payload"]
    assert payloads["v3"] == case["v3Payload"]


@pytest.mark.parametrize("case", FRAMES["cases"], ids=lambda case: case["text"])
def test_request_frames_are_closed(case: Any) -> None:
    if case["clientGuard"] == "parse-error" or '"req"' not in case["text"]:
        return
    assert (request_frame(json.loads(case["text"]), "") is None) == (case["schema"] == "valid")


def test_connect_params_of_the_vectors_pass() -> None:
    for exchange in HANDSHAKE["exchanges"]:
        params = exchange["steps"][1]["frame"]["params"]
        assert connect_params_shape(params, "") is None


@pytest.mark.parametrize(
    "change",
    [
        {"unknown": 1},
        {"minProtocol": 0},
        {"maxProtocol": "4"},
        {"client": {"id": "gateway-client", "version": "1", "platform": "linux", "mode": "operator"}},
        {"client": {"id": "control-center", "version": "1", "platform": "linux", "mode": "backend"}},
        {"client": {"id": "test", "version": "1", "platform": "linux", "mode": "test", "extra": 1}},
        {"client": {"id": "test", "version": "", "platform": "linux", "mode": "test"}},
        {"auth": {"token": None}},
        {"auth": {"apiKey": "x"}},
        {"scopes": [""]},
        {"device": {"id": "x"}},
        {"locale": None},
    ],
    ids=str,
)
def test_connect_params_are_closed_at_every_level(change: dict[str, Any]) -> None:
    assert connect_params_shape(connect_params(), "") is None
    assert connect_params_shape(connect_params(**change), "") is not None


async def test_the_reference_client_passes() -> None:
    async with GatewayDouble(Settings(token="secret")) as double:
        caller = await GatewayCaller.open(double.url)
        async with caller:
            hello = await caller.hello("secret")
            assert hello["ok"]
            assert hello["payload"]["protocol"] == 4
            assert hello["payload"]["auth"]["scopes"] == ["operator.read", "operator.write"]
            assert (await caller.request("echo", {"a": [1]}))["payload"] == {"a": [1]}
            assert (await caller.request("health"))["payload"]["ok"] is True
            assert (await caller.request("nothing"))["error"] == {
                "code": "INVALID_REQUEST",
                "message": "unknown method: nothing",
            }
            subscribed = await caller.request("sessions.subscribe")
            assert subscribed["payload"] == {"subscribed": True}


@pytest.mark.parametrize(
    "case", [case for case in HANDSHAKE["failures"] if "response" in case.get("gateway", {})], ids=lambda c: c["name"]
)
async def test_refusals_are_those_of_the_vectors(case: Any) -> None:
    expected = case["gateway"]
    settings = Settings(token="shared-secret-token")
    double = GatewayDouble(settings)
    details = expected["response"]["error"].get("details", {})
    params = connect_params("shared-secret-token")
    device = Device(bytes(range(32)))
    if case["name"] == "protocol too old":
        params["maxProtocol"] = 3
    elif case["name"] == "starting":
        double.set_faults({"starting": True})
    elif "AUTH_TOKEN_MISMATCH" in details.get("code", ""):
        params["auth"]["token"] = "wrong"
    elif "code" in details and details["code"] == "AUTH_DEVICE_TOKEN_MISMATCH":
        params["auth"] = {"deviceToken": "stale"}
    elif case["name"] == "pairing required":
        settings.pairing = True
    async with double, await GatewayCaller.open(double.url) as caller:
        if case["name"] == "first frame is another request":
            frame = case["clientFrame"]
        else:
            if case["name"] == "device identity required":
                del params["auth"]
            else:
                device.prove(params, caller.nonce, caller.challenge["payload"]["ts"])
            frame = {"type": "req", "id": "c-1", "method": "connect", "params": params}
        await caller.send(frame)
        assert await caller.response("c-1") == expected["response"]
        assert await caller.closed() == (expected["close"]["code"], expected["close"]["reason"])


async def test_first_frame_above_64_kib_is_refused_without_an_answer() -> None:
    async with GatewayDouble() as double, await GatewayCaller.open(double.url) as caller:
        await caller.send({"type": "req", "id": "c-1", "method": "connect", "params": {"pad": "x" * 65_536}})
        assert await caller.closed() == (1009, "preauth payload too large")


async def test_first_frame_that_is_no_request_is_refused_without_an_answer() -> None:
    async with GatewayDouble() as double, await GatewayCaller.open(double.url) as caller:
        await caller.send({"type": "req", "id": "c-1", "method": "connect", "extra": 1})
        assert await caller.closed() == (1008, "invalid request frame")


async def test_first_frame_that_is_no_json_closes_with_1000() -> None:
    async with GatewayDouble() as double, await GatewayCaller.open(double.url) as caller:
        await caller.socket.send("{")
        assert await caller.closed() == (1000, "")


async def test_a_client_that_says_nothing_is_closed_with_1000() -> None:
    async with GatewayDouble(Settings(handshake_timeout_ms=50)) as double:
        async with await GatewayCaller.open(double.url) as caller:
            assert await caller.closed() == (1000, "")


async def test_as_a_process_it_prints_its_port_writes_its_journal_and_ends_with_its_input(tmp_path: Path) -> None:
    program = REPOSITORY / "Tests/Peers/gateway_double.py"
    journal = tmp_path / "journal.jsonl"
    options = ["--port", "0", "--print-port", "--until-eof", "--token", "secret", "--journal", str(journal)]
    faults = ["--fault", "reject=PAIRING_REQUIRED", "--times", "1"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(program),
        *options,
        *faults,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    async with await GatewayCaller.open(f"ws://127.0.0.1:{port}") as caller:
        assert (await caller.hello("secret"))["error"]["details"]["code"] == "PAIRING_REQUIRED"
    async with await GatewayCaller.open(f"ws://127.0.0.1:{port}") as caller:
        assert (await caller.hello("secret"))["ok"]
    process.stdin.close()
    assert await process.wait() == 0
    kinds = [json.loads(line)["what"] for line in journal.read_text().splitlines()]
    assert kinds.count("upgrade") == kinds.count("open") == kinds.count("closed") == 2
    assert kinds.count("refused") == 1


async def test_a_cut_after_so_many_bytes_ends_the_connection() -> None:
    async with GatewayDouble(cut_to_client=40) as double:
        with pytest.raises(InvalidMessage):
            await GatewayCaller.open(double.url)
