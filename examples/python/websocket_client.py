#!/usr/bin/env python3
"""Talks to any WebSocket server: websocket_client.py URL [PIN]"""

import asyncio
import sys
from typing import Optional

from gatewire import GatewireError, websocket


async def main(url: str, pin: Optional[str] = None) -> None:
    try:
        async with websocket.connect(url, pins=[pin] if pin else None, subprotocols=["chat"]) as ws:
            print("open:", ws.subprotocol, ws.state().phase)
            await ws.send("hello")
            print("answer:", await ws.recv())
            await ws.send(part for part in ["a message ", "in two parts"])
            print("answer:", await ws.recv())
            await (await ws.ping())
        print("closed:", ws.close_code)
    except GatewireError as error:
        sys.exit(f"failed: {error}")


asyncio.run(main(*sys.argv[1:]))
