"""Who is at the other end: pins, chain, name, validity.  No byte of ours reaches a server that fails."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from certificates import Authority, Certificate
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from helpers import TOKEN, failure

import gatewire

WRONG_PIN = "ab" * 32


class CountingServer:
    """A TLS server that counts the application bytes it is given."""

    def __init__(self, certificate: Certificate) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*certificate.files)
        self.received = 0
        self.handshakes = 0
        self.ended = asyncio.Event()
        self.url = ""

    async def start(self) -> asyncio.Server:
        # The protocol is called once TLS is up; an attempt that fails in the handshake never gets there.
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Counter(self), "127.0.0.1", 0, ssl=self._context)
        self.url = f"wss://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return server


class _Counter(asyncio.Protocol):
    def __init__(self, owner: CountingServer) -> None:
        self._owner = owner

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._owner.handshakes += 1

    def data_received(self, data: bytes) -> None:
        self._owner.received += len(data)

    def connection_lost(self, error: object) -> None:
        self._owner.ended.set()


@pytest_asyncio.fixture
async def counting(certificate: Certificate) -> AsyncIterator[CountingServer]:
    counting = CountingServer(certificate)
    server = await counting.start()
    async with server:
        yield counting


async def test_wrong_pin_names_both_and_sends_nothing(counting: CountingServer, certificate: Certificate) -> None:
    error = await failure(counting.url, pins=[WRONG_PIN], token=TOKEN)
    assert isinstance(error, gatewire.PinError)
    assert (error.status_name, error.actor, error.retryable) == ("GW_ERR_TLS_PIN", "user", False)
    assert error.details["seen"] == [certificate.pin]
    assert error.details["wanted"] == [WRONG_PIN]
    if counting.handshakes:  # TLS 1.3: the server may have finished before our refusal arrives
        await asyncio.wait_for(counting.ended.wait(), 10)
    assert counting.received == 0


async def test_without_a_pin_an_unknown_chain_sends_nothing(counting: CountingServer) -> None:
    error = await failure(counting.url, token=TOKEN)
    assert (error.status_name, error.retryable) == ("GW_ERR_TLS_CHAIN", False)
    if counting.handshakes:
        await asyncio.wait_for(counting.ended.wait(), 10)
    assert counting.received == 0


async def test_the_embedded_gateway_with_a_wrong_pin(server: gatewire.Server) -> None:
    error = await failure(server.url, pins=[WRONG_PIN], token=TOKEN)
    assert isinstance(error, gatewire.PinError)
    assert error.details["seen"] == [server.pin]
    assert server.peers == {}


async def test_one_of_several_pins_is_enough(server: gatewire.Server) -> None:
    spelled = ":".join(server.pin[i : i + 2].upper() for i in range(0, 64, 2))
    async with gatewire.connect(server.url, pins=[WRONG_PIN, f"SHA256:{spelled}"], token=TOKEN) as client:
        assert await client.call("health")


async def serve_with(certificate: Certificate) -> gatewire.Server:
    return await gatewire.serve(
        token=TOKEN, certificate_file=certificate.certificate_file, key_file=certificate.key_file
    )


async def test_a_chain_to_the_given_ca_passes(authority: Authority, certificate: Certificate) -> None:
    async with await serve_with(certificate) as server:
        async with gatewire.connect(server.url, ca_file=authority.file, token=TOKEN) as client:
            assert await client.call("health")


async def test_server_name_is_verified_in_place_of_the_host(authority: Authority) -> None:
    async with await serve_with(authority.issue("gateway.test")) as server:
        async with gatewire.connect(
            server.url, ca_file=authority.file, server_name="gateway.test", token=TOKEN
        ) as client:
            assert await client.call("health")


async def test_a_certificate_for_another_name(authority: Authority) -> None:
    async with await serve_with(authority.issue("elsewhere.test")) as server:
        error = await failure(server.url, ca_file=authority.file, token=TOKEN)
        assert isinstance(error, gatewire.TLSError)
        assert (error.status_name, error.retryable) == ("GW_ERR_TLS_NAME", False)
        assert error.actor in ("operator", "program", "user")


async def test_an_expired_certificate(authority: Authority) -> None:
    async with await serve_with(authority.issue("127.0.0.1", days=-1)) as server:
        error = await failure(server.url, ca_file=authority.file, token=TOKEN)
        assert (error.status_name, error.retryable, error.actor) == ("GW_ERR_TLS_EXPIRED", False, "operator")


async def test_a_pin_decides_alone_over_an_expired_certificate(authority: Authority) -> None:
    expired = authority.issue("elsewhere.test", days=-1)
    async with await serve_with(expired) as server:
        async with gatewire.connect(server.url, pins=[expired.pin], token=TOKEN) as client:
            assert await client.call("health")


async def test_a_peer_that_does_not_speak_tls(unused_tcp_port: int) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", unused_tcp_port):
        error = await failure(f"wss://127.0.0.1:{unused_tcp_port}", token=TOKEN)
        assert isinstance(error, gatewire.TLSError)


@pytest.mark.parametrize("pins", [["nonsense"], ["ab" * 31], ["sha1:" + "ab" * 20], ["", WRONG_PIN]], ids=str)
async def test_a_pin_that_is_none_is_refused_before_any_connection(pins: list[str]) -> None:
    with pytest.raises(gatewire.UsageError) as caught:
        await gatewire.connect("wss://127.0.0.1:1", pins=pins)
    assert caught.value.status_name == ("GW_ERR_PIN_TEXT" if pins[0] else "GW_ERR_ARGUMENT")
    assert caught.value.actor in ("program", "user")


async def test_a_pin_needs_wss() -> None:
    with pytest.raises(gatewire.UsageError) as caught:
        await gatewire.connect("ws://127.0.0.1:1", pins=[WRONG_PIN])
    assert caught.value.status_name == "GW_ERR_PIN_TEXT"


@pytest.mark.parametrize("host", ["example.com", "192.0.2.1", "10.0.0.1", "[2001:db8::1]", "localhost.example.com"])
async def test_plaintext_leaves_this_machine_only_with_permission(host: str) -> None:
    with pytest.raises(gatewire.UsageError) as caught:
        await gatewire.connect(f"ws://{host}:18789", token=TOKEN)
    assert caught.value.status_name == "GW_ERR_PLAINTEXT"


def key_pin(certificate: Certificate) -> str:
    """The pin of a certificate's key."""
    with open(certificate.certificate_file, "rb") as file:
        key = x509.load_pem_x509_certificate(file.read()).public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"key:{hashlib.sha256(der).hexdigest()}"


