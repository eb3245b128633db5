#!/usr/bin/env python3
"""A TCP proxy that does to connections what networks do.

For each direction: ``delay_ms`` (every byte arrives that much later), ``bytes_per_second``, ``slice_bytes`` (at most
so many bytes a segment), ``cut_after`` (the cut comes when exactly so many bytes have passed).  How it cuts: ``reset``
(RST), ``close`` (FIN to both sides) or ``hold`` (half-open: nothing more passes, nothing is closed).

    fault_proxy.py HOST:PORT [--listen PORT | --unix] [--delay-ms N] [--rate N] [--slice N]
                   [--cut-to-client N] [--cut-from-client N] [--cut-on-accept] [--how reset|close|hold]

prints its port and runs until it is ended.  With ``--unix`` it listens on the abstract Unix socket
``@gatewire-fault-PID-N`` and prints N in place of the port.  ``fault_proxy.py -`` reads such lines from its input
instead and answers each with the port of a proxy; the line ``end PORT`` ends that one and is answered with the bytes
that have passed from and to its clients.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import os
import socket
import struct
import sys
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Optional

CHUNK = 65536


@dataclass
class Direction:
    """What happens to the bytes of one direction.  Nothing set: they pass."""

    cut_after: Optional[int] = None
    delay_ms: int = 0
    bytes_per_second: int = 0
    slice_bytes: int = 0


@dataclass
class Faults:
    """What happens to the connections of a proxy."""

    to_client: Direction = field(default_factory=Direction)
    from_client: Direction = field(default_factory=Direction)
    cut_on_accept: bool = False
    how: str = "reset"


class Link:
    """One connection and what has passed over it."""

    def __init__(self, client: asyncio.StreamWriter) -> None:
        self.client = client
        self.server: Optional[asyncio.StreamWriter] = None
        self.from_client = 0
        self.to_client = 0
        self.is_cut = False

    def _writers(self) -> list[asyncio.StreamWriter]:
        return [writer for writer in (self.client, self.server) if writer is not None]

    def cut(self, how: str) -> None:
        """From now on nothing passes; what still arrives is dropped."""
        self.is_cut = True
        if how == "hold":
            return
        for writer in self._writers():
            if writer.transport.is_closing():
                continue
            if how == "close":
                with contextlib.suppress(OSError):  # the other end has gone already
                    writer.write_eof()
            else:
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()

    def drop(self) -> None:
        self.is_cut = True
        for writer in self._writers():
            writer.transport.abort()


class FaultProxy:
    """Listens in front of a server; ``faults`` may be changed at any time and holds for open connections too."""

    def __init__(self, host: str, port: int, faults: Optional[Faults] = None) -> None:
        self.target = (host, port)
        self.faults = faults or Faults()
        self.links: list[Link] = []
        self.port = 0
        self._server: Optional[asyncio.Server] = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._server = await asyncio.start_server(self._accept, host, port, limit=CHUNK)
        self.port = self._server.sockets[0].getsockname()[1]

    async def start_unix(self, number: int) -> None:
        name = f"\0gatewire-fault-{os.getpid()}-{number}"
        self._server = await asyncio.start_unix_server(self._accept, name, limit=CHUNK)
        self.port = number

    async def close(self) -> None:
        """Ends the proxy and its connections, without resets."""
        if self._server is not None:
            self._server.close()
        for link in self.links:
            link.drop()
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
            if self.faults.cut_on_accept:
                link.cut(self.faults.how)
                while await reader.read(CHUNK):
                    pass
                return
            server_reader, link.server = await asyncio.open_connection(*self.target, limit=CHUNK)
            for end in (link.client, link.server):
                end.transport.set_write_buffer_limits(0)  # what is drained has left
                if end.get_extra_info("socket").family != socket.AF_UNIX:
                    end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await together(
                self._pump(link, reader, link.server, from_client=True),
                self._pump(link, server_reader, link.client, from_client=False),
            )
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            link.drop()
            self._tasks.discard(task)

    async def _pump(
        self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, from_client: bool
    ) -> None:
        side = self.faults.from_client if from_client else self.faults.to_client
        on_the_way = Delayed(writer, side.delay_ms) if side.delay_ms else None
        try:
            while True:
                side = self.faults.from_client if from_client else self.faults.to_client
                passed = link.from_client if from_client else link.to_client
                if side.cut_after is not None and passed >= side.cut_after and not link.is_cut:
                    if on_the_way is not None:
                        await on_the_way.flush()
                    link.cut(self.faults.how)
                data = await reader.read(self._room(side, passed))
                if not data:
                    break
                if link.is_cut:
                    continue
                if from_client:
                    link.from_client += len(data)
                else:
                    link.to_client += len(data)
                if on_the_way is not None:
                    await on_the_way.put(data)
                else:
                    writer.write(data)
                    await writer.drain()
                if side.bytes_per_second:
                    await asyncio.sleep(len(data) / side.bytes_per_second)
            if on_the_way is not None:
                await on_the_way.flush()
            if not link.is_cut and not writer.transport.is_closing():
                writer.write_eof()
        finally:
            if on_the_way is not None:
                on_the_way.close()

    @staticmethod
    def _room(side: Direction, passed: int) -> int:
        """How many bytes the next segment may have."""
        room = side.slice_bytes or CHUNK
        if side.bytes_per_second:
            room = min(room, max(side.bytes_per_second // 50, 1))
        if side.cut_after is not None and side.cut_after > passed:
            room = min(room, side.cut_after - passed)
        return room


class Delayed:
    """Writes what it is given after a delay, in order, without holding up who gives it."""

    def __init__(self, writer: asyncio.StreamWriter, delay_ms: int) -> None:
        self._writer = writer
        self._delay = delay_ms / 1000
        self._queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)
        self._task = asyncio.ensure_future(self._run())

    async def put(self, data: bytes) -> None:
        await self._queue.put((asyncio.get_running_loop().time() + self._delay, data))

    async def flush(self) -> None:
        await self._queue.join()

    def close(self) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await self._queue.get()
            await asyncio.sleep(max(due - loop.time(), 0))
            with contextlib.suppress(OSError):
                self._writer.write(data)
                await self._writer.drain()
            self._queue.task_done()


async def together(*pumps: Coroutine[Any, Any, None]) -> None:
    """Both pumps; the failure of one ends the other."""
    tasks = [asyncio.ensure_future(pump) for pump in pumps]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


# --- command line ---


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description="A TCP proxy that does to connections what networks do.")
    options.add_argument("target", metavar="HOST:PORT")
    options.add_argument("--listen", type=int, default=0, metavar="PORT")
    options.add_argument("--unix", action="store_true")
    options.add_argument("--delay-ms", type=int, default=0, metavar="N")
    options.add_argument("--rate", type=int, default=0, metavar="N", help="bytes a second, each way")
    options.add_argument("--slice", type=int, default=0, metavar="N", help="bytes a segment, at most")
    options.add_argument("--cut-to-client", type=int, metavar="N")
    options.add_argument("--cut-from-client", type=int, metavar="N")
    options.add_argument("--cut-on-accept", action="store_true")
    options.add_argument("--how", choices=("reset", "close", "hold"), default="reset")
    return options


numbers = itertools.count(1)


async def started(words: list[str], options: argparse.ArgumentParser) -> FaultProxy:
    given = options.parse_args(words)
    host, _, port = given.target.rpartition(":")
    faults = Faults(
        Direction(given.cut_to_client, given.delay_ms, given.rate, given.slice),
        Direction(given.cut_from_client, given.delay_ms, given.rate, given.slice),
        given.cut_on_accept,
        given.how,
    )
    proxy = FaultProxy(host.strip("[]"), int(port), faults)
    if given.unix:
        await proxy.start_unix(next(numbers))
    else:
        await proxy.start(port=given.listen)
    return proxy


async def serve_lines(options: argparse.ArgumentParser) -> None:
    proxies: dict[int, FaultProxy] = {}
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        words = line.decode().split()
        if words[0] == "end":
            ended = proxies.pop(int(words[1]))
            await ended.close()
            links = ended.links
            print(sum(link.from_client for link in links), sum(link.to_client for link in links), flush=True)
        else:
            proxy = await started(words, options)
            proxies[proxy.port] = proxy
            print(proxy.port, flush=True)


async def serve(words: list[str], options: argparse.ArgumentParser) -> None:
    proxy = await started(words, options)
    print(proxy.port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    words = sys.argv[1:]
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve_lines(parser()) if words == ["-"] else serve(words, parser()))
