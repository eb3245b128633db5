#!/usr/bin/env python3
"""The same without an event loop: blocking.py URL PIN TOKEN"""

import sys

import gatewire.sync


def main(url: str, pin: str, token: str) -> None:
    with gatewire.sync.connect(url, pins=[pin], token=token) as client:
        print("agents:", [agent["id"] for agent in client.call("agents.list")["agents"]])
        try:
            client.call("no.such.method")
        except gatewire.RpcError as error:
            print("rejected:", error.name, "-", error.text)
        client.call("chat.send", {"sessionKey": "main", "message": "hello", "idempotencyKey": "blocking"})
        for event in client.events(timeout=5):
            if event.name == "chat" and event.payload["state"] == "final":
                print("chat: final")
                break


main(*sys.argv[1:])
