"""Gateways that misbehave: each failure ends in one event that says what, who must act and whether a retry can help."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from certificates import Certificate
from gateway_double import GatewayDouble, Settings
from helpers import TOKEN, attempt, failure, soon, until
from websockets.utils import accept_key

import gatewire

# Who can mend it, by the gateway's detail code; the codes of section 5.4 of the protocol that a client can meet.
DETAIL_CODES = [
    "AUTH_REQUIRED",
    "AUTH_UNAUTHORIZED",
    "AUTH_TOKEN_MISSING",
    "AUTH_TOKEN_MISMATCH",
    "AUTH_TOKEN_NOT_CONFIGURED",
    "AUTH_PASSWORD_MISSING",
    "AUTH_PASSWORD_MISMATCH",
    "AUTH_PASSWORD_NOT_CONFIGURED",
    "AUTH_BOOTSTRAP_TOKEN_INVALID",
    "AUTH_DEVICE_TOKEN_MISMATCH",
    "AUTH_SCOPE_MISMATCH",
    "AUTH_RATE_LIMITED",
    "CONTROL_UI_ORIGIN_NOT_ALLOWED",
    "DEVICE_IDENTITY_REQUIRED",
    "DEVICE_AUTH_INVALID",
    "DEVICE_AUTH_DEVICE_ID_MISMATCH",
    "DEVICE_AUTH_SIGNATURE_EXPIRED",
    "DEVICE_AUTH_NONCE_REQUIRED",
    "DEVICE_AUTH_NONCE_MISMATCH",
    "DEVICE_AUTH_SIGNATURE_INVALID",
    "DEVICE_AUTH_PUBLIC_KEY_INVALID",
    "PAIRING_REQUIRED",
    "CLIENT_VERSION_MISMATCH",
]


def ended_by(notices: list[gatewire.Notice]) -> gatewire.GatewireError:
    """Why a client has ended."""
    closed = notices[-1]
    assert isinstance(closed, gatewire.Closed)
    assert closed.error is not None
    assert closed.error.text
    return closed.error


async def warnings_of(client: gatewire.Client) -> AsyncIterator[Any]:
    """The warnings that a client was given, up to its end."""
    async for notice in client.notices():
        if isinstance(notice, gatewire.Warned):
            assert notice.text
            yield notice


async def test_refused_upgrade_gives_status_headers_and_body() -> None:
    body = "Too many unauthenticated sockets"
    faults: dict[str, Any] = {
        "refuse": 503,
        "refuse_body": body,
        "refuse_headers": {"X-Reason": "budget", "Retry-After": "7"},
    }
    async with GatewayDouble(**faults) as double:
        error = await failure(double.url, token=TOKEN)
    assert isinstance(error, gatewire.UpgradeError)
    assert (error.status_name, error.code) == ("GW_ERR_UPGRADE_REFUSED", 503)
    assert error.retryable
    assert error.actor == "operator"
    assert error.details["status"] == 503
    assert error.details["body"] == body
    headers = {name.lower(): value for name, value in error.details["headers"]}
    assert headers["x-reason"] == "budget"


async def test_refused_upgrade_gives_at_most_64_kib_of_body() -> None:
    async with GatewayDouble(refuse=404, refuse_body="y" * 200_000) as double:
        error = await failure(double.url, token=TOKEN)
    assert error.code == 404
    assert error.details["body"] == "y" * 65_536


async def test_redirects_are_not_followed() -> None:
    async with GatewayDouble() as target:
        faults: dict[str, Any] = {"refuse": 302, "refuse_headers": {"Location": target.url}}
        async with GatewayDouble(**faults) as double:
            error = await failure(double.url, token=TOKEN)
        assert error.code == 302
        assert target.journal == []


async def test_no_challenge() -> None:
    async with GatewayDouble(no_challenge=True) as double:
        error = await failure(double.url, token=TOKEN, challenge_timeout=0.1)
        assert isinstance(error, gatewire.HandshakeTimeoutError)
        assert (error.status_name, error.retryable) == ("GW_ERR_CHALLENGE_TIMEOUT", True)
        await double.until(lambda: double.entries("closed"))
        (closed,) = double.entries("closed")
        assert (closed["code"], closed["reason"]) == (1008, "connect challenge timeout")


@pytest.mark.parametrize("fault", ["challenge_without_nonce", "challenge_blank_nonce"])
async def test_challenge_without_a_nonce(fault: str) -> None:
    async with GatewayDouble(None, **{fault: True}) as double:
        error = await failure(double.url, token=TOKEN)
        assert (error.status_name, error.actor) == ("GW_ERR_CHALLENGE", "operator")
        await double.until(lambda: double.entries("closed"))
        (closed,) = double.entries("closed")
        assert (closed["code"], closed["reason"]) == (1008, "connect challenge missing nonce")
        assert double.received() == []


async def test_never_hello() -> None:
    async with GatewayDouble(Settings(token=TOKEN), never_hello=True) as double:
        error = await failure(double.url, token=TOKEN, hello_timeout=0.1)
        assert isinstance(error, gatewire.HandshakeTimeoutError)
        assert (error.status_name, error.retryable) == ("GW_ERR_HELLO_TIMEOUT", True)
        await double.until(lambda: double.entries("closed"))
        (closed,) = double.entries("closed")
        assert (closed["code"], closed["reason"]) == (4000, "connect timeout")


@pytest.mark.parametrize("hello", ["text", 7, [], {"type": "hello-ok", "protocol": "four"}], ids=str)
async def test_hello_that_is_none(hello: Any) -> None:
    async with GatewayDouble(Settings(token=TOKEN), bad_hello=hello) as double:
        error = await failure(double.url, token=TOKEN)
        assert error.status_name in ("GW_ERR_HELLO", "GW_ERR_PROTOCOL_RANGE")
        assert error.actor == "operator"


async def test_hello_too_large_names_both_numbers() -> None:
    async with GatewayDouble(Settings(token=TOKEN, deflate=False), hello_too_large=100_000) as double:
        error = await failure(double.url, token=TOKEN, max_message_bytes=65_536)
        assert (error.status_name, error.retryable) == ("GW_ERR_TOO_BIG", False)
        assert "65536" in error.text
        await double.until(lambda: double.entries("closed"))
        assert double.entries("closed")[0]["code"] == 1009


async def test_a_compressed_hello_too_large_is_stopped_while_inflating() -> None:
    async with GatewayDouble(Settings(token=TOKEN), hello_too_large=20_000_000) as double:
        error = await failure(double.url, token=TOKEN, max_message_bytes=65_536)
        assert error.status_name == "GW_ERR_TOO_BIG"
        assert "65536" in error.text


async def test_wrong_token() -> None:
    async with GatewayDouble(Settings(token=TOKEN)) as double:
        error = await failure(double.url, token="wrong")
        assert (error.status_name, error.name) == ("GW_ERR_CONNECT_REJECTED", "AUTH_TOKEN_MISMATCH")
        assert (error.actor, error.retryable) == ("user", False)
        assert "token mismatch" in error.text
        assert error.details["code"] == "AUTH_TOKEN_MISMATCH"


@pytest.mark.parametrize("code", DETAIL_CODES)
async def test_each_detail_code_is_named(code: str) -> None:
    async with GatewayDouble(reject=code) as double:
        error = await failure(double.url, token=TOKEN)
        assert (error.status_name, error.name) == ("GW_ERR_CONNECT_REJECTED", code)
        assert error.actor in ("user", "operator", "program", "none")
        assert error.details["code"] == code


async def test_pairing_required_gives_the_request_id() -> None:
    async with GatewayDouble(Settings(token=TOKEN, pairing=True)) as double:
        error = await failure(double.url, token=TOKEN)
        assert (error.name, error.actor, error.retryable) == ("PAIRING_REQUIRED", "user", False)
        assert error.details["requestId"] == "req-1"


async def test_no_common_protocol_names_both_ranges() -> None:
    async with GatewayDouble(Settings(token=TOKEN)) as double:
        error = await failure(double.url, token=TOKEN, max_protocol=3)
        assert (error.status_name, error.retryable) == ("GW_ERR_PROTOCOL_RANGE", False)
        assert "4" in error.text
        assert "3" in error.text


@pytest.mark.parametrize(("fault", "after"), [("starting", 0.5), ("restarting", 1.0)])
async def test_a_gateway_that_is_not_ready_says_when_to_come_again(fault: str, after: float) -> None:
    async with GatewayDouble(None, **{fault: True}) as double:
        error = await failure(double.url, token=TOKEN)
        assert (error.status_name, error.retryable) == ("GW_ERR_CONNECT_REJECTED", True)
        assert error.retry_after == after


async def test_a_restart_is_a_close_with_1012() -> None:
    async with GatewayDouble(Settings(token=TOKEN), restart=1500) as double:
        notices = await soon(attempt(double.url, token=TOKEN))
        assert [type(notice) for notice in notices] == [gatewire.Connected, gatewire.Closed]
        error = ended_by(notices)
        assert (error.status_name, error.code, error.retryable) == ("GW_ERR_CLOSED", 1012, True)


async def test_broken_json_is_a_warning_and_the_connection_goes_on() -> None:
    async with GatewayDouble(Settings(token=TOKEN), broken_json=True) as double:
        async with gatewire.connect(double.url, token=TOKEN) as client:
            assert await client.call("echo", 1) == 1
        assert [warning.error.status_name async for warning in warnings_of(client)] == ["GW_ERR_JSON"]


async def test_an_answer_to_an_unknown_id_is_a_warning() -> None:
    async with GatewayDouble(Settings(token=TOKEN), unknown_id=True) as double:
        async with gatewire.connect(double.url, token=TOKEN) as client:
            assert await client.call("echo", 1) == 1
        assert [warning.error.status_name async for warning in warnings_of(client)] == ["GW_ERR_UNKNOWN_ID"]


async def test_a_gateway_without_ticks_is_given_up() -> None:
    async with GatewayDouble(Settings(token=TOKEN, tick_interval_ms=100), silent_ticks=True) as double:
        notices = await soon(attempt(double.url, token=TOKEN))
        assert [type(notice) for notice in notices] == [gatewire.Connected, gatewire.Closed]
        error = ended_by(notices)
        assert isinstance(error, gatewire.TickTimeoutError)
        assert (error.retryable, error.actor) == (True, "network")
        await double.until(lambda: double.entries("closed"))
        assert double.entries("closed")[0]["code"] == 4000


async def test_ticks_keep_a_quiet_connection() -> None:
    async with GatewayDouble(Settings(token=TOKEN, tick_interval_ms=50)) as double:
        async with gatewire.connect(double.url, token=TOKEN) as client:
            await until(client.events(), lambda event: event.sequence == 8)
            assert client.state().connections == 1


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("how", ["reset", "close"])
@pytest.mark.parametrize("phase", ["accept", "upgrade", "challenge", "connect", "hello", "ready"])
async def test_a_connection_cut_in_any_phase(phase: str, how: str, tls: bool, certificate: Certificate) -> None:
    settings = Settings(token=TOKEN, tls=certificate.files if tls else None)
    async with GatewayDouble(settings, cut=phase, cut_how=how) as double:
        notices = await soon(attempt(double.url, token=TOKEN, pins=[certificate.pin] if tls else None))
        expected = [gatewire.Connected, gatewire.Closed] if phase == "ready" else [gatewire.Closed]
        assert [type(notice) for notice in notices] == expected
        error = ended_by(notices)
        assert (error.retryable, error.actor) == (True, "network")
        assert error.text


@pytest.mark.parametrize("phase_bytes", range(0, 1200, 37))
async def test_a_connection_cut_after_any_number_of_bytes(phase_bytes: int, certificate: Certificate) -> None:
    settings = Settings(token=TOKEN, tls=certificate.files)
    async with GatewayDouble(settings, cut_to_client=phase_bytes) as double:
        notices = await soon(attempt(double.url, token=TOKEN, pins=[certificate.pin]))
        assert len(notices) <= 2
        assert ended_by(notices).retryable


@pytest.mark.parametrize(
    ("phase", "status"),
    [
        ("accept", "GW_ERR_TLS_TIMEOUT"),
        ("upgrade", "GW_ERR_UPGRADE_TIMEOUT"),
        ("connect", "GW_ERR_HELLO_TIMEOUT"),
    ],
)
async def test_a_connection_that_falls_silent(phase: str, status: str, certificate: Certificate) -> None:
    settings = Settings(token=TOKEN, tls=certificate.files)
    async with GatewayDouble(settings, cut=phase, cut_how="hold") as double:
        error = await failure(
            double.url,
            token=TOKEN,
            pins=[certificate.pin],
            tls_timeout=0.2,
            upgrade_timeout=0.2,
            challenge_timeout=0.2,
            hello_timeout=0.2,
            close_timeout=0.2,
        )
        assert isinstance(error, TimeoutError)
        assert (error.status_name, error.retryable) == (status, True)
        assert error.actor in ("network", "operator")


async def test_nobody_listens(unused_tcp_port: int) -> None:
    error = await failure(f"ws://127.0.0.1:{unused_tcp_port}", token=TOKEN)
    assert isinstance(error, gatewire.NetworkError)
    assert isinstance(error, ConnectionError)
    assert (error.status_name, error.actor, error.retryable) == ("GW_ERR_CONNECT", "network", True)
    assert str(unused_tcp_port) in error.text


async def test_a_name_without_an_address() -> None:
    error = await failure("wss://no-such-host.invalid", token=TOKEN)
    assert (error.status_name, error.actor) == ("GW_ERR_RESOLVE", "network")
    assert "no-such-host.invalid" in error.text


async def test_a_peer_that_never_answers_the_upgrade(unused_tcp_port: int) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", unused_tcp_port):
        error = await failure(f"ws://127.0.0.1:{unused_tcp_port}", token=TOKEN, upgrade_timeout=0.1)
        assert isinstance(error, gatewire.UpgradeTimeoutError)
        assert error.retryable


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"\0\0\0\0\0\0\0\0\r\n\r\n",
        b"HTTP/1.1 101 " + b"x" * 200_000,
    ],
    ids=["ssh", "accept", "no-headers", "binary", "endless"],
)
async def test_a_peer_that_is_no_websocket_server(unused_tcp_port: int, answer: bytes) -> None:
    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(answering, "127.0.0.1", unused_tcp_port):
        error = await failure(f"ws://127.0.0.1:{unused_tcp_port}", token=TOKEN, upgrade_timeout=2)
        assert error.status_name == "GW_ERR_UPGRADE_INVALID"


@pytest.mark.parametrize(
    ("frame", "status"),
    [
        (b"\x81\x81\0\0\0\0x", "GW_ERR_PROTOCOL"),  # masked, RFC 6455 section 5.1
        (b"\xc1\x01x", "GW_ERR_PROTOCOL"),  # RSV1 without an extension, section 5.2
        (b"\x83\x00", "GW_ERR_PROTOCOL"),  # reserved opcode, section 5.2
        (b"\x81\x02\xc3\x28", "GW_ERR_UTF8"),  # section 8.1
        (b"\x89\x7e\x00\x80" + b"x" * 128, "GW_ERR_PROTOCOL"),  # control frame above 125 bytes, section 5.5
        (b"\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", "GW_ERR_TOO_BIG"),
        (b"\x88\x01\x03", "GW_ERR_PROTOCOL"),  # close with one byte, section 5.5.1
    ],
    ids=["masked", "rsv1", "opcode", "utf8", "control", "length", "close"],
)
async def test_frames_that_break_websocket(unused_tcp_port: int, frame: bytes, status: str) -> None:
    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(upgrade_answer(head) + frame)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(answering, "127.0.0.1", unused_tcp_port):
        error = await failure(f"ws://127.0.0.1:{unused_tcp_port}", token=TOKEN, close_timeout=0.2)
        assert error.status_name == status
        assert error.actor == ("program" if status == "GW_ERR_TOO_BIG" else "operator")


def upgrade_answer(head: bytes) -> bytes:
    """The answer to an upgrade request, RFC 6455 section 4.2.2, without extensions."""
    lines = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
    key = next(value.strip() for name, _, value in lines if name.lower() == b"sec-websocket-key")
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept_key(key.decode()).encode() + b"\r\n\r\n"
    )
