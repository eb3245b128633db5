"""What a client says it has done; nothing of it holds a secret."""

from __future__ import annotations

import pytest
from conftest import both_loops as event_loop_policy  # noqa: F401
from helpers import TOKEN, ThreadedServer, failure, soon

import gatewire
from gatewire._options import client_setup


async def test_sums_and_times_by_method(server: gatewire.Server) -> None:
    observe = gatewire.Observe(methods=True)
    async with gatewire.connect(server.url, pins=[server.pin], token=TOKEN, observe=observe) as client:
        for _ in range(3):
            await client.call("echo", 1)
        with pytest.raises(gatewire.RpcError):
            await client.call("refuse")
        stats = client.stats()
        assert (stats.attempts, stats.connections, stats.messages_sent) == (1, 1, 5)
        assert stats.wire_bytes_sent > stats.messages_sent
        assert set(stats.times) == {"waiting", "connecting", "ready", "closing"}
        assert stats.times["ready"] > 0
        assert {name: times.answers for name, times in stats.methods.items()} == {"echo": 3, "refuse": 1}
        echo = stats.methods["echo"]
        assert 0 < echo.least <= echo.mean <= echo.greatest
        assert client.dump() == []


async def test_the_flight_recorder_and_the_log(server: gatewire.Server) -> None:
    observe = gatewire.Observe(recorder_bytes=65536, frame_bytes=4096, log="debug")
    async with gatewire.connect(server.url, pins=[server.pin], token=TOKEN, observe=observe) as client:
        await client.call("echo", {"a": 1})
        lines = client.dump()
        assert [line["text"] for line in lines if line["kind"] == "state"] == ["connecting", "ready"]
        sent = [line["text"] for line in lines if line["kind"] == "out"]
        assert '"auth":{"token":null}' in sent[0]
        assert '"params":{"a":1}' in sent[1]
        assert TOKEN not in str(lines)
        notices = client.notices()
    logged = [notice async for notice in notices if isinstance(notice, gatewire.Logged)]
    assert {notice.kind for notice in logged} == {"state", "in", "out"}
    assert [notice.text for notice in logged if notice.kind == "out"] == sent
    assert TOKEN not in str(logged)


async def test_a_failure_brings_the_dump() -> None:
    observe = gatewire.Observe(recorder_bytes=4096, dump_on_failure=True)
    client = gatewire.Client(client_setup("ws://127.0.0.1:1", reconnect=False, observe=observe))
    first = await soon(client.notices().__anext__())
    assert isinstance(first, gatewire.Logged)
    assert (first.level, first.kind) == ("error", "dump")
    assert "refused" in first.text


async def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="loud"):
        await failure("ws://127.0.0.1:1", observe=gatewire.Observe(log="loud"))


def test_the_blocking_client(threaded_server: ThreadedServer) -> None:
    server = threaded_server.server
    observe = gatewire.Observe(methods=True, recorder_bytes=4096)
    with gatewire.sync.connect(server.url, pins=[server.pin], token=TOKEN, observe=observe) as client:
        client.call("echo", 1)
        assert client.stats().methods["echo"].answers == 1
        assert client.dump()[-1]["kind"] == "in"
