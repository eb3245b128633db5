#!/usr/bin/env python3
"""Events with acknowledgement: our Socket.IO client and python-socketio's, in turn, against one server on Node's ws.

  build/venv/bin/python Tests/Bench/sio.py            prints a table: processor time of the client for each event
  ... sio.py CLIENT URL WINDOW SIZE COUNT             one measurement: microseconds
"""

import asyncio
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATH = "gateway/socket.io"
ROUNDS = 5
COUNT = 6400


async def ours(url):
    from gatewire import socketio

    # The other one compresses nothing.
    client = await socketio.connect(url, socketio_path=f"/{PATH}", deflate=False)
    return client.call, client.disconnect


async def theirs(url):
    import socketio

    client = socketio.AsyncClient()
    await client.connect(url, transports=["websocket"], socketio_path=PATH)
    return client.call, client.disconnect


async def measure(connect, url, window, size, count):
    call, disconnect = await connect(url)
    data = {"text": "x" * size}

    async def calls(count):
        for _ in range(count):
            await call("swap", data)

    await calls(100)
    start = time.process_time()
    await asyncio.gather(*(calls(count // window) for _ in range(window)))
    print((time.process_time() - start) / count * 1e6)
    await disconnect()


def run(*arguments):
    environment = {"GATEWIRE_LIBRARY": str(ROOT / "build/libgatewire.so"), **os.environ}
    environment["PYTHONPATH"] = str(ROOT / "bindings/python/src")
    command = [sys.executable, __file__, *map(str, arguments)]
    return float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def main():
    command = ["node", ROOT / "Tests/Peers/socketio_server.js", "0", "25", "20"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
            print("| in flight, bytes | gatewire | python-socketio | python-socketio / gatewire |\n| --- | --- | --- | --- |")
            for window, size in ((1, 64), (1, 4096), (64, 64), (64, 4096)):
                rounds = [[run(name, url, window, size, COUNT) for name in ("ours", "theirs")] for _ in range(ROUNDS)]
                us, they = (statistics.median(column) for column in zip(*rounds))
                print(f"| {window}, {size} | {us:.1f} us | {they:.0f} us | {they / us:.1f} |", flush=True)
        finally:
            server.kill()


if len(sys.argv) > 1:
    name, url, *numbers = sys.argv[1:]
    asyncio.run(measure({"ours": ours, "theirs": theirs}[name], url, *map(int, numbers)))
else:
    main()
