"""TLS servers that are not ours and note what they are told: `openssl s_server`, and Python's `ssl`; certificates of
`trustme`."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import ipaddress
import socket
import ssl
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional, Union

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

Key = Union[ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey]

NAME = "127.0.0.1"
SOON = 20.0
#: Lets a server use keys that are too weak: what to think of them is for the client to say.
WEAK = "DEFAULT@SECLEVEL=0"


@dataclass(frozen=True)
class Shown:
    """What a server shows: certificate, key and what stands behind the certificate, as files, and the pins of it."""

    certificate: Path
    key: Path
    chain: Path

    @property
    def _leaf(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.certificate.read_bytes())

    @property
    def pin(self) -> str:
        return f"cert:{hashlib.sha256(self._leaf.public_bytes(Encoding.DER)).hexdigest()}"

    @property
    def key_pin(self) -> str:
        key = self._leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"key:{hashlib.sha256(key).hexdigest()}"


class Certificates:
    """What the servers of a test run show, each under its name; `ca` is the file of the CA that has signed most."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ca = trustme.CA()
        self.ca = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.ca))
        past, future = (_days(-800), _days(-400)), (_days(400), _days(800))
        self._leaf("good", self._ca.issue_cert(NAME))
        self._leaf("other", self._ca.issue_cert("gateway.example"))
        self._leaf("expired", self._ca.issue_cert(NAME, not_before=past[0], not_after=past[1]))
        self._leaf("early", self._ca.issue_cert(NAME, not_before=future[0], not_after=future[1]))
        self._leaf("foreign", trustme.CA().issue_cert(NAME))
        between = self._ca
        for _ in range(8):
            between = between.create_child_ca()
        self._leaf("deep", between.issue_cert(NAME))
        self._issue("renewed", _key(self["good"].key.read_bytes()))
        self._issue("self", None)
        self._issue("weak", rsa.generate_private_key(65537, 1024))
        # More than OpenSSL takes, 100 KiB, and a lot that it takes; all but the first are for nothing.
        self._pad("long", 60)
        self._pad("huge", 300)

    def __getitem__(self, name: str) -> Shown:
        return Shown(self._folder / f"{name}.crt", self._folder / f"{name}.key", self._folder / f"{name}.chain")

    def _leaf(self, name: str, leaf: trustme.LeafCert) -> None:
        first, *rest = leaf.cert_chain_pems
        self._write(name, first.bytes(), leaf.private_key_pem.bytes(), b"".join(blob.bytes() for blob in rest))

    def _write(self, name: str, certificate: bytes, key: bytes, chain: bytes = b"") -> None:
        shown = self[name]
        shown.certificate.write_bytes(certificate)
        shown.key.write_bytes(key)
        shown.chain.write_bytes(chain)

    def _pad(self, name: str, count: int) -> None:
        good = self["good"]
        chain = self.ca.read_bytes() * count
        self._write(name, good.certificate.read_bytes(), good.key.read_bytes(), chain)

    def _issue(self, name: str, key: Optional[Key]) -> None:
        """A certificate of the CA for a key, or, without one, of itself: what `trustme` does not make."""
        own = ec.generate_private_key(ec.SECP256R1())
        signer = own if key is None else _key(self._ca.private_key_pem.bytes())
        key = own if key is None else key
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = subject if signer is own else x509.load_pem_x509_certificate(self._ca.cert_pem.bytes()).subject
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_days(-1))
            .not_valid_after(_days(30))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(NAME))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(signer, hashes.SHA256())
        )
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self._write(name, certificate.public_bytes(Encoding.PEM), pem)


def _days(count: int) -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=count)


def _key(pem: bytes) -> Key:
    key = load_pem_private_key(pem, None)
    assert isinstance(key, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey))
    return key


@dataclass
class Server:
    """A server that is running: where it is, and what it was told behind TLS, which is all there once it has ended."""

    url: str
    received: bytearray = field(default_factory=bytearray)


@asynccontextmanager
async def s_server(shown: Shown, *flags: str) -> AsyncIterator[Server]:
    """`openssl s_server` for one connection.  With -quiet its output is what it was told, and nothing else."""
    with socket.create_server((NAME, 0)) as probe:
        port = probe.getsockname()[1]
    command = ["openssl", "s_server", "-accept", f"{NAME}:{port}", "-naccept", "1", "-quiet", *flags]
    command += ["-cert", str(shown.certificate), "-key", str(shown.key)]
    if shown.chain.stat().st_size > 0:
        command += ["-cert_chain", str(shown.chain)]
    # Its input stays open: it ends with it.
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    server = Server(f"wss://{NAME}:{port}")
    try:
        await _until_listening(port)
        yield server
        output, _ = await asyncio.wait_for(process.communicate(), SOON)
        server.received += output
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def _until_listening(port: int) -> None:
    """Without a connection, which would be counted."""
    wanted = f"0100007F:{port:04X} 00000000:0000 0A"
    for _ in range(400):
        if wanted in Path("/proc/net/tcp").read_text():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"nobody listens on {port}")


def context_of(shown: Shown, alpn: Sequence[str] = ()) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(WEAK)
    show(context, shown)
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


def show(context: ssl.SSLContext, shown: Shown) -> None:
    """From the next handshake on."""
    with tempfile.NamedTemporaryFile() as both:
        both.write(shown.certificate.read_bytes() + shown.chain.read_bytes())
        both.flush()
        context.load_cert_chain(both.name, shown.key)


#: What a server does with a connection, in a thread of its own.
Script = Callable[[socket.socket, Server], None]


def serve(context: ssl.SSLContext, head_only: bool = False) -> Script:
    """The handshake, and then reading until the client goes, or until its request is there."""

    def script(connection: socket.socket, server: Server) -> None:
        with context.wrap_socket(connection, server_side=True) as tls:
            while data := tls.recv(65536):
                server.received += data
                if head_only and b"\r\n\r\n" in server.received:
                    return

    return script


@asynccontextmanager
async def running(*scripts: Script) -> AsyncIterator[list[Server]]:
    """Runs each script for one connection, one after the other, and notes what each was told."""
    with socket.create_server((NAME, 0)) as listener:
        listener.settimeout(SOON)
        url = f"wss://{NAME}:{listener.getsockname()[1]}"
        servers = [Server(url) for _ in scripts]

        def work() -> None:
            for script, server in zip(scripts, servers):
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(SOON)
                    # That it is not believed, or that the client has gone, is no failure here.
                    with suppress(OSError):
                        script(connection, server)

        thread = asyncio.create_task(asyncio.to_thread(work))
        yield servers
        await asyncio.wait_for(thread, SOON)
