"""Ways to the server: what of a :class:`gatewire.Route` reaches the library, and what comes of it."""

from __future__ import annotations

import socket
import threading

import pytest

import gatewire
from gatewire import Route, websocket


class Proxy:
    """Speaks CONNECT and relays to one port, whatever it was asked for."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.request = b""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://user:pass@127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        client, _ = self._listening.accept()
        while b"\r\n\r\n" not in self.request:
            self.request += client.recv(4096)
        server = socket.create_connection(("127.0.0.1", self.port))
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        other = threading.Thread(target=self._relay, args=(client, server), daemon=True)
        other.start()
        self._relay(server, client)
        other.join()
        client.close()
        server.close()

    @staticmethod
    def _relay(source: socket.socket, target: socket.socket) -> None:
        while data := source.recv(65536):
            target.sendall(data)
        try:
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self) -> None:
        self._thread.join(10)
        self._listening.close()


async def test_a_client_goes_through_a_proxy() -> None:
    async with gatewire.serve() as server:
        proxy = Proxy(server.port)
        url = f"wss://gateway.invalid:{server.port}"
        pins = [server.pin]
        async with gatewire.connect(url, pins=pins, route=Route(proxy=proxy.url)) as client:
            assert (await client.call("health"))["ok"] is True
            timings = client.state().timings
            assert {"connect", "proxy", "tls", "upgrade", "challenge", "hello"} <= set(timings)
            assert all(seconds > 0 for seconds in timings.values())
        assert proxy.request.startswith(f"CONNECT gateway.invalid:{server.port} HTTP/1.1\r\n".encode())
        assert b"\r\nProxy-Authorization: Basic dXNlcjpwYXNz\r\n" in proxy.request
        proxy.close()


async def test_addresses_stand_in_for_the_name() -> None:
    async def handler(ws: websocket.WebSocket) -> None:
        async for message in ws:
            await ws.send(message)

    async with websocket.serve(handler, plaintext=True) as server:
        url = f"ws://somewhere.invalid:{server.port}"
        route = Route(addresses=["127.0.0.1"], bind_address="127.0.0.1", tcp_keepalive=60, tcp_user_timeout=30)
        async with websocket.connect(url, plaintext="any", route=route) as ws:
            await ws.send("here")
            assert await ws.recv() == "here"


async def test_a_proxy_that_cannot_be_reached_is_told_as_one() -> None:
    with pytest.raises(gatewire.NetworkError) as raised:
        await websocket.connect("wss://gateway.invalid", route=Route(proxy="http://127.0.0.1:1"))
    assert raised.value.status_name == "GW_ERR_PROXY"
    assert "the proxy 127.0.0.1:1" in raised.value.text


@pytest.mark.parametrize(
    "route",
    [
        Route(proxy="ftp://a"),
        Route(proxy="http://a", unix_path="/b"),
        Route(addresses=["not.an.address"]),
        Route(descriptor=0),
        Route(bind_address="localhost"),
    ],
)
async def test_wrong_routes_are_refused(route: Route) -> None:
    with pytest.raises(gatewire.UsageError):
        await websocket.connect("ws://localhost", route=route)


def test_a_proxy_s_password_is_not_shown() -> None:
    assert "secret" not in repr(Route(proxy="http://user:secret@proxy"))
