#!/usr/bin/env python3
"""Calls per second to a gateway that runs elsewhere, one at a time and 64 at once: rpc.py URL PIN TOKEN [SECONDS]

An empty PIN is for ws://.  Each figure is the best of three runs.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Optional

import gatewire
from gatewire import sync

METHOD = "agents.list"


async def _calls(client: gatewire.Client, window: int, seconds: float) -> float:
    end = time.perf_counter() + seconds
    done = 0

    async def caller() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await client.call_raw(METHOD)
            done += 1

    start = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(window)))
    return done / (time.perf_counter() - start)


async def _asyncio(url: str, pins: Optional[list[str]], token: str, seconds: float) -> None:
    async with gatewire.connect(url, pins=pins, token=token) as client:
        for window in (1, 64):
            best = max([await _calls(client, window, seconds) for _ in range(3)])
            print(f"asyncio, window {window:2}: {best:9.0f} calls/s")


def _blocking(url: str, pins: Optional[list[str]], token: str, seconds: float) -> None:
    with sync.connect(url, pins=pins, token=token) as client:
        best = 0.0
        for _ in range(3):
            done, start = 0, time.perf_counter()
            while time.perf_counter() < start + seconds:
                client.call_raw(METHOD)
                done += 1
            best = max(best, done / (time.perf_counter() - start))
        print(f"blocking, window 1: {best:9.0f} calls/s")


def main() -> None:
    url, pin, token = sys.argv[1:4]
    seconds = float(sys.argv[4]) if len(sys.argv) > 4 else 1.0
    pins = [pin] if pin else None
    asyncio.run(_asyncio(url, pins, token, seconds))
    _blocking(url, pins, token, seconds)


main()
