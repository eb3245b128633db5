#!/usr/bin/env python3
"""A WebSocket server that sends back what comes, to whom it lets in: websocket_server.py [PORT]"""

import asyncio
import sys

from gatewire import websocket


async def echo(ws: websocket.WebSocket) -> None:
    print("connected:", ws.target)
    async for message in ws:
        await ws.send(message)
    print("left:", ws.close_code)


def admit(request: websocket.Request) -> websocket.Decision:
    if request.target == "/closed":
        return websocket.Refuse(403, "this room is closed")
    return None


async def main(port: str = "0") -> None:
    async with websocket.serve(echo, port=int(port), subprotocols=["chat"], process_request=admit) as server:
        print(server.url, server.pin, flush=True)
        await server.wait_closed()


asyncio.run(main(*sys.argv[1:]))
