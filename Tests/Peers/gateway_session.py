"""One connection of the gateway double, from the challenge to its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from typing import TYPE_CHECKING, Any, Optional

from gateway_auth import (
    Refusal,
    pairing_required,
    protocol_mismatch,
    refusal_for_code,
    restarting,
    starting,
    verify_device,
)
from gateway_schema import METHOD_PARAMS, connect_params, request_frame
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

if TYPE_CHECKING:
    from gateway_double import GatewayDouble

PREAUTH_LIMIT = 65_536
MAX_PAYLOAD = 26_214_400
MAX_BUFFERED = 52_428_800
VERSION = "2026.9.2"

# What a method needs; write includes read, admin everything.
METHOD_SCOPES = {
    "health": "operator.read",
    "agents.list": "operator.read",
    "sessions.list": "operator.read",
    "sessions.subscribe": "operator.read",
    "sessions.unsubscribe": "operator.read",
    "chat.send": "operator.write",
    "agent": "operator.write",
}
EVENT_NAMES = ["connect.challenge", "tick", "presence", "health", "agent", "chat", "sessions.changed", "shutdown"]


class Closing(Exception):  # noqa: N818, it is how a session ends
    """The connection is to be closed now."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code, self.reason = code, reason


class Session:
    """One connection, from the challenge to its end."""

    def __init__(self, double: GatewayDouble, socket: ServerConnection, number: int) -> None:
        self.double = double
        self.socket = socket
        self.port: int = socket.remote_address[1]
        self.number = number
        self.faults = double.faults_of_next_connection()
        self.nonce = str(uuid.uuid4())
        self.id = str(uuid.uuid4())
        self.scopes: list[str] = []
        self.sequence = 0
        self.subscribed = False
        self.ready = False
        self.tasks: set[asyncio.Task[None]] = set()

    def log(self, what: str, **more: Any) -> None:
        self.double.log(self.number, what, **more)

    # --- sending ---

    async def send(self, frame: dict[str, Any]) -> None:
        await self.send_text(json.dumps(frame, separators=(",", ":")))

    async def send_text(self, text: str) -> None:
        self.log("sent", text=text if len(text) < 4096 else f"{len(text)} characters")
        await self.socket.send(text)

    async def respond(self, request_id: str, payload: Any) -> None:
        if self.faults.legacy:
            await self.send({"type": "res", "id": request_id, "result": payload})
        else:
            await self.send({"type": "res", "id": request_id, "ok": True, "payload": payload})

    async def refuse(self, request_id: str, error: dict[str, Any]) -> None:
        if self.faults.legacy:
            error = {"code": -32600, "message": error["message"]}
            await self.send({"type": "res", "id": request_id, "error": error})
        else:
            await self.send({"type": "res", "id": request_id, "ok": False, "error": error})

    async def event(self, name: str, payload: Any, *, targeted: bool = False, skip: int = 0) -> None:
        frame = {"type": "event", "event": name, "params" if self.faults.legacy else "payload": payload}
        if not targeted and not self.faults.legacy:
            self.sequence += 1 + skip
            frame["seq"] = self.sequence
        await self.send(frame)

    def cut(self, how: str) -> None:
        """Ends the TCP connection without a close frame."""
        self.log("cut", how=how)
        self.double.cut(self.port, how)

    async def cut_in(self, phase: str) -> None:
        if self.faults.cut == phase:
            self.cut(self.faults.cut_how)
            await self.socket.wait_closed()
            raise Closing(1006, "")

    # --- the handshake ---

    async def run(self) -> None:
        try:
            await asyncio.wait_for(self.handshake(), self.double.settings.handshake_timeout_ms / 1000)
        except asyncio.TimeoutError:
            raise Closing(1000, "") from None
        self.ready = True
        self.spawn(self.tick())
        await self.after_hello()
        async for message in self.socket:
            await self.receive(message)

    async def handshake(self) -> None:
        await self.challenge()
        await self.admit(await self.first_frame())

    async def challenge(self) -> None:
        await self.cut_in("upgrade")
        if self.faults.no_challenge:
            return
        payload: dict[str, Any] = {"nonce": self.nonce, "ts": time.time_ns() // 1_000_000}
        if self.faults.challenge_without_nonce:
            payload = {}
        elif self.faults.challenge_blank_nonce:
            payload["nonce"] = "  "
        await self.send({"type": "event", "event": "connect.challenge", "payload": payload})
        await self.cut_in("challenge")

    async def first_frame(self) -> dict[str, Any]:
        message = await self.socket.recv()
        if len(message) > PREAUTH_LIMIT:
            raise Closing(1009, "preauth payload too large")
        self.log("received", text=message if isinstance(message, str) else message.hex())
        await self.cut_in("connect")
        try:
            frame = json.loads(message)
        except ValueError:
            raise Closing(1000, "") from None
        if request_frame(frame, ""):
            raise Closing(1008, "invalid request frame")
        assert isinstance(frame, dict)
        return frame

    async def admit(self, frame: dict[str, Any]) -> None:
        try:
            hello = self.admission(frame)
        except Refusal as refusal:
            self.log("refused", error=refusal.error())
            if not self.faults.close_unanswered:
                await self.refuse(frame["id"], refusal.error())
            raise Closing(refusal.close_code, refusal.reason) from None
        if self.faults.never_hello:
            await self.socket.wait_closed()
            raise Closing(1006, "")
        await self.cut_in("hello")
        await self.respond(frame["id"], hello)

    def admission(self, frame: dict[str, Any]) -> Any:
        """The checks in the order of the gateway; the hello, or a :class:`Refusal`."""
        settings = self.double.settings
        if frame["method"] != "connect":
            raise Refusal("INVALID_REQUEST", "invalid handshake: first request must be connect")
        params = frame.get("params")
        wrong = connect_params(params, "")
        if wrong:
            raise Refusal("INVALID_REQUEST", f"invalid connect params: {wrong}")
        assert isinstance(params, dict)
        if self.faults.restarting:
            raise restarting()
        if self.faults.starting:
            raise starting()
        if not params["minProtocol"] <= settings.protocol <= params["maxProtocol"]:
            raise protocol_mismatch(params, settings.protocol)
        if params.get("role", "operator") not in ("operator", "node"):
            raise Refusal("INVALID_REQUEST", "invalid role")
        assert self.socket.request is not None
        if "Origin" in self.socket.request.headers:
            raise refusal_for_code("CONTROL_UI_ORIGIN_NOT_ALLOWED")
        if self.faults.reject is not None:
            refusal = refusal_for_code(self.faults.reject, params)
            refusal.details = {**(refusal.details or {}), **self.faults.reject_details}
            refusal.retry_after_ms = self.faults.retry_after_ms
            raise refusal
        return self.hello(params, self.authenticate(params))

    def authenticate(self, params: dict[str, Any]) -> Optional[str]:
        """Device proof, credentials, pairing; the device token that is issued."""
        double = self.double
        client, role = params["client"], params.get("role", "operator")
        known = ("operator.read", "operator.write", "operator.admin", "operator.approvals", "operator.pairing")
        self.scopes = [scope for scope in params.get("scopes", []) if scope in known]
        if "device" not in params:
            reason = double.credentials.shared_failure(params.get("auth", {}))
            if reason is not None and not reason.endswith("_missing"):
                double.credentials.check(params)
            if reason is not None or role == "node":
                raise refusal_for_code("DEVICE_IDENTITY_REQUIRED")
            if (client["id"], client["mode"]) != ("gateway-client", "backend") or double.settings.protocol == 3:
                self.scopes = []
            return None
        version = verify_device(params, self.nonce, time.time_ns() // 1_000_000)
        self.log("device verified", payload=version)
        double.credentials.check(params)
        if double.settings.pairing and params["device"]["id"] not in double.settings.approved:
            raise pairing_required(params, "req-1")
        return double.credentials.issue(params["device"]["id"], role)

    def hello(self, params: dict[str, Any], device_token: Optional[str]) -> Any:
        if self.faults.bad_hello is not None:
            return self.faults.bad_hello
        methods = [*METHOD_PARAMS, "echo"]
        features: dict[str, Any] = {"methods": methods, "events": EVENT_NAMES}
        if self.faults.legacy:
            return {"connId": self.id, "features": features}
        role = params.get("role", "operator")
        auth: dict[str, Any] = {"role": role, "scopes": self.scopes}
        if device_token is not None:
            auth |= {"deviceToken": device_token, "issuedAtMs": time.time_ns() // 1_000_000}
        if self.faults.more_tokens:
            auth["deviceTokens"] = [
                {"deviceToken": token, "role": role, "scopes": []} for role, token in self.faults.more_tokens.items()
            ]
        hello: dict[str, Any] = {
            "type": "hello-ok",
            "protocol": self.double.settings.protocol,
            "server": {"version": VERSION, "connId": self.id},
            "features": features,
            "snapshot": {
                "presence": [],
                "health": {"padding": "x" * self.faults.hello_too_large} if self.faults.hello_too_large else {},
                "stateVersion": {"presence": 1, "health": 1},
                "uptimeMs": self.double.uptime_ms(),
            },
            "policy": {
                "maxPayload": MAX_PAYLOAD,
                "maxBufferedBytes": MAX_BUFFERED,
                "tickIntervalMs": self.double.settings.tick_interval_ms,
            },
        }
        if self.double.settings.protocol >= 4:
            features["capabilities"] = []
            hello["auth"] = auth
        elif device_token is not None:  # protocol 3: a token belongs to every auth object
            hello["auth"] = auth
        return hello

    async def after_hello(self) -> None:
        self.log("ready")
        if self.faults.broken_json:
            await self.send_text("{")
        if self.faults.unknown_id:
            await self.respond("no-such-call", {})
        if self.faults.restart is not None:
            await self.shutdown(self.faults.restart)
        if self.faults.cut == "ready":
            await (await self.socket.ping())  # the client has read the hello when it answers
            await self.cut_in("ready")

    # --- after hello ---

    def spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def tick(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while not self.faults.silent_ticks:
                await asyncio.sleep(self.double.settings.tick_interval_ms / 1000)
                await self.event("tick", {"ts": time.time_ns() // 1_000_000})

    async def shutdown(self, restart_expected_ms: Optional[int]) -> None:
        payload = {"reason": "service restart", "restartExpectedMs": restart_expected_ms}
        await self.event("shutdown", payload)
        raise Closing(1012, "service restart")

    async def receive(self, message: Any) -> None:
        self.log("received", text=message if isinstance(message, str) else message.hex())
        try:
            frame = json.loads(message)
        except ValueError:
            return
        wrong = request_frame(frame, "")
        if wrong:
            frame_id = frame.get("id") if isinstance(frame, dict) else None
            request_id = frame_id if isinstance(frame_id, str) and frame_id else "invalid"
            await self.refuse(request_id, {"code": "INVALID_REQUEST", "message": f"invalid request frame: {wrong}"})
            return
        method, params, request_id = frame["method"], frame.get("params"), frame["id"]
        if method.startswith("double."):
            await self.control(request_id, method, params)
            return
        if self.faults.deaf:
            return
        await self.answer(request_id, method, params)

    async def answer(self, request_id: str, method: str, params: Any) -> None:
        if method == "echo":
            await self.respond(request_id, params)
            return
        check = METHOD_PARAMS.get(method)
        if check is None:
            await self.refuse(request_id, {"code": "INVALID_REQUEST", "message": f"unknown method: {method}"})
            return
        scope = METHOD_SCOPES[method]
        if not self.may(scope):
            await self.refuse(request_id, {"code": "INVALID_REQUEST", "message": f"missing scope: {scope}"})
            return
        wrong = check({} if params is None else params, "")
        if wrong:
            await self.refuse(request_id, {"code": "INVALID_REQUEST", "message": f"invalid {method} params: {wrong}"})
            return
        await self.methods[method](self, request_id, params)

    def may(self, scope: str) -> bool:
        if self.double.credentials.mode == "none" or "operator.admin" in self.scopes or scope in self.scopes:
            return True
        return scope == "operator.read" and "operator.write" in self.scopes

    async def health(self, request_id: str, _params: Any) -> None:
        now = time.time_ns() // 1_000_000
        await self.respond(
            request_id,
            {
                "ok": True,
                "ts": now,
                "durationMs": 1,
                "channels": {},
                "channelOrder": [],
                "channelLabels": {},
                "heartbeatSeconds": 0,
                "defaultAgentId": "main",
                "agents": [],
                "sessions": {"path": "", "count": 0, "recent": []},
            },
        )

    async def agents_list(self, request_id: str, _params: Any) -> None:
        agents = [{"id": "main", "name": "Main"}]
        await self.respond(
            request_id, {"defaultId": "main", "mainKey": "main", "scope": "per-sender", "agents": agents}
        )

    async def sessions_list(self, request_id: str, _params: Any) -> None:
        rows = [{"key": "agent:main:main", "kind": "direct", "updatedAt": None}]
        await self.respond(
            request_id,
            {"ts": time.time_ns() // 1_000_000, "path": "", "count": len(rows), "defaults": {}, "sessions": rows},
        )

    async def sessions_subscribe(self, request_id: str, _params: Any) -> None:
        self.subscribed = True
        await self.respond(request_id, {"subscribed": True})
        await self.event("sessions.changed", {"sessionKey": "agent:main:main", "reason": "subscribe"}, targeted=True)

    async def sessions_unsubscribe(self, request_id: str, _params: Any) -> None:
        self.subscribed = False
        await self.respond(request_id, {"subscribed": False})

    async def chat_send(self, request_id: str, params: Any) -> None:
        run, key = params["idempotencyKey"], params["sessionKey"]
        await self.respond(request_id, {"runId": run, "status": "started"})
        text = ""
        words = params["message"].split() or [""]
        for number, word in enumerate(words, 1):
            piece = word if not text else f" {word}"
            text += piece
            body: dict[str, Any] = {"runId": run, "sessionKey": key, "seq": number, "state": "delta"}
            if self.double.settings.protocol >= 4:
                body["deltaText"] = piece
            body["message"] = {"role": "assistant", "content": [{"type": "text", "text": text}]}
            await self.event("chat", body)
        final = {"runId": run, "sessionKey": key, "seq": len(words) + 1, "state": "final"}
        await self.event(
            "chat", {**final, "message": {"role": "assistant", "content": [{"type": "text", "text": text}]}}
        )

    async def agent(self, request_id: str, params: Any) -> None:
        run = params["idempotencyKey"]
        accepted = {"runId": run, "status": "accepted", "acceptedAt": time.time_ns() // 1_000_000}
        await self.respond(request_id, accepted)
        event = {"runId": run, "seq": 1, "stream": "assistant", "ts": accepted["acceptedAt"], "data": {"text": "done"}}
        await self.event("agent", event)
        await self.respond(request_id, {"runId": run, "status": "ok", "summary": "completed"})

    methods = {
        "health": health,
        "agents.list": agents_list,
        "sessions.list": sessions_list,
        "sessions.subscribe": sessions_subscribe,
        "sessions.unsubscribe": sessions_unsubscribe,
        "chat.send": chat_send,
        "agent": agent,
    }

    async def control(self, request_id: str, method: str, params: Any) -> None:
        if method == "double.answer":
            for text in params["frames"]:
                await self.send_text(text.replace("$id", request_id))
            return
        if method == "double.faults":
            self.double.set_faults(params["faults"], params.get("times"))
            await self.respond(request_id, {})
            return
        await self.respond(request_id, {})
        for action in params["actions"]:
            if "send" in action:
                await self.send_text(action["send"])
            elif "event" in action:
                for _ in range(action.get("count", 1)):
                    await self.event(action["event"], action.get("payload"), skip=action.get("skip", 0))
            elif "close" in action:
                raise Closing(*action["close"])
            elif "shutdown" in action:
                await self.shutdown(action["shutdown"])
            elif "cut" in action:
                self.cut(action["cut"])
