"""What the WebSocket libraries of other people have in common here: a connection, and the work of an echo server."""

from __future__ import annotations

import ssl
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Optional, Union

Data = Union[str, bytes]


class EchoConnection(ABC):
    """One connection of a library, of either role."""

    #: Whether permessage-deflate was agreed.
    deflates: bool

    @abstractmethod
    async def send(self, data: Data) -> None:
        """Sends one message in one frame."""

    @abstractmethod
    async def send_parts(self, parts: list[str]) -> None:
        """Sends one message, a frame for each part if the library can do that."""

    @abstractmethod
    def messages(self) -> AsyncIterator[Data]:
        """The messages up to the end of the connection."""

    @abstractmethod
    async def ping(self, payload: bytes) -> None:
        """Sends a ping and waits for its pong."""

    @abstractmethod
    async def close(self, code: int, reason: str) -> None:
        """Closes and waits for the end."""

    @abstractmethod
    async def closed(self) -> tuple[Optional[int], str]:
        """Waits for the end; the peer's code and reason."""

    async def receive(self) -> Data:
        """The next message."""
        async for data in self.messages():
            return data
        raise EOFError(f"closed: {await self.closed()}")


class EchoPeer(ABC):
    """A library."""

    #: Options of socket_client.c that leave out what its server does not manage, over TLS and with compression.
    leave_out_with_tls: tuple[str, ...] = ()
    leave_out_with_deflate: tuple[str, ...] = ()

    @abstractmethod
    async def connect(self, url: str, tls: Optional[ssl.SSLContext], deflate: bool) -> EchoConnection:
        """Connects as a client."""

    @abstractmethod
    def serve(self, tls: Optional[ssl.SSLContext], deflate: bool) -> AbstractAsyncContextManager[int]:
        """An echo server; its port."""


async def echo(connection: EchoConnection) -> None:
    """Sends back what comes, and does what a text asks for."""
    async for data in connection.messages():
        command, _, rest = data.partition(" ") if isinstance(data, str) else ("", "", "")
        if command == "close":
            code, _, reason = rest.partition(" ")
            await connection.close(int(code), reason)
        elif command == "ping":
            await connection.ping(rest.encode())
            await connection.send(f"pong {rest}")
        elif command == "parts":
            await connection.send_parts(rest.split())
        else:
            await connection.send(data)
