"""A TCP relay that cuts connections: when they arrive, after so many bytes in a direction, or on request."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from typing import Optional


@dataclass
class Cut:
    """When to cut.  Nothing set: never."""

    on_accept: bool = False
    to_client: Optional[int] = None
    from_client: Optional[int] = None
    #: ``reset``: RST, ``close``: FIN in both directions, ``hold``: nothing more is relayed, the connection stays open
    how: str = "reset"


class Link:
    """One connection and what has passed over it."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.upstream: Optional[asyncio.StreamWriter] = None
        self.from_client = 0
        self.to_client = 0
        self.held = asyncio.Event()

    def cut(self, how: str) -> None:
        if how == "hold":
            self.held.set()
            return
        client = self.writer.get_extra_info("socket")
        if how == "reset" and client is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for writer in (self.writer, self.upstream):
            if writer is not None:
                writer.transport.abort()


class CuttingRelay:
    """Listens in front of a server; ``cut`` may be changed at any time."""

    def __init__(self, host: str, port: int, cut: Optional[Cut] = None) -> None:
        self.target = (host, port)
        self.cut = cut or Cut()
        self.links: list[Link] = []
        self.port = 0
        self._server: Optional[asyncio.Server] = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._server = await asyncio.start_server(self._accept, host, port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for link in self.links:
            link.cut("close")
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        link = Link(writer)
        self.links.append(link)
        try:
            if self.cut.on_accept:
                link.cut(self.cut.how)
                if self.cut.how == "hold":
                    await link.held.wait()
                    await reader.read()
                return
            upstream_reader, link.upstream = await asyncio.open_connection(*self.target)
            await asyncio.gather(
                self._pump(link, reader, link.upstream, from_client=True),
                self._pump(link, upstream_reader, writer, from_client=False),
            )
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            link.cut("close")
            self._tasks.discard(task)

    async def _pump(
        self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, from_client: bool
    ) -> None:
        while True:
            limit = self.cut.from_client if from_client else self.cut.to_client
            passed = link.from_client if from_client else link.to_client
            room = 65536 if limit is None else limit - passed
            if room <= 0:
                link.cut(self.cut.how)
                if not link.held.is_set():
                    return
            data = await reader.read(min(max(room, 1), 65536))
            if not data:
                if not writer.transport.is_closing():
                    writer.write_eof()
                return
            if link.held.is_set():
                continue
            if from_client:
                link.from_client += len(data)
            else:
                link.to_client += len(data)
            writer.write(data)
            await writer.drain()
