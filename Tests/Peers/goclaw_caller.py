"""A GoClaw client on the `websockets` library, written from the protocol alone: what gateways are tested with."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Optional

from websockets.asyncio.client import ClientConnection, connect


class GoClawCaller:
    """A connection: ``events`` has all that came beside answers."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []
        self._count = 0

    @classmethod
    async def open(cls, url: str, **options: Any) -> GoClawCaller:
        return cls(await connect(url, user_agent_header=None, ping_interval=None, **options))

    async def receive(self) -> dict[str, Any]:
        """The next frame."""
        message = await asyncio.wait_for(self.socket.recv(), 10)
        assert isinstance(message, str), "frames are text"
        frame: dict[str, Any] = json.loads(message)
        return frame

    async def call(self, method: str, params: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        """The whole answer; events that come before it are kept."""
        self._count += 1
        number = str(self._count)
        frame = {"type": "req", "id": number, "method": method} | ({} if params is None else {"params": params})
        await self.socket.send(json.dumps(frame))
        while True:
            answer = await self.receive()
            if answer["type"] == "res" and answer["id"] == number:
                return answer
            self.events.append(answer)

    async def connect(self, **params: Any) -> dict[str, Any]:
        answer: dict[str, Any] = (await self.call("connect", params))["payload"]
        return answer

    def agent_types(self) -> list[str]:
        return [frame["payload"]["type"] for frame in self.events if frame.get("event") == "agent"]
