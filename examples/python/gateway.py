#!/usr/bin/env python3
"""A gateway with a method of its own, and a client of it, in one process: gateway.py"""

import asyncio

import gatewire


async def main() -> None:
    async with gatewire.serve(token="secret") as server:

        @server.method("greet")
        async def greet(request: gatewire.Request) -> object:
            request.accept({"runId": "r1"})
            server.push("chat", {"state": "thinking"}, connection=request.connection)
            return {"status": "ok", "greeting": f"hello {request.params['name']}"}

        print("listening on", server.url, "with the certificate", server.pin)
        async with gatewire.connect(server.url, pins=[server.pin], token="secret") as client:
            answer = await client.call("greet", {"name": "you"}, expect_final=True, on_accepted=print)
            print(answer["greeting"])
        try:
            await gatewire.connect(server.url, pins=["00" * 32], token="secret")
        except gatewire.PinError as error:
            print("refused:", error)


asyncio.run(main())
