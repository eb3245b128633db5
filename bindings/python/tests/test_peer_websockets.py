"""Python `websockets` as a client of the embedded gateway: the rules of the handshake, and broken frames."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from typing import Any, Optional

import pytest
import pytest_asyncio
from conftest import vectors
from gateway_caller import Device, GatewayCaller, base64url, connect_params, pinned_context
from helpers import TOKEN, add_methods, soon
from websockets.exceptions import ConnectionClosed, InvalidStatus

import gatewire

HANDSHAKE = vectors("openclaw/handshake.json")
SEED = bytes(range(32))


@pytest_asyncio.fixture
async def gateway() -> AsyncIterator[gatewire.Server]:
    async with gatewire.serve(token=TOKEN) as server:
        add_methods(server)
        yield server


async def open_caller(server: gatewire.Server, **options: Any) -> GatewayCaller:
    return await GatewayCaller.open(server.url, server.certificate or None, **options)


@pytest.mark.parametrize("compression", ["deflate", None])
async def test_the_main_job(gateway: gatewire.Server, compression: Optional[str]) -> None:
    async with await open_caller(gateway, compression=compression) as caller:
        assert caller.challenge["event"] == "connect.challenge"
        assert set(caller.challenge["payload"]) >= {"nonce", "ts"}
        assert "seq" not in caller.challenge
        agreed = [extension.name for extension in caller.socket.protocol.extensions]
        assert agreed == (["permessage-deflate"] if compression else [])
        response = await caller.hello(TOKEN)
        assert response["ok"] is True
        hello = response["payload"]
        assert (hello["type"], hello["protocol"]) == ("hello-ok", 4)
        assert set(hello) >= {"server", "features", "snapshot", "auth", "policy"}
        assert hello["auth"]["scopes"] == ["operator.read", "operator.write"]
        assert set(hello["policy"]) >= {"maxPayload", "maxBufferedBytes", "tickIntervalMs"}
        assert (await caller.request("health"))["payload"]["ok"] is True
        long = "word " * 20_000
        assert (await caller.request("echo", {"text": long}))["payload"] == {"text": long}
        assert (await caller.request("nothing"))["error"] == {
            "code": "INVALID_REQUEST",
            "message": "unknown method: nothing",
        }


async def test_events_carry_a_sequence_of_the_connection(gateway: gatewire.Server) -> None:
    async with await open_caller(gateway) as caller:
        await caller.hello(TOKEN)
        for number in range(3):
            gateway.push("chat", {"n": number})
        frames = [await caller.event("chat") for _ in range(3)]
        first = frames[0]["seq"]
        assert [frame["seq"] for frame in frames] == [first, first + 1, first + 2]


async def test_sections_of_a_fragmented_message_are_joined(gateway: gatewire.Server) -> None:
    async with await open_caller(gateway) as caller:
        await caller.hello(TOKEN)

        async def pieces() -> AsyncIterator[str]:
            for piece in ('{"type":"req","id":"f",', '"method":"echo",', '"params":[1,2,3]}'):
                yield piece

        await caller.socket.send(pieces())
        assert (await caller.response("f"))["payload"] == [1, 2, 3]


async def test_ping_is_answered(gateway: gatewire.Server) -> None:
    async with await open_caller(gateway) as caller:
        await soon(await caller.socket.ping())


async def test_close_is_answered_with_its_code(gateway: gatewire.Server) -> None:
    caller = await open_caller(gateway)
    await caller.hello(TOKEN)
    await caller.socket.close(4321, "done")
    assert caller.socket.protocol.close_rcvd is not None
    assert caller.socket.protocol.close_rcvd.code == 4321


# --- bad connects: the response, then the close (section 3.6) ---


async def send_connect(caller: GatewayCaller, params: dict[str, Any]) -> tuple[dict[str, Any], tuple[Any, str]]:
    await caller.send({"type": "req", "id": "c-1", "method": "connect", "params": params})
    response = await soon(caller.response("c-1"))
    return response, await soon(caller.closed())


def proven(caller: GatewayCaller, **more: Any) -> dict[str, Any]:
    params = connect_params(TOKEN, **more)
    Device(SEED).prove(params, caller.nonce, caller.challenge["payload"]["ts"])
    return params


@pytest.mark.parametrize(
    "name",
    [
        "first frame is another request",
        "protocol too old",
        "wrong shared token, stored token could help",
        "device identity required",
    ],
)
async def test_refusals_of_the_vectors(gateway: gatewire.Server, name: str) -> None:
    case = next(case for case in HANDSHAKE["failures"] if case["name"] == name)
    expected = case["gateway"]
    async with await open_caller(gateway) as caller:
        if name == "first frame is another request":
            await caller.send(case["clientFrame"])
            response, closed = await caller.response("c-1"), await caller.closed()
        else:
            params = connect_params(TOKEN)
            if name == "protocol too old":
                params["maxProtocol"] = 3
            elif name == "device identity required":
                del params["auth"]
            else:
                params["auth"]["token"] = "wrong"
            if name != "device identity required":
                Device(SEED).prove(params, caller.nonce, caller.challenge["payload"]["ts"])
            response, closed = await send_connect(caller, params)
        assert response == expected["response"]
        assert closed == (expected["close"]["code"], expected["close"]["reason"])


@pytest.mark.parametrize("version", ["v3", "v2"])
async def test_both_signature_versions_are_accepted(gateway: gatewire.Server, version: str) -> None:
    async with await open_caller(gateway) as caller:
        params = connect_params(TOKEN)
        Device(SEED).prove(params, caller.nonce, caller.challenge["payload"]["ts"], version)
        assert (await caller.request("connect", params))["ok"] is True


@pytest.mark.parametrize("metadata", [{"platform": " LINUX\u00a0"}, {"platform": "linux", "deviceFamily": "Mac Mini "}])
async def test_metadata_is_normalized_before_the_signature_is_checked(
    gateway: gatewire.Server, metadata: dict[str, str]
) -> None:
    async with await open_caller(gateway) as caller:
        client = {"id": "gateway-client", "version": "1", "mode": "backend", **metadata}
        assert (await caller.request("connect", proven(caller, client=client)))["ok"] is True


def _other_key(params: dict[str, Any], caller: GatewayCaller) -> None:
    params["device"]["id"] = Device(bytes(range(32, 64))).id


def _upper_id(params: dict[str, Any], caller: GatewayCaller) -> None:
    params["device"]["id"] = params["device"]["id"].upper()


def _stale(params: dict[str, Any], caller: GatewayCaller) -> None:
    Device(SEED).prove(params, caller.nonce, time.time_ns() // 1_000_000 - 125_000)


def _future(params: dict[str, Any], caller: GatewayCaller) -> None:
    Device(SEED).prove(params, caller.nonce, time.time_ns() // 1_000_000 + 125_000)


def _blank_nonce(params: dict[str, Any], caller: GatewayCaller) -> None:
    params["device"]["nonce"] = "  "


def _other_nonce(params: dict[str, Any], caller: GatewayCaller) -> None:
    Device(SEED).prove(params, "00000000-0000-4000-8000-000000000000", caller.challenge["payload"]["ts"])


def _reordered(params: dict[str, Any], caller: GatewayCaller) -> None:
    params["scopes"] = params["scopes"][::-1]


def _more_scopes(params: dict[str, Any], caller: GatewayCaller) -> None:
    params["scopes"] = [*params["scopes"], "operator.admin"]


def _other_mode(params: dict[str, Any], caller: GatewayCaller) -> None:
    params["client"] = {**params["client"], "mode": "cli"}


def _truncated(params: dict[str, Any], caller: GatewayCaller) -> None:
    params["device"]["signature"] = params["device"]["signature"][:-4]


def _foreign(params: dict[str, Any], caller: GatewayCaller) -> None:
    params["device"]["signature"] = base64url(Device().key.sign(b"anything"))


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (_other_key, "DEVICE_AUTH_DEVICE_ID_MISMATCH", "device identity mismatch"),
        (_upper_id, "DEVICE_AUTH_DEVICE_ID_MISMATCH", "device identity mismatch"),
        (_stale, "DEVICE_AUTH_SIGNATURE_EXPIRED", "device signature expired"),
        (_future, "DEVICE_AUTH_SIGNATURE_EXPIRED", "device signature expired"),
        (_blank_nonce, "DEVICE_AUTH_NONCE_REQUIRED", "device nonce required"),
        (_other_nonce, "DEVICE_AUTH_NONCE_MISMATCH", "device nonce mismatch"),
        (_reordered, "DEVICE_AUTH_SIGNATURE_INVALID", "device signature invalid"),
        (_more_scopes, "DEVICE_AUTH_SIGNATURE_INVALID", "device signature invalid"),
        (_other_mode, "DEVICE_AUTH_SIGNATURE_INVALID", "device signature invalid"),
        (_truncated, "DEVICE_AUTH_SIGNATURE_INVALID", "device signature invalid"),
        (_foreign, "DEVICE_AUTH_SIGNATURE_INVALID", "device signature invalid"),
    ],
)
async def test_device_proofs_that_fail(gateway: gatewire.Server, change: Any, code: str, message: str) -> None:
    async with await open_caller(gateway) as caller:
        params = proven(caller)
        change(params, caller)
        response, closed = await send_connect(caller, params)
        assert response["ok"] is False
        assert response["error"]["code"] == "INVALID_REQUEST"
        assert response["error"]["message"] == message
        assert response["error"]["details"]["code"] == code
        assert closed == (1008, message)


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
        {"client": {"id": "test", "version": "1", "mode": "test"}},
        {"auth": {"token": None}},
        {"auth": {"apiKey": "x"}},
        {"scopes": [""]},
        {"scopes": "operator.read"},
        {"device": {"id": "x"}},
        {"locale": None},
        {"permissions": {"a": "yes"}},
    ],
    ids=str,
)
async def test_connect_params_are_closed_at_every_level(gateway: gatewire.Server, change: dict[str, Any]) -> None:
    async with await open_caller(gateway) as caller:
        params = {**proven(caller), **change}
        response, (code, reason) = await send_connect(caller, params)
        error = response["error"]
        assert error["code"] == "INVALID_REQUEST"
        assert error["message"].startswith("invalid connect params: ")
        assert code == 1008
        assert reason == error["message"].encode()[:120].decode(errors="ignore")


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"req","id":1,"method":"connect"}',
        '{"type":"req","id":"1","method":""}',
        '{"type":"req","id":"1","method":"connect","extra":1}',
        '{"type":"event","event":"x"}',
        "[]",
        "null",
        '"x"',
    ],
)
async def test_a_first_message_that_is_no_request(gateway: gatewire.Server, text: str) -> None:
    async with await open_caller(gateway) as caller:
        await caller.socket.send(text)
        assert await soon(caller.closed()) == (1008, "invalid request frame")


@pytest.mark.parametrize("text", ["{", "", "{}}", '{"a":01}', "\ufeff{}"])
async def test_a_first_message_that_is_no_json(gateway: gatewire.Server, text: str) -> None:
    async with await open_caller(gateway) as caller:
        await caller.socket.send(text)
        assert await soon(caller.closed()) == (1000, "")


async def test_a_first_message_above_64_kib(gateway: gatewire.Server) -> None:
    async with await open_caller(gateway) as caller:
        await caller.send({"type": "req", "id": "1", "method": "connect", "params": {"pad": "x" * 70_000}})
        assert await soon(caller.closed()) == (1009, "preauth payload too large")


async def test_a_client_that_says_nothing(certificate: Any) -> None:
    async with gatewire.serve(token=TOKEN, handshake_timeout=0.2) as server:
        async with await open_caller(server) as caller:
            assert await soon(caller.closed()) == (1000, "")


# --- after hello ---


@pytest.mark.parametrize(
    ("text", "answered"),
    [
        ('{"type":"req","id":"bad","method":""}', "bad"),
        ('{"type":"req","id":7,"method":"health"}', "invalid"),
        ('{"type":"req","id":"bad","method":"health","extra":1}', "bad"),
        ('{"type":"event","event":"x"}', "invalid"),
        ("[]", "invalid"),
    ],
)
async def test_a_frame_that_is_no_request_is_answered(gateway: gatewire.Server, text: str, answered: str) -> None:
    async with await open_caller(gateway) as caller:
        await caller.hello(TOKEN)
        await caller.socket.send(text)
        response = await soon(caller.response(answered))
        assert response["error"]["code"] == "INVALID_REQUEST"
        assert (await caller.request("health"))["ok"] is True


async def test_scopes_decide_what_may_be_called(gateway: gatewire.Server) -> None:
    async with await open_caller(gateway) as caller:
        await caller.request("connect", proven(caller, scopes=["operator.read"]))
        assert (await caller.request("sessions.list"))["ok"] is True
        params = {"sessionKey": "main", "message": "x", "idempotencyKey": "k"}
        refused = await caller.request("chat.send", params)
        assert refused["error"]["message"] == "missing scope: operator.write"
        assert refused["error"]["code"] in ("INVALID_REQUEST", "FORBIDDEN")  # before and after 2026.8


# --- HTTP and frames by hand (RFC 6455) ---


async def raw_connection(server: gatewire.Server, head: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    context = pinned_context(server.certificate)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
    writer.write(head)
    return reader, writer


UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (b"GET", b"POST", b"405"),
        (b"Upgrade: websocket\r\n", b"", b"426"),
        (b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 8", b"426"),
        (b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", b"", b"400"),
        (b"AAAAAAAAAAAAAAAAAAAAAA==", b"short", b"400"),
        (b"Host: 127.0.0.1\r\n", b"", b"400"),
        (b"HTTP/1.1", b"HTTP/1.0", b"400"),
        (b"Host", b"Bad Header", b"400"),
    ],
    ids=["method", "upgrade", "version", "no-key", "key", "host", "http", "header"],
)
async def test_bad_upgrade_requests(gateway: gatewire.Server, old: bytes, new: bytes, status: bytes) -> None:
    reader, writer = await raw_connection(gateway, UPGRADE.replace(old, new))
    line = await soon(reader.readline())
    assert line.split()[1] in ((status, b"400") if status in (b"405", b"426") else (status,))
    await soon(_to_the_end(reader))
    writer.close()


async def _to_the_end(reader: asyncio.StreamReader) -> bytes:
    data = b""
    try:
        while more := await reader.read(65536):
            data += more
    except (ConnectionError, ssl.SSLError):
        pass
    return data


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x81\x02{}", 1002),  # not masked, section 5.1
        (b"\xf1\x80\0\0\0\0", 1002),  # RSV bits, section 5.2
        (b"\x83\x80\0\0\0\0", 1002),  # reserved opcode, section 5.2
        (b"\x80\x80\0\0\0\0", 1002),  # continuation of nothing, section 5.4
        (b"\x09\x80\0\0\0\0", 1002),  # fragmented ping, section 5.5
        (b"\x81\x82\0\0\0\0\xc3\x28", 1007),  # no UTF-8, section 8.1
        (b"\x81\xff\0\0\0\0\x7f\xff\xff\xff\0\0\0\0", 1009),  # too long, section 10.4
        (b"\x88\x82\0\0\0\0\x03\xed", 1002),  # close code 1005, section 7.4.1
    ],
    ids=["unmasked", "rsv", "opcode", "continuation", "ping", "utf8", "length", "close-code"],
)
async def test_frames_that_break_websocket(gateway: gatewire.Server, frame: bytes, code: int) -> None:
    reader, writer = await raw_connection(gateway, UPGRADE)
    head = await soon(reader.readuntil(b"\r\n\r\n"))
    assert head.startswith(b"HTTP/1.1 101 ")
    writer.write(frame)
    data = await soon(_to_the_end(reader))
    writer.close()
    assert code.to_bytes(2, "big") in data
    assert data[data.index(code.to_bytes(2, "big")) - 2] == 0x88


async def test_many_peers_at_once(gateway: gatewire.Server) -> None:
    callers = await soon(asyncio.gather(*(open_caller(gateway) for _ in range(40))))
    hellos = await soon(asyncio.gather(*(caller.hello(TOKEN) for caller in callers)))
    assert all(hello["ok"] for hello in hellos)
    gateway.push("chat", {"to": "all"})
    events = await soon(asyncio.gather(*(caller.event("chat") for caller in callers)))
    assert [event["payload"] for event in events] == [{"to": "all"}] * 40
    await asyncio.gather(*(caller.socket.close() for caller in callers))


async def test_the_limit_of_connections() -> None:
    async with gatewire.serve(token=TOKEN, max_connections=2) as server:
        async with await open_caller(server), await open_caller(server):
            with pytest.raises((InvalidStatus, OSError, EOFError, ConnectionClosed)):
                await soon(open_caller(server))


async def test_a_wrong_token_leaks_nothing(gateway: gatewire.Server) -> None:
    async with await open_caller(gateway) as caller:
        params = connect_params("guess")
        Device(SEED).prove(params, caller.nonce, caller.challenge["payload"]["ts"])
        response, (_, reason) = await send_connect(caller, params)
        assert TOKEN not in json.dumps(response) + reason
        assert "guess" not in json.dumps(response) + reason
