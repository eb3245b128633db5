"""A raw WebSocket through nginx and HAProxy, which forward its upgrade and, over TLS, end the encryption."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import pytest
from certificates import Authority
from programs import PROGRAMS, started, succeeds
from proxies import PROXIES, Files, find, proxy


@pytest.mark.parametrize("deflates", [False, True], ids=["plain", "deflate"])
@pytest.mark.parametrize("encrypts", [False, True], ids=["tcp", "tls"])
@pytest.mark.parametrize("name", PROXIES)
async def test_a_proxy_between(name: str, encrypts: bool, deflates: bool, tmp_path: Path) -> None:
    if find(name) is None:
        pytest.skip(f"there is no {name}")
    flags = [] if deflates else ["--no-deflate"]
    files: Optional[Files] = None
    if encrypts:
        authority = Authority(tmp_path)
        files = Files(*authority.issue("127.0.0.1").files)
        flags += ["--ca", authority.file]
    async with started(PROGRAMS / "echo_server", "--commands") as server:
        upstream = int((await server.line()).rpartition(":")[2])
        async with proxy(name, tmp_path, upstream, files) as url:
            await succeeds(PROGRAMS / "socket_client", url, *flags)
