"""The raw WebSocket client for asyncio, against Python `websockets`."""

from __future__ import annotations

import asyncio
import http
from collections.abc import AsyncIterator
from typing import Any

import pytest
from certificates import Authority, Certificate
from conftest import both_loops as event_loop_policy  # noqa: F401, every test runs on both loops
from helpers import soon
from websocket_peers import foreign_server
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

import gatewire
from gatewire import websocket


async def test_text_and_binary_come_back(certificate: Certificate) -> None:
    async with foreign_server(certificate=certificate) as url:
        async with websocket.connect(url, pins=[certificate.pin]) as ws:
            for message in ["", "grüß dich \U0001f600", b"", b"\x00\xff", "x" * 300_000, bytes(300_000)]:
                await ws.send(message)
                assert await soon(ws.recv()) == message
            state = ws.state()
            assert (state.phase, state.tls, state.deflate) == ("ready", True, True)
    assert ws.closed
    assert ws.state().phase == "closed"


async def test_views_are_sent_as_the_bytes_that_they_show() -> None:
    async with foreign_server() as url, websocket.connect(url) as ws:
        for message in [bytearray(b"abc"), memoryview(b"xabcx")[1:4], memoryview(b"a-b-c")[::2]]:
            await ws.send(message)
            assert await soon(ws.recv()) == b"abc"


async def test_text_decides_the_kind_and_decode_the_type() -> None:
    async with foreign_server() as url, websocket.connect(url) as ws:
        await ws.send("ü".encode(), text=True)
        assert await soon(ws.recv()) == "ü"
        await ws.send("ü", text=False)
        assert await soon(ws.recv()) == "ü".encode()
        await ws.send("ü")
        assert await soon(ws.recv(decode=False)) == "ü".encode()
        await ws.send("ü".encode())
        assert await soon(ws.recv(decode=True)) == "ü"


async def test_an_iterable_is_one_message_in_fragments() -> None:
    """RFC 6455 section 5.4."""
    seen: list[list[Any]] = []

    async def handler(connection: ServerConnection) -> None:
        for _ in range(2):
            seen.append([part async for part in connection.recv_streaming()])
        await connection.send("done")

    async def parts() -> AsyncIterator[str]:
        yield "one "
        await asyncio.sleep(0)
        yield "two"

    async with foreign_server(handler) as url, websocket.connect(url) as ws:
        await ws.send(parts())
        await ws.send([b"\x00", b"\x01"])
        await ws.send([])
        assert await soon(ws.recv()) == "done"
    assert seen == [["one ", "two", ""], [b"\x00", b"\x01", b""]]


@pytest.mark.parametrize("parts", [False, True])
async def test_fragments_of_the_peer_are_one_message(parts: bool) -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.send(["gr", "ü", "ß"])
        await connection.send([b"\x00", b"\x01"])
        await connection.wait_closed()

    async with foreign_server(handler) as url, websocket.connect(url, parts=parts) as ws:
        assert await soon(ws.recv()) == "grüß"
        assert await soon(ws.recv()) == b"\x00\x01"


@pytest.mark.parametrize("parts", [False, True])
async def test_recv_streaming_gives_all_of_a_message(parts: bool) -> None:
    text = "aß\U0001f600" * 100_000

    async with foreign_server(max_size=None) as url, websocket.connect(url, parts=parts) as ws:
        await ws.send(text)
        await ws.send(b"next")
        received = [part async for part in ws.recv_streaming()]
        assert "".join(part for part in received if isinstance(part, str)) == text
        assert (len(received) > 1) == parts
        assert await soon(ws.recv()) == b"next"
        await ws.send(text)
        raw = [part async for part in ws.recv_streaming(decode=False)]
        assert b"".join(part for part in raw if isinstance(part, bytes)) == text.encode()


async def test_the_parts_of_a_message_are_read_to_its_end() -> None:
    async with foreign_server() as url, websocket.connect(url) as ws:
        await ws.send("one")
        await ws.send("two")
        stream = ws.recv_streaming()
        assert [part async for part in stream] == ["one"]
        assert await soon(ws.recv()) == "two"


async def test_a_ping_is_answered_with_its_payload() -> None:
    """RFC 6455 sections 5.5.2 and 5.5.3."""
    async with foreign_server() as url, websocket.connect(url) as ws:
        pongs = [await ws.ping(), await ws.ping(b"mine"), await ws.ping("text")]
        latencies = await soon(asyncio.gather(*pongs))
        assert all(0 < latency < 10 for latency in latencies)
        with pytest.raises(ValueError, match="at most 125"):
            await ws.ping(bytes(126))


