"""A GoClaw gateway on the `websockets` library, written from the protocol alone: what clients are tested with.

It checks what its clients send, and misbehaves on request.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Any, Optional

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

MESSAGE_BYTES = 524_288
MASTER_TENANT = "0193a5b0-7000-7000-8000-000000000001"
SERVER = {"name": "goclaw", "version": "v3.14.0"}


@dataclass
class Settings:
    token: Optional[str] = "gw-secret"
    pairing: bool = True
    #: a wrong token makes a viewer, as gateways from before 18 April 2026 do
    legacy: bool = False
    #: nobody is a member of his tenant any more
    revoked: bool = False
    allowed_origins: list[str] = field(default_factory=list)
    ping_interval: Optional[float] = 30.0
    #: methods whose answers find the queue full
    drops: set[str] = field(default_factory=set)


@dataclass
class Pairing:
    code: str
    sender_id: str
    state: str = "pending"


class GoClawDouble:
    """The gateway: ``url``, ``requests`` (all that came, in order), ``pairings``, ``sockets``."""

    def __init__(self, settings: Optional[Settings] = None) -> None:
        self.settings = settings or Settings()
        self.requests: list[dict[str, Any]] = []
        self.pairings: list[Pairing] = []
        self.sockets: set[ServerConnection] = set()
        self.closes: list[Optional[int]] = []
        self.port = 0
        self._server: Optional[Server] = None

    async def __aenter__(self) -> GoClawDouble:
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            self.port,
            process_request=self._process_request,
            max_size=MESSAGE_BYTES,
            ping_interval=self.settings.ping_interval,
            ping_timeout=None,
            compression=None,
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        assert self._server is not None
        self._server.close(close_connections=False)
        for socket in list(self.sockets):
            socket.transport.abort()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    # --- HTTP ---

    def _process_request(self, connection: ServerConnection, request: Request) -> Optional[Response]:
        path = request.path.split("?")[0]
        if path == "/health":
            response = connection.respond(HTTPStatus.OK, '{"status":"ok","protocol":3}')
            response.headers["Content-Type"] = "application/json"
            return response
        if path != "/ws":
            return connection.respond(HTTPStatus.NOT_FOUND, '{"error":"not found"}')
        if "upgrade" not in request.headers.get("Connection", "").lower():
            return connection.respond(HTTPStatus.BAD_REQUEST, "Bad Request\n")
        origin = request.headers.get("Origin")
        if self.settings.allowed_origins and origin is not None and origin not in self.settings.allowed_origins:
            return connection.respond(HTTPStatus.FORBIDDEN, "Forbidden\n")
        return None

    # --- frames ---

    async def _serve(self, socket: ServerConnection) -> None:
        self.sockets.add(socket)
        session = _Session(self, socket)
        try:
            async for message in socket:
                await session.receive(message)
        except ConnectionClosed:
            pass
        finally:
            self.sockets.discard(socket)
            self.closes.append(socket.close_code)

    async def broadcast(self, event: str, payload: Any = None) -> None:
        frame = {"type": "event", "event": event} | ({} if payload is None else {"payload": payload})
        for socket in list(self.sockets):
            await socket.send(json.dumps(frame))

    async def approve(self, code: str) -> None:
        for pairing in self.pairings:
            if pairing.code == code:
                pairing.state = "approved"
        await self.broadcast("device.pair.resolved", {"action": "approved"})

    def cut(self) -> None:
        """Every connection ends without a close frame."""
        for socket in list(self.sockets):
            socket.transport.abort()

    def methods(self) -> list[str]:
        return [request["method"] for request in self.requests]


class _Session:
    def __init__(self, double: GoClawDouble, socket: ServerConnection) -> None:
        self.double = double
        self.socket = socket
        self.user: Optional[str] = None
        self.is_pending = False
        self.runs: set[asyncio.Task[None]] = set()

    async def receive(self, message: Any) -> None:
        frame = json.loads(message)
        assert frame["type"] == "req"
        assert isinstance(frame["id"], str)
        assert isinstance(frame["method"], str)
        self.double.requests.append(frame)
        method, params = frame["method"], frame.get("params") or {}
        if method in self.double.settings.drops:
            return
        if method == "connect":
            await self._connect(frame["id"], params)
        elif method == "browser.pairing.status" and (self.is_pending or self.user is not None):
            states = [each.state for each in self.double.pairings if each.sender_id == params["sender_id"]]
            await self._answer(frame["id"], {"status": states[0] if states else "expired"})
        elif self.user is None:
            await self._refuse(frame["id"], "UNAUTHORIZED", "first request must be 'connect'")
        elif method == "chat.send":
            task = asyncio.create_task(self._run(frame["id"], params))
            self.runs.add(task)
            task.add_done_callback(self.runs.discard)
        elif method == "health":
            await self._answer(frame["id"], {"status": "ok", "version": "v3.14.0"})
        else:
            await self._refuse(frame["id"], "INVALID_REQUEST", f"unknown method: {method}")

    async def _connect(self, number: str, params: dict[str, Any]) -> None:
        settings = self.double.settings
        unknown = set(params) - {"token", "user_id", "sender_id", "locale", "tenant_id", "tenant_hint"}
        assert not unknown, unknown
        assert all(isinstance(value, str) and value for value in params.values())
        token = params.get("token", "")
        if settings.revoked:
            await self._refuse(number, "TENANT_ACCESS_REVOKED", "tenant access revoked")
        elif settings.token and token == settings.token:
            await self._admit(number, params, "admin")
        elif token and settings.legacy:
            self.user = params.get("user_id", "")
            await self._answer(number, {"protocol": 3, "role": "viewer", "server": SERVER, "user_id": self.user})
        elif any(
            each.state == "approved" and each.sender_id == params.get("sender_id") for each in self.double.pairings
        ):
            await self._admit(number, params, "operator")
        elif not token and settings.pairing and self._waiting() < 3:
            pairing = Pairing(f"CODE{len(self.double.pairings):04}", str(uuid.uuid4()))
            self.double.pairings.append(pairing)
            self.is_pending = True
            await self._answer(
                number,
                {
                    "pairing_code": pairing.code,
                    "protocol": 3,
                    "sender_id": pairing.sender_id,
                    "server": SERVER,
                    "status": "pending_pairing",
                },
            )
        else:
            await self._refuse(number, "UNAUTHORIZED", "permission denied: valid token or active pairing required")

    def _waiting(self) -> int:
        return sum(each.state == "pending" for each in self.double.pairings)

    async def _admit(self, number: str, params: dict[str, Any], role: str) -> None:
        self.user = params.get("user_id", "")
        await self._answer(
            number,
            {
                "edition": "standard",
                "is_master_scope": True,
                "is_owner": False,
                "protocol": 3,
                "role": role,
                "server": SERVER,
                "tenant_id": MASTER_TENANT,
                "user_id": self.user,
            },
        )

    async def _run(self, number: str, params: dict[str, Any]) -> None:
        run, key = str(uuid.uuid4()), params.get("sessionKey", "agent:default:ws:direct:1")

        async def event(kind: str, payload: Any) -> None:
            envelope = {"type": kind, "agentId": "default", "runId": run, "payload": payload, "userId": self.user}
            frame = {"type": "event", "event": "agent", "payload": {**envelope, "sessionKey": key}}
            await self.socket.send(json.dumps(frame))

        await event("run.started", {"message": params["message"]})
        for word in params["message"].split():
            await event("chunk", {"content": word})
            await asyncio.sleep(0.01)
        await event("run.completed", {"content": params["message"]})
        await self._answer(number, {"content": params["message"], "runId": run, "usage": None})

    async def _answer(self, number: str, payload: Any) -> None:
        await self.socket.send(json.dumps({"type": "res", "id": number, "ok": True, "payload": payload}))

    async def _refuse(self, number: str, code: str, message: str) -> None:
        error = {"code": code, "message": message}
        await self.socket.send(json.dumps({"type": "res", "id": number, "ok": False, "error": error}))
