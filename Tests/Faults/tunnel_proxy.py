#!/usr/bin/env python3
"""An HTTP (RFC 9110 section 9.3.6) and SOCKS 5 (RFC 1928) proxy on one port, for tunnels to this machine.

    tunnel_proxy.py PEM

prints its port, and that of the same over TLS with the certificate and key in the file PEM, and runs until its input
ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import sys

CHUNK = 65536


async def asked_by_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    return int(head.split()[0].rpartition(b":")[2])


async def asked_by_socks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    methods = await reader.readexactly(1)
    await reader.readexactly(methods[0])
    writer.write(b"\5\0")
    kind = (await reader.readexactly(4))[3]
    size = {1: 4, 4: 16}.get(kind) or (await reader.readexactly(1))[0]
    await reader.readexactly(size)
    port = int.from_bytes(await reader.readexactly(2), "big")
    writer.write(b"\5\0\0\1\x7f\0\0\1\0\0")
    return port


async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        first = await reader.readexactly(1)
        if first == b"\5":
            port = await asked_by_socks(reader, writer)
        else:
            await reader.readexactly(len("ONNECT "))
            port = await asked_by_http(reader, writer)
        server_reader, server = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(relay(reader, server), relay(server_reader, writer))
    writer.transport.abort()


async def main() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1])
    servers = [await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls) for tls in (None, context)]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
