"""The blocking client."""

from __future__ import annotations

import math
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from helpers import TOKEN, ThreadedServer

import gatewire
from gatewire import sync

pytestmark = pytest.mark.parametrize("takeover", [None, 0, math.inf], ids=["guarded", "library-thread", "own-thread"])


def connect(server: ThreadedServer, takeover: Any, **options: Any) -> sync.Client:
    options.setdefault("token", TOKEN)
    return sync.connect(server.server.url, pins=[server.server.pin], takeover=takeover, **options)


def test_call_and_state(threaded_server: ThreadedServer, takeover: Any) -> None:
    with connect(threaded_server, takeover) as client:
        assert client.protocol == 4
        assert client.hello["type"] == "hello-ok"
        assert client.call("health")["ok"] is True
        assert client.call("echo", {"a": 1}) == {"a": 1}
        assert client.call_raw("echo", "[ 1 ]") == b"[ 1 ]"
        assert client.state().phase == "ready"
    assert client.closed
    assert client.state().phase == "closed"
    with pytest.raises(gatewire.NotConnectedError):
        client.call("echo")


def test_rejected_and_timed_out_calls(threaded_server: ThreadedServer, takeover: Any) -> None:
    with connect(threaded_server, takeover) as client:
        with pytest.raises(gatewire.RpcError) as caught:
            client.call("refuse")
        assert caught.value.details == {"why": "rain"}
        with pytest.raises(gatewire.CallTimeoutError):
            client.call("never", timeout=0.05)
        assert client.call("echo", 1) == 1


def test_expect_final(threaded_server: ThreadedServer, takeover: Any) -> None:
    accepted: list[Any] = []
    with connect(threaded_server, takeover) as client:
        answer = client.call("two.steps", expect_final=True, on_accepted=accepted.append)
    assert answer == {"status": "ok", "runId": "r1"}
    assert accepted == [{"status": "accepted", "runId": "r1"}]


def test_events_end_after_the_time_without_one(threaded_server: ThreadedServer, takeover: Any) -> None:
    with connect(threaded_server, takeover) as client:
        for n in range(10):
            threaded_server.push("chat", {"n": n})
        client.call("echo")
        seen = [event.payload["n"] for event in client.events(timeout=0.05) if event.name == "chat"]
        assert seen == list(range(10))
        start = time.monotonic()
        assert client.next_event(timeout=0.02) is None
        assert time.monotonic() - start >= 0.02


def test_notices(threaded_server: ThreadedServer, takeover: Any) -> None:
    with connect(threaded_server, takeover) as client:
        connected = client.next_notice(timeout=5)
        assert isinstance(connected, gatewire.Connected)
        assert client.next_notice(timeout=0) is None
    closed = client.next_notice(timeout=0)
    assert isinstance(closed, gatewire.Closed)
    assert closed.error is None


def test_a_gateway_that_goes_away_raises(takeover: Any) -> None:
    with ThreadedServer(close_timeout=0.1) as server:  # nobody reads at the other end while it closes
        client = connect(server, takeover, reconnect=False)
    with pytest.raises(gatewire.WebSocketError) as caught:
        for _ in client.events():
            pass
    assert caught.value.code == 1012
    client.close()


def test_wrong_pin_and_token_raise(threaded_server: ThreadedServer, takeover: Any, no_leaks: None) -> None:
    with pytest.raises(gatewire.HandshakeError):
        connect(threaded_server, takeover, token="wrong")
    with pytest.raises(gatewire.PinError):
        sync.connect(threaded_server.server.url, pins=["00" * 32], token=TOKEN, takeover=takeover)
    with pytest.raises(gatewire.UsageError):
        sync.connect("http://", takeover=takeover)


def test_many_threads_share_a_client(threaded_server: ThreadedServer, takeover: Any, no_leaks: None) -> None:
    with connect(threaded_server, takeover) as client, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: client.call("echo", n), range(1, 400)))
    assert answers == list(range(1, 400))


def test_close_from_another_thread_ends_a_waiting_call(threaded_server: ThreadedServer, takeover: Any) -> None:
    client = connect(threaded_server, takeover)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.call, "never")
        while client.state().calls_in_flight == 0:
            client.call("echo")
        client.close()
        with pytest.raises((gatewire.OutcomeUnknownError, gatewire.NotSentError)):
            waiting.result(10)


def test_a_signal_interrupts_a_waiting_call(threaded_server: ThreadedServer, takeover: Any) -> None:
    with connect(threaded_server, takeover) as client:
        timer = threading.Timer(0.1, signal.raise_signal, [signal.SIGINT])
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            client.call("never")
        timer.join()
        assert client.call("echo", 1) == 1
