"""RPC round trips of one Python client against a gateway, as rpc.c does in C.  rpc.py URL [PIN] --window N --seconds S"""

import argparse
import asyncio
import json
import resource
import time

import gatewire


def cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("pin", nargs="?")
    parser.add_argument("--window", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--method", default="health")
    options = parser.parse_args()

    async with gatewire.connect(options.url, pins=[options.pin] if options.pin else None) as client:
        answered = 0
        began, cpu_began = time.monotonic(), cpu()
        ends = began + options.seconds

        async def caller() -> None:
            nonlocal answered
            while time.monotonic() < ends:
                await client.call(options.method)
                answered += 1

        await asyncio.gather(*(caller() for _ in range(options.window)))
        wall, used = time.monotonic() - began, cpu() - cpu_began
    print(
        json.dumps(
            {
                "window": options.window,
                "calls": answered,
                "seconds": round(wall, 3),
                "per_second": round(answered / wall),
                "cpu_us_per_call": round(used * 1e6 / answered, 3),
            }
        )
    )


asyncio.run(main())
