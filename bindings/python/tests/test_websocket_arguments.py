"""Wrong arguments of raw WebSockets are refused by name, and options reach the library in its units."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import pytest
from helpers import soon
from websocket_peers import echo, foreign_server

import gatewire
from gatewire import _abi, websocket
from gatewire._socket_options import listener_setup, socket_setup
from gatewire.sync import websocket as blocking

URL = "ws://127.0.0.1:1"
Build = Callable[..., Any]
both = pytest.mark.parametrize("build", [lambda **o: socket_setup(URL, **o), listener_setup], ids=["connect", "serve"])


@both
def test_limits_are_those_of_the_struct(build: Build) -> None:
    limits = build(max_message_bytes=5, ping_interval=1.5, pong_timeout=math.inf, deflate_level=9).options.limits
    given = limits.contents
    assert (given.max_message_bytes, given.ping_interval_ms, given.deflate_level) == (5, 1500, 9)
    assert given.pong_timeout_ms == _abi.NEVER
    assert (given.max_fragments, given.close_timeout_ms) == (0, 0)
    assert given.struct_size > 0


@both
@pytest.mark.parametrize(
    "options, error",
    [
        ({"ping_interval": -1}, ValueError),
        ({"ping_interval": 5_000_000}, ValueError),
        ({"max_message_bytes": -1}, ValueError),
        ({"max_message_bytes": 1 << 32}, ValueError),
        ({"ping_interval_ms": 5}, TypeError),
        ({"struct_size": 5}, TypeError),
        ({"max_size": 5}, TypeError),
        ({"subprotocols": "chat"}, TypeError),
        ({"subprotocols": ["a\0b"]}, ValueError),
    ],
)
def test_options_that_are_refused_here(build: Build, options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(options))):
        build(**options)


def test_flags() -> None:
    flags = socket_setup(URL, plaintext="any", deflate=False, parts=True, need_subprotocol=True).options.flags
    assert flags == (
        _abi.SOCKET_CONTROL
        | _abi.SOCKET_PLAINTEXT_ANY
        | _abi.SOCKET_NO_DEFLATE
        | _abi.SOCKET_PARTS
        | _abi.SOCKET_NEED_SUBPROTOCOL
    )
    assert socket_setup(URL, plaintext="private").options.flags & _abi.SOCKET_PLAINTEXT_PRIVATE
    with pytest.raises(ValueError, match="plaintext"):
        socket_setup(URL, plaintext="yes")
    assert socket_setup(URL, deflate_takeover="client").options.flags & _abi.SOCKET_CLIENT_TAKEOVER
    assert not socket_setup(URL, deflate_takeover="client").options.flags & _abi.SOCKET_SERVER_TAKEOVER
    with pytest.raises(ValueError, match="deflate_takeover"):
        socket_setup(URL, deflate_takeover="both")
    flags = listener_setup(plaintext=True, deflate_takeover=True, process_request=lambda request: None).options.flags
    assert flags == (
        _abi.LISTENER_CONTROL | _abi.LISTENER_PLAINTEXT | _abi.LISTENER_DEFLATE_TAKEOVER | _abi.LISTENER_ASK
    )


@pytest.mark.parametrize(
    "url, options",
    [
        ("ftp://127.0.0.1", {}),
        ("ws://example.org", {}),
        (URL, {"pins": ["00" * 32]}),
        ("wss://127.0.0.1:1", {"pins": ["short"]}),
        ("wss://127.0.0.1:1", {"ca_file": "/nonexistent"}),
        (URL, {"headers": {"Upgrade": "x"}}),
        (URL, {"headers": {"X-Bad": "a\r\nb"}}),
        (URL, {"subprotocols": ["not a token"]}),
        (URL, {"deflate_level": 10}),
        (URL, {"client_max_window_bits": 16}),
        (URL, {"low_water_bytes": 2, "high_water_bytes": 1}),
    ],
)
def test_options_that_the_library_refuses(url: str, options: dict[str, Any], no_leaks: None) -> None:
    with pytest.raises(gatewire.UsageError) as caught:
        asyncio.run(websocket.connect(url, **options)._open())
    assert caught.value.actor in ("program", "user")
    with pytest.raises(gatewire.UsageError):
        blocking.connect(url, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"host": "localhost"},
        {"host": "0.0.0.0", "plaintext": True},
        {"certificate_file": "/nonexistent", "key_file": "/nonexistent"},
        {"port": 70_000},
    ],
)
def test_listening_that_the_library_refuses(options: dict[str, Any], no_leaks: None) -> None:
    with pytest.raises(gatewire.UsageError):
        asyncio.run(websocket.serve(echo, **options)._open())
    with pytest.raises(gatewire.UsageError):
        blocking.serve(lambda ws: None, **options)


async def test_an_address_in_use() -> None:
    async with websocket.serve(echo) as server:
        with pytest.raises(gatewire.NetworkError, match=str(server.port)):
            await websocket.serve(echo, port=server.port)


@pytest.mark.parametrize("message", [None, 5, {"a": 1}, [5], object()], ids=repr)
async def test_what_is_no_message(message: Any) -> None:
    async with foreign_server() as url, websocket.connect(url) as ws:
        with pytest.raises(TypeError):
            await ws.send(message)
        await ws.send("x")
        assert await soon(ws.recv()) == "x"


async def test_text_that_is_not_utf_8_is_not_sent() -> None:
    async with foreign_server() as url, websocket.connect(url) as ws:
        with pytest.raises(gatewire.WebSocketError, match="UTF-8"):
            await ws.send(b"\xff", text=True)
        with pytest.raises(UnicodeEncodeError):
            await ws.send("\ud800")
        await ws.send("x")
        assert await soon(ws.recv()) == "x"


@pytest.mark.parametrize("code, reason", [(999, ""), (1004, ""), (1005, ""), (1006, ""), (5000, ""), (1000, "x" * 124)])
async def test_close_codes_and_reasons_that_must_not_be_sent(code: int, reason: str) -> None:
    """RFC 6455 sections 5.5 and 7.4."""
    async with foreign_server() as url, websocket.connect(url) as ws:
        with pytest.raises(gatewire.UsageError):
            await ws.close(code, reason)
        await ws.send("x")
        assert await soon(ws.recv()) == "x"


async def test_headers_are_found_in_any_case() -> None:
    headers = websocket.Headers([("X-A", "1"), ("x-b", "2"), ("x-a", "3")])
    assert headers["X-a"] == "1, 3"
    assert headers.get_all("X-A") == ["1", "3"]
    assert headers.get("c") is None
    assert "X-B" in headers
    assert list(headers) == ["x-a", "x-b"]
    assert len(headers) == 2
    assert headers.pairs[0] == ("X-A", "1")
