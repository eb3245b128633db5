"""What is thought of a TLS server, by what it shows and does, and that one which is not believed is told nothing."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import ssl
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Optional

import pytest
from helpers import TOKEN, failure, soon
from hostile_tls import NAME, WEAK, Certificates, Script, Server, Shown, context_of, running, s_server, serve, show

import gatewire
from gatewire import Trust, websocket
from gatewire._options import client_setup

WRONG = "key:" + "01" * 32
#: It was believed: the request was sent, and nobody answered it.
BELIEVED = "GW_ERR_UPGRADE_TIMEOUT"


@dataclass(frozen=True)
class Verdict:
    """What a client that wants `mode`, the pin and perhaps a CA says to a server that shows `shown`."""

    name: str
    shown: str
    wanted: str
    #: "key:NAME" or "cert:NAME" of what the server of that name shows
    pin: Optional[str] = None
    mode: Optional[str] = None
    uses_ca: bool = True

    def options(self, certificates: Certificates) -> dict[str, Any]:
        options: dict[str, Any] = {"trust": Trust(mode=self.mode), "token": TOKEN, "upgrade_timeout": 0.1}
        if self.uses_ca:
            options["ca_file"] = certificates.ca
        if self.pin is not None:
            kind, _, name = self.pin.partition(":")
            pin = WRONG
            if name:
                pin = certificates[name].key_pin if kind == "key" else certificates[name].pin
            options["pins"] = [pin]
        return options


VERDICTS = [
    Verdict("right CA and name", "good", BELIEVED),
    Verdict("right pin", "good", BELIEVED, pin="key:good", uses_ca=False),
    Verdict("wrong pin", "good", "GW_ERR_TLS_PIN", pin="wrong"),
    Verdict("wrong pin, right CA wanted too", "good", "GW_ERR_TLS_PIN", pin="wrong", mode="pin-and-ca"),
    Verdict("renewed with the same key", "renewed", BELIEVED, pin="key:good"),
    Verdict("renewed, certificate pinned", "renewed", "GW_ERR_TLS_PIN", pin="cert:good"),
    Verdict("wrong name", "other", "GW_ERR_TLS_NAME"),
    Verdict("expired", "expired", "GW_ERR_TLS_EXPIRED"),
    Verdict("not yet valid", "early", "GW_ERR_TLS_EXPIRED"),
    Verdict("expired, pinned and CA", "expired", "GW_ERR_TLS_EXPIRED", pin="key:expired", mode="pin-and-ca"),
    Verdict("expired, pinned alone", "expired", BELIEVED, pin="key:expired"),
    Verdict("foreign CA", "foreign", "GW_ERR_TLS_CHAIN"),
    Verdict("self-signed", "self", "GW_ERR_TLS_CHAIN"),
    Verdict("self-signed, pinned", "self", BELIEVED, pin="key:self", uses_ca=False),
    Verdict("weak key", "weak", "GW_ERR_TLS_CHAIN"),
    Verdict("weak key, pinned", "weak", "GW_ERR_TLS_CHAIN", pin="key:weak"),
    Verdict("eight CAs between", "deep", BELIEVED),
    Verdict("sixty certificates too many", "long", BELIEVED),
    Verdict("more than 100 KiB of certificates", "huge", "GW_ERR_TLS"),
    Verdict("more than 100 KiB of certificates, pinned", "huge", "GW_ERR_TLS", pin="key:good"),
]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("tls"))


def check(verdict: str, server: Server) -> None:
    """Whoever is believed gets the request first, whoever is not gets nothing."""
    if verdict == BELIEVED:
        assert server.received.startswith(b"GET / HTTP/1.1\r\n")
        assert server.received.count(b"\r\n\r\n") == 1
    else:
        assert server.received == b""


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("verdict", VERDICTS, ids=lambda verdict: verdict.name)
async def test_s_server(verdict: Verdict, version: str, certificates: Certificates) -> None:
    flag = "-tls1_2" if version == "1.2" else "-tls1_3"
    async with s_server(certificates[verdict.shown], flag, "-cipher", WEAK) as server:
        error = await failure(server.url, **verdict.options(certificates))
    assert error.status_name == verdict.wanted, error
    check(verdict.wanted, server)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("verdict", VERDICTS, ids=lambda verdict: verdict.name)
async def test_python_with_trustme(verdict: Verdict, version: str, certificates: Certificates) -> None:
    context = context_of(certificates[verdict.shown])
    context.maximum_version = ssl.TLSVersion.TLSv1_2 if version == "1.2" else ssl.TLSVersion.TLSv1_3
    async with running(serve(context)) as [server]:
        error = await failure(server.url, **verdict.options(certificates))
    assert error.status_name == verdict.wanted, error
    check(verdict.wanted, server)


async def test_no_common_protocol(certificates: Certificates) -> None:
    """RFC 7301 section 3.2: `s_server` ends the handshake with an alert."""
    async with s_server(certificates["good"], "-alpn", "h2") as server:
        error = await failure(server.url, ca_file=certificates.ca, token=TOKEN)
    assert error.status_name == "GW_ERR_TLS_ALPN"
    assert server.received == b""


async def test_a_protocol_that_the_server_passes_over(certificates: Certificates) -> None:
    """RFC 7301 section 3.2: Python answers without the extension, which leaves HTTP/1.1."""
    async with running(serve(context_of(certificates["good"], alpn=["h2"]))) as [server]:
        error = await failure(server.url, ca_file=certificates.ca, token=TOKEN, upgrade_timeout=0.1)
    assert error.status_name == BELIEVED
    check(BELIEVED, server)


# --- handshakes that are cut ---


def first_flight(context: ssl.SSLContext, hello: bytes) -> bytes:
    """What a server answers to a ClientHello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    incoming.write(hello)
    tls = context.wrap_bio(incoming, outgoing, server_side=True)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def cut(context: ssl.SSLContext, part: float) -> Script:
    """So much of the first flight, then the end; what follows is noted as it comes."""

    def script(connection: Any, server: Server) -> None:
        flight = first_flight(context, connection.recv(65536))
        connection.sendall(flight[: int(len(flight) * part)])
        connection.shutdown(1)
        while data := connection.recv(65536):
            server.received += data

    return script


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("part", [0, 0.002, 0.1, 0.5, 0.99])
async def test_an_early_end_and_a_record_that_is_cut(part: float, version: str, certificates: Certificates) -> None:
    context = context_of(certificates["good"])
    context.maximum_version = ssl.TLSVersion.TLSv1_2 if version == "1.2" else ssl.TLSVersion.TLSv1_3
    async with running(cut(context, part)) as [server]:
        error = await failure(server.url, ca_file=certificates.ca, token=TOKEN)
    assert error.status_name == "GW_ERR_TLS"
    assert error.retryable
    # An alert at most (RFC 8446 section 6): no record of application data.
    assert b"\x17\x03\x03" not in server.received


