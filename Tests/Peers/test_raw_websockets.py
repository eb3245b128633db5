"""Raw WebSockets against libraries of other people, in both roles, with and without TLS and compression."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import pytest
import pytest_asyncio
import websockets
from aiohttp_peer import AiohttpPeer
from certificates import Authority
from echo_peer import EchoConnection, EchoPeer
from programs import FOLDER, PROGRAMS, SOON, Program, started, succeeds
from websockets_peer import PicowsPeer, WebsocketsPeer

PEERS: dict[str, EchoPeer] = {
    "websockets": WebsocketsPeer(websockets),
    "picows": PicowsPeer(),
    "aiohttp": AiohttpPeer(),
}
NODE = shutil.which("node")
WS_ECHO = FOLDER / "ws_echo.js"
# Every form of a length (RFC 6455 section 5.2) and its neighbours, and more than any buffer.
SIZES = [0, 1, 125, 126, 127, 65535, 65536, 65537, 1 << 20]


@dataclass(frozen=True)
class Way:
    """How the two ends are to talk."""

    deflates: bool
    #: ours keeps the compression window between messages (RFC 7692 section 7.1.1)
    takes_over: bool
    #: certificate, key and the CA's certificate, as files
    files: Optional[tuple[str, str, str]]

    @property
    def scheme(self) -> str:
        return "wss" if self.files else "ws"

    @property
    def server_context(self) -> Optional[ssl.SSLContext]:
        if self.files is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.files[:2])
        return context

    @property
    def client_context(self) -> Optional[ssl.SSLContext]:
        return ssl.create_default_context(cafile=self.files[2]) if self.files else None

    @property
    def flags(self) -> list[str]:
        """The options of our programs."""
        return (["--takeover"] if self.takes_over else []) + ([] if self.deflates else ["--no-deflate"])

    @property
    def trust(self) -> list[str]:
        return ["--ca", self.files[2]] if self.files else []


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    folder: Path = tmp_path_factory.mktemp("certificates")
    authority = Authority(folder)
    return (*authority.issue("localhost", "127.0.0.1").files, authority.file)


@pytest.fixture(params=["plain", "deflate", "takeover"])
def compression(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["tcp", "tls"])
def way(request: pytest.FixtureRequest, compression: str, files: tuple[str, str, str]) -> Way:
    return Way(compression != "plain", compression == "takeover", files if request.param == "tls" else None)


@dataclass(frozen=True)
class EchoServer:
    """Our listener."""

    program: Program
    url: str


@pytest_asyncio.fixture
async def server(way: Way) -> AsyncIterator[EchoServer]:
    certificate = way.files[:2] if way.files else ()
    async with started(PROGRAMS / "echo_server", "--commands", *certificate, *way.flags) as program:
        yield EchoServer(program, await program.line())


@pytest.fixture(params=list(PEERS))
def peer(request: pytest.FixtureRequest) -> EchoPeer:
    return PEERS[request.param]


@pytest_asyncio.fixture
async def connection(peer: EchoPeer, server: EchoServer, way: Way) -> EchoConnection:
    return await asyncio.wait_for(peer.connect(server.url, way.client_context, way.deflates), SOON)


# --- their clients, our listener ---


async def test_messages_of_all_sizes_come_back(connection: EchoConnection, way: Way) -> None:
    assert connection.deflates == way.deflates
    for size in SIZES:
        text = ("words and more words " * (size // 21 + 1))[:size]
        for data in (text, text.encode()):
            await connection.send(data)
            assert await connection.receive() == data
    await connection.send("größer: € 🜁")
    assert await connection.receive() == "größer: € 🜁"
    await connection.close(1000, "")


async def test_parts_are_one_message(connection: EchoConnection) -> None:
    await connection.send_parts(["one ", "", "two ", "three"])
    assert await connection.receive() == "one two three"
    await connection.send("parts one two three")
    assert await connection.receive() == "onetwothree"
    await connection.close(1000, "")


async def test_pings_are_answered(connection: EchoConnection) -> None:
    await connection.ping(b"there?")
    await connection.send("ping here?")
    assert await connection.receive() == "pong here?"
    await connection.close(1000, "")


async def test_we_close(connection: EchoConnection, server: EchoServer) -> None:
    await connection.send("close 4001 that is enough")
    assert await connection.closed() == (4001, "that is enough")
    # With which code they answer is theirs to choose.
    assert (await server.program.line()).startswith("closed GW_OK clean ")


@pytest.mark.parametrize("code", [1000, 1001, 1011, 3000, 4999])
@pytest.mark.parametrize("compression", ["plain"], indirect=True)
async def test_they_close(connection: EchoConnection, server: EchoServer, code: int) -> None:
    await connection.close(code, "done")
    assert await server.program.line() == f"closed GW_ERR_CLOSED clean {code} done"


@pytest.mark.skipif(NODE is None, reason="there is no node")
async def test_a_client_of_ws(server: EchoServer, way: Way) -> None:
    await succeeds("node", WS_ECHO, "check", server.url, *_node_flags(way), *way.trust)
    assert (await server.program.line()).startswith("closed GW_OK clean 4001")
    assert await server.program.line() == "closed GW_ERR_CLOSED clean 4999 done"


# --- our client, their servers ---


async def test_a_server_of_theirs(peer: EchoPeer, way: Way) -> None:
    left_out = (peer.leave_out_with_tls if way.files else ()) + (peer.leave_out_with_deflate if way.deflates else ())
    async with peer.serve(way.server_context, way.deflates) as port:
        await _examine(way, port, *left_out)


@pytest.mark.skipif(NODE is None, reason="there is no node")
async def test_a_server_of_ws(way: Way) -> None:
    certificate = ["--tls", *way.files[:2]] if way.files else []
    async with started("node", WS_ECHO, "serve", *_node_flags(way), *certificate) as program:
        await _examine(way, int(await program.line()))


async def _examine(way: Way, port: int, *left_out: str) -> None:
    url = f"{way.scheme}://127.0.0.1:{port}/"
    await succeeds(PROGRAMS / "socket_client", url, *way.flags, *way.trust, *left_out)


def _node_flags(way: Way) -> list[str]:
    return ["--deflate"] if way.deflates else []
