"""A Socket.IO server on python-socketio, for socketio_client.c.

    socketio_server.py PORT PING_INTERVAL PING_TIMEOUT     seconds; prints its port; runs until it is killed
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import engineio
import socketio
from aiohttp import web

PATH = "gateway/socket.io"


class Space(socketio.AsyncNamespace):  # type: ignore[misc]
    """What both namespaces do."""

    async def on_echo(self, sid: str, *args: Any) -> None:
        await self.emit("echoed", args, to=sid)

    def on_swap(self, sid: str, *args: Any) -> Any:
        return tuple(reversed(args))

    async def on_ask(self, sid: str, *args: Any) -> None:
        answer = await self.call("question", args, to=sid, timeout=10)
        await self.emit("answered", answer, to=sid)

    async def on_later(self, sid: str, seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "later"

    def on_silent(self, sid: str) -> None:
        """Acknowledged with nothing but an empty list."""

    async def on_bye(self, sid: str) -> None:
        await self.disconnect(sid)

    async def on_drop(self, sid: str) -> None:
        self.server.get_environ(sid, self.namespace)["aiohttp.request"].transport.abort()

    async def on_mute(self, sid: str) -> None:
        """From now on no ping goes out, and the server itself waits longer than its client."""
        eio = self.server.eio
        eio.ping_timeout *= 10
        socket = eio.sockets[self.server.manager.eio_sid_from_sid(sid, self.namespace)]
        send = socket.send

        async def without_pings(packet: Any) -> None:
            if packet.packet_type == engineio.packet.PING:
                socket.last_ping = None
            else:
                await send(packet)

        socket.send = without_pings


class Secure(Space):
    """Only for those with the token."""

    async def on_connect(self, sid: str, environ: Any, auth: Any) -> None:
        if not isinstance(auth, dict) or auth.get("token") != "good":
            raise socketio.exceptions.ConnectionRefusedError("not authorized", {"code": 401})
        await self.emit("welcome", auth, to=sid)


async def main(port: int, interval: float, timeout: float) -> None:
    """Serves for ever."""
    server = socketio.AsyncServer(async_mode="aiohttp", ping_interval=interval, ping_timeout=timeout)
    server.register_namespace(Space("/"))
    server.register_namespace(Secure("/secure"))
    application = web.Application()
    server.attach(application, PATH)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))