async def test_an_end_before_the_first_byte(certificates: Certificates) -> None:
    async with running(lambda connection, server: None) as [server]:
        error = await failure(server.url, ca_file=certificates.ca, token=TOKEN)
    assert error.status_name in {"GW_ERR_TLS", "GW_ERR_LOST"}
    assert error.retryable
    assert server.received == b""


# --- a second handshake ---


@asynccontextmanager
async def steered(shown: Shown) -> AsyncIterator[tuple[str, Process]]:
    """`s_server` with TLS 1.2 that takes commands from its input and says what it does."""
    command = ["openssl", "s_server", "-accept", f"{NAME}:0", "-naccept", "1", "-tls1_2"]
    command += ["-cert", str(shown.certificate), "-key", str(shown.key)]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=STDOUT)
    try:
        yield f"wss://{(await said(process, rb'ACCEPT (.+)')).decode()}", process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def said(process: Process, pattern: bytes) -> bytes:
    """What a group of the first line that matches has."""
    assert process.stdout is not None
    while line := await soon(process.stdout.readline()):
        if match := re.match(pattern, line.rstrip()):
            return match[1]
    raise AssertionError(f"it never said {pattern!r}")


async def test_renegotiation_is_refused(certificates: Certificates) -> None:
    """RFC 5246 section 7.2.2: a client may refuse it with no_renegotiation; no second certificate is looked at."""
    async with steered(certificates["good"]) as (url, process):
        assert process.stdin is not None
        assert process.stdout is not None
        opening = asyncio.create_task(websocket.connect(url, ca_file=certificates.ca).__aenter__())
        key = await said(process, rb"Sec-WebSocket-Key: (.+)")
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        process.stdin.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        ws = await soon(opening)
        process.stdin.write(b"r\n")
        rest = await soon(process.stdout.read())
        assert b"no renegotiation" in rest, rest
        with pytest.raises(gatewire.GatewireError) as caught:
            await soon(ws.recv())
    assert caught.value.status_name == "GW_ERR_TLS"


# --- sessions ---


@pytest.mark.parametrize("version", ["1.2", "1.3"])
async def test_a_session_is_resumed_past_a_new_certificate_and_a_full_handshake_is_not(
    version: str, certificates: Certificates
) -> None:
    """RFC 8446 section 2.2: who resumes shows no certificate and has the secret of the one that was believed."""
    old, new = context_of(certificates["good"]), context_of(certificates["self"])
    for context in (old, new):
        context.maximum_version = ssl.TLSVersion.TLSv1_2 if version == "1.2" else ssl.TLSVersion.TLSv1_3
    reused = []

    def changes(connection: Any, server: Server) -> None:
        show(old, certificates["self"])
        with old.wrap_socket(connection, server_side=True) as tls:
            reused.append(tls.session_reused)
            server.received += tls.recv(65536)

    async with running(serve(old, head_only=True), changes, serve(new)) as servers:
        setup = client_setup(
            servers[0].url,
            pins=[certificates["good"].key_pin],
            token=TOKEN,
            reconnect_initial=0.001,
            reconnect_max=0.001,
        )
        notices = await soon(collected(gatewire.Client(setup)))
    assert [getattr(notice, "error").status_name for notice in notices] == [  # noqa: B009
        "GW_ERR_LOST",
        "GW_ERR_LOST",
        "GW_ERR_TLS_PIN",
    ]
    assert reused == [True]
    for server in servers[:2]:
        assert server.received.startswith(b"GET / HTTP/1.1\r\n")
    assert servers[2].received == b""


async def collected(client: gatewire.Client) -> list[gatewire.Notice]:
    return [notice async for notice in client.notices()]
