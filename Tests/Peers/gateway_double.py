#!/usr/bin/env python3
"""A gateway on the `websockets` library that speaks protocol 4 (or 3), checks its clients, and misbehaves on request.

As a process::

    python gateway_double.py --port 0 --print-port --tls cert.pem key.pem --token secret \
        --journal journal.jsonl --fault no-challenge

As a fixture::

    async with GatewayDouble(Settings(token="secret")) as double:
        ...double.url, double.journal, double.faults...

Faults (``--fault NAME`` or ``--fault NAME=VALUE``, members of :class:`Faults`) hold for new connections.  A client that
has connected can also ask for them with three methods of the double's own:

``double.faults``  params ``{"faults": {...}, "times": n}``: faults of the next n connections (all, without ``times``)
``double.answer``  params ``{"frames": [text, ...]}``: sends these texts, with ``$id`` replaced by the id of the request
``double.do``      params ``{"actions": [...]}``: ``{"send": text}``, ``{"close": [code, reason]}``,
                   ``{"event": name, "payload": value, "count": n, "skip": n}``, ``{"shutdown": restartExpectedMs}``,
                   ``{"cut": "reset" | "close"}``

The journal, a list and if asked for a file of JSON lines, has an entry for everything that a connection did.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import ssl
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

sys.path.append(str(Path(__file__).resolve().parent.parent / "Faults"))

import fault_proxy
from gateway_auth import Credentials
from gateway_session import MAX_PAYLOAD, Closing, Session
from gateway_settings import Faults, Settings
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response


class GatewayDouble:
    """The gateway: a proxy that can cut, and the WebSocket server behind it."""

    def __init__(self, settings: Optional[Settings] = None, **faults: Any) -> None:
        self.settings = settings or Settings()
        self.faults = Faults()
        self.faults.update(faults)
        self.faults_left: Optional[int] = None
        self.credentials = Credentials(
            self.settings.token, self.settings.password, self.settings.bootstrap_token, self.settings.generation
        )
        self.journal: list[dict[str, Any]] = []
        self.sessions: set[Session] = set()
        self._waiting: list[asyncio.Future[None]] = []
        self._count = 0
        self._start = time.monotonic()
        self._proxy: Optional[fault_proxy.FaultProxy] = None
        self._server: Optional[Server] = None

    # --- faults ---

    def set_faults(self, values: dict[str, Any], times: Optional[int] = None) -> None:
        """Faults of the next connections: of ``times``, or of all."""
        self.faults = Faults()
        self.faults.update(values)
        self.faults_left = times
        self._arm_proxy()

    def faults_of_next_connection(self) -> Faults:
        faults = self.faults
        if self.faults_left is not None:
            self.faults_left -= 1
            if self.faults_left <= 0:
                self.set_faults({})
        return faults

    def _arm_proxy(self) -> None:
        if self._proxy is not None:
            faults = self.faults
            self._proxy.faults = fault_proxy.Faults(
                to_client=fault_proxy.Direction(cut_after=faults.cut_to_client),
                from_client=fault_proxy.Direction(cut_after=faults.cut_from_client),
                cut_on_accept=faults.cut == "accept",
                how=faults.cut_how,
            )

    def cut(self, upstream_port: int, how: str) -> None:
        """Cuts the connection that reaches the server from this port of the proxy."""
        assert self._proxy is not None
        for link in self._proxy.links:
            if link.server is not None and link.server.get_extra_info("sockname")[1] == upstream_port:
                link.cut(how)

    # --- journal ---

    def log(self, connection: int, what: str, **more: Any) -> None:
        entry = {"connection": connection, "what": what, **more}
        self.journal.append(entry)
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        self._waiting.clear()
        if self.settings.journal_file is not None:
            self.settings.journal_file.write(json.dumps(entry) + "\n")
            self.settings.journal_file.flush()

    def received(self) -> list[str]:
        """The texts that clients sent, in order."""
        return [entry["text"] for entry in self.journal if entry["what"] == "received"]

    def entries(self, what: str) -> list[dict[str, Any]]:
        return [entry for entry in self.journal if entry["what"] == what]

    async def until(self, condition: Callable[[], object], limit: float = 10.0) -> None:
        """Waits until the journal makes a condition true."""
        deadline = time.monotonic() + limit
        while not condition():
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            await asyncio.wait_for(waiting, deadline - time.monotonic())

    def uptime_ms(self) -> int:
        return int((time.monotonic() - self._start) * 1000)

    # --- running ---

    @property
    def port(self) -> int:
        assert self._proxy is not None
        return self._proxy.port

    @property
    def url(self) -> str:
        return f"{'wss' if self.settings.tls else 'ws'}://{self.settings.host}:{self.port}"

    async def __aenter__(self) -> GatewayDouble:
        settings = self.settings
        tls = None
        if settings.tls is not None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(*settings.tls)
            tls.set_alpn_protocols(["http/1.1"])
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            0,
            ssl=tls,
            process_request=self._upgrade,
            compression="deflate" if settings.deflate else None,
            max_size=MAX_PAYLOAD,
            ping_interval=settings.ping_interval,
            ping_timeout=settings.ping_interval,
            close_timeout=1,
            server_header=None,
        )
        inner = next(iter(self._server.sockets)).getsockname()[1]
        self._proxy = fault_proxy.FaultProxy("127.0.0.1", inner)
        await self._proxy.start(settings.host, settings.port)
        self._arm_proxy()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        assert self._proxy is not None
        self._server.close(close_connections=False)
        for session in list(self.sessions):
            session.cut("close")
        await self._proxy.close()
        self._server.close()
        await self._server.wait_closed()

    async def _upgrade(self, connection: ServerConnection, request: Request) -> Optional[Response]:
        headers = [[name, value] for name, value in request.headers.raw_items()]
        self.log(0, "upgrade", path=request.path, headers=headers)
        faults = self.faults
        if faults.refuse is None:
            return None
        self.faults_of_next_connection()
        body = faults.refuse_body.encode()
        extra = Headers({"Content-Length": str(len(body)), "Connection": "close", **faults.refuse_headers})
        return Response(faults.refuse, "Refused", extra, body)

    async def _serve(self, socket: ServerConnection) -> None:
        self._count += 1
        session = Session(self, socket, self._count)
        self.sessions.add(session)
        extensions = [extension.name for extension in socket.protocol.extensions]
        session.log("open", extensions=extensions)
        try:
            await session.run()
        except Closing as closing:
            session.log("closing", code=closing.code, reason=closing.reason)
            if closing.code != 1006:
                await socket.close(closing.code, closing.reason)
        except ConnectionClosed:
            pass
        finally:
            self.sessions.discard(session)
            for task in list(session.tasks):
                task.cancel()
            session.log("closed", code=socket.close_code, reason=socket.close_reason)


def _fault(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    if not value:
        return name, True
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


async def _main(options: argparse.Namespace) -> None:
    journal = open(options.journal, "w", encoding="utf-8") if options.journal else None  # noqa: SIM115
    settings = Settings(
        host=options.host,
        port=options.port,
        tls=tuple(options.tls) if options.tls else None,
        protocol=options.protocol,
        token=options.token,
        password=options.password,
        deflate=not options.no_deflate,
        tick_interval_ms=options.tick_interval_ms,
        pairing=options.pairing,
        journal_file=journal,
    )
    double = GatewayDouble(settings)
    double.set_faults(dict(options.fault), options.times)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    if options.until_eof:  # ends with the process that holds the other end of our standard input
        loop.add_reader(0, lambda: None if os.read(0, 4096) else stopped.set())
    async with double:
        if options.print_port:
            print(double.port, flush=True)
        await stopped.wait()
    if journal is not None:
        journal.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--print-port", action="store_true", help="print the port when listening")
    parser.add_argument("--until-eof", action="store_true", help="end when standard input does")
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"), help="PEM files")
    parser.add_argument("--protocol", type=int, choices=(3, 4), default=4)
    parser.add_argument("--token")
    parser.add_argument("--password")
    parser.add_argument("--no-deflate", action="store_true")
    parser.add_argument("--tick-interval-ms", type=int, default=30_000)
    parser.add_argument("--pairing", action="store_true", help="refuse devices until they are approved, which is never")
    parser.add_argument("--journal", help="file for the journal, one JSON object a line")
    parser.add_argument("--fault", action="append", type=_fault, default=[], metavar="NAME[=VALUE]")
    parser.add_argument("--times", type=int, help="faults hold for so many connections")
    asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    main()
