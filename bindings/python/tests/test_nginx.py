"""nginx terminates TLS in front of the embedded gateway and forwards the upgrade."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from certificates import Authority, Certificate
from helpers import TOKEN, add_methods, failure, until

import gatewire

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not there: apt-get install nginx-light")

CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    location /gateway {{
      proxy_pass http://127.0.0.1:{upstream};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Host $host;
      proxy_read_timeout 60s;
    }}
  }}
}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest_asyncio.fixture
async def gateway() -> AsyncIterator[gatewire.Server]:
    async with gatewire.serve(token=TOKEN, plaintext=True, tick_interval=0.2) as server:
        add_methods(server)
        yield server


@pytest_asyncio.fixture
async def front(gateway: gatewire.Server, certificate: Certificate, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of nginx."""
    port = free_port()
    configuration = tmp_path / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    configuration.write_text(
        CONFIGURATION.format(
            folder=tmp_path,
            user=user,
            port=port,
            upstream=gateway.port,
            certificate=certificate.certificate_file,
            key=certificate.key_file,
        )
    )
    assert NGINX is not None
    process = subprocess.Popen(
        [NGINX, "-p", str(tmp_path), "-c", str(configuration), "-e", str(tmp_path / "error.log")]
    )
    try:
        await asyncio.wait_for(_listening(port, process), 10)
        yield f"wss://127.0.0.1:{port}/gateway"
    finally:
        process.terminate()
        await asyncio.get_running_loop().run_in_executor(None, process.wait)


async def _listening(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionError:
            await asyncio.sleep(0.01)
            continue
        writer.close()
        await writer.wait_closed()
        return
    raise AssertionError("nginx has ended")


async def test_the_main_job_through_nginx(front: str, certificate: Certificate, authority: Authority) -> None:
    for trust in ({"pins": [certificate.pin]}, {"ca_file": authority.file}):
        async with gatewire.connect(front, token=TOKEN, **trust) as client:
            state = client.state()
            assert (state.tls, state.deflate) == (True, True)
            text = "word " * 50_000
            assert await client.call("echo", {"text": text}) == {"text": text}
            params = {"sessionKey": "main", "message": "hello there", "idempotencyKey": "run-1"}
            await client.call("chat.send", params)
            await until(client.events(), lambda event: event.name == "chat" and event.payload["state"] == "final")
            await until(client.events(), lambda event: event.name == "tick")


async def test_the_pin_is_that_of_nginx(front: str) -> None:
    error = await failure(front, token=TOKEN, pins=["cd" * 32])
    assert isinstance(error, gatewire.PinError)


async def test_what_nginx_refuses_is_told(front: str, certificate: Certificate) -> None:
    error = await failure(front.replace("/gateway", "/elsewhere"), token=TOKEN, pins=[certificate.pin])
    assert (error.status_name, error.code) == ("GW_ERR_UPGRADE_REFUSED", 404)
    assert "nginx" in error.details["body"]


async def test_a_gateway_that_is_down_is_a_502(front: str, gateway: gatewire.Server, certificate: Certificate) -> None:
    await gateway.close()
    error = await failure(front, token=TOKEN, pins=[certificate.pin])
    assert (error.status_name, error.code, error.retryable) == ("GW_ERR_UPGRADE_REFUSED", 502, True)
