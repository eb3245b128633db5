#!/usr/bin/env python3
"""Calls a gateway and follows a chat to its end: quickstart.py URL PIN TOKEN"""

import asyncio
import sys

import gatewire


async def main(url: str, pin: str, token: str) -> None:
    async with gatewire.connect(url, pins=[pin], token=token) as client:
        print("health:", (await client.call("health"))["ok"])
        await client.call("chat.send", {"sessionKey": "main", "message": "hello", "idempotencyKey": "quickstart"})
        async for event in client.events():
            if event.name == "chat":
                print("chat:", event.payload["state"])
                if event.payload["state"] == "final":
                    break


asyncio.run(main(*sys.argv[1:]))