async def test_a_pong_answers_older_pings_too() -> None:
    """RFC 6455 section 5.5.3: an endpoint may answer only the most recent ping."""

    async def handler(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.pong(b"second")
        await connection.wait_closed()

    async with foreign_server(handler) as url, websocket.connect(url, close_timeout=0.2) as ws:
        pings = [await ws.ping(b"first"), await ws.ping(b"second"), await ws.ping(b"third")]
        await ws.send("go")
        await soon(asyncio.gather(*pings))


async def test_a_ping_that_waits_may_not_be_sent_twice() -> None:
    async with foreign_server() as url, websocket.connect(url) as ws:
        pong = await ws.ping(b"same")
        with pytest.raises(ValueError, match="same data"):
            await ws.ping(b"same")
        await soon(pong)
        await soon(await ws.ping(b"same"))


async def test_latency_is_that_of_keepalive_pings() -> None:
    async with foreign_server() as url, websocket.connect(url, ping_interval=0.02) as ws:
        assert ws.latency is None

        async def measured() -> float:
            while ws.latency is None:
                await asyncio.sleep(0.005)
            return ws.latency

        assert 0 < await soon(measured()) < 10


async def test_headers_and_subprotocol_of_the_upgrade() -> None:
    seen: list[Request] = []

    def request(connection: ServerConnection, request: Request) -> None:
        seen.append(request)

    def response(connection: ServerConnection, request: Request, response: Response) -> None:
        response.headers["X-Reply"] = "yes"

    async with foreign_server(subprotocols=["b", "a"], process_request=request, process_response=response) as url:
        headers = [("Origin", "https://example.org"), ("Cookie", "a=1"), ("X-Many", "1"), ("X-Many", "2")]
        async with websocket.connect(f"{url}/path?q=1", headers=headers, subprotocols=["a", "b"]) as ws:
            assert ws.subprotocol == "b"
            assert ws.headers["x-reply"] == "yes"
            assert "Sec-WebSocket-Accept" in ws.headers
    async with foreign_server(process_request=request) as url:
        async with websocket.connect(url.replace("//", "//user:secret@"), headers={"Origin": "null"}) as ws:
            assert ws.subprotocol is None
    assert seen[0].path == "/path?q=1"
    assert seen[0].headers["Origin"] == "https://example.org"
    assert seen[0].headers["Cookie"] == "a=1"
    assert seen[0].headers.get_all("X-Many") == ["1", "2"]
    assert seen[1].headers["Authorization"].startswith("Basic ")


async def test_a_server_without_a_needed_subprotocol_is_refused() -> None:
    async with foreign_server() as url:
        with pytest.raises(gatewire.UpgradeError):
            await soon(websocket.connect(url, subprotocols=["a"], need_subprotocol=True)._open())


async def test_a_refused_upgrade_tells_status_headers_and_body() -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        response = connection.respond(http.HTTPStatus.FORBIDDEN, "not you\n")
        response.headers["X-Why"] = "because"
        return response

    async with foreign_server(process_request=refuse) as url:
        with pytest.raises(gatewire.UpgradeError) as caught:
            await websocket.connect(url)
    assert caught.value.code == 403
    assert caught.value.details["status"] == 403
    assert caught.value.details["body"] == "not you\n"
    assert ["X-Why", "because"] in caught.value.details["headers"]


async def test_a_wrong_pin_is_refused_before_anything_is_sent(certificate: Certificate) -> None:
    async with foreign_server(certificate=certificate) as url:
        with pytest.raises(gatewire.PinError) as caught:
            await websocket.connect(url, pins=["00" * 32])
    assert caught.value.details["seen"] == [certificate.pin]


async def test_a_ca_file_and_a_server_name(authority: Authority, certificate: Certificate) -> None:
    async with foreign_server(certificate=certificate) as url:
        async with websocket.connect(url, ca_file=authority.file, server_name="localhost") as ws:
            await ws.send("x")
            assert await soon(ws.recv()) == "x"
        with pytest.raises(gatewire.TLSError):
            await websocket.connect(url, ca_file=authority.file, server_name="elsewhere.example")


@pytest.mark.parametrize("takeover", [None, 0])
async def test_who_does_the_input_and_output_makes_no_difference(takeover: Any) -> None:
    async with foreign_server() as url, websocket.connect(url, takeover=takeover) as ws:
        for number in range(100):
            await ws.send(str(number))
        assert [await soon(ws.recv()) for _ in range(100)] == [str(number) for number in range(100)]
