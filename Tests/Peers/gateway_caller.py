"""A gateway client on the `websockets` library, written from the protocol alone: what gateways are tested with."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
from types import TracebackType
from typing import Any, Optional

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from gateway_auth import signature_payloads
from websockets.asyncio.client import ClientConnection, connect

SCOPES = ["operator.read", "operator.write"]


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Device:
    """An Ed25519 identity."""

    def __init__(self, seed: Optional[bytes] = None) -> None:
        self.key = Ed25519PrivateKey.from_private_bytes(seed) if seed else Ed25519PrivateKey.generate()
        raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.id = hashlib.sha256(raw).hexdigest()
        self.public_key = base64url(raw)

    def prove(self, params: dict[str, Any], nonce: str, signed_at: int, version: str = "v3") -> None:
        """Adds the device block to connect params."""
        device = {"id": self.id, "publicKey": self.public_key, "signedAt": signed_at, "nonce": nonce}
        params["device"] = device
        payload = signature_payloads(params, nonce)[version]
        device["signature"] = base64url(self.key.sign(payload.encode()))


def connect_params(token: Optional[str] = None, **more: Any) -> dict[str, Any]:
    """Connect params without a device; ``more`` replaces members."""
    params: dict[str, Any] = {
        "minProtocol": 3,
        "maxProtocol": 4,
        "client": {"id": "gateway-client", "version": "0.1.0", "platform": "linux", "mode": "backend"},
        "caps": [],
        "role": "operator",
        "scopes": SCOPES,
    }
    if token is not None:
        params["auth"] = {"token": token}
    params.update(more)
    return params


def pinned_context(certificate: str) -> ssl.SSLContext:
    """Trusts this one certificate (PEM) and no name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=certificate)
    return context


class GatewayCaller:
    """A connection of the reference client: frames as dicts, one at a time."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.challenge: dict[str, Any] = {}
        self._count = 0

    @classmethod
    async def open(cls, url: str, certificate: Optional[str] = None, **options: Any) -> GatewayCaller:
        """Connects and reads the challenge."""
        context = pinned_context(certificate) if certificate else None
        caller = cls(await connect(url, ssl=context, user_agent_header=None, **options))
        caller.challenge = await caller.receive()
        return caller

    async def __aenter__(self) -> GatewayCaller:
        return self

    async def __aexit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.socket.close()

    @property
    def nonce(self) -> str:
        return str(self.challenge["payload"]["nonce"])

    async def receive(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(await self.socket.recv())
        return frame

    async def send(self, frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def response(self, request_id: str) -> dict[str, Any]:
        """The response to a request; events that come before it are passed over."""
        while True:
            frame = await self.receive()
            if frame["type"] == "res" and frame["id"] == request_id:
                return frame

    async def event(self, name: str) -> dict[str, Any]:
        """The next event of this name."""
        while True:
            frame = await self.receive()
            if frame["type"] == "event" and frame["event"] == name:
                return frame

    async def request(self, method: str, params: Any = None) -> dict[str, Any]:
        self._count += 1
        request_id = f"r-{self._count}"
        frame = {"type": "req", "id": request_id, "method": method}
        if params is not None:
            frame["params"] = params
        await self.send(frame)
        return await self.response(request_id)

    async def hello(self, token: Optional[str] = None, device: Optional[Device] = None) -> dict[str, Any]:
        """The whole handshake."""
        params = connect_params(token)
        (device or Device()).prove(params, self.nonce, self.challenge["payload"]["ts"])
        return await self.request("connect", params)

    async def closed(self) -> tuple[Optional[int], str]:
        """Waits for the end; close code and reason."""
        await self.socket.wait_closed()
        return self.socket.close_code, self.socket.close_reason or ""
