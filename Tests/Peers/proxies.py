"""nginx and HAProxy in front of a WebSocket server: they forward what comes for one path; all else is a 404."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple, Optional

NGINX = """
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
    listen 127.0.0.1:{port}{tls};
    location {path} {{
      proxy_pass http://127.0.0.1:{upstream};
      proxy_http_version 1.1;
      {upgrade}
      proxy_set_header Host $host;
      proxy_read_timeout 60s;
    }}
  }}
}}
"""

HAPROXY = """
global
  maxconn 64
defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
frontend front
  bind 127.0.0.1:{port}{tls}
  http-request deny deny_status 404 unless {{ path_beg {path} }}
  default_backend gateway
backend gateway
  server gateway 127.0.0.1:{upstream}
"""


class Files(NamedTuple):
    """A certificate and its key."""

    certificate: str
    key: str


UPGRADE = "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;"


class Way(NamedTuple):
    """What is forwarded, and how."""

    path: str = "/gateway"
    #: nginx takes the headers of the upgrade away unless it is told otherwise
    upgrades: bool = True


STRAIGHT = Way()


def _nginx(folder: Path, port: int, upstream: int, files: Optional[Files], way: Way) -> list[str]:
    tls = f" ssl; ssl_certificate {files.certificate}; ssl_certificate_key {files.key}" if files else ""
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = folder / "nginx.conf"
    configuration.write_text(
        NGINX.format(
            folder=folder,
            user=user,
            port=port,
            tls=tls,
            upstream=upstream,
            path=way.path,
            upgrade=UPGRADE if way.upgrades else "",
        )
    )
    return ["-p", str(folder), "-c", str(configuration), "-e", str(folder / "error.log")]


def _haproxy(folder: Path, port: int, upstream: int, files: Optional[Files], way: Way) -> list[str]:
    tls = ""
    if files:
        both = folder / "haproxy.pem"
        both.write_bytes(Path(files.certificate).read_bytes() + Path(files.key).read_bytes())
        tls = f" ssl crt {both}"
    configuration = folder / "haproxy.cfg"
    configuration.write_text(HAPROXY.format(port=port, tls=tls, upstream=upstream, path=way.path))
    return ["-db", "-f", str(configuration)]


# Each writes its configuration and gives its arguments.
PROXIES: dict[str, Callable[[Path, int, int, Optional[Files], Way], list[str]]] = {"nginx": _nginx, "haproxy": _haproxy}


def find(name: str) -> Optional[str]:
    """The program; Debian keeps it where only root looks."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin")


@asynccontextmanager
async def proxy(
    name: str, folder: Path, upstream: int, files: Optional[Files], way: Way = STRAIGHT
) -> AsyncIterator[str]:
    """A proxy in front of a port, with TLS if there are files; its URL."""
    program = find(name)
    assert program is not None
    port = _free_port()
    arguments = PROXIES[name](folder, port, upstream, files, way)
    process = await asyncio.create_subprocess_exec(program, *arguments, stdout=DEVNULL)
    try:
        await asyncio.wait_for(_listening(port, process), 20)
        yield f"{'wss' if files else 'ws'}://127.0.0.1:{port}{way.path}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _listening(port: int, process: asyncio.subprocess.Process) -> None:
    while process.returncode is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionError:
            await asyncio.sleep(0.01)
            continue
        writer.close()
        await writer.wait_closed()
        return
    raise AssertionError("the proxy has ended")
