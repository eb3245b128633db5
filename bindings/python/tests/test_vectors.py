"""The vectors of the protocol, through the Python package."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from conftest import vectors
from gateway_double import GatewayDouble, Settings
from helpers import TOKEN, soon, until

import gatewire

FINGERPRINT = vectors("openclaw/fingerprint.json")
FRAMES = vectors("openclaw/frames.json")


@pytest.mark.parametrize("case", FINGERPRINT["cases"], ids=lambda case: repr(case["input"]))
def test_pin_texts(case: Any) -> None:
    """Strict first; else the lenient reading, which must give exactly 64 digits; and what openssl prints."""
    expected = case["strict"] if case["strictValid"] else case["lenientStrip"]
    label, _, digits = case["input"].partition(" Fingerprint=")
    if label.lower() == "sha256":
        expected = digits.replace(":", "").lower()
    if re.fullmatch("[0-9a-f]{64}", expected):
        assert gatewire.normalize_pin(case["input"]) == expected
        return
    with pytest.raises(gatewire.UsageError) as caught:
        gatewire.normalize_pin(case["input"])
    assert caught.value.status_name == "GW_ERR_PIN_TEXT"


@pytest_asyncio.fixture
async def double_client() -> AsyncIterator[gatewire.Client]:
    async with GatewayDouble(Settings(token=TOKEN)) as double:
        async with gatewire.connect(double.url, token=TOKEN) as client:
            yield client


def tolerant(frame: Any) -> bool:
    """Whether a response that the light guard of other clients drops can still be read: section 9 of the protocol."""
    if not isinstance(frame, dict) or frame.get("type") != "res" or not isinstance(frame.get("id"), str):
        return False
    error = frame.get("error")
    return isinstance(frame.get("ok", True), bool) and (error is None or isinstance(error, dict))


@pytest.mark.parametrize("case", FRAMES["cases"], ids=lambda case: case["text"])
async def test_client_guard(double_client: gatewire.Client, case: Any) -> None:
    client, text, guard = double_client, case["text"], case["clientGuard"]
    frame: Any = None if guard == "parse-error" else json.loads(text)
    if guard == "response" or tolerant(frame):
        sent = {**frame, "id": "$id"}
        try:
            answer = await soon(client.call("double.answer", {"frames": [json.dumps(sent)]}))
        except gatewire.RpcError as error:
            assert frame.get("ok") is not True
            assert error.text
        else:
            assert frame.get("ok", True) is True
            assert answer == frame.get("payload", frame.get("result"))
        return
    after = '{"type":"event","event":"agent","payload":"after"}'
    await client.call("double.do", {"actions": [{"send": text}, {"send": after}]})
    seen = await until(client.events(), lambda event: event.payload == "after")
    if guard == "event":
        (event,) = seen[:-1]
        assert (event.name, event.payload) == (frame["event"], frame.get("payload"))
        assert event.sequence == frame.get("seq")
        return
    assert len(seen) == 1
    notices = await until(client.notices(), lambda notice: isinstance(notice, gatewire.Warned))
    expected = "GW_ERR_JSON" if guard == "parse-error" else "GW_ERR_FRAME"
    if isinstance(frame, dict) and frame.get("type") == "res" and isinstance(frame.get("id"), str):
        assert notices[-1].error.status_name in (expected, "GW_ERR_UNKNOWN_ID")
    else:
        assert notices[-1].error.status_name == expected


@pytest.mark.parametrize(
    "case", [c for c in FRAMES["tolerantReading"] if "connId" not in c["read"]], ids=lambda case: case["name"]
)
async def test_tolerant_reading(double_client: gatewire.Client, case: Any) -> None:
    client, frame, read = double_client, json.loads(case["text"]), case["read"]
    if "event" in read:
        await client.call("double.do", {"actions": [{"send": case["text"]}]})
        (event,) = await until(client.events(), lambda event: event.name == read["event"])
        assert event.payload == read["payload"]
        return
    answer = client.call("double.answer", {"frames": [json.dumps({**frame, "id": "$id"})]})
    if read["ok"]:
        assert await soon(answer) == read["payload"]
        return
    with pytest.raises(gatewire.RpcError) as caught:
        await soon(answer)
    assert (caught.value.name, caught.value.text) == (read["error"]["code"], read["error"]["message"])


@pytest.mark.parametrize("case", FRAMES["expectFinal"], ids=lambda case: case["name"])
async def test_expect_final(double_client: gatewire.Client, case: Any) -> None:
    accepted: list[Any] = []
    frames = [json.dumps({"type": "res", "id": "$id", **response}) for response in case["responses"]]
    call = double_client.call(
        "double.answer", {"frames": frames}, expect_final=case["expectFinal"], on_accepted=accepted.append
    )
    settled = case["responses"][case["settledBy"]]
    if case["outcome"] == "resolve":
        assert await soon(call) == settled["payload"]
    else:
        with pytest.raises(gatewire.RpcError) as caught:
            await soon(call)
        assert (caught.value.name, caught.value.text) == (settled["error"]["code"], settled["error"]["message"])
    assert len(accepted) == case["acceptedNotified"]
