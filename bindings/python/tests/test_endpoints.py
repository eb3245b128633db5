"""Several endpoints of one gateway."""

from __future__ import annotations

import pytest
from helpers import TOKEN

import gatewire


async def test_the_first_endpoint_that_proves_itself_is_used() -> None:
    async with gatewire.serve(token=TOKEN) as other, gatewire.serve(token=TOKEN) as server:
        async with gatewire.connect(other.url, alternates=[server.url], pins=[server.pin], token=TOKEN) as client:
            assert client.state().endpoint == 1
            assert (await client.call("health"))["ok"] is True


async def test_wrong_alternates_are_refused() -> None:
    with pytest.raises(TypeError, match="alternates must be a list"):
        gatewire.connect("ws://localhost", alternates="ws://localhost:1")
    with pytest.raises(gatewire.UsageError, match="one URL"):
        await gatewire.doctor("ws://localhost", alternates=["ws://localhost:1"])
