"""nginx and HAProxy end TLS in front of the embedded gateway and forward the upgrade."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from certificates import Authority, Certificate
from helpers import TOKEN, add_methods, failure, until
from proxies import PROXIES, Files, find, proxy

import gatewire


@pytest_asyncio.fixture
async def gateway() -> AsyncIterator[gatewire.Server]:
    async with gatewire.serve(token=TOKEN, plaintext=True, tick_interval=0.2) as server:
        add_methods(server)
        yield server


@pytest_asyncio.fixture(params=list(PROXIES))
async def front(
    request: pytest.FixtureRequest, gateway: gatewire.Server, certificate: Certificate, tmp_path: Path
) -> AsyncIterator[str]:
    """The URL of a proxy."""
    if find(request.param) is None:
        pytest.skip(f"{request.param} is not there: scripts/install-dependencies.sh test")
    async with proxy(request.param, tmp_path, gateway.port, Files(*certificate.files)) as url:
        yield url


async def test_the_main_job_through_a_proxy(front: str, certificate: Certificate, authority: Authority) -> None:
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


async def test_the_pin_is_that_of_the_proxy(front: str) -> None:
    error = await failure(front, token=TOKEN, pins=["cd" * 32])
    assert isinstance(error, gatewire.PinError)


async def test_what_a_proxy_refuses_is_told(front: str, certificate: Certificate) -> None:
    error = await failure(front.replace("/gateway", "/elsewhere"), token=TOKEN, pins=[certificate.pin])
    assert (error.status_name, error.code) == ("GW_ERR_UPGRADE_REFUSED", 404)
    assert "404" in error.details["body"]


@pytest.mark.parametrize("front, code", [("nginx", 502), ("haproxy", 503)], indirect=["front"])
async def test_a_gateway_that_is_down(
    front: str, code: int, gateway: gatewire.Server, certificate: Certificate
) -> None:
    await gateway.close()
    error = await failure(front, token=TOKEN, pins=[certificate.pin])
    assert (error.status_name, error.code, error.retryable) == ("GW_ERR_UPGRADE_REFUSED", code, True)