async def test_key_pin_and_what_tls_agreed_on(server: gatewire.Server) -> None:
    async with gatewire.connect(server.url, token=TOKEN, pins=[f"key:{server.key_pin}"]) as client:
        tls = client.tls()
        assert tls is not None
        assert tls.version == "TLSv1.3"
        assert tls.chain == server.certificate
        assert not tls.resumed
    assert client.tls() is None


async def test_pin_is_not_enough_for_pin_and_ca(counting: CountingServer, certificate: Certificate) -> None:
    trust = gatewire.Trust(mode="pin-and-ca")
    error = await failure(counting.url, pins=[key_pin(certificate)], trust=trust, token=TOKEN)
    assert isinstance(error, gatewire.TLSError)
    assert error.status == gatewire._abi.ERR_TLS_CHAIN
    assert counting.received == 0


@pytest.mark.parametrize("is_async", [False, True])
async def test_host_is_asked_about_a_first_use(server: gatewire.Server, is_async: bool) -> None:
    asked: list[gatewire.TrustRequest] = []

    def ask(request: gatewire.TrustRequest) -> bool:
        asked.append(request)
        return True

    async def ask_later(request: gatewire.TrustRequest) -> bool:
        await asyncio.sleep(0)
        return ask(request)

    trust = gatewire.Trust(mode="pin", ask=ask_later if is_async else ask)
    async with gatewire.connect(server.url, token=TOKEN, trust=trust) as client:
        await client.call("health")
    assert [request.key_pin for request in asked] == [f"key:{server.key_pin}"]
    assert asked[0].details["wanted"] == []


@pytest.mark.parametrize("answer", [False, None, 1, "yes"])
async def test_only_true_accepts(counting: CountingServer, answer: object) -> None:
    trust = gatewire.Trust(mode="pin", ask=lambda request: answer)  # type: ignore[arg-type, return-value]
    error = await failure(counting.url, token=TOKEN, trust=trust)
    assert error.status == gatewire._abi.ERR_TLS_REFUSED
    assert counting.received == 0


async def test_question_that_fails_is_a_refusal(counting: CountingServer) -> None:
    told: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))

    def ask(request: gatewire.TrustRequest) -> bool:
        raise LookupError(request.text)

    error = await failure(counting.url, token=TOKEN, trust=gatewire.Trust(mode="pin", ask=ask))
    assert error.status == gatewire._abi.ERR_TLS_REFUSED
    assert [type(context["exception"]) for context in told] == [LookupError]


def test_trust_never_shows_its_passphrase() -> None:
    assert "canary" not in repr(gatewire.Trust(passphrase="canary"))


@pytest.mark.parametrize("wrong", [{"mode": "blind"}, {"min_version": "1.1"}, {"sni": True}])
async def test_trust_that_is_none(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        gatewire.connect("wss://127.0.0.1:1", trust=gatewire.Trust(**wrong))  # type: ignore[arg-type]


async def test_pins_are_replaced(server: gatewire.Server) -> None:
    async with gatewire.connect(server.url, token=TOKEN, pins=[server.pin]) as client:
        client.set_pins([f"key:{server.key_pin}", WRONG_PIN])
        with pytest.raises(gatewire.UsageError):
            client.set_pins(["no pin"])
        assert await client.call("health")


def test_pins_of_all_kinds_are_read() -> None:
    assert gatewire.read_pin(WRONG_PIN) == f"cert:{WRONG_PIN}"
    assert gatewire.read_pin(f"spki:{WRONG_PIN.upper()}") == f"key:{WRONG_PIN}"
    assert gatewire.read_pin("sha256//q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=") == f"key:{WRONG_PIN}"
    assert gatewire.read_pin(f"ca-spki:{WRONG_PIN}") == f"ca-key:{WRONG_PIN}"
    with pytest.raises(gatewire.UsageError):
        gatewire.normalize_pin(f"key:{WRONG_PIN}")


async def test_client_certificates(authority: Authority) -> None:
    ours = authority.issue("127.0.0.1")
    theirs = authority.issue("device-7")
    async with gatewire.serve(
        certificate_file=ours.certificate_file, key_file=ours.key_file, client_ca_file=authority.file
    ) as server:
        trust = gatewire.Trust(certificate_file=theirs.certificate_file, key_file=theirs.key_file)
        async with gatewire.connect(server.url, pins=[ours.pin], trust=trust) as client:
            assert await client.call("health")
        error = await failure(server.url, pins=[ours.pin])
        assert isinstance(error, (gatewire.TLSError, gatewire.NetworkError))
        old = server.pin
        server.reload_certificate()
        assert server.pin == old
