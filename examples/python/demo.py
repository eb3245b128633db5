"""The Python program of `make demo`: a call, a streamed run to its final answer, events, and a rejected call."""

import asyncio
import json
import sys

import gatewire


def show(label: str, value: object) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    print(f"  Python  {label:<10} {text[:90]}{'...' if len(text) > 90 else ''}")


async def show_chat(client: gatewire.Client) -> int:
    """Prints the chat events up to the final one and says how many there were."""
    count = 0
    async for event in client.events():
        if event.name != "chat":
            continue
        show("chat", event.payload)
        count += 1
        if event.payload["state"] == "final":
            break
    return count


async def main(url: str, pin: str) -> None:
    async with gatewire.connect(url, pins=[pin]) as client:
        state = client.state()
        show("connected", f"protocol {state.protocol}, TLS with pin, {'' if state.deflate else 'not '}compressed")
        assert state.tls and state.deflate
        show("health", await client.call("health"))

        chat = asyncio.create_task(show_chat(client))
        run = {"sessionKey": "main", "message": "Hello from Python", "idempotencyKey": "demo-python"}
        final = await client.call(
            "chat.send", run, expect_final=True, on_accepted=lambda payload: show("accepted", payload)
        )
        assert await asyncio.wait_for(chat, 10) >= 2
        show("final", final)

        try:
            await client.call("no.such.method", {})
        except gatewire.RpcError as error:
            show("rejected", str(error))
        else:
            raise AssertionError("a method that is not there was answered")


asyncio.run(main(*sys.argv[1:3]))
